/** Publish and subscribe, with Python as the broker. */

import { version } from "../package.json";
import { isThenable } from "./callbacks.ts";
import type { Connection, Request } from "./connection.ts";
import { checkedFunction, codeOf, inFirstCall, millisecondsOf, type Timeout } from "./arguments.ts";

type Subscriber = (topic: string, data: any) => unknown;

/** Publish and subscribe, with Python as the broker. */
export interface JsPyPubsubApi {
    readonly VERSION: string;
    /**
     * Publish to a topic. Resolves to true once the broker has the data, and to false after the timeout, if the
     * connection is lost, or if the data cannot be sent. `suppress` skips this page's own subscription. A number as the
     * second of two arguments is the timeout. `retain` keeps the data as the last value of the topic, which each later
     * subscriber gets at once; `null` as the data clears it.
     */
    publish(topic: string, suppress?: boolean | number | null, timeout?: Timeout, retain?: boolean): (data: any) => Promise<boolean>;
    /** Call `func(topic, data)` for each publication. Replaces an earlier subscriber. An async one runs one publication at a time. */
    subscribe(topic: string, func: (topic: string, data: any) => unknown, timeout?: Timeout): Promise<boolean>;
    /** End a subscription. Also resolves to false if there was none. */
    unsubscribe(topic: string, timeout?: Timeout): Promise<boolean>;
    /** Return the topics that this page subscribes to. */
    get_topics(): string[];
}

interface Subscription {
    func: Subscriber;
    /** Publications that wait for the subscriber. */
    waiting: any[];
    isBusy: boolean;
}

function checkTopic(topic: unknown): void {
    if (typeof topic !== "string") {
        throw new TypeError(`A topic must be a string, not ${typeof topic}`);
    }
}

// In parentheses: V8 compiles the function with the file, off the main thread, and not a second time when it is called.
export const createPubsub = (function (connection: Connection): JsPyPubsubApi {
    const subscriptions = new Map<string, Subscription>();

    // ---------------------------------------------------------------- to the broker

    /** Send a request to the broker; `value` is true if it responded with true. */
    const request = (
        message: Request["message"], limit: number | null, body?: unknown, order?: string,
    ): Promise<{ answered: boolean; value: boolean }> => new Promise((resolve) => connection.request({
        message,
        body,
        label: "data",
        ...(order !== undefined && { order }),
        limit,
        settle: (failure, value) => resolve({ answered: !failure, value: !failure && value === true }),
    }));

    /**
     * Publish to a topic. A number as the second of two arguments is the timeout, as in `publish('topic1', timeout=1)`
     * of 2020. Any other `suppress` except false and undefined suppresses delivery to this client's own subscription.
     */
    function publish(
        topic: string, ...given: [suppress?: boolean | number | null, timeout?: Timeout, retain?: boolean]
    ): (data: any) => Promise<boolean> {
        checkTopic(topic);
        const [suppress, timeout, retain = false] = given;
        const isTimeout = typeof suppress === "number" && timeout === undefined;
        const limit = inFirstCall("publish", topic, given, 3, () => {
            if (suppress !== null && /^(string|object|function)$/.test(typeof suppress)) {
                throw new TypeError(`publish: suppress must be true or false, not ${codeOf(suppress)}`);
            }
            return millisecondsOf(isTimeout ? suppress : timeout);
        });
        const isQuiet = !isTimeout && suppress !== undefined && suppress !== false;
        return async (data) => {
            try {
                const message = (id: number): any[] => [retain ? "retain" : "publish", id, topic, data, isQuiet];
                return (await request(message, limit, data, `publish ${topic}`)).value;
            } catch (error) {
                console.error(`JsPyPubsub: cannot publish '${topic}':`, error);
                return false;
            }
        };
    }

    async function subscribe(topic: string, func: Subscriber, timeout?: Timeout): Promise<boolean> {
        checkTopic(topic);
        const limit = millisecondsOf(timeout);
        checkedFunction(func, `subscribe('${topic}')`);
        const before = subscriptions.get(topic);
        const entry = before ?? { func, waiting: [], isBusy: false };
        entry.func = func;
        subscriptions.set(topic, entry);   // the broker may deliver before it responds
        const { value } = await request((id) => ["subscribe", id, topic], limit);
        if (!value && !before && entry.func === func && subscriptions.get(topic) === entry) {
            subscriptions.delete(topic);
        }
        return value;
    }

    async function unsubscribe(topic: string, timeout?: Timeout): Promise<boolean> {
        const limit = millisecondsOf(timeout);
        const entry = subscriptions.get(topic);
        if (!entry) {
            return false;
        }
        subscriptions.delete(topic);
        entry.waiting = [];
        // The broker's own "no such subscription" means that a reconnect has already forgotten it.
        return (await request((id) => ["unsubscribe", id, topic], limit)).answered;
    }

    const topics = (): string[] => [...subscriptions.keys()];

    // ---------------------------------------------------------------- from the broker

    function receivePublication(topic: string, data: any): void {
        const entry = subscriptions.get(topic);
        if (entry) {
            entry.waiting.push(data);
            drain(topic, entry);
        }
    }

    /** Run the subscriber for each publication, once the promise of the previous one has settled. */
    function drain(topic: string, entry: Subscription): void {
        while (!entry.isBusy && entry.waiting.length) {
            entry.isBusy = true;
            run(topic, entry, entry.waiting.shift());
        }
    }

    function run(topic: string, entry: Subscription, data: any): void {
        const failed = (error: unknown): void => connection.fault(`subscriber of '${topic}'`, error);
        try {
            const result = entry.func(topic, data);
            if (isThenable(result)) {
                Promise.resolve(result).catch(failed).then(() => {
                    entry.isBusy = false;
                    drain(topic, entry);
                });
                return;
            }
        } catch (error) {
            failed(error);
        }
        entry.isBusy = false;   // the loop in drain continues, without recursion
    }

    connection.topics = topics;
    connection.handle("publish", ([, , topic, data]) => receivePublication(topic, data));
    // Messages of 2020, which user code builds by hand.
    connection.custom.addProtocol("pub", ({ key, data }) => receivePublication(key, data));
    return { VERSION: version, publish, subscribe, unsubscribe, get_topics: topics };
});
