// jsmeets_local 1.0.0, MIT License. Built from client/src: change it there, then run ./scripts/client.
/** React hooks for jsmeets_local: `import { useExpose, useQueue, useSharedState, useTopic } from "jsmeets-local/react"`. */
/** Let Python call a function of the component, always that of the last render, while the component is mounted. */
export declare function useExpose(name: string, func: (...args: any[]) => any): void;
/** The last publication of a topic, and a function that publishes: `const [loss, publish] = useTopic<number>("loss")`. */
export declare function useTopic<T>(topic: string): [
    T | undefined,
    (data: T) => Promise<boolean>
];
export declare function useTopic<T>(topic: string, initial: T): [
    T,
    (data: T) => Promise<boolean>
];
/** The items that Python has pushed to a queue, at most the `limit` newest, and a function that pushes to Python. */
export declare function useQueue<T>(key: string, limit?: number): [
    readonly T[],
    (data: T) => Promise<boolean>
];
/**
 * A field of the state that Python shares, `app.state(...)`, and a function that assigns it on all sides:
 * `const [freq, setFreq] = useSharedState<number>("freq")`. Arrays and objects are copies, new ones after each change.
 */
export declare function useSharedState<T>(field: string): [
    T | undefined,
    (value: T) => void
];
export declare function useSharedState<T>(field: string, initial: T): [
    T,
    (value: T) => void
];

export {};
