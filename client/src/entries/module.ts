/** The entry point of `jsmeets.mjs`. */

import type { JsPyBinarySocketConstructor } from "../binarysocket.ts";
import type { Imshow } from "../canvas.ts";
import { exposeToConsole } from "../devtools.ts";
import type { Download } from "../files.ts";
import type { JsPyFunctionApi } from "../functions.ts";
import { installBadge, installBinarySocket, installFunctions, installPubsub, installQueues, installTextSocket } from "../install.ts";
import { createExpose, createNative, createPubsubModule, createPy, createQueue, createReady, createState } from "../module.ts";
import type { Expose, NameOf, Native, Pubsub, Py, PyQueues, Queue, StateGetter } from "../module.ts";
import type { JsPyPubsubApi } from "../pubsub.ts";
import type { JsPyQueueApi, QueueKey } from "../queues.ts";
import type { JsPyTextSocketApi } from "../textsocket.ts";
import type { Timeout } from "../arguments.ts";

const socket = installTextSocket(null, import.meta.url);

export const JsPyTextSocket: JsPyTextSocketApi = socket;
// Literal specifiers: bundlers resolve them statically.
export const JsPyFunction: JsPyFunctionApi = installFunctions(() => import("../code/index.ts"), () => import("../view/index.ts"));
export const JsPyQueue: JsPyQueueApi = installQueues();
export const JsPyPubsub: JsPyPubsubApi = installPubsub();
export const JsPyBinarySocket: JsPyBinarySocketConstructor = installBinarySocket(null);
installBadge();

export const JsPyError = JsPyFunction.JsPyError;
export const NDArray = JsPyTextSocket.NDArray;
/** Draw an image on a canvas: `imshow(document.querySelector("canvas"), image)`. */
export const imshow: Imshow = JsPyTextSocket.imshow;

/** The exposed Python functions. Also the global `py`, unless the page defines that name. */
export const py: Py = createPy(JsPyFunction, socket._connection);
/** Let Python call a function: `expose("name", f)`, `expose(f)` under its own name, `expose({ f, g })`. */
export const expose: Expose = createExpose(JsPyFunction);
/** Return the queues of one key, in both directions. */
export const queue: (key: NameOf<PyQueues> | QueueKey) => Queue = createQueue(JsPyQueue);
export const pubsub: Pubsub = createPubsubModule(JsPyPubsub);
/** Save a file on the user's computer: `await download("report.csv", text)`. In a native window, a dialog opens. */
export const download: Download = socket._connection.download;
/** The desktop window that shows this page: `await native.resize(800, 600)`. */
export const native: Native = createNative(JsPyFunction, socket._connection.identity);
/** Wait for the connection. Resolves to this page's socket number; rejects with JsPyError after the timeout or if closed. */
export const ready: (timeout?: Timeout) => Promise<number> = createReady(JsPyTextSocket, JsPyFunction);

const states = createState(socket._connection, NDArray, () => import("../state.ts"));
/** Wait for the state that Python shares with all pages, `app.state(...)`: `const s = await state(); s.freq = 4`. */
export const state: StateGetter = () => states("");
/** Wait for the state that Python shares with this page alone, `page.state(...)`. */
export const pageState: StateGetter = () => states("page");

exposeToConsole(py);
