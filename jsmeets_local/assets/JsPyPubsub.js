/**
 * jsmeets_local: publish and subscribe, with Python as the broker. Needs JsPyTextSocket.js.
 *
 * MIT License
 */

/**
 * @typedef {{func: (topic: string, data: any) => unknown, news: any[], busy: boolean}} JsPySubscription
 */

(() => {
    "use strict";
    if (globalThis.JsPyPubsub?.VERSION) {
        return;
    }
    const link = /** @type {JsPyInternals} */ (/** @type {unknown} */ (globalThis.JsPyTextSocket));
    if (!link) {
        throw new Error("Load JsPyTextSocket.js before JsPyPubsub.js");
    }
    /** @type {Map<string, JsPySubscription>} */
    const subscriptions = new Map();

    // ---------------------------------------------------------------- to the broker

    /** @param {unknown} topic */
    function checked_topic(topic) {
        if (typeof topic !== "string") {
            throw new TypeError(`A topic must be a string, not ${typeof topic}`);
        }
        return topic;
    }

    /**
     * @type {(message: (id: number) => any[], limit: number | null, data?: unknown, lane?: string) => Promise<JsPyAnswer>}
     */
    const ask = (message, limit, body, lane) => new Promise((resolve) => link._request({
        message, body, label: "data", lane, limit,
        settle: (failure, value) => resolve({ answered: !failure, value: !failure && value === true }),
    }));

    /** @typedef {{answered: boolean, value: boolean}} JsPyAnswer */

    /**
     * Nothing or false: this page's own subscription hears it too. A number alone in second place is the timeout,
     * as `publish('topic1', timeout=1)` writes it; with a third argument it is as truthy as anything but false.
     * @type {(topic: string, suppress?: any, timeout?: number) => (data: any) => Promise<boolean>}
     */
    function publish(topic, suppress, timeout) {
        checked_topic(topic);
        const is_timeout = typeof suppress === "number" && timeout === undefined;
        const limit = link._limit(is_timeout ? suppress : timeout);
        const quiet = !is_timeout && suppress !== undefined && suppress !== false;
        return async (data) => {
            const plain = ["undefined", "function", "symbol"].includes(typeof data) ? null : data;
            try {
                return (await ask((id) => ["publish", id, topic, plain, quiet], limit, data, `publish ${topic}`)).value;
            } catch (error) {
                console.error(`JsPyPubsub: cannot publish '${topic}':`, error);
                return false;
            }
        };
    }

    /** @type {(topic: string, func: (topic: string, data: any) => unknown, timeout?: number) => Promise<boolean>} */
    async function subscribe(topic, func, timeout) {
        checked_topic(topic);
        const limit = link._limit(timeout);
        if (typeof func !== "function") {
            throw new TypeError(`subscribe('${topic}'): a function is needed, not ${String(func)}`);
        }
        const before = subscriptions.get(topic);
        const entry = before ?? { func, news: [], busy: false };
        entry.func = func;
        subscriptions.set(topic, entry);   // before the broker answers: it may deliver at once
        const { value } = await ask((id) => ["subscribe", id, topic], limit);
        if (!value && !before && entry.func === func && subscriptions.get(topic) === entry) {
            subscriptions.delete(topic);
        }
        return value;
    }

    /** @type {(topic: string, timeout?: number) => Promise<boolean>} */
    async function unsubscribe(topic, timeout) {
        const limit = link._limit(timeout);
        const entry = subscriptions.get(topic);
        if (!entry) {
            return false;
        }
        subscriptions.delete(topic);
        entry.news = [];
        // The broker's own "no such subscription" means that a reconnect has already forgotten it.
        return (await ask((id) => ["unsubscribe", id, topic], limit)).answered;
    }

    const get_topics = () => [...subscriptions.keys()];

    // ---------------------------------------------------------------- from the broker

    /** @type {JsPyHandler} */
    function on_publish([, , topic, data]) {
        const entry = subscriptions.get(topic);
        if (entry) {
            entry.news.push(data);
            drain(topic, entry);
        }
    }

    /** One after another: the next waits for the promise of the one before. @type {(topic: string, entry: JsPySubscription) => void} */
    function drain(topic, entry) {
        while (!entry.busy && entry.news.length) {
            entry.busy = true;
            run(topic, entry, entry.news.shift());
        }
    }

    /** @type {(topic: string, entry: JsPySubscription, data: any) => void} */
    function run(topic, entry, data) {
        const failed = (/** @type {unknown} */ error) => link._fault(`subscriber of '${topic}'`, error);
        const free = () => {
            entry.busy = false;
            drain(topic, entry);
        };
        try {
            const result = entry.func(topic, data);
            if (link._is_thenable(result)) {
                Promise.resolve(result).catch(failed).then(free);
                return;
            }
        } catch (error) {
            failed(error);
        }
        entry.busy = false;   // drain goes on by itself: no recursion, however many are waiting
    }

    link._topics = get_topics;
    link._handle("publish", on_publish);
    // A message of the form of 2020, built by hand.
    link._add_protocol("pub", ({ key, data }) => on_publish(["publish", 0, key, data], () => undefined));
    globalThis.JsPyPubsub = { VERSION: "1.0.0", publish, subscribe, unsubscribe, get_topics };
})();
