/**
 * The names of jsmeets_local in a page, as a module (`import { py } from "/jsmeetspy/jsmeets.mjs"`) and as globals
 * (`<script src="/jsmeetspy/JsPyTextSocket.js">` and so on).
 *
 * Timeouts are in seconds. An omitted, `null`, 0 or negative timeout means no limit; a value that is not a finite number
 * is a TypeError. Values are JSON. `ArrayBuffer`, typed arrays and `DataView` are sent as binary, anywhere in a value.
 * `Map`, `Set` and `BigInt` keep their content. Functions, class instances and DOM nodes are sent by reference. A
 * `PyFunction` or `PyObject` is an object that Python has sent by reference.
 */

import type { JsPyBinarySocketConstructor } from "../binarysocket.ts";
import type { JsPyFunctionApi } from "../functions.ts";
import type { Py } from "../module.ts";
import type { JsPyPubsubApi } from "../pubsub.ts";
import type { JsPyQueueApi } from "../queues.ts";
import type { JsPyTextSocketApi } from "../textsocket.ts";

export type { CallContext } from "../calls.ts";
export type { PyFile } from "../files.ts";
export type { PyApi, PyCaller, PyQueues, PyTopics } from "../module.ts";
export { JsPyError } from "../errors.ts";
export type { PyStream } from "../streams.ts";
export { NDArray, type BoolArray, type Frame } from "../ndarray.ts";
export type { PyFunction, PyObject } from "../pyproxy.ts";
export {
    JsPyBinarySocket, JsPyFunction, JsPyPubsub, JsPyQueue, JsPyTextSocket,
    download, expose, imshow, native, pageState, pubsub, py, queue, ready, state,
} from "./module.ts";
export type { State } from "../state.ts";

declare global {
    var JsPyTextSocket: JsPyTextSocketApi;
    var JsPyFunction: JsPyFunctionApi;
    var JsPyQueue: JsPyQueueApi;
    var JsPyPubsub: JsPyPubsubApi;
    var JsPyBinarySocket: JsPyBinarySocketConstructor;
    var py: Py;
}
