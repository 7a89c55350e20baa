/**
 * jsmeets_local: the connection between this page and Python. Load it first.
 *
 * Three parts: the codec (messages <-> frames, no DOM), the outbox (frames, chunks, order), the connection
 * (one WebSocket that comes back by itself). The wire is written down in docs/reference/protocol.md.
 * The other files hang themselves in by the members that begin with an underscore.
 *
 * MIT License
 */

/**
 * @typedef {string | number} JsPyStep
 * @typedef {{path: JsPyStep[], dtype: string, bytes: Uint8Array, shape: readonly number[] | null}} JsPyBuffer
 * @typedef {{text: string, buffers: JsPyBuffer[], size: number, content: any, is_text: boolean, lane: string | null,
 *            bound: boolean, sent: boolean, cancelled: boolean}} JsPyItem
 * @typedef {{token: string, page: string}} JsPyIdentity
 * @typedef {"idle" | "connecting" | "open" | "waiting" | "closed" | "hidden"} JsPyState
 * @typedef {{socket: WebSocket, greeted: boolean, welcomed: boolean, since: number, assembler: any, credits: Map<number, number>,
 *            fetches: Set<AbortController>, session: JsPySession | null}} JsPyLink
 * @typedef {{stream: number, total: number, secret: string}} JsPyOffer
 * @typedef {{name: string, received: number, acknowledged: number, bytes: number, seconds: number}} JsPySession
 * @typedef {{name: string, message: string, trace: string, fields?: Record<string, any>, cause?: any, errors?: any[]}} JsPyFacts
 * @typedef {{kind: string} & JsPyFacts} JsPyFailure
 * @typedef {(failure: JsPyFailure | null, value?: any) => void} JsPySettle
 * @typedef {{message: (id: number) => any[], body: unknown, label: string, lane?: string, limit: number | null,
 *            settle: JsPySettle}} JsPyRequest
 * @typedef {(message: any[], body?: unknown, label?: string) => void} JsPyReply
 * @typedef {(message: any[], reply: JsPyReply) => void} JsPyHandler
 *
 * What the other files use of JsPyTextSocket beyond its public names.
 * @typedef {object} JsPyInternals
 * @property {(ask: JsPyRequest) => void} _request ask Python something; throws TypeError for what cannot be sent
 * @property {(message: any[], body: unknown, label: string, lane?: string) => boolean} _notify send without an answer
 * @property {(kind: string, handler: JsPyHandler) => void} _handle serve an incoming kind of message
 * @property {(name: string, func: (message: any) => unknown) => void} _add_protocol serve a kind of user's own messages
 * @property {(what: string, error: unknown) => void} _fault report an error that nobody waits for
 * @property {(error: unknown) => JsPyFacts} _describe
 * @property {(timeout: unknown) => number | null} _limit seconds -> milliseconds, null: no limit
 * @property {() => string[]} _topics the subscriptions that hello carries
 * @property {(value: unknown) => boolean} _is_thenable
 * @property {(stack: string) => string} _without_token
 */

