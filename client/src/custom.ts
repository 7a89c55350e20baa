/** Custom messages: those of protocols that the user defines. */

import { checkedFunction } from "./arguments.ts";
import type { Connection } from "./connection.ts";
import { CUSTOM_KEYS, type CustomMessage } from "./messages.ts";

export interface CustomMessages {
    /** Register the handler of a protocol. */
    addProtocol(name: string, func: (message: CustomMessage) => unknown): void;
    /** Send a message. Returns false if it cannot be sent; throws TypeError if a key is missing. */
    send(object: CustomMessage): boolean;
}

export function createCustomMessages(connection: Connection): CustomMessages {
    const protocols = new Map<string, (message: CustomMessage) => unknown>();
    connection.handle("custom", ([, object]) => {
        const func = protocols.get(object.protocol);
        if (func) {
            connection.guard(`protocol '${object.protocol}'`, () => func(object));
        } else {
            connection.warnOnce(`no handler for protocol '${object.protocol}': its messages are dropped`);
        }
    });
    return {
        addProtocol(name, func) {
            protocols.set(name, checkedFunction(func, `add_protocol('${name}')`));
        },
        send(object) {
            const missing = CUSTOM_KEYS.filter((key) => !(key in Object(object)));
            if (missing.length) {
                throw new TypeError(`send_json: the object lacks ${missing.join(", ")}`);
            }
            if (typeof object.protocol !== "string") {
                throw new TypeError("send_json: protocol must be a string");
            }
            const full = { ...object };
            for (const key of CUSTOM_KEYS) {
                full[key] = full[key] ?? null;   // JSON.stringify omits undefined
            }
            return connection.notify(["custom", full], full, "object", `custom ${full.protocol}`);
        },
    };
}
