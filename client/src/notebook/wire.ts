/** The wire between a notebook's front end and Python: a Jupyter comm. */

const TARGET = "jsmeets_local";
/** Milliseconds that the creation of a subshell may take; without one, Python is reached only between cells. */
const SUBSHELL = 1000;
/** Milliseconds for an answer to a message, before a nudge follows it. */
const PATIENCE = 4;

/** A message: its kind, the number of the WebSocket or request that it is about, and what the kind needs. */
export type WireMessage = readonly [kind: string, number: number, ...rest: any[]];
export type Receive = (message: WireMessage, buffers: readonly ArrayBufferView[]) => void;

interface CommMessage {
    content: { data: unknown };
    buffers?: readonly ArrayBufferView[];
}

/** A message under way, on which the kernel reports. */
interface Future {
    dispose(): void;
}

/** A comm of `@jupyterlab/services`. */
interface Comm {
    onMsg: (message: CommMessage) => void;
    onClose: () => void;
    commsOverSubshells?: string;
    subshellStarted?: Promise<void>;
    open(data: object): Future;
    send(data: unknown, metadata?: object, buffers?: ArrayBufferView[], disposeOnDone?: boolean): Future;
    close(): Future;
    isDisposed: boolean;
}

interface Kernel {
    info: Promise<unknown>;
    supportsSubshells?: boolean;
    createComm(target: string): Comm;
    statusChanged: { connect(slot: (kernel: Kernel, status: string) => void): void };
}

/** The widget manager of `@jupyter-widgets/base`; only some have a kernel, whose comms we can open. */
export interface WidgetManager {
    kernel?: Kernel | null;
}

/** The model of an anywidget. It sends and receives custom messages by the comm of the widget. */
export interface Model {
    get(name: "page" | "name"): string;
    get(name: "size"): [width: string, height: string];
    send(content: unknown, callbacks?: unknown, buffers?: Uint8Array[]): void;
    on(event: "msg:custom", func: (content: any, buffers: readonly ArrayBufferView[]) => void): void;
    off(event: "msg:custom", func: (content: any, buffers: readonly ArrayBufferView[]) => void): void;
    widget_manager?: WidgetManager;
}

/** A wire to the carrier of a page. */
export interface Wire {
    send(message: WireMessage, buffers?: Uint8Array[]): void;
    close(): void;
}

/** Open a wire: a comm of our own, or messages of the widget in a front end whose kernel we cannot reach. */
export function openWire(model: Model, receive: Receive, closed: () => void): Promise<Wire> {
    const kernel = model.widget_manager?.kernel;
    return kernel?.createComm ? CommWire.open(kernel, model.get("page"), receive, closed) : Promise.resolve(openModelWire(model, receive));
}

/** A model has messages of all its views, so each carries the name of its view. */
function openModelWire(model: Model, receive: Receive): Wire {
    const own = crypto.randomUUID();
    const take = ([view, message]: [string, WireMessage], buffers: readonly ArrayBufferView[]): void => {
        if (view === own) {
            receive(message, buffers ?? []);
        }
    };
    model.on("msg:custom", take);
    model.send([own, ["open", 0]]);
    return {
        send: (message, buffers = []) => model.send([own, message], undefined, buffers),
        close: () => model.off("msg:custom", take),
    };
}

/**
 * Opens a comm and sends on it.
 *
 * The Jupyter server leaves Nagle's algorithm on: it holds back a message until the browser's system has acknowledged the
 * one before, which takes 40 ms unless the browser sends something itself. Python keeps a subshell of our own quiet, so
 * that nothing comes between its messages. A message that is not answered is followed by a nudge, which has no content.
 */
class CommWire implements Wire {
    private timer: ReturnType<typeof setTimeout> | undefined;

    /** @param isAlone whether the subshell has only messages of our comms. */
    private constructor(private readonly comm: Comm, private readonly isAlone: boolean) {}

    static async open(kernel: Kernel, page: string, receive: Receive, closed: () => void): Promise<Wire> {
        await kernel.info;
        const comm = kernel.createComm(TARGET);   // creates a subshell, in which the messages of the comm are handled
        let isAlone = false;
        if (kernel.supportsSubshells && comm.subshellStarted && comm.commsOverSubshells !== "disabled") {
            const started = comm.subshellStarted.then(() => true, () => false);
            isAlone = await Promise.race([started, new Promise<false>((resolve) => setTimeout(resolve, SUBSHELL, false))]);
        }
        const wire = new CommWire(comm, isAlone);
        comm.onMsg = ({ content, buffers }) => {
            wire.expectAnswer();
            receive(content.data as WireMessage, buffers ?? []);
        };
        comm.onClose = closed;
        kernel.statusChanged.connect((_, status) => ["restarting", "autorestarting", "dead"].includes(status) && closed());
        comm.open({ page, alone: isAlone }).dispose();
        return wire;
    }

    send(message: WireMessage, buffers: Uint8Array[] = []): void {
        clearTimeout(this.timer);
        this.timer = undefined;
        if (!this.comm.isDisposed) {
            this.comm.send(message, undefined, buffers).dispose();   // no report ends it in a quiet subshell
        }
    }

    close(): void {
        clearTimeout(this.timer);
        if (!this.comm.isDisposed) {
            this.comm.close().dispose();
        }
    }

    /** Nudge soon, unless a message is sent. */
    private expectAnswer(): void {
        if (this.isAlone) {
            this.timer ??= setTimeout(() => this.send(["nudge", 0]), PATIENCE);
        }
    }
}