(() => {
    "use strict";
    // A page may load this file twice, or the classic file and the module: the first one keeps its socket.
    if (globalThis.JsPyTextSocket?.VERSION) {
        return;
    }

    const VERSION = "1.0.0";
    const URL_PATH = "/jsmeetspy/textsocket";
    const CHUNK_BYTES = 262144;
    const CHUNK_HEAD = 16;
    const WHOLE_TEXT = 1048576;   // characters that travel as one frame, where no other such text is under way
    const CHUNK_WINDOW = 16;
    const SEND_WINDOW = 6;   // of these 16: more would be no faster, and small messages wait behind what is under way
    const CREDIT_EVERY = 4;
    const ACK_MESSAGES = 64;
    const BURST = 256;   // messages of one turn that travel together
    const MAX_STREAMS = 64;
    const FETCH_SECONDS = 5;   // without anything: all of a browser's connections to a host may be taken
    const SEND_DEPTH = 256;
    const RECEIVE_DEPTH = 2000;
    const PROTOCOL_ERROR = 4400;
    const ERROR_KINDS = ["raised", "unknown", "unserializable", "unavailable", "refused", "uncaught"];
    const MOST_ERRORS = 16;   // causes and members that go with an error
    const FIELD_ROOM = 16384;   // characters of all its fields together
    const PATIENT_ATTEMPTS = 6;   // in which a program that is started again is back: three seconds
    const MOST_UNCAUGHT = 50;   // errors of a document that Python is told of
    const utf8 = new TextEncoder();
    const strict_utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

    // ---------------------------------------------------------------- codec: the shape of messages

    /** What arrived is not this protocol. */
    class ProtocolError extends Error {}
    ProtocolError.prototype.name = "ProtocolError";

    /** @type {(x: any) => boolean} */
    const is_text = (x) => typeof x === "string";
    /** @type {(x: any) => boolean} */
    const is_flag = (x) => typeof x === "boolean";
    /** @type {(x: any) => boolean} */
    const is_value = (x) => x !== undefined;
    /** @type {(x: any) => boolean} */
    const is_list = (x) => Array.isArray(x);
    /** @type {(x: any) => boolean} */
    const is_texts = (x) => Array.isArray(x) && x.every(is_text);
    /** @type {(x: any) => boolean} */
    const is_number = (x) => typeof x === "number";
    /** @type {(x: any) => boolean} */
    const is_count = (x) => Number.isSafeInteger(x) && x >= 0;
    /** @type {(x: any) => boolean} */
    const is_id = (x) => Number.isSafeInteger(x) && x >= 1;
    /** @type {(x: any) => boolean} */
    const is_object = (x) => typeof x === "object" && x !== null && Object.getPrototypeOf(x) === Object.prototype;
    /** @type {(x: any) => boolean} */
    const is_error = (x) =>
        is_object(x) && ERROR_KINDS.includes(x.kind) && is_text(x.name) && is_text(x.message) && is_text(x.trace)
        && (x.fields === undefined || is_object(x.fields)) && (x.cause === undefined || is_error(x.cause))
        && (x.errors === undefined || (is_list(x.errors) && x.errors.every(is_error)));
    /** @type {(x: any) => boolean} the key of a queue */
    const is_key = (x) => x === null || ["string", "number", "boolean"].includes(typeof x);
    const CUSTOM_KEYS = ["protocol", "key", "id", "data", "exception"];
    /** @type {(x: any) => boolean} */
    const is_custom = (x) => is_object(x) && CUSTOM_KEYS.every((key) => Object.hasOwn(x, key));

    /** @type {Map<unknown, Array<(x: any) => boolean>>} */
    const SHAPES = new Map(Object.entries({
        hello: [is_text, is_text, is_texts],
        welcome: [is_id, is_text, is_object],
        goodbye: [],
        close: [is_text, is_flag],
        call: [is_id, is_text, is_list],
        notify: [is_text, is_list],
        return: [is_id, is_value],
        error: [is_id, is_error],
        fault: [is_text, is_error],
        push: [is_count, is_key, is_value],
        subscribe: [is_id, is_text],
        unsubscribe: [is_id, is_text],
        publish: [is_count, is_text, is_value, is_flag],
        custom: [is_custom],
        credit: [is_count, is_id],
        decline: [is_count],
        ack: [is_count],
        ping: [is_number],
        pong: [is_number],
    }));

    /** @param {any} message */
    function check_message(message) {
        const shape = Array.isArray(message) ? SHAPES.get(message[0]) : undefined;
        if (!shape) {
            throw new ProtocolError("a message of an unknown kind");
        }
        if (!shape.every((fits, index) => fits(message[index + 1]))) {
            throw new ProtocolError(`a '${message[0]}' message of the wrong shape`);
        }
    }

    /** @type {(value: any, room: number) => boolean} */
    function too_deep(value, room) {
        if (room === 0) {
            return true;
        }
        for (const item of Array.isArray(value) ? value : Object.values(value)) {
            if (typeof item === "object" && item !== null && too_deep(item, room - 1)) {
                return true;
            }
        }
        return false;
    }

    /** @param {string} text */
    function parse(text) {
        const value = attempt(() => JSON.parse(text), "not JSON");
        // A frame too short to hold that many brackets need not be walked.
        if (text.length > 2 * RECEIVE_DEPTH && Array.isArray(value) && too_deep(value, RECEIVE_DEPTH)) {
            throw new ProtocolError(`nested deeper than ${RECEIVE_DEPTH} levels`);
        }
        return value;
    }

    /** @template T @param {() => T} action @param {string} reason @returns {T} */
    function attempt(action, reason) {
        try {
            return action();
        } catch (error) {
            throw new ProtocolError(`${reason}: ${error instanceof Error ? error.message : error}`);
        }
    }

    // ---------------------------------------------------------------- codec: binary values

    /** @type {any} */
    const Float16Array = /** @type {any} */ (globalThis).Float16Array;
    /** @type {Map<unknown, [any, number]>} */
    const DTYPES = new Map(Object.entries(/** @type {Record<string, [any, number]>} */ ({
        bytes: [Uint8Array, 1], bool: [Uint8Array, 1],
        int8: [Int8Array, 1], uint8: [Uint8Array, 1], int16: [Int16Array, 2], uint16: [Uint16Array, 2],
        int32: [Int32Array, 4], uint32: [Uint32Array, 4], int64: [BigInt64Array, 8], uint64: [BigUint64Array, 8],
        float16: [Float16Array, 2], float32: [Float32Array, 4], float64: [Float64Array, 8],
    })));
    const BYTES_LIKE = ["Uint8Array", "Uint8ClampedArray", "DataView", "ArrayBuffer", "SharedArrayBuffer"];

    /** @param {any} data the toStringTag tells the type also of objects from another frame */
    function dtype_of(data) {
        const tag = data[Symbol.toStringTag];
        return BYTES_LIKE.includes(tag) ? "bytes" : tag.replace("BigInt", "Int").replace("BigUint", "Uint")
            .replace("Array", "").toLowerCase();
    }

    /** @param {readonly number[]} shape */
    const product = (shape) => shape.reduce((total, length) => total * length, 1);

    /** @type {(data: any, dtype: string | undefined) => string} the dtype that an array of this data may have */
    function checked_dtype(data, dtype) {
        if (!ArrayBuffer.isView(data) || data instanceof DataView) {
            throw new TypeError("NDArray: the data must be a typed array");
        }
        const own = dtype_of(data);
        const fitting = own === "bytes" ? ["uint8", "bytes", "bool"] : own === "float32" ? [own, "float16"] : [own];
        const marks = /** @type {any} */ (data).dtype;
        const told = dtype ?? (fitting.includes(marks) ? marks : fitting[0]);
        if (!fitting.includes(told)) {
            throw new TypeError(`NDArray: a ${data.constructor.name} has no items of dtype ${told}`);
        }
        return told;
    }

    /** @type {(index: any, axis: number, length: number) => number} */
    function checked_index(index, axis, length) {
        if (!Number.isInteger(index)) {
            throw new TypeError(`NDArray: an index is an integer, not ${String(index)}`);
        }
        if (index < 0 || index >= length) {
            throw new RangeError(`NDArray: index ${index} is out of bounds for dimension ${axis}, of length ${length}`);
        }
        return index;
    }

    /** A typed array does not tell these two by its class: it gets a property. @type {(data: any, dtype: string) => any} */
    function marked(data, dtype) {
        const is_told = dtype !== "bool" && !(dtype === "float16" && data instanceof Float32Array);
        return is_told ? data : Object.defineProperty(data, "dtype", { value: dtype });
    }

    /** An array of other than one dimension: its items in C order, and its shape. */
    class NDArray {
        /** @param {any} data @param {readonly number[]} shape @param {string} [dtype] */
        constructor(data, shape, dtype) {
            this.dtype = checked_dtype(data, dtype);
            if (product(shape) !== data.length) {
                throw new TypeError(`NDArray: ${data.length} items do not fill the shape [${shape}]`);
            }
            this.data = data;
            this.shape = Object.freeze([...shape]);
            Object.freeze(this);
        }

        /** @param {number[]} indices */
        get(...indices) {
            const { data, shape } = this;
            if (indices.length !== shape.length) {
                throw new TypeError(`NDArray.get: ${indices.length} indices for ${shape.length} dimensions; row(i) is a part of it`);
            }
            return data[indices.reduce((at, index, axis) => at * shape[axis] + checked_index(index, axis, shape[axis]), 0)];
        }

        /** @param {number} index */
        row(index) {
            const [length, ...rest] = this.shape;
            if (rest.length === 0) {
                throw new TypeError(`NDArray.row: an array of ${this.shape.length} dimensions has no rows`);
            }
            const [size, at] = [product(rest), checked_index(index, 0, length)];
            const items = marked(this.data.subarray(at * size, (at + 1) * size), this.dtype);
            return rest.length === 1 ? items : new NDArray(items, rest, this.dtype);
        }
    }

    /** @param {any} value */
    function is_binary(value) {
        if (ArrayBuffer.isView(value) || value instanceof NDArray) {
            return true;
        }
        const tag = value[Symbol.toStringTag];
        return tag === "ArrayBuffer" || tag === "SharedArrayBuffer";
    }

    /** @param {any} value @returns {Uint8Array} */
    function bytes_of(value) {
        return ArrayBuffer.isView(value)
            ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value);
    }

    /** @type {(value: any, path: JsPyStep[]) => JsPyBuffer} */
    function buffer_of(value, path) {
        const [data, shape] = value instanceof NDArray ? [value.data, value.shape] : [value, null];
        const [own, told] = [dtype_of(data), value.dtype];
        const dtype = own === "bytes" && (shape || told === "bool") ? told : own;   // what came as float16 may be float32 now
        return { path, dtype, bytes: bytes_of(data), shape };
    }

    /** @param {number} half the bits of a float16 */
    function widen(half) {
        const [sign, exponent, fraction] = [half & 0x8000 ? -1 : 1, (half >> 10) & 31, half & 1023];
        if (exponent === 31) {
            return fraction ? NaN : sign * Infinity;
        }
        return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
    }

    /** @type {(dtype: string, bytes: Uint8Array, count: number) => any} */
    function array_of(dtype, bytes, count) {
        if (dtype === "float16" && !Float16Array) {
            return Float32Array.from(new Uint16Array(bytes.buffer, bytes.byteOffset, count), widen);
        }
        return new (/** @type {any} */ (DTYPES.get(dtype))[0])(bytes.buffer, bytes.byteOffset, count);
    }

    /** @type {(bytes: Uint8Array, dtype: any, shape: any) => any} */
    function binary_value(bytes, dtype, shape) {
        const size = DTYPES.get(dtype)?.[1];
        if (!size || bytes.length % size) {
            throw new ProtocolError("a buffer of the wrong dtype or length");
        }
        const count = bytes.length / size;
        if (shape !== null && !(Array.isArray(shape) && shape.every(is_count) && product(shape) === count)) {
            throw new ProtocolError("a buffer whose shape does not fit");
        }
        const data = array_of(dtype, bytes, count);
        return shape === null || shape.length === 1 ? marked(data, dtype) : new NDArray(data, shape, dtype);
    }

    /** @type {(root: any, path: any, value: any) => void} */
    function place(root, path, value) {
        if (!Array.isArray(path) || path.length < 2) {
            throw new ProtocolError("a buffer without a path");
        }
        let parent = root;
        path.forEach((step, index) => {
            const fits = Array.isArray(parent) ? is_count(step) : is_text(step) && is_object(parent);
            if (!fits || !Object.hasOwn(parent, step)) {
                throw new ProtocolError("a buffer whose path leads nowhere");
            }
            parent = index < path.length - 1 ? parent[step] : fill(parent, step, value);
        });
    }

    /** @type {(parent: any, step: JsPyStep, value: any) => void} */
    function fill(parent, step, value) {
        if (parent[step] !== null) {
            throw new ProtocolError("a buffer for a place that is taken");
        }
        parent[step] = value;
    }

    // ---------------------------------------------------------------- arrays as images

    /** @type {WeakMap<any, {pixels: ImageData, words: Uint32Array}>} of each canvas: a film makes no garbage */
    const shown = new WeakMap();

    /** @type {(canvas: any, image: any) => void} */
    function imshow(canvas, image) {
        const [height, width, channels = 1] = image_shape(image);
        const pen = typeof canvas?.getContext === "function" ? canvas.getContext("2d") : null;
        if (!pen) {
            throw new TypeError("imshow: a canvas is needed, of a 2d context or of none yet");
        }
        if (canvas.width !== width || canvas.height !== height) {
            [canvas.width, canvas.height] = [width, height];
        }
        const { pixels, words } = picture_of(canvas, pen);
        PAINTERS[channels](image.data, words, pixels.data);
        pen.putImageData(pixels, 0, 0);
    }

    /** @param {any} image @returns {readonly number[]} */
    function image_shape(image) {
        const shape = image instanceof NDArray ? image.shape : [];
        const fits = shape.length === 2 || (shape.length === 3 && [1, 3, 4].includes(shape[2]));
        if (!fits || image.dtype !== "uint8" || image.data.length === 0) {
            const given = image instanceof NDArray ? `${image.dtype} [${shape.join(", ")}]` : image?.constructor?.name ?? image;
            throw new TypeError("imshow: an image is an NDArray of dtype uint8 and of shape [height, width], "
                + `[height, width, 3] or [height, width, 4], not ${given}`);
        }
        return shape;
    }

    /** @type {(canvas: any, pen: CanvasRenderingContext2D) => {pixels: ImageData, words: Uint32Array}} */
    function picture_of(canvas, pen) {
        const known = shown.get(canvas);
        if (known && known.pixels.width === canvas.width && known.pixels.height === canvas.height) {
            return known;
        }
        const pixels = pen.createImageData(canvas.width, canvas.height);
        const made = { pixels, words: new Uint32Array(pixels.data.buffer) };
        shown.set(canvas, made);
        return made;
    }

    /** @type {(data: Uint8Array, words: Uint32Array) => void} one word is a pixel: opacity, blue, green, red */
    function from_gray(data, words) {
        for (let at = 0; at < words.length; at += 1) {
            words[at] = 0xFF000000 | data[at] * 0x010101;
        }
    }

    /** @type {(data: Uint8Array, words: Uint32Array) => void} */
    function from_rgb(data, words) {
        for (let at = 0, from = 0; at < words.length; at += 1, from += 3) {
            words[at] = 0xFF000000 | data[from + 2] << 16 | data[from + 1] << 8 | data[from];
        }
    }

    /** @type {(data: Uint8Array, words: Uint32Array, bytes: Uint8ClampedArray) => void} */
    const from_rgba = (data, _words, bytes) => bytes.set(data);

    /** @type {any[]} by the number of channels */
    const PAINTERS = [null, from_gray, null, from_rgb, from_rgba];

    // ---------------------------------------------------------------- codec: values -> items -> frames

    /**
     * The value without its binaries, which go to `found`; a copy is made only of what leads to one.
     * @type {(value: any, path: JsPyStep[], found: JsPyBuffer[]) => any}
     */
    function strip(value, path, found) {
        if (is_binary(value)) {
            found.push(buffer_of(value, [...path]));
            return null;
        }
        if (path.length > SEND_DEPTH) {
            throw new RangeError(`nested deeper than ${SEND_DEPTH} levels`);
        }
        if (typeof value.toJSON !== "function") {
            return strip_items(value, path, found);
        }
        const plain = value instanceof Date ? value : value.toJSON(String(path.at(-1)));
        return plain === value || typeof plain !== "object" || plain === null ? plain : strip(plain, path, found);
    }

    /** @type {(value: any, path: JsPyStep[], found: JsPyBuffer[]) => any} */
    function strip_items(value, path, found) {
        const keys = Array.isArray(value) ? null : Object.keys(value);
        const length = keys ? keys.length : value.length;
        let bare = value;
        for (let index = 0; index < length; index += 1) {
            const key = keys ? keys[index] : index;
            const item = value[key];
            if (typeof item === "object" && item !== null) {
                path.push(key);
                const rest = strip(item, path, found);
                path.pop();
                if (rest !== item) {
                    bare = bare === value ? shallow_copy(value) : bare;
                    bare[key] = rest;
                }
            }
        }
        return bare;
    }

    /** Whether JSON.stringify says all there is in it, as it nearly always does. @type {(value: any, room: number) => boolean} */
    function is_plain(value, room) {
        if (room === 0 || typeof value.toJSON === "function") {
            return false;
        }
        if (!Array.isArray(value)) {
            return Object.getPrototypeOf(value) === Object.prototype && has_plain_items(value, room - 1);
        }
        for (let index = 0; index < value.length; index += 1) {
            const item = value[index];
            if (typeof item === "object" && item !== null && !is_plain(item, room - 1)) {
                return false;
            }
        }
        return true;
    }

    /** @type {(value: any, room: number) => boolean} */
    function has_plain_items(value, room) {
        for (const key in value) {
            const item = value[key];
            if (typeof item === "object" && item !== null && !is_plain(item, room)) {
                return false;
            }
        }
        return true;
    }

    /** @param {any} value without a prototype, so that a key "__proto__" is a key like any other */
    const shallow_copy = (value) => (Array.isArray(value) ? [...value] : Object.assign(Object.create(null), value));

    /**
     * Why a value cannot be sent, with the way to the culprit; "" when nothing is found.
     * @type {(value: any, name: string, above?: Map<any, string>) => string}
     */
    function explain(value, name, above = new Map()) {
        if (typeof value === "bigint") {
            return `${name}: BigInt cannot be sent`;
        }
        if (typeof value !== "object" || value === null || is_binary(value) || typeof value.toJSON === "function") {
            return "";
        }
        if (above.has(value)) {
            return `${name}: a cycle cannot be sent (it leads back to ${above.get(value)})`;
        }
        if (above.size > SEND_DEPTH) {
            return `${[...above.values()][0]}: nested deeper than ${SEND_DEPTH} levels`;
        }
        above.set(value, name);
        const text = explain_items(value, name, above);
        above.delete(value);
        return text;
    }

    /** @type {(value: any, name: string, above: Map<any, string>) => string} */
    function explain_items(value, name, above) {
        for (const key of Object.keys(value)) {
            const step = Array.isArray(value) ? `[${key}]` : /^[\p{L}_$][\p{L}\d_$]*$/u.test(key) ? `.${key}`
                : `[${JSON.stringify(key)}]`;
            const text = explain(value[key], name + step, above);
            if (text) {
                return text;
            }
        }
        return "";
    }

    /** @type {(body: unknown, label: string, error: unknown) => string} */
    function reason_for(body, label, error) {
        const plain = `${label}: ${error instanceof Error ? error.message : error}`;
        try {
            return explain(body, label) || plain;
        } catch (second) {
            // A getter or toJSON of the user's throws: its own words are the reason.
            return second instanceof Error ? `${label}: ${second.message}` : plain;
        }
    }

    /** @param {string} text at least its bytes in UTF-8 */
    const text_size = (text) => text.length * 3;
    /** @param {JsPyItem} item */
    const exact_size = ({ text, size }) => size - text_size(text) + utf8.encode(text).length;

    /** @param {JsPyBuffer} buffer at least what it adds to a frame: itself, padding, its place in the table */
    const buffer_size = ({ bytes, path, shape }) => bytes.length + 3 * JSON.stringify([path, shape]).length + 64;
    /** @param {JsPyItem} item perhaps too large for one frame; the margin is for brackets and the like */
    const may_be_large = ({ size }) => size > CHUNK_BYTES - 64;
    /** A browser takes a text as it is, and nobody waits long behind a single one. @param {JsPyItem} item */
    const may_be_whole = ({ text, buffers }) => buffers.length === 0 && text.length <= WHOLE_TEXT;
    /** Whether it travels in chunks. @type {(item: JsPyItem, whole: boolean) => boolean} */
    const is_large = (item, whole) => may_be_large(item) && !(whole && may_be_whole(item))
        && (item.buffers.length > 0 || exact_size(item) > CHUNK_BYTES - 64);

    /** @type {(message: any[], body: unknown, label: string) => JsPyItem} */
    function compose(message, body, label) {
        /** @type {JsPyBuffer[]} */
        const buffers = [];
        let text = "";
        try {
            text = JSON.stringify(is_plain(message, SEND_DEPTH) ? message : strip_items(message, [], buffers));
        } catch (error) {
            throw new TypeError(reason_for(body, label, error), { cause: error });
        }
        const size = buffers.reduce((sum, buffer) => sum + buffer_size(buffer), text_size(text));
        return { text, buffers, size, content: null, is_text: true, lane: null, bound: false, sent: false, cancelled: false };
    }

    /**
     * A message, ready to be sent whatever the page does to its values from now on.
     * @type {(message: any[], body?: unknown, label?: string, max_bytes?: number, whole?: boolean) => JsPyItem}
     */
    function prepare(message, body = message, label = "message", max_bytes = Infinity, whole = true) {
        const item = compose(message, body, label);
        const size = item.size > max_bytes ? exact_size(item) : 0;
        if (size > max_bytes) {
            throw new TypeError(`${label}: ${size} bytes are more than the limit of ${max_bytes}`);
        }
        if (is_large(item, whole)) {   // it has a frame of its own
            item.is_text = item.buffers.length === 0;
            item.content = laid(item.is_text ? [utf8.encode(`[${item.text}]`)] : binary_parts([item]));
            Object.assign(item, { text: "", buffers: [], size: item.content.total });
        }
        item.buffers.forEach((buffer) => { buffer.bytes = buffer.bytes.slice(); });
        return item;
    }

    /** @param {JsPyItem[]} items */
    const text_frame = (items) => `[${items.map((item) => item.text).join(",")}]`;
    /** @param {number} size */
    const padded = (size) => Math.ceil(size / 8) * 8;

    /** @param {number} size what it lacks to be padded */
    const padding = (size) => new Uint8Array(padded(size) - size);

    /** A binary frame in pieces, which are not copied. @param {JsPyItem[]} items @returns {Uint8Array[]} */
    function binary_parts(items) {
        const buffers = items.flatMap((item, index) => item.buffers.map(({ path, dtype, bytes, shape }) =>
            ({ bytes, entry: [[index, ...path], dtype, bytes.length, shape] })));
        const table = JSON.stringify(buffers.map(({ entry }) => entry));
        const header = utf8.encode(`[${text_frame(items)},${table}]`);
        const begin = new Uint8Array(Uint32Array.of(1, header.length).buffer);
        return [begin, header, padding(header.length), ...buffers.flatMap(({ bytes }) => [bytes, padding(bytes.length)])];
    }

    /** @param {Uint8Array[]} parts */
    const size_of = (parts) => parts.reduce((size, part) => size + part.length, 0);

    /** @template {{set: (part: Uint8Array, at: number) => void}} T @param {Uint8Array[]} parts @param {T} whole @returns {T} */
    function joined(parts, whole) {
        parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
        return whole;
    }

    /** @param {JsPyItem[]} items */
    function binary_frame(items) {
        const parts = binary_parts(items);
        return joined(parts, new Uint8Array(size_of(parts)));
    }

    /** @type {(items: JsPyItem[]) => string | Uint8Array} */
    const frame_of = (items) => (items.some((item) => item.buffers.length) ? binary_frame(items) : text_frame(items));

    // ---------------------------------------------------------------- codec: frames -> messages

    /** @param {Uint8Array} frame */
    function decode_binary(frame) {
        const bytes = frame.byteOffset % 8 ? frame.slice() : frame;   // views need their alignment
        const size = bytes.length < 8 || bytes[0] !== 1 ? Infinity : view_of(bytes).getUint32(4, true);
        if (8 + size > bytes.length) {
            throw new ProtocolError("a binary frame of an unknown type, or cut short");
        }
        const header = parse(attempt(() => strict_utf8.decode(bytes.subarray(8, 8 + size)), "not UTF-8"));
        if (!Array.isArray(header) || !Array.isArray(header[0]) || !Array.isArray(header[1])) {
            throw new ProtocolError("a binary frame with a wrong header");
        }
        header[1].reduce((start, buffer) => take_buffer(header[0], bytes, start, buffer), padded(8 + size));
        return header[0];
    }

    /** @type {(messages: any[], frame: Uint8Array, start: number, buffer: any) => number} where the next one starts */
    function take_buffer(messages, frame, start, buffer) {
        const [path, dtype, length, shape] = Array.isArray(buffer) ? buffer : [];
        if (!is_count(length) || (length > 0 && start + length > frame.length)) {
            throw new ProtocolError("a buffer that is not in the frame");
        }
        const at = Math.min(start, frame.length - frame.length % 8);
        place(messages, path, binary_value(frame.subarray(length ? start : at, length ? start + length : at), dtype, shape));
        return padded(start + length);
    }

    /** @param {Uint8Array} bytes */
    const hex_of = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    /** @param {Uint8Array} bytes */
    const view_of = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

    /** @param {string | ArrayBuffer | Uint8Array} data a text frame, or a binary one of type 1 @returns {any[][]} */
    function decode(data) {
        const messages = typeof data === "string" ? parse(data) : decode_binary(bytes_of(data));
        if (!Array.isArray(messages)) {
            throw new ProtocolError("a frame that is not an array of messages");
        }
        messages.forEach(check_message);
        return messages;
    }

    /** @param {any[][]} messages */
    const encode = (messages) => frame_of(messages.map((message) => compose(message, message, "message")));

    // ---------------------------------------------------------------- codec: chunks

    /** @type {WeakRef<any>} of what Python has: memory that was used before takes half the time to be filled */
    let spare = new WeakRef({});

    /** Zeros, or what was there before. @param {number} size */
    function memory(size) {
        const found = spare.deref();
        if (!(found?.byteLength >= size && found.byteLength < 2 * size)) {
            return new Uint8Array(size);
        }
        spare = new WeakRef({});
        return new Uint8Array(found, 0, size);
    }

    /** The content of one frame as it travels: each piece behind the room for its header. That is the one copy of it. */
    class Laid {
        /** @param {number} total @param {number} [size] of a piece */
        constructor(total, size = CHUNK_BYTES) {
            this.total = total;
            this.size = size;
            this.chunks = memory(total + CHUNK_HEAD * Math.ceil(total / size));
        }

        /** @param {Uint8Array} bytes @param {number} at where in the content */
        set(bytes, at) {
            for (let from = 0; from < bytes.length;) {
                const [piece, inside] = [Math.floor((at + from) / this.size), (at + from) % this.size];
                const part = bytes.subarray(from, from + this.size - inside);
                this.chunks.set(part, piece * (CHUNK_HEAD + this.size) + CHUNK_HEAD + inside);
                from += part.length;
            }
        }
    }

    /** @param {Uint8Array[]} parts of a content @param {number} [size] of a piece */
    const laid = (parts, size) => joined(parts, new Laid(size_of(parts), size));

    /** Cuts the content of one frame into chunks. */
    class Chunker {
        /** @param {Laid} content @param {boolean} text @param {number} stream */
        constructor(content, text, stream) {
            this.content = content;
            this.text = text;
            this.stream = stream;
            this.offset = 0;
        }

        get done() {
            return this.offset >= this.content.chunks.length;
        }

        /** A view, good until the content is cut once more. */
        next() {
            const { chunks, size, total } = this.content;
            const frame = chunks.subarray(this.offset, this.offset + CHUNK_HEAD + size);
            this.offset += frame.length;
            const view = view_of(frame);
            view.setUint32(0, 2 | (this.done ? 1 : 0) << 8 | (this.text ? 2 : 0) << 8, true);
            view.setUint32(4, this.stream, true);
            view.setBigUint64(8, BigInt(total), true);
            return frame;
        }
    }

    /** Puts the chunks of many streams together again. */
    class Assembler {
        /** @param {number} [max_bytes] @param {number} [size] */
        constructor(max_bytes = 268435456, size = CHUNK_BYTES) {
            this.max_bytes = max_bytes;
            this.size = size;
            /** @type {Map<number, {content: Uint8Array, text: boolean, taken: number, total: number}>} */
            this.open = new Map();
        }

        /** @param {Uint8Array} frame @returns {{stream: number, content: string | Uint8Array | null, offer?: JsPyOffer}} */
        accept(frame) {
            if ((frame[1] & 4) !== 0) {
                return this.accept_offered(frame);
            }
            if (frame.length <= 16 || frame.length > 16 + this.size || frame[0] !== 2 || frame[1] > 3) {
                throw new ProtocolError("a chunk of the wrong form");
            }
            const stream = view_of(frame).getUint32(4, true);
            const total = Number(view_of(frame).getBigUint64(8, true));
            const part = this.open.get(stream) ?? this.begin(stream, total, frame[1] >= 2);
            this.append(part, frame, total);
            return { stream, content: part.taken < total ? null : this.whole(stream, part) };
        }

        /** What is to be fetched; or that it counts from here. @param {Uint8Array} frame */
        accept_offered(frame) {
            const [text, last] = [(frame[1] & 2) !== 0, (frame[1] & 1) !== 0];
            if (frame[0] !== 2 || frame[1] > 7 || frame.length !== (last ? 16 : 32)) {
                throw new ProtocolError("an offer of the wrong form");
            }
            const stream = view_of(frame).getUint32(4, true);
            const total = Number(view_of(frame).getBigUint64(8, true));
            const part = this.open.get(stream);
            if (last ? part?.taken !== total || part.total !== total || part.text !== text : part) {
                throw new ProtocolError("an offer that does not fit");
            }
            if (part) {
                return { stream, content: this.whole(stream, part) };
            }
            this.begin(stream, total, text, new Uint8Array(0));
            return { stream, content: null, offer: { stream, total, secret: hex_of(frame.subarray(16)) } };
        }

        /** What was offered has been fetched. @type {(offer: JsPyOffer, content: Uint8Array) => void} */
        fill({ stream, total }, content) {
            Object.assign(/** @type {any} */ (this.open.get(stream)), { content, taken: total });
        }

        /** @type {(stream: number, part: {content: Uint8Array, text: boolean}) => string | Uint8Array} */
        whole(stream, part) {
            this.open.delete(stream);
            return part.text ? attempt(() => strict_utf8.decode(part.content), "not UTF-8") : part.content;
        }

        /** @type {(stream: number, total: number, text: boolean, content?: Uint8Array) => any} */
        begin(stream, total, text, content) {
            if (total > this.max_bytes || this.open.size >= MAX_STREAMS) {
                throw new ProtocolError("a message too large, or too many of them at once");
            }
            const part = { content: content ?? attempt(() => new Uint8Array(total), "too large"), text, taken: 0, total };
            this.open.set(stream, part);
            return part;
        }

        /** @param {{content: Uint8Array, text: boolean, taken: number}} part @param {Uint8Array} frame @param {number} total */
        append(part, frame, total) {
            const end = part.taken + frame.length - 16;
            const last = (frame[1] & 1) === 1;
            if (total !== part.content.length || (frame[1] >= 2) !== part.text || end > total || last !== (end === total)) {
                throw new ProtocolError("chunks that do not fit together");
            }
            part.content.set(frame.subarray(16), part.taken);
            part.taken = end;
        }
    }

    // ---------------------------------------------------------------- outbox: what goes out, in which order

    /** Its content is not needed any more. @param {JsPyItem} item */
    function release(item) {
        if (item.content) {
            spare = new WeakRef(item.content.chunks.buffer);
            item.content = null;
        }
    }

    /** Batches small items into frames, sends large ones in chunks, and keeps the order within a lane. */
    class Outbox {
        /** @param {(frame: string | Uint8Array) => void} write @param {number} [limit] bytes that may wait */
        constructor(write, limit = 268435456) {
            this.write = write;
            this.limit = limit;
            this.held = 0;
            this.next_stream = 1;
            /** @type {JsPyItem[]} in order, not looked at yet */
            this.waiting = [];
            /** @type {Map<string, JsPyItem[]>} lane -> what waits behind an unfinished item of it */
            this.lanes = new Map();
            /** @type {Map<number, {item: JsPyItem, chunker: Chunker, flying: number}>} */
            this.streams = new Map();
            /** @type {JsPyItem[]} large items while all streams are taken */
            this.queued = [];
            /** @type {JsPyItem[]} sent in whole, in the order in which they were; Python has not said that it has them */
            this.kept = [];
            this.acknowledged = 0;   // how many it has
            /** @type {JsPyItem | null} a large text that goes as one frame: from when it waits until Python has it */
            this.whole = null;
        }

        /** @param {JsPyItem} item @returns {boolean} false: too much waits already */
        add(item) {
            if (this.held > 0 && this.held + item.size > this.limit) {
                return false;
            }
            this.held += item.size;
            this.waiting.push(item);
            if (!item.content && may_be_large(item)) {
                this.whole = item;
            }
            return true;
        }

        /** It is not under way any more. @param {JsPyItem} item */
        forget(item) {
            if (this.whole === item) {
                this.whole = null;
            }
        }

        flush() {
            do {
                this.route();
                this.pump();
            } while (this.waiting.length);
        }

        route() {
            /** @type {JsPyItem[]} */
            let batch = [];
            let size = 0;
            for (const item of this.waiting.splice(0)) {
                if (this.is_small(item)) {
                    if (size + item.size > CHUNK_BYTES - 64) {
                        this.write_batch(batch);
                        [batch, size] = [[], 0];
                    }
                    batch.push(item);
                    size += item.size + 1;
                }
            }
            this.write_batch(batch);
        }

        /** @param {JsPyItem} item @returns {boolean} false: it was put elsewhere */
        is_small(item) {
            const behind = item.lane === null ? undefined : this.lanes.get(item.lane);
            if (item.cancelled) {
                this.held -= item.size;
                this.forget(item);
            } else if (behind) {
                behind.push(item);
            } else if (item.content) {
                this.queued.push(item);
                if (item.lane !== null) {
                    this.lanes.set(item.lane, []);
                }
            } else {
                return true;
            }
            return false;
        }

        /** @param {JsPyItem[]} items */
        write_batch(items) {
            if (items.length) {
                this.write(frame_of(items));
                items.forEach((item) => this.finish(item));
            }
        }

        /** @param {JsPyItem} item */
        finish(item) {
            item.sent = true;
            this.held -= item.size;
            this.kept.push(item);
        }

        /** Every stream in turn sends one chunk, until each has its window full. */
        pump() {
            let moved = true;
            while (moved) {
                moved = false;
                this.open_streams();
                for (const [number, stream] of this.streams) {
                    if (stream.flying < SEND_WINDOW) {
                        this.write_chunk(number, stream);
                        moved = true;
                    }
                }
            }
        }

        open_streams() {
            while (this.queued.length && this.streams.size < MAX_STREAMS) {
                const item = /** @type {JsPyItem} */ (this.queued.shift());
                if (item.cancelled) {
                    this.held -= item.size;
                    this.release(item);
                } else {
                    const number = this.next_stream;
                    this.next_stream = number === 0xFFFFFFFF ? 1 : number + 1;
                    this.streams.set(number, { item, chunker: new Chunker(item.content, item.is_text, number), flying: 0 });
                }
            }
        }

        /** @param {number} number @param {{item: JsPyItem, chunker: Chunker, flying: number}} stream */
        write_chunk(number, stream) {
            this.write(stream.chunker.next());
            stream.flying += 1;
            if (stream.chunker.done) {
                this.streams.delete(number);
                this.finish(stream.item);
                this.release(stream.item);
            }
        }

        /** @param {JsPyItem} item what waited behind it goes before everything newer */
        release(item) {
            if (item.lane !== null) {
                this.waiting.unshift(...(this.lanes.get(item.lane) ?? []));
                this.lanes.delete(item.lane);
            }
        }

        /** @param {number} number @param {number} count */
        credit(number, count) {
            const stream = this.streams.get(number);
            if (stream) {
                stream.flying = Math.max(0, stream.flying - count);
                this.flush();
            }
        }

        /** Python has received so many items: they need not be kept. @param {number} received */
        acknowledge(received) {
            if (!(received >= this.acknowledged && received <= this.acknowledged + this.kept.length)) {
                throw new ProtocolError(`${received} messages acknowledged, of ${this.acknowledged + this.kept.length}`);
            }
            for (const item of this.kept.splice(0, received - this.acknowledged)) {
                release(item);
                this.forget(item);
            }
            this.acknowledged = received;
        }

        /** The session goes on over a new connection: what Python has not received goes out again. @param {number} received */
        rewind(received) {
            this.acknowledge(received);
            this.begin_again([...this.kept, ...this.unfinished()].filter((item) => !item.cancelled));
        }

        /** The session is over: what was not sent goes to the next one, except answers. @returns {number} what may be lost */
        reset() {
            const lost = this.kept.filter((item) => !item.cancelled).length;
            this.begin_again(this.unfinished().filter((item) => !item.bound && !item.cancelled && !item.sent));
            this.acknowledged = 0;
            return lost;
        }

        unfinished() {
            const begun = [...this.streams.values()].map(({ item }) => item);
            return [...begun, ...this.queued, ...[...this.lanes.values()].flat(), ...this.waiting];
        }

        /** @param {JsPyItem[]} items */
        begin_again(items) {
            this.waiting = items;
            this.queued = [];
            this.kept = [];
            this.streams.clear();
            this.lanes.clear();
            this.held = items.reduce((sum, item) => sum + item.size, 0);
        }

        clear() {
            this.begin_again([]);
            this.acknowledged = 0;
        }
    }

    // ---------------------------------------------------------------- who we are: address, token, page

    const has_document = typeof document !== "undefined";
    const script = has_document ? /** @type {HTMLScriptElement | null} */ (document.currentScript) : null;
    const STORED = "jsmeets_local";
    const FRAME_NAME = /^jsmeets_local:(.+)$/;
    const FRAGMENT = /^#jsmeets=([\w~-]*)\.([^;]*)(?:;(.*))?$/s;

    /** @param {string} path @param {string} [base] */
    function socket_url(path, base) {
        const url = new URL(path, base ?? (has_document ? document.baseURI : undefined));
        url.protocol = url.protocol.replace(/^http/, "ws");
        url.hash = "";
        return url.href;
    }

    /** Where Python is: told by the tag, else by where this file came from, else at the root. */
    function default_url() {
        const told = script?.dataset?.url;
        const source = api._script_url;
        const path = source ? new URL(source).pathname : "";
        if (told) {
            return socket_url(told);
        }
        if (source && /\/jsmeetspy\/(JsPyTextSocket|jsmeets)\.js$/.test(path)) {
            return socket_url("textsocket", source);
        }
        if (source && path.includes("/static/")) {
            return socket_url(path.slice(0, path.indexOf("/static/")) + URL_PATH, source);
        }
        return socket_url(URL_PATH);
    }

    /** Where large content is fetched from; "" where it cannot be. @param {string} secret */
    const bulk_url = (secret) => http_url(`bulk/${secret}`);

    /** An address of Python's beside the socket's; "" where the page may not fetch from it. @param {string} name */
    function http_url(name) {
        const url = new URL(/** @type {string} */ (api._url));
        url.protocol = url.protocol.replace(/^ws/, "http");
        if (!has_document || url.origin !== globalThis.origin || !url.pathname.endsWith(URL_PATH)) {
            return "";
        }
        url.pathname = url.pathname.slice(0, -"textsocket".length) + name;
        return url.href;
    }

    /** What the address tells. @returns {JsPyIdentity & {rest: string} | null} */
    function read_told() {
        const [, token, page, rest] = (has_document && FRAGMENT.exec(location.hash)) || [];
        return token === undefined ? null : { token, page, rest: rest ? `#${rest}` : "" };
    }

    /** The token goes out of the address, if it can be kept elsewhere. @param {string} rest the page's own fragment */
    function take_out(rest) {
        try {
            sessionStorage.getItem(STORED);   // throws in sandboxed and third-party frames
            if (FRAGMENT.test(location.hash)) {
                history.replaceState(history.state, "", location.pathname + location.search + rest);
            }
        } catch (error) {
            console.debug("JsPyTextSocket: the launch token stays in the address:", error);
        }
    }

    /** For the next documents of this tab. */
    function keep() {
        try {
            sessionStorage.setItem(stored_at(), JSON.stringify(identity));
        } catch (error) {
            console.debug("JsPyTextSocket: the page's name is not kept:", error);
        }
    }

    /** Who we were in an earlier document of this tab or frame. Not before it is known where Python is. */
    function recall() {
        if (recalled) {
            return;
        }
        recalled = true;
        try {
            const stored = JSON.parse(sessionStorage.getItem(stored_at()) ?? "{}");
            Object.assign(identity, { token: String(stored.token ?? ""), page: page_of(stored) });
        } catch (error) {
            console.debug("JsPyTextSocket: nothing is known of earlier documents:", error);
        }
    }

    /** Behind a proxy several applications, and Jupyter, have one sessionStorage: each has a place of its own. */
    function stored_at() {
        const { pathname } = new URL(app_root());
        return pathname === "/" ? STORED : `${STORED}:${pathname}`;
    }

    /** The frames of a tab share its sessionStorage: a frame keeps its page in its name. @param {any} stored */
    function page_of(stored) {
        const [, own] = (in_frame() && FRAME_NAME.exec(window.name)) || [];
        return own ?? (is_guest(stored) ? "" : String(stored.page ?? ""));
    }

    /** A frame shares its page's sessionStorage, and a popup begins with a copy: neither is that page. @param {any} stored */
    function is_guest(stored) {
        try {
            const host = in_frame() ? page_around() : opener;
            return Boolean(host) && JSON.parse(host.sessionStorage.getItem(stored_at())).page === stored.page;
        } catch (error) {
            return false;   // of another origin, which shares nothing with us
        }
    }

    const in_frame = () => Boolean(globalThis.parent) && parent !== window;

    /** @returns {any} the page of Python's that we are a frame of; a notebook's window is none */
    function page_around() {
        try {
            return in_frame() && /** @type {any} */ (parent).JsPyTextSocket ? parent : null;
        } catch (error) {
            return null;   // of another origin
        }
    }

    function store_page() {
        if (has_document && !page_around()) {
            keep();
        }
        if (has_document && in_frame() && (!window.name || FRAME_NAME.test(window.name))) {
            window.name = `${STORED}:${identity.page}`;
        }
    }

    function random_name() {
        const bytes = crypto.getRandomValues(new Uint8Array(16));
        return hex_of(bytes);
    }

    // ---------------------------------------------------------------- connection: state

    const told = read_told();
    /** @type {JsPyIdentity} */
    const identity = { token: told?.token ?? "", page: told?.page ?? "" };
    let recalled = !has_document || told !== null;
    let document_name = random_name();
    /** @type {JsPyState} */
    let state = "idle";
    /** @type {JsPyLink | null} */
    let link = null;
    /** @type {number | null} */
    let socket_id = null;
    let max_bytes = 268435456;
    let next_id = 1;
    let attempts = 0;
    let hinted = false;   // only the very first failure is explained
    let scheduled = false;
    let warned_reason = "";
    let renewed = false;   // whether this document gives way to a new one when it connects again
    /** @type {JsPySession | null} what goes on over several connections */
    let session = null;
    let was_welcomed = false;
    let python_name = "";   // which Python it was: its sessions have one name
    let connections = 0;
    let ignored = 0;   // answers that came late, twice, or to nothing
    let wants_badge = true;
    /** @type {"" | "no token" | "other token" | "refused"} why Python, which is there, does not let us connect */
    let refusal = "";
    let closed_here = false;   // by the page itself, and not by Python
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let give_up_timer;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let retry_timer;
    /** @type {Array<() => void>} */
    let open_events = [];
    /** @type {Array<() => void>} */
    let close_events = [];
    /** @type {Array<(state: import("./jsmeets.d.mts").ConnectionState) => void>} */
    let state_events = [];
    /** @type {Array<(restarted: boolean) => unknown>} */
    let session_events = [];
    /** @type {import("./jsmeets.d.mts").ConnectionState} */
    let told_state = "connecting";
    /** @type {Set<(ready: boolean) => void>} */
    const waiters = new Set();
    /** @type {Map<number, {settle: JsPySettle, item: JsPyItem, timer: any}>} */
    const requests = new Map();
    /** @type {Map<string, JsPyHandler>} */
    const handlers = new Map();
    /** @type {Map<string, (message: any) => unknown>} */
    const protocols = new Map();
    /** @type {Set<string>} */
    const warned = new Set();
    const outbox = new Outbox((frame) => link?.socket.send(/** @type {any} */ (frame)));

    /** @param {any[]} message past the outbox: what belongs to this connection alone */
    const send_now = (message) => link?.socket.send(JSON.stringify([message]));

    // ---------------------------------------------------------------- connection: open and lose

    function connect() {
        clearTimeout(retry_timer);
        state = "connecting";
        closed_here = false;
        try {
            api._url ??= default_url();
            recall();
            const offered = ["jsmeets.v1", ...(identity.token ? [`jsmeets.token.${identity.token}`] : [])];
            listen(new WebSocket(api._url, offered));
            return true;
        } catch (error) {
            // No retry: an address or a security rule does not heal by itself.
            console.error("JsPyTextSocket: cannot open a connection:", error);
            leave("closed");
            return false;
        }
    }

    /** @param {WebSocket} socket */
    function listen(socket) {
        const assembler = new Assembler(max_bytes);
        /** @type {JsPyLink} */
        const own = { socket, greeted: false, welcomed: false, since: 0, assembler, credits: new Map(), fetches: new Set(), session: null };
        link = own;
        socket.binaryType = "arraybuffer";
        socket.onopen = () => link === own && greet(own);
        socket.onmessage = (event) => link === own && receive(own, event.data);
        socket.onclose = (event) => link === own && lost(own, event);
    }

    /** Says hello; or, while the program is being written, fetches the page that Python has now. @param {JsPyLink} own */
    function greet(own) {
        if (renewed) {
            location.reload();
        } else {
            const ours = session ?? { name: "", received: 0 };
            const more = bulk_url("") ? [true] : [];
            own.greeted = true;
            send_now(["hello", document_name, identity.page, api._topics(), ours.name, ours.received, ...more]);
        }
    }

    /** @param {JsPyLink} own @param {{code: number, reason: string}} event */
    function lost(own, event) {
        note_reason(event.reason);
        if (!own.welcomed && !identity.token && !hinted) {
            hinted = true;
            console.error(`JsPyTextSocket: no connection to ${api._url}. Open the page by the URL that app.launch() `
                + "printed (it carries the launch token); or the Python server is not running.");
        }
        if (!own.greeted && attempts % 4 === 0) {
            ask_why();
        }
        const hopeless = event.code === PROTOCOL_ERROR && !own.welcomed;   // another version: only a reload helps
        leave(hopeless ? "closed" : "waiting", hopeless);
    }

    /** A WebSocket does not tell why it was refused. HTTP does, and by a token that it asks for. */
    async function ask_why() {
        const url = has_document ? http_url("stats") : "";
        if (!url) {
            return;
        }
        try {
            const headers = { authorization: `Bearer ${identity.token}` };
            const { ok, headers: told } = await fetch(url, { headers, cache: "no-store", credentials: "same-origin" });
            const asks = told.get("www-authenticate") === "Bearer";   // else it is a proxy that answers
            refusal = ok ? "refused" : !asks ? "" : identity.token ? "other token" : "no token";
        } catch (error) {
            refusal = "";   // nobody is there
        }
        tell_badge(public_state());
    }

    /** @param {string} reason */
    function note_reason(reason) {
        if (reason) {
            api._disconnect_reason = reason;
            if (reason !== warned_reason) {
                warned_reason = reason;
                console.warn(`JsPyTextSocket: disconnected: ${reason}`);
            }
        }
    }

    /**
     * The connection is gone: the session waits for another one, or ends.
     * @param {JsPyState} next @param {boolean} [refused] Python has accepted the connection, and not the page
     */
    function leave(next, refused = false) {
        const was_open = state === "open";
        attempts = link?.welcomed && performance.now() - link.since > 1000 ? 0 : attempts;
        clearTimeout(retry_timer);
        link?.fetches.forEach((running) => running.abort());
        link = null;
        state = next;
        if (next !== "waiting" || !session?.seconds) {
            end_session();
        } else if (was_open) {
            give_up_timer = setTimeout(give_up, session.seconds * 1000);
        }
        if (next === "closed") {
            outbox.clear();
            tell_waiters(false);
        }
        if (was_open || refused) {
            run_events(close_events);
        }
        tell_state();
        settle_after_events();
    }

    /** A close event may have connected again, or closed: only what is still so is done. */
    function settle_after_events() {
        socket_id = session ? socket_id : null;
        if (state === "waiting") {
            const delay = Math.min(5000, 100 * 2 ** attempts) * (0.5 + Math.random() / 2);
            attempts += 1;
            clearTimeout(retry_timer);
            retry_timer = setTimeout(connect, delay);
        }
    }

    /** Python does not wait for us any more, or is another one: what it got is no longer known. */
    function end_session() {
        clearTimeout(give_up_timer);
        const had = session;
        session = null;
        end_requests(state === "closed");
        const lost = outbox.reset();
        if (had && lost && state !== "hidden") {
            console.warn(`JsPyTextSocket: the connection was lost: ${lost} messages may or may not have arrived`);
        }
    }

    function give_up() {
        end_session();
        socket_id = null;
        tell_state();
    }

    /** @param {boolean} all also those that were not sent: they would wait for ever */
    function end_requests(all) {
        for (const [id, { item }] of [...requests]) {
            if (all || item.sent) {
                const message = `the connection was lost${item.sent ? ": it may or may not have run" : ""}`;
                settle(id, { kind: "disconnected", name: "DisconnectedError", message, trace: "" });
            }
        }
    }

    /** What a person would call it. @returns {import("./jsmeets.d.mts").ConnectionState} */
    function public_state() {
        if (state === "open" || state === "closed") {
            return state;
        }
        return session ? "reconnecting" : was_welcomed ? "lost" : "connecting";
    }

    function tell_state() {
        const now = public_state();
        tell_badge(now);
        if (now !== told_state) {
            told_state = now;
            run_events(state_events.map((func) => () => func(now)));
        }
    }

    /** A person need not know of what the page itself has closed. @param {import("./jsmeets.d.mts").ConnectionState} now */
    function tell_badge(now) {
        if (state !== "hidden") {   // its document is going
            api._badge?.(wants_badge && !closed_here ? trouble(now) : "open", api._disconnect_reason ?? "");
        }
    }

    /** What the badge is to tell of. @param {import("./jsmeets.d.mts").ConnectionState} now */
    function trouble(now) {
        if (now === "open" || now === "closed") {
            return now;
        }
        if (renewed && now === "lost") {   // a program that is being written
            return attempts < PATIENT_ATTEMPTS ? "restarting" : "broken";
        }
        return refusal && now !== "reconnecting" ? refusal : now;
    }

    /** @param {boolean} [on] */
    function set_badge(on = true) {
        wants_badge = Boolean(on);
        tell_badge(public_state());
    }

    /** @param {Array<() => void>} events */
    function run_events(events) {
        for (const func of [...events]) {
            try {
                const result = /** @type {any} */ (func());
                if (is_thenable(result)) {
                    result.then(undefined, (/** @type {unknown} */ error) => console.error("JsPyTextSocket: error in an event:", error));
                }
            } catch (error) {
                console.error("JsPyTextSocket: error in an event:", error);
            }
        }
    }

    /** @param {boolean} is_ready */
    function tell_waiters(is_ready) {
        const all = [...waiters];
        waiters.clear();
        all.forEach((tell) => tell(is_ready));
    }

    /** @param {string} reason the other side speaks another language: start afresh */
    function refuse(reason) {
        session = null;
        console.error(`JsPyTextSocket: protocol error: ${reason}`);
        link?.socket.close(PROTOCOL_ERROR, reason.replace(/[^\x20-\x7e]/g, "?").slice(0, 120));
        leave("waiting");
    }

    // ---------------------------------------------------------------- connection: what arrives

    /** @type {(own: JsPyLink, data: string | ArrayBuffer) => void} */
    function receive(own, data) {
        try {
            const messages = messages_of(own, data);
            for (const message of messages) {
                if (link === own) {
                    take(own, message);
                }
            }
            if (link === own && messages.length) {
                acknowledge(own, typeof data === "string" ? data.length : data.byteLength);
            }
        } catch (error) {
            if (!(error instanceof ProtocolError)) {
                throw error;
            }
            refuse(error.message);
        }
    }

    /** @type {(own: JsPyLink, data: string | ArrayBuffer) => any[][]} */
    function messages_of(own, data) {
        const bytes = typeof data === "string" ? null : new Uint8Array(data);
        if (bytes?.[0] !== 2) {
            return decode(data);
        }
        const { stream, content, offer } = own.assembler.accept(bytes);
        if (offer) {
            fetch_offered(own, offer);
        } else {
            give_credit(own, stream, content !== null);
        }
        return content === null ? [] : decode(content);
    }

    /** Large content comes faster by HTTP; what cannot be had there comes in chunks. @type {(own: JsPyLink, offer: JsPyOffer) => Promise<void>} */
    async function fetch_offered(own, offer) {
        const url = bulk_url(offer.secret);
        const content = url ? await fetched(own, url, offer.total) : null;
        if (link !== own) {
            return;   // it is offered anew by the next connection
        }
        if (content) {
            own.assembler.fill(offer, content);
            /** @type {JsPySession} */ (own.session).bytes += content.length;   // so that it is acknowledged with its last frame
            send_now(["credit", offer.stream, CHUNK_WINDOW]);
        } else {
            own.assembler.open.delete(offer.stream);
            send_now(["decline", offer.stream]);
        }
    }

    /** @type {(own: JsPyLink, url: string, total: number) => Promise<Uint8Array | null>} */
    async function fetched(own, url, total) {
        const running = new AbortController();
        let timer = 0;
        const wait = () => {
            clearTimeout(timer);
            timer = setTimeout(() => running.abort(), FETCH_SECONDS * 1000);
        };
        wait();
        own.fetches.add(running);
        try {
            const response = await fetch(url, {
                credentials: "same-origin", cache: "no-store", redirect: "error", signal: running.signal,
            });
            wait();
            return response.ok ? await whole_body(response, total, wait) : null;
        } catch (error) {
            console.debug("JsPyTextSocket: large content cannot be fetched:", error);
            return null;
        } finally {
            clearTimeout(timer);
            running.abort();   // whatever is left is not wanted
            own.fetches.delete(running);
        }
    }

    /** The one copy that is made of it. @type {(response: any, total: number, came: () => void) => Promise<Uint8Array | null>} */
    async function whole_body(response, total, came) {
        const reader = byte_reader(response.body) ?? copying_reader(response.body);
        let content = new Uint8Array(total);
        let [taken, ended] = [0, false];
        while (!ended && taken < total) {
            const { done, value } = await reader.read(content.subarray(taken));   // it takes the buffer, and gives it back
            ended = done;
            taken += value.length;
            content = new Uint8Array(value.buffer);
            came();
        }
        return !ended && (await reader.read(new Uint8Array(1))).done ? content : null;
    }

    /** Reads into a buffer, without a copy; not every browser has it. @param {any} body */
    function byte_reader(body) {
        try {
            return body.getReader({ mode: "byob" });
        } catch (error) {
            return null;
        }
    }

    /** The same where each piece has to be copied. @param {any} body */
    function copying_reader(body) {
        const reader = body.getReader();
        return {
            /** @param {Uint8Array} room */
            async read(room) {
                const { done, value = new Uint8Array(0) } = await reader.read();
                room.set(value);   // a RangeError, if it is more than was announced
                return { done, value: room.subarray(0, value.length) };
            },
        };
    }

    /** Now and then Python hears what we have, so that it need not keep it. @param {JsPyLink} own @param {number} size */
    function acknowledge({ session: ours }, size) {
        if (!ours) {
            return;
        }
        ours.bytes += size;
        const news = ours.received - ours.acknowledged;
        if (news >= ACK_MESSAGES || (news > 0 && ours.bytes >= CHUNK_BYTES)) {
            ours.acknowledged = ours.received;
            ours.bytes = 0;
            send_now(["ack", ours.received]);
        }
    }

    /** @type {(own: JsPyLink, stream: number, complete: boolean) => void} */
    function give_credit(own, stream, complete) {
        const count = (own.credits.get(stream) ?? 0) + 1;
        if (complete || count >= CREDIT_EVERY) {
            own.credits.delete(stream);
            send_now(["credit", stream, count]);
        } else {
            own.credits.set(stream, count);
        }
    }

    const DELIVERED = ["call", "notify", "push", "publish", "custom"];
    /** @type {Map<unknown, (message: any[], own: JsPyLink) => void>} */
    const AT_ONCE = new Map(Object.entries({
        welcome: on_welcome,
        close: on_close_message,
        return: (/** @type {any[]} */ message) => settle(message[1], null, message[2]),
        error: (/** @type {any[]} */ message) => settle(message[1], message[2]),
        credit: (/** @type {any[]} */ message) => outbox.credit(message[1], message[2]),
        ack: (/** @type {any[]} */ message) => outbox.acknowledge(message[1]),
        ping: (/** @type {any[]} */ message) => send_now(["pong", message[1]]),
        fault: (/** @type {any[]} */ message) => console.error(`JsPyTextSocket: ${message[1]}: ${message[2].message}`),
    }));
    const UNCOUNTED = ["welcome", "close", "credit", "ack", "ping"];   // what concerns one connection alone

    /** @type {(own: JsPyLink, message: any[]) => void} */
    function take(own, message) {
        const kind = message[0];
        const expected = own.welcomed ? kind !== "welcome" : kind === "welcome" || kind === "close";
        if (!expected || !(AT_ONCE.has(kind) || DELIVERED.includes(kind))) {
            throw new ProtocolError(`an unexpected '${kind}' message`);
        }
        const { session: ours } = own;
        if (ours && !UNCOUNTED.includes(kind)) {
            ours.received += 1;
        }
        const now = AT_ONCE.get(kind);
        if (now) {
            now(message, own);
        } else if (held) {
            held.push(() => deliver(ours, message));
        } else {
            deliver(ours, message);
        }
    }

    /** @type {(message: any[], own: JsPyLink) => void} */
    function on_welcome([, id, page, settings], own) {
        const is_new = !resumes(settings);
        if (is_new) {
            if (!end_earlier_session(own)) {
                return;   // an event has closed it
            }
            begin_session(settings);
        }
        own.session = session;
        own.welcomed = was_welcomed = true;
        hinted = true;
        own.since = performance.now();
        max_bytes = is_id(settings.max_message_bytes) ? settings.max_message_bytes : max_bytes;
        own.assembler.max_bytes = max_bytes;
        renewed = settings.reload === true && has_document;
        wants_badge &&= settings.badge !== false;
        connections += 1;
        socket_id = id;
        state = "open";
        warned_reason = refusal = "";
        api._disconnect_reason = null;
        identity.page = page;
        store_page();
        outbox.flush();
        tell_waiters(true);
        if (held) {   // a script that still comes may want to hear of it
            held.push(() => tell_opened(own, is_new));
        } else {
            tell_opened(own, is_new);
        }
    }

    /** @type {(own: JsPyLink, is_new: boolean) => void} */
    function tell_opened(own, is_new) {
        if (link === own) {
            run_events(open_events);
            tell_state();
        }
        if (is_new && session) {   // an event may have closed it
            tell_session();
        }
    }

    /** Whether it is the same Python, and has waited for us. @param {any} settings of `welcome` */
    function resumes(settings) {
        clearTimeout(give_up_timer);
        const same = session !== null && settings.resumed === true && settings.session === session.name;
        if (same) {
            outbox.rewind(settings.received);
        }
        return same;
    }

    /** However fast a new Python is there, "lost" is told before its "open". @param {JsPyLink} own */
    function end_earlier_session(own) {
        end_session();
        socket_id = null;
        if (told_state === "reconnecting") {
            tell_state();
        }
        return link === own;
    }

    /** @param {any} settings of `welcome` */
    function begin_session(settings) {
        const seconds = Number(settings.resume_seconds) || 0;
        session = { name: String(settings.session ?? ""), received: 0, acknowledged: 0, bytes: 0, seconds };
    }

    function tell_session() {
        const name = session?.name ?? "";
        const restarted = python_name !== "" && name !== python_name;
        python_name = name;
        run_events(session_events.map((func) => () => func(restarted)));
    }

    /** @type {(message: any[], own: JsPyLink) => void} */
    function on_close_message([, reason, comes_back], own) {
        note_reason(reason);
        own.socket.close();
        session = null;   // it was ended on purpose
        leave(comes_back ? "waiting" : "closed", !own.welcomed);
    }

    /** @type {(id: number, failure: JsPyFailure | null, value?: unknown) => void} */
    function settle(id, failure, value) {
        const request = requests.get(id);
        if (!request) {
            ignored += 1;
            return;
        }
        requests.delete(id);
        clearTimeout(request.timer);
        request.item.cancelled = true;   // a request that was given up must not be sent later
        request.settle(failure, value);
    }

    const SCRIPTS = new Map(Object.entries({
        call: "JsPyFunction.js", notify: "JsPyFunction.js", push: "JsPyQueue.js", publish: "JsPyPubsub.js",
    }));

    /** @type {(ours: JsPySession | null, message: any[]) => void} */
    function deliver(ours, message) {
        const [kind, id] = message;
        const asks = kind === "call" || (kind === "push" && id > 0);
        if (asks && session !== ours) {
            return;   // it was held back, and its session is over: nobody waits for the answer
        }
        const handler = kind === "custom" ? on_custom : handlers.get(kind);
        if (handler) {
            handler(message, (answer, body, label) => reply(ours, answer, body, label));
        } else if (asks) {
            const text = `This page has not loaded ${SCRIPTS.get(kind)}`;
            reply(ours, ["error", id, { kind: "unavailable", name: "UnavailableError", message: text, trace: "" }]);
        } else {
            warn_once(`This page has not loaded ${SCRIPTS.get(kind)}: '${kind}' messages are lost`);
        }
    }

    /** @type {(ours: JsPySession | null, message: any[], body?: unknown, label?: string) => void} */
    function reply(ours, message, body, label) {
        if (session === ours) {
            const item = prepare(message, body, label, max_bytes, outbox.whole === null);
            item.bound = true;
            post(item);
        }
    }

    /** @param {any[]} message */
    function on_custom([, object]) {
        const func = protocols.get(object.protocol);
        if (!func) {
            warn_once(`no protocol '${object.protocol}' is added: its messages are lost`);
            return;
        }
        guard(`protocol '${object.protocol}'`, () => func(object));
    }

    /** @param {string} text */
    function warn_once(text) {
        if (!warned.has(text)) {
            warned.add(text);
            console.warn(`JsPyTextSocket: ${text}`);
        }
    }

    // ---------------------------------------------------------------- connection: what goes out

    /** @param {JsPyItem} item */
    function post(item) {
        if (state === "closed" || !outbox.add(item)) {
            return false;
        }
        if (state === "open" && outbox.waiting.length >= BURST) {
            outbox.flush();   // Python begins with it while the page makes the rest
        } else if (!scheduled && state === "open") {
            scheduled = true;
            queueMicrotask(flush);   // everything of one turn travels as one frame
        }
        return true;
    }

    function flush() {
        scheduled = false;
        if (state === "open") {
            outbox.flush();
        }
    }

    /** @param {JsPyRequest} ask */
    function request(ask) {
        const id = next_id;
        next_id = id === Number.MAX_SAFE_INTEGER ? 1 : id + 1;
        const item = prepare(ask.message(id), ask.body, ask.label, max_bytes, outbox.whole === null);
        item.lane = ask.lane ?? null;
        if (!post(item)) {
            const message = state === "closed" ? "the connection is closed" : "too much is waiting to be sent";
            ask.settle({ kind: "disconnected", name: "DisconnectedError", message, trace: "" });
            return;
        }
        const late = () => settle(id, { kind: "timeout", name: "TimeoutError", message: "", trace: "" });
        requests.set(id, { settle: ask.settle, item, timer: ask.limit === null ? undefined : setTimeout(late, ask.limit) });
    }

    /** @type {JsPyInternals["_notify"]} */
    function notify(message, body, label, lane) {
        const item = prepare(message, body, label, max_bytes, outbox.whole === null);
        item.lane = lane ?? null;
        return post(item);
    }

    /** @param {unknown} timeout */
    function limit_of(timeout) {
        if (timeout === undefined || timeout === null || (typeof timeout === "number" && timeout <= 0)) {
            return null;
        }
        if (typeof timeout !== "number" || !Number.isFinite(timeout)) {
            throw new TypeError(`The timeout must be a number of seconds (0 or nothing: no limit), not ${String(timeout)}`);
        }
        return Math.min(timeout * 1000, 0x7FFFFFFF);   // what setTimeout can count
    }

    // ---------------------------------------------------------------- errors that leave the page

    /** @param {any} value */
    const is_thenable = (value) => value !== null && (typeof value === "object" || typeof value === "function")
        && typeof value.then === "function";

    /** Firefox writes the address a page was opened by into its stacks. @param {string} stack */
    const without_token = (stack) => stack.replace(/#jsmeets=[\w~-]*\.[^;:\s]*;?/g, "#");

    /** @param {any} error whatever was thrown; also what throws when it is looked at @returns {JsPyFacts} */
    function describe(error) {
        return described(error, { errors: MOST_ERRORS, characters: FIELD_ROOM, seen: new Set() });
    }

    /** @typedef {{errors: number, characters: number, seen: Set<any>}} Room what may still go with an error */

    /** @type {(error: any, room: Room) => JsPyFacts} */
    function described(error, room) {
        /** @type {JsPyFacts} */
        let facts = { name: "Error", message: "an error that cannot be shown", trace: "" };
        try {
            facts = description(error);
            if (is_like_error(error)) {
                told_errors.add(error);
                room.seen.add(error);
                add_details(facts, error, room);
            }
        } catch (inner) {
            console.debug("JsPyTextSocket: an error cannot be told in full:", inner);
        }
        return facts;
    }

    /** Its own properties, its cause and its members; each as far as it can be sent. @type {(facts: JsPyFacts, error: any, room: Room) => void} */
    function add_details(facts, error, room) {
        const fields = fields_of(error, room);
        if (Object.keys(fields).length) {
            facts.fields = fields;
        }
        const cause = Object.hasOwn(error, "cause") && error.cause !== undefined ? nested(error.cause, room) : null;
        if (cause) {
            facts.cause = cause;
        }
        const errors = members_of(error).map((/** @type {any} */ member) => nested(member, room)).filter(Boolean);
        if (errors.length) {
            facts.errors = errors;
        }
    }

    /** Those of an AggregateError; `errors` that hold something else are a field. @param {any} error @returns {any[]} */
    function members_of({ errors }) {
        return Array.isArray(errors) && errors.every(is_like_error) ? errors.slice(0, MOST_ERRORS) : [];
    }

    /** @type {(error: any, room: Room) => JsPyFailure | null} */
    function nested(error, room) {
        if (room.errors === 0 || room.seen.has(error)) {
            return null;
        }
        room.errors -= 1;
        return { kind: "raised", ...described(error, room) };
    }

    const NO_FIELDS = ["name", "message", "stack", "cause"];

    /** @type {(error: any, room: Room) => Record<string, any>} */
    function fields_of(error, room) {
        const source = "python_traceback" in error ? Object(error.fields) : error;   // of a JsPyError those of Python's
        /** @type {Record<string, any>} */
        const fields = {};
        for (const key of Object.keys(source).filter((name) => !NO_FIELDS.includes(name))) {
            const before = room.characters;
            try {
                define(fields, key, plain_copy(source[key], room, 0));
            } catch (inner) {
                room.characters = before;   // it cannot be sent, or a getter has thrown
            }
        }
        return fields;
    }

    /** A key may be __proto__. @type {(target: any, key: string, value: any) => void} */
    const define = (target, key, value) =>
        void Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });

    /** Plain data with nothing lost; throws where that cannot be. @type {(value: any, room: Room, depth: number) => any} */
    function plain_copy(value, room, depth) {
        room.characters -= typeof value === "string" ? value.length + 2 : 8;
        if (depth > 8 || room.characters < 0) {
            throw new RangeError("too much");
        }
        if (value === null || ["string", "boolean"].includes(typeof value) || Number.isFinite(value)) {
            return value;
        }
        if (value instanceof Date) {
            return value.toJSON();
        }
        if (Array.isArray(value)) {
            return value.map((item) => plain_copy(item, room, depth + 1));
        }
        if (!is_object(value)) {
            throw new TypeError("not plain data");
        }
        const copy = {};
        for (const key of Object.keys(value)) {
            room.characters -= key.length;
            define(copy, key, plain_copy(value[key], room, depth + 1));
        }
        return copy;
    }

    /** @param {any} error */
    const is_like_error = (error) => typeof error === "object" && error !== null && typeof error.message === "string";

    /** @param {any} error @returns {JsPyFacts} */
    function description(error) {
        if (!is_like_error(error)) {
            const type = error?.constructor?.name;
            return { name: typeof type === "string" ? type : typeof error, message: text_of(error), trace: "" };
        }
        const name = typeof error.name === "string" ? error.name : "Error";
        const stack = typeof error.stack === "string" ? without_token(error.stack) : "";
        const header = error.message ? `${name}: ${error.message}` : name;
        return { name, message: error.message, trace: stack.startsWith(name) ? stack : `${header}\n${stack}` };
    }

    /** @param {unknown} value thrown, but not an error */
    function text_of(value) {
        try {
            return typeof value === "object" ? String(JSON.stringify(value)) : String(value);
        } catch (error) {
            return `a value that cannot be shown (${error})`;
        }
    }

    /** @param {string} what @param {unknown} error */
    function fault(what, error) {
        console.error(`JsPyTextSocket: error in ${what}:`, error);
        post(prepare(["fault", what, { kind: "raised", ...describe(error) }]));
    }

    // ---------------------------------------------------------------- errors that no script caught

    /** @type {WeakSet<any>} what Python has been told of already, as the answer to a call, say */
    const told_errors = new WeakSet();
    /** @type {Set<string>} once each */
    const uncaught = new Set();

    /** @type {(what: string, facts: JsPyFacts, place?: string) => void} */
    function tell_uncaught(what, facts, place = "") {
        const message = without_token(facts.message.slice(0, 2000) + (place && ` (${place})`));
        const key = `${facts.name}: ${message}`;
        if (uncaught.size < MOST_UNCAUGHT && !uncaught.has(key)) {
            uncaught.add(key);
            post(prepare(["fault", what, { kind: "uncaught", ...facts, message, trace: facts.trace.slice(0, 8000) }]));
        }
    }

    /** @param {any} event of the window; or of an element, whose file could not be loaded */
    function on_error(event) {
        const { target, error, filename, lineno, colno } = event;
        if (target instanceof HTMLScriptElement || target instanceof HTMLLinkElement) {
            tell_uncaught("loading a file", { name: "LoadError", message: load_text(target), trace: "" });
        } else if (target === globalThis && !told_errors.has(error) && !/^ResizeObserver loop/.test(event.message)) {
            const facts = error ? describe(error) : { name: "Error", message: String(event.message), trace: "" };
            tell_uncaught("an uncaught error", facts, filename ? `${filename}:${lineno}:${colno}` : "");
        }
    }

    /** @param {HTMLScriptElement | HTMLLinkElement} element */
    function load_text(element) {
        const address = element instanceof HTMLLinkElement ? element.href : element.src;
        if (address) {
            return `cannot load ${address}`;
        }
        const files = [...(element.textContent ?? "").matchAll(/(?:from|import)\s*["']([^"']+)["']/g)].map(([, file]) => file);
        return `cannot load a file that a module in the page imports: ${files.join(", ")}`;
    }

    /** @param {any} event */
    function on_rejection({ reason }) {
        const python = typeof reason === "object" && reason !== null && "python_traceback" in reason;
        // Python has logged what it raised; and where it is away, that is no error of the page.
        const known = python && ["raised", "unserializable", "disconnected"].includes(reason.kind);
        if (!known && !told_errors.has(reason)) {
            tell_uncaught("an unhandled rejection", describe(reason));
        }
    }

    /** @param {string} what @param {() => unknown} action */
    function guard(what, action) {
        try {
            const result = /** @type {any} */ (action());
            if (is_thenable(result)) {
                result.then(undefined, (/** @type {unknown} */ error) => fault(what, error));
            }
        } catch (error) {
            fault(what, error);
        }
    }

    // ---------------------------------------------------------------- the public object

    /** @param {any} object */
    function send_json(object) {
        const missing = CUSTOM_KEYS.filter((key) => !(key in Object(object)));
        if (missing.length) {
            throw new TypeError(`send_json: the object lacks ${missing.join(", ")}`);
        }
        if (typeof object.protocol !== "string") {
            throw new TypeError("send_json: protocol must be a string");
        }
        const full = { ...object };
        CUSTOM_KEYS.forEach((key) => { full[key] = full[key] ?? null; });   // undefined would leave the key out
        return notify(["custom", full], full, "object", `custom ${full.protocol}`);
    }

    /** @param {string} [url] */
    function reconnect(url) {
        if (state === "open" || state === "connecting" || state === "hidden") {
            return false;
        }
        if (url !== undefined && url !== null) {
            api._url = socket_url(url);
        }
        return connect();
    }

    function close() {
        if (state === "closed") {
            return false;
        }
        const old = say_goodbye();
        closed_here = true;
        leave("closed");
        old?.close();
        return true;
    }

    /** Also where the welcome has not come yet: Python knows of us since our hello. */
    function say_goodbye() {
        if (state === "open") {
            outbox.flush();
        }
        if (link?.greeted) {
            send_now(["goodbye"]);
        }
        return link?.socket;
    }

    /** @param {number} [timeout] @returns {Promise<boolean>} */
    async function wait_ready(timeout) {
        const limit = limit_of(timeout);
        if (state === "open" || state === "closed") {
            return state === "open";
        }
        return new Promise((resolve) => {
            const late = () => waiters.delete(tell) && resolve(false);
            const timer = limit === null ? undefined : setTimeout(late, limit);
            const tell = (/** @type {boolean} */ is_ready) => (clearTimeout(timer), resolve(is_ready));
            waiters.add(tell);
        });
    }

    /** @param {unknown} func @param {string} where @returns {any} */
    function checked(func, where) {
        if (typeof func !== "function") {
            throw new TypeError(`${where}: a function is needed, not ${String(func)}`);
        }
        return func;
    }

    /** @param {string} name @param {(message: any) => unknown} func */
    const add_protocol = (name, func) => void protocols.set(name, checked(func, `add_protocol('${name}')`));

    /** Where the application begins: what precedes /jsmeetspy/. */
    function app_root() {
        const url = new URL(api._url ?? default_url());
        const at = url.pathname.lastIndexOf(URL_PATH);
        return `${url.protocol}//${url.host}${at < 0 ? "" : url.pathname.slice(0, at)}`;
    }

    const api = {
        VERSION,
        NDArray,
        imshow,
        reconnect,
        init: reconnect,
        close,
        ready: () => state === "open",
        wait_ready,
        send_json,
        get_socket_id: () => socket_id,
        /** @param {() => void} func */
        add_open_event: (func) => void open_events.push(checked(func, "add_open_event")),
        clear_open_event: () => void (open_events = []),
        /** @param {() => void} func */
        add_close_event: (func) => void close_events.push(checked(func, "add_close_event")),
        clear_close_event: () => void (close_events = []),
        state: public_state,
        /** @param {(state: import("./jsmeets.d.mts").ConnectionState) => void} func */
        add_state_event: (func) => void state_events.push(checked(func, "add_state_event")),
        clear_state_event: () => void (state_events = []),
        /** @param {(restarted: boolean) => unknown} func */
        add_session_event: (func) => void session_events.push(checked(func, "add_session_event")),
        clear_session_event: () => void (session_events = []),
        set_badge,
        stats: () => ({ pending: requests.size, ignored, connections }),
        add_protocol,
        _add_protocol: add_protocol,
        _URL_PATH: URL_PATH,
        /** @type {string | null} */
        _url: null,
        /** @type {string | null} */
        _disconnect_reason: null,
        get _websocket() {
            return link?.socket ?? null;
        },
        /** @type {((trouble: string, reason: string) => void) | null} badge.js, where it is loaded */
        _badge: null,
        // A module has no currentScript: jsmeets.mjs writes its own address here before we connect.
        _script_url: script?.src ?? "",
        get _token() {
            recall();
            return identity.token;
        },
        get _page() {
            recall();
            return identity.page;
        },
        _app_root: app_root,
        /** @type {() => string[]} */
        _topics: () => [],
        _request: request,
        _notify: notify,
        /** @param {string} kind @param {JsPyHandler} handler */
        _handle: (kind, handler) => void handlers.set(kind, handler),
        _fault: fault,
        _describe: describe,
        _limit: limit_of,
        _is_thenable: is_thenable,
        _without_token: without_token,
        _codec: { encode, decode, prepare, explain, laid, Chunker, Assembler, Outbox, ProtocolError },
    };
    globalThis.JsPyTextSocket = api;

    // ---------------------------------------------------------------- the life of the document

    /** @type {Array<() => void> | null} what came before the page's scripts had run */
    let held = scripts_have_run() ? null : [];

    function scripts_have_run() {
        if (!has_document || document.readyState === "complete") {
            return true;
        }
        // Between DOMContentLoaded and load there is no event to wait for but a late one: ask the clock.
        const [timing] = /** @type {any[]} */ (performance.getEntriesByType?.("navigation") ?? []);
        return document.readyState === "interactive" && timing?.domContentLoadedEventStart > 0;
    }

    function release_held() {
        const all = held ?? [];
        held = null;
        all.forEach((run) => run());
    }

    function hurry() {
        if (state === "waiting" && document.visibilityState !== "hidden") {
            connect();
        }
    }

    function on_pagehide() {
        if (state !== "closed" && state !== "hidden") {
            const old = say_goodbye();
            leave("hidden");
            old?.close();
        }
    }

    /** @param {PageTransitionEvent} event */
    function on_pageshow(event) {
        if (event.persisted && state === "hidden") {
            document_name = random_name();
            connect();
        }
    }

    if (has_document) {
        addEventListener("error", on_error, true);
        addEventListener("unhandledrejection", on_rejection);
        // A task later: the page's own listeners of this event may expose functions, and ours is called first.
        document.addEventListener("DOMContentLoaded", () => setTimeout(release_held), { once: true });
        addEventListener("load", release_held, { once: true });
        addEventListener("online", () => state === "waiting" && connect());
        document.addEventListener("visibilitychange", hurry);
        addEventListener("pagehide", on_pagehide);
        addEventListener("pageshow", on_pageshow);
    }
    /** A browser takes milliseconds for the first look into its storage: the WebSocket is opened before. */
    function begin() {
        if (state === "idle") {
            connect();
        }
        if (told) {
            take_out(told.rest);
            keep();
        }
    }

    if (told && !script) {
        take_out(told.rest);   // who has imported us runs in the same turn
    }
    // The scripts that follow in the same turn may still say another address, or close.
    queueMicrotask(begin);
})();
