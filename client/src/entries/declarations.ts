/**
 * The names of jsmeets_local in a page: as a module (`import { py } from "/jsmeetspy/jsmeets.mjs"`), and as globals
 * (`<script src="/jsmeetspy/JsPyTextSocket.js">` and so on).
 *
 * Timeouts are seconds; `null`, nothing, 0 or a negative number mean no limit; what is not a finite number is a TypeError.
 * Values are JSON; `ArrayBuffer`, typed arrays and `DataView` cross as binary, in any place of a value, `Map`, `Set` and
 * `BigInt` as what they are in Python. Functions, class instances and DOM nodes cross by reference: Python calls and uses
 * them here. `PyFunction` and `PyObject` are what Python sends by reference.
 */

import type { JsPyBinarySocketConstructor } from "../binarysocket.ts";
import type { JsPyFunctionApi } from "../functions.ts";
import type { Py } from "../module.ts";
import type { JsPyPubsubApi } from "../pubsub.ts";
import type { JsPyQueueApi } from "../queues.ts";
import type { JsPyTextSocketApi } from "../textsocket.ts";

export type { CallContext } from "../calls.ts";
export type { PyFile } from "../files.ts";
export { JsPyError } from "../errors.ts";
export type { PyStream } from "../streams.ts";
export { NDArray, type BoolArray, type Frame } from "../ndarray.ts";
export type { PyFunction, PyObject } from "../pyproxy.ts";
export {
    JsPyBinarySocket, JsPyFunction, JsPyPubsub, JsPyQueue, JsPyTextSocket,
    download, expose, imshow, native, pubsub, py, queue, ready,
} from "./module.ts";

declare global {
    var JsPyTextSocket: JsPyTextSocketApi;
    var JsPyFunction: JsPyFunctionApi;
    var JsPyQueue: JsPyQueueApi;
    var JsPyPubsub: JsPyPubsubApi;
    var JsPyBinarySocket: JsPyBinarySocketConstructor;
    var py: Py;
}
