/** React hooks for jsmeets_local: `import { useExpose, useQueue, useSharedState, useTopic } from "jsmeets-local/react"`. */

import { expose, JsPyFunction, JsPyQueue, pubsub, queue, state } from "jsmeets-local";
import { useCallback, useEffect, useRef, useState } from "react";

/** Let Python call a function of the component, always that of the last render, while the component is mounted. */
export function useExpose(name: string, func: (...args: any[]) => any): void {
    const last = useRef(func);
    useEffect(() => { last.current = func; });
    useEffect(() => {
        const call = (...args: any[]): any => last.current(...args);
        expose(name, call);
        owners.set(name, call);
        return () => {
            if (owners.get(name) === call) {   // not another component's
                owners.delete(name);
                JsPyFunction.clear(name);
            }
        };
    }, [name]);
}

const owners = new Map<string, (...args: any[]) => any>();

/** The last publication of a topic, and a function that publishes: `const [loss, publish] = useTopic<number>("loss")`. */
export function useTopic<T>(topic: string): [T | undefined, (data: T) => Promise<boolean>];
export function useTopic<T>(topic: string, initial: T): [T, (data: T) => Promise<boolean>];
export function useTopic<T>(topic: string, initial?: T): [T | undefined, (data: T) => Promise<boolean>] {
    const [data, setData] = useState(initial);
    useEffect(() => subscribe(topic, (_topic, published) => { setData(() => published); }), [topic]);
    const publish = useCallback((published: T) => pubsub.publish(topic, published), [topic]);
    return [data, publish];
}

type Listener = (topic: string, data: any) => void;
const listeners = new Map<string, Set<Listener>>();

/** Share the one subscription that a page has of a topic. Returns a function that ends the listener. */
function subscribe(topic: string, listener: Listener): () => void {
    const all = listeners.get(topic) ?? new Set();
    all.add(listener);
    if (!listeners.has(topic)) {
        listeners.set(topic, all);
        void pubsub.subscribe(topic, (published, data) => { all.forEach((one) => { one(published, data); }); });
    }
    return () => {
        all.delete(listener);
        if (all.size === 0 && listeners.get(topic) === all) {
            listeners.delete(topic);
            void pubsub.unsubscribe(topic);
        }
    };
}

/** The items that Python has pushed to a queue, at most the `limit` newest, and a function that pushes to Python. */
export function useQueue<T>(key: string, limit = 1000): [readonly T[], (data: T) => Promise<boolean>] {
    const [items, setItems] = useState<readonly T[]>([]);
    useEffect(() => read(key, (arrived) => { setItems((earlier) => [...earlier, ...arrived].slice(-limit)); }), [key, limit]);
    const push = useCallback((data: T) => queue(key).push(data), [key]);
    return [items, push];
}

type Reader = (items: any[]) => void;
const readers = new Map<string, Set<Reader>>();
let isReading = false;

/** Pass the items of a queue to all readers of its key. Returns a function that ends the reader. */
function read(key: string, reader: Reader): () => void {
    const all = readers.get(key) ?? new Set();
    readers.set(key, all.add(reader));
    if (!isReading) {
        isReading = true;
        JsPyQueue.add_callback((arrived) => { drain(String(arrived)); });
    }
    drain(key);
    return () => { all.delete(reader); };
}

function drain(key: string): void {
    const all = readers.get(key);
    if (!all?.size) {
        return;   // the items wait for the next reader
    }
    const items: any[] = [];
    while (!JsPyQueue.is_empty(key)) {
        items.push(JsPyQueue.shift(key));
    }
    if (items.length > 0) {
        all.forEach((reader) => { reader(items); });
    }
}

/**
 * A field of the state that Python shares, `app.state(...)`, and a function that assigns it on all sides:
 * `const [freq, setFreq] = useSharedState<number>("freq")`. Arrays and objects are copies, new ones after each change.
 */
export function useSharedState<T>(field: string): [T | undefined, (value: T) => void];
export function useSharedState<T>(field: string, initial: T): [T, (value: T) => void];
export function useSharedState<T>(field: string, initial?: T): [T | undefined, (value: T) => void] {
    const [value, setValue] = useState(initial);
    useEffect(() => {
        let isMounted = true;
        let end = (): void => {};
        void state<Record<string, T>>().then((shared) => {
            if (isMounted) {
                const show = (changed: T): void => { setValue(() => copied(changed)); };
                end = shared.on(field, show);
                show(shared[field]!);
            }
        });
        return () => {
            isMounted = false;
            end();
        };
    }, [field]);
    const assign = useCallback((assigned: T) => {
        setValue(() => assigned);   // in this turn, or the cursor of a text field that shows it would jump
        void state<Record<string, T>>().then((shared) => { shared[field] = assigned; });
    }, [field]);
    return [value, assign];
}

/** Copy the arrays and objects of a state, which change in place: React compares them by identity. */
function copied(value: any): any {
    if (Array.isArray(value)) {
        return value.map(copied);
    }
    const prototype = typeof value === "object" && value !== null ? Object.getPrototypeOf(value) : undefined;
    if (prototype !== Object.prototype && prototype !== null) {
        return value;
    }
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copied(item)]));
}
