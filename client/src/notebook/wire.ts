/** The wire between a notebook's front end and Python: one Jupyter comm. */

const TARGET = "jsmeets_local";
/** Milliseconds that the creation of a subshell may take; without one, Python is reached only between cells. */
const SUBSHELL = 1000;
/** Nudges that follow a message while Python sends nothing. */
const NUDGES = 4;
/** Milliseconds for Python to send something behind a report. */
const PATIENCE = 3;

/** A message: its kind, the number of the WebSocket or request that it is about, and what the kind needs. */
export type WireMessage = readonly [kind: string, number: number, ...rest: any[]];
export type Receive = (message: WireMessage, buffers: readonly ArrayBufferView[]) => void;

interface CommMessage {
    content: { data: unknown };
    buffers?: readonly ArrayBufferView[];
}

/** A message under way: the kernel reports on it, first that it is busy with it. */
interface Future {
    onIOPub: (message: unknown) => void;
}

/** A comm of `@jupyterlab/services`. */
interface Comm {
    onMsg: (message: CommMessage) => void;
    onClose: () => void;
    commsOverSubshells?: string;
    subshellStarted?: Promise<void>;
    open(data: object): Future;
    send(data: unknown, metadata?: object, buffers?: ArrayBufferView[], disposeOnDone?: boolean): Future;
    close(): unknown;
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

/**
 * Opens a comm and sends on it.
 *
 * The Jupyter server leaves Nagle's algorithm on: it holds back a message until the browser's system has acknowledged the
 * one before, which takes 40 ms unless the browser sends something itself. The kernel reports that it is busy with our
 * message, and idle again, and its next call is held back behind each report. So a nudge, a message without content,
 * follows a report by which no answer has come, up to a limit.
 */
export class Wire {
    private left = 0;
    private timer: ReturnType<typeof setTimeout> | undefined;

    private constructor(private readonly comm: Comm) {}

    /** Open a wire to the carrier of a page. Returns null if this front end has no kernel. */
    static async open(manager: WidgetManager, page: string, receive: Receive, closed: () => void): Promise<Wire | null> {
        const { kernel } = manager;
        if (!kernel?.createComm) {
            return null;
        }
        await kernel.info;
        const comm = kernel.createComm(TARGET);   // creates a subshell, in which the messages of the comm are handled
        if (kernel.supportsSubshells && comm.commsOverSubshells !== "disabled") {
            await Promise.race([comm.subshellStarted, new Promise((resolve) => setTimeout(resolve, SUBSHELL))]);
        }
        const wire = new Wire(comm);
        comm.onMsg = ({ content, buffers }) => receive(content.data as WireMessage, buffers ?? []);
        comm.onClose = closed;
        kernel.statusChanged.connect((_, status) => ["restarting", "autorestarting", "dead"].includes(status) && closed());
        wire.expectAnswer(comm.open({ page }));
        return wire;
    }

    send(message: WireMessage, buffers: Uint8Array[] = []): void {
        if (!this.comm.isDisposed) {
            this.expectAnswer(this.comm.send(message, undefined, buffers, true));
        }
    }

    close(): void {
        clearTimeout(this.timer);
        if (!this.comm.isDisposed) {
            this.comm.close();
        }
    }

    private expectAnswer(future: Future): void {
        clearTimeout(this.timer);
        this.timer = undefined;
        this.left = NUDGES;
        this.follow(future);
    }

    /** Nudge soon after each report on a message, unless a message follows. */
    private follow(future: Future): void {
        future.onIOPub = () => {
            this.timer ??= setTimeout(this.nudge, PATIENCE);
        };
    }

    private readonly nudge = (): void => {
        this.timer = undefined;
        if (this.left > 0 && !this.comm.isDisposed) {
            this.left -= 1;
            this.follow(this.comm.send(["nudge", 0], undefined, [], true));
        }
    };
}
