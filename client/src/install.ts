/**
 * Installation of the globals of 2020. Each is created once, because a document may load a file twice, or both the
 * classic files and the module. All of them share the first connection.
 */

import { Address, hasDocument, type ScriptTag } from "./address.ts";
import { createBadge } from "./badge.ts";
import { createBinarySocket, type JsPyBinarySocketConstructor } from "./binarysocket.ts";
import { Connection } from "./connection.ts";
import { createFunctions, type JsPyFunctionApi, type LoadCode, type LoadView } from "./functions.ts";
import { Identity } from "./identity.ts";
import { followDocument } from "./lifecycle.ts";
import { createPubsub, type JsPyPubsubApi } from "./pubsub.ts";
import { createQueues, type JsPyQueueApi } from "./queues.ts";
import { createTextSocket, type TextSocket } from "./textsocket.ts";
import { reportUncaught } from "./uncaught.ts";

type Globals = {
    JsPyTextSocket?: TextSocket;
    JsPyFunction?: JsPyFunctionApi;
    JsPyQueue?: JsPyQueueApi;
    JsPyPubsub?: JsPyPubsubApi;
    JsPyBinarySocket?: JsPyBinarySocketConstructor;
};

const globals = globalThis as unknown as Globals;

/** The files that are loaded on demand, see `code/index.ts` and `view/index.ts`. */
export const [CODE_FILE, VIEW_FILE] = ["jsmeets-code.mjs", "jsmeets-view.mjs"];

/** Return the running script element, which is available only while the script runs. */
export const currentScript = (): ScriptTag | null =>
    (hasDocument() ? document.currentScript as HTMLScriptElement | null : null);

function connectionFor(name: string): Connection {
    const connection = globals.JsPyTextSocket?._connection;
    if (!connection) {
        throw new Error(`Load JsPyTextSocket.js before ${name}.js`);
    }
    return connection;
}

function once<Name extends keyof Globals>(name: Name, make: () => Globals[Name]): NonNullable<Globals[Name]> {
    if (!globals[name]?.VERSION) {
        globals[name] = make();
    }
    return globals[name]!;
}

/** @param source the URL of a module, which has no script element. */
export function installTextSocket(script: ScriptTag | null, source = ""): TextSocket {
    const installed = once("JsPyTextSocket", () => {
        const address = new Address(script);
        const identity = new Identity(address);
        const connection = new Connection(address, identity);
        reportUncaught(connection);
        followDocument(connection);
        if (!script) {
            identity.removeToken();   // before the importing module runs
        }
        // Scripts that follow in the same turn may still set another URL, or close. begin() opens the WebSocket before
        // it stores the identity, because the first access to the storage takes milliseconds.
        queueMicrotask(() => connection.begin());
        return createTextSocket(connection);
    });
    installed._connection.address.source ||= source;
    return installed;
}

export const installFunctions = (loadCode?: LoadCode, loadView?: LoadView): JsPyFunctionApi => once("JsPyFunction", () => {
    const connection = connectionFor("JsPyFunction");
    const asset = (file: string) => () => import(/* @vite-ignore */ connection.address.asset(file));
    return createFunctions(connection, loadCode ?? asset(CODE_FILE), loadView ?? asset(VIEW_FILE));
});

export const installQueues = (): JsPyQueueApi => once("JsPyQueue", () => createQueues(connectionFor("JsPyQueue")));

export const installPubsub = (): JsPyPubsubApi => once("JsPyPubsub", () => createPubsub(connectionFor("JsPyPubsub")));

export const installBinarySocket = (script: ScriptTag | null): JsPyBinarySocketConstructor =>
    once("JsPyBinarySocket", () => createBinarySocket(script, () => globals.JsPyTextSocket?._connection));

export function installBadge(): void {
    if (globals.JsPyTextSocket) {
        createBadge(globals.JsPyTextSocket._connection);
    }
}
