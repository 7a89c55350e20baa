/**
 * The globals of 2020, each made once: a page may load a file twice, or the classic files and the module. The first
 * one keeps its connection, and the others use it.
 */

import { Address, hasDocument, type ScriptTag } from "./address.ts";
import { createBadge } from "./badge.ts";
import { createBinarySocket, type JsPyBinarySocketConstructor } from "./binarysocket.ts";
import { Connection } from "./connection.ts";
import { createFunctions, type JsPyFunctionApi, type LoadCode } from "./functions.ts";
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

/** The file with what is only needed sometimes. */
export const CODE_FILE = "jsmeets-code.mjs";

/** The script element that runs now; it is told only while the script runs. */
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

/** @param source the address of a module, which has no script element. */
export function installTextSocket(script: ScriptTag | null, source = ""): TextSocket {
    const installed = once("JsPyTextSocket", () => {
        const address = new Address(script);
        const identity = new Identity(address);
        const connection = new Connection(address, identity);
        reportUncaught(connection);
        followDocument(connection);
        if (!script) {
            identity.takeOut();   // what has imported us runs in the same turn
        }
        // The scripts that follow in the same turn may still say another address, or close. The WebSocket is opened
        // before the first look into the storage, which takes a browser milliseconds.
        queueMicrotask(() => connection.begin());
        return createTextSocket(connection);
    });
    installed._connection.address.source ||= source;
    return installed;
}

export const installFunctions = (loadCode?: LoadCode): JsPyFunctionApi => once("JsPyFunction", () => {
    const connection = connectionFor("JsPyFunction");
    return createFunctions(connection, loadCode ?? (() => import(connection.address.asset(CODE_FILE))));
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
