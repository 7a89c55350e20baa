// The functions of a page, whose Python `use_page.py` uses.
import type { Something } from "somewhere";

/** A place on the page. */
export interface Spot {
    readonly x: number;
    y?: number;
    "odd-name"?: string;
}
export interface Deep extends Spot {
    list: Spot[];
    on(event: string): void;
    [more: string]: unknown;
}
export type Kind = "bar" | "line";
type Sizes = number[];

/**
 * Draw a chart.
 *
 * It is drawn at once.
 * @param data the numbers
 */
export declare function draw(data: number[], kind?: Kind, ...rest: string[]): Promise<Spot>;
export function listen(callback: (x: number) => void, options: { a: number; b?: string }): void;
declare function rows(n: number): AsyncIterable<Spot>;
export const area: (width: number, height: number) => number;
export declare class Chart {
    draw(): void;
    inner: { a: number };
}
declare function img(a: Float32Array | null, element: HTMLElement, from: Date): Uint8Array | undefined;
declare function generic<T extends object>(x: T, map: Map<string, T>): Record<string, number[]>;
declare function pattern({ a, b }: { a: number; b: number }, [c]: [number]): Readonly<Deep>;
declare function sizes(flags: true | false | 5): Sizes | null;
declare function keys<K extends keyof Spot>(key: K): K extends "x" ? 1 : 2;
declare function back(f: (this: Window, x: number) => string): [a: number, b: string];
declare function optional(first: string | undefined, second: bigint): Set<string> | (number | boolean)[];
declare namespace inside {
    function hidden(): void;
}
export default function last(lambda: string, self: number): File | (() => void);
export { Something };
