/** Objects of this page as mappings of Python. */

import { unknownError } from "./errors.ts";
import { define } from "./literals.ts";
import { ByReference, answerOf, classNameOf, isPlainLiteral } from "./specials.ts";

/** The value of a property, and whether it is an object literal that becomes a mapping, too. */
type Property = [value: unknown, isMapping: boolean];

/** The own properties of an object, for `as_object_map` of Python. Promises in them are awaited. */
export class OwnProperties {
    /** @param isHereditary whether the object literals among the values are mappings, too. */
    constructor(private readonly object: any, private readonly isHereditary: boolean) {}

    keys(): string[] {
        return Object.keys(this.object);
    }

    has(key: string): boolean {
        return Object.hasOwn(this.object, key);
    }

    async get(key: string): Promise<Property> {
        this.check(key);
        return this.propertyOf(await this.object[key]);
    }

    async entries(): Promise<Array<[key: string, ...Property]>> {
        return Promise.all(this.keys().map(async (key): Promise<[string, ...Property]> => [key, ...this.propertyOf(await this.object[key])]));
    }

    set(key: string, value: unknown): void {
        if (key === "__proto__") {
            define(this.object, key, value);
        } else {
            this.object[key] = value;
        }
    }

    setAll(values: object): void {
        Object.entries(values).forEach(([key, value]) => this.set(key, value));
    }

    setDefault(key: string, value: unknown): Promise<Property> {
        if (!this.has(key)) {
            this.set(key, value);
        }
        return this.get(key);
    }

    delete(key: string): void {
        this.check(key);
        if (!Reflect.deleteProperty(this.object, key)) {
            throw new TypeError(`'${key}' of ${classNameOf(this.object)} cannot be deleted`);
        }
    }

    /** Remove a property and return its value. */
    async take(key: string): Promise<Property> {
        this.check(key);
        const value = this.object[key];   // before it is removed: a getter may throw
        this.delete(key);
        return this.propertyOf(await value);
    }

    /** Remove the last property and return its name and its value. */
    async takeLast(): Promise<[key: string, ...Property]> {
        const key = this.keys().at(-1);
        if (key === undefined) {
            throw unknownError("UnknownProperty", `${classNameOf(this.object)} has no own properties`);
        }
        return [key, ...await this.take(key)];
    }

    clear(): void {
        this.keys().forEach((key) => this.delete(key));
    }

    private check(key: string): void {
        if (!this.has(key)) {
            throw unknownError("UnknownProperty", `${classNameOf(this.object)} has no own property '${key}'`);
        }
    }

    private propertyOf(value: unknown): Property {
        return this.isHereditary && isPlainLiteral(value) ? [new ByReference(value), true] : [answerOf(value), false];
    }
}
