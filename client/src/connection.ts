/** The connection to Python, which opens and reconnects automatically, and resumes its session. */

import { Address, hasDocument } from "./address.ts";
import { Deliveries, Listeners, guard } from "./callbacks.ts";
import { Calls } from "./calls.ts";
import { MAX_MESSAGE_BYTES } from "./chunks.ts";
import { createCustomMessages, type CustomMessages } from "./custom.ts";
import { ErrorDescriptions } from "./description.ts";
import { CallErrors, disconnected } from "./errors.ts";
import { BlobReader, createDownload, serveFiles } from "./files.ts";
import { type Identity, randomName } from "./identity.ts";
import { Link } from "./link.ts";
import { ProtocolError, isId, type Failure, type Message } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { pack, type Packet } from "./packet.ts";
import { createProxies } from "./pyproxy.ts";
import { Exports, Imports } from "./references.ts";
import { Requests, type Expectation } from "./requests.ts";
import { Session } from "./session.ts";
import { Specials, revive, specialsOf, withKeywords } from "./specials.ts";
import { Streams } from "./streams.ts";
import { fetchRefusal, type Refusal, type Trouble } from "./trouble.ts";
import { millisecondsOf, type Timeout } from "./arguments.ts";
import { NO_EXPOSURES, serveWorld, type Exposures } from "./world.ts";

/**
 * "connecting": not connected yet. "open": connected. "reconnecting": the connection is lost; calls, queue items and
 * publications wait, and none is lost or duplicated if it resumes in time. "lost": Python was gone for longer, or has
 * restarted; messages in flight may be lost, and the page keeps trying. "closed": closed by `close()` or by Python.
 */
export type ConnectionState = "connecting" | "open" | "reconnecting" | "lost" | "closed";

/** The internal state. `hidden`: the document was left and may return from the back/forward cache. */
type State = "idle" | "connecting" | "open" | "waiting" | "closed" | "hidden";

/** State -> the states that may follow, and whether `reconnect` connects. */
const STATES: Record<State, { next: readonly State[]; mayReconnect: boolean }> = {
    idle: { next: ["connecting", "closed", "hidden"], mayReconnect: true },
    connecting: { next: ["open", "waiting", "closed", "hidden"], mayReconnect: false },
    open: { next: ["waiting", "closed", "hidden"], mayReconnect: false },
    waiting: { next: ["connecting", "closed", "hidden"], mayReconnect: true },
    closed: { next: ["connecting"], mayReconnect: true },
    hidden: { next: ["connecting", "closed"], mayReconnect: false },
};

/** The close code after a protocol violation. */
const PROTOCOL_ERROR = 4400;
/** The number of queued messages that are sent without waiting for the end of the turn. */
const BURST = 256;
/** Milliseconds after which a connection counts as stable, so that its loss resets the retry delay. */
const GOOD_CONNECTION = 1000;
const [FIRST_DELAY, LONGEST_DELAY] = [100, 5000];
/** Bytes under way that arrive although their document is left. The browser may drop more, and the goodbye behind them. */
const CERTAIN_BYTES = 64 * 1024;
/** Attempts before a program under `--reload` counts as broken, about three seconds. */
const PATIENT_ATTEMPTS = 6;
/** Failed attempts between two requests for the reason of a refusal. */
const ASK_EVERY = 4;

/** Kinds of requests that Python stops when they are given up. */
const CANCELLABLE = ["call", "push", "use"];
/** Kinds of messages that concern a single link. They are neither counted nor resent. */
const UNCOUNTED = ["welcome", "close", "credit", "ack", "ping"];
/** Kind held back until the document's scripts have run -> the file that handles it. */
const DELIVERED: ReadonlyMap<string, string> = new Map([
    ["call", "JsPyFunction.js"], ["notify", "JsPyFunction.js"], ["push", "JsPyQueue.js"], ["publish", "JsPyPubsub.js"],
    ["custom", "JsPyTextSocket.js"], ["use", "JsPyTextSocket.js"], ["release", "JsPyTextSocket.js"],
]);

/** Return true for a message that Python waits for the response to. */
const isRequest = ([kind, id]: Message): boolean => kind === "call" || ((kind === "push" || kind === "use") && id > 0);

export type Reply = (message: Message, body?: unknown, label?: string) => void;
export type Handler = (message: Message, reply: Reply) => void;

/** A message that Python responds to. */
export interface Request extends Expectation {
    message: (id: number) => Message;
    /** The user's value in the message and its name, for error messages. */
    body: unknown;
    label: string;
    /** Requests with the same value are sent in sequence. */
    order?: string;
}

export class Connection {
    readonly outbox = new Outbox(
        (frame) => this.link?.socket.send(frame as Uint8Array<ArrayBuffer>), (packet) => this.unexport(packet),
    );
    readonly requests = new Requests((id, packet) => this.cancel(id, packet));
    readonly deliveries = new Deliveries();
    readonly calls = new Calls();
    readonly errors = new ErrorDescriptions();
    readonly callErrors = new CallErrors(() => this.socketId);
    /** Objects of this page that Python holds. */
    readonly exports = new Exports();
    /** Objects of Python that this page holds. */
    readonly imports = new Imports((pairs) => this.sendReleased(pairs));
    readonly streams = new Streams(this);
    readonly opened = new Listeners<[]>("add_open_event");
    readonly closed = new Listeners<[]>("add_close_event");
    readonly stateChanged = new Listeners<[state: ConnectionState]>("add_state_event");
    readonly sessionBegan = new Listeners<[restarted: boolean]>("add_session_event");
    /** Run before a message is queued: the changes of a state precede it. */
    readonly beforePost = new Set<() => void>();
    /** Returns the subscriptions that `hello` carries. */
    topics: () => string[] = () => [];
    /** The functions that the page exposes, if JsPyFunction is loaded. */
    exposures: Exposures = NO_EXPOSURES;
    /** Reads the files of this page for Python. */
    readonly blobs = new BlobReader(this.exports);
    /** Saves a file on the user's computer. */
    readonly download = createDownload(this);
    readonly custom: CustomMessages;
    /** Makes the arguments of `callKwargs`, for other scripts: each has its own copy of the class `Keywords`. */
    readonly withKeywords = withKeywords;
    /** Shows the state of the connection to the user, if the badge is loaded. */
    badge: ((trouble: Trouble, reason: string) => void) | null = null;
    socketId: number | null = null;
    connections = 0;
    /** The reason that Python gave for closing the connection. */
    disconnectReason: string | null = null;

    private state: State = "idle";
    private link: Link | null = null;
    private session: Session | null = null;
    private documentName = randomName();
    private maxBytes = MAX_MESSAGE_BYTES;
    /** The name of the last session, to detect that Python has restarted. */
    private pythonName = "";
    private wasWelcomed = false;
    private toldState: ConnectionState = "connecting";
    private isFlushScheduled = false;
    private failedAttempts = 0;
    private retryTimer: ReturnType<typeof setTimeout> | undefined;
    private giveUpTimer: ReturnType<typeof setTimeout> | undefined;
    /** True if the document reloads when it reconnects. */
    private reloads = false;
    private closedByPage = false;
    private wantsBadge = true;
    private refusal: Refusal = "";
    private hinted = false;
    private warnedReason = "";
    private readonly warned = new Set<string>();
    private readonly waiters = new Set<(isReady: boolean) => void>();
    private readonly handlers = new Map<unknown, Handler>();

    constructor(readonly address: Address, readonly identity: Identity) {
        this.custom = createCustomMessages(this);
        serveWorld(this);
        createProxies(this);
        serveFiles(this);
    }

    // ---------------------------------------------------------------- public state

    get isOpen(): boolean {
        return this.state === "open";
    }

    get isWaiting(): boolean {
        return this.state === "waiting";
    }

    get socket(): WebSocket | null {
        return this.link?.socket ?? null;
    }

    /** The state as the public API names it. */
    get publicState(): ConnectionState {
        if (this.state === "open" || this.state === "closed") {
            return this.state;
        }
        return this.session ? "reconnecting" : this.wasWelcomed ? "lost" : "connecting";
    }

    async waitReady(timeout?: Timeout): Promise<boolean> {
        const limit = millisecondsOf(timeout);
        if (this.state === "open" || this.state === "closed") {
            return this.state === "open";
        }
        return new Promise((resolve) => {
            const tell = (isReady: boolean): void => (clearTimeout(timer), resolve(isReady));
            const late = (): void => void (this.waiters.delete(tell) && resolve(false));
            const timer = limit === null ? undefined : setTimeout(late, limit);
            this.waiters.add(tell);
        });
    }

    setBadge(on: boolean): void {
        this.wantsBadge = on;
        this.tellBadge(this.publicState);
    }

    /** Register the handler for a kind of message. */
    handle(kind: string, handler: Handler): void {
        this.handlers.set(kind, handler);
    }

    // ---------------------------------------------------------------- states

    private enter(next: State): void {
        if (!STATES[this.state].next.includes(next)) {
            throw new Error(`jsmeets_local: a connection that is ${this.state} cannot be ${next}`);
        }
        this.state = next;
    }

    /** Connect for the first time, unless user code has connected or closed already. */
    begin(): void {
        if (this.state === "idle") {
            this.connect();
        }
        this.identity.storeFromFragment();
    }

    /** Connect again now. Returns false if the state does not allow it. */
    reconnect(url?: string | null): boolean {
        if (!STATES[this.state].mayReconnect) {
            return false;
        }
        if (url !== undefined && url !== null) {
            this.address.set(url);
        }
        return this.connect();
    }

    /** Close the connection until `reconnect`. */
    close(): boolean {
        if (this.state === "closed") {
            return false;
        }
        this.sayGoodbye("closed");
        return true;
    }

    /** Disconnect a document that is being left and may return from the back/forward cache. */
    hide(): void {
        if (this.state !== "closed" && this.state !== "hidden") {
            this.sayGoodbye("hidden");
        }
    }

    /** Connect a document restored from the back/forward cache, under a new name. */
    show(): void {
        if (this.state === "hidden") {
            this.documentName = randomName();
            this.connect();
        }
    }

    /** Connect without waiting for the retry delay. */
    hurry(): void {
        if (this.state === "waiting") {
            this.connect();
        }
    }

    /** Send `goodbye` and close the link. Python knows the client since `hello`, even before the welcome. */
    private sayGoodbye(next: "closed" | "hidden"): void {
        const old = this.link;
        if (this.state === "open") {
            this.outbox.flush();
        }
        if (old?.isGreeted) {
            old.send(["goodbye"]);
            if (next === "hidden" && this.outbox.bytesUnderWay > CERTAIN_BYTES) {
                this.reportDeparture();
            }
        }
        this.closedByPage = next === "closed";
        this.leave(next);
        old?.socket.close();
    }

    /** Tell Python over HTTP that this document has left. */
    private reportDeparture(): void {
        const url = this.address.http(`left/${this.documentName}`);
        if (url) {
            navigator.sendBeacon?.(url);   // a setting of Firefox removes it
        }
    }

    private connect(): boolean {
        clearTimeout(this.retryTimer);
        this.enter("connecting");
        this.closedByPage = false;
        try {
            const { address, identity } = this;
            address.url ??= address.socket;
            const token = identity.token ? [`jsmeets.token.${identity.token}`] : [];
            this.listen(new WebSocket(address.url, ["jsmeets.v1", ...token]));
            return true;
        } catch (error) {
            // No retry: an invalid URL or a security restriction is permanent.
            console.error("JsPyTextSocket: cannot open a connection:", error);
            this.leave("closed");
            return false;
        }
    }

    private listen(socket: WebSocket): void {
        const link = new Link(socket, this.maxBytes, (secret) => this.address.http(`bulk/${secret}`));
        this.link = link;
        socket.onopen = () => link.ended || this.greet(link);
        socket.onmessage = (event) => link.ended || this.receive(link, event.data);
        socket.onclose = (event) => link.ended || this.lost(link, event);
    }

    /** Send `hello`, or reload the document under `--reload`. */
    private greet(link: Link): void {
        if (this.reloads) {
            location.reload();
            return;
        }
        const { name, received } = this.session ?? { name: "", received: 0 };
        const mayFetch = this.address.http("bulk/") ? [true] : [];
        link.isGreeted = true;
        link.send(["hello", this.documentName, this.identity.page, this.topics(), name, received, ...mayFetch]);
    }

    private lost(link: Link, event: { code: number; reason: string }): void {
        this.noteReason(event.reason);
        const isNew = link.welcomedAt === null;
        if (isNew && !this.identity.token && !this.hinted) {
            this.hinted = true;   // log the hint once
            console.error(`JsPyTextSocket: cannot connect to ${this.address.url}. Open the page with the URL that app.launch() `
                + "printed, which carries the launch token, and check that the Python server is running.");
        }
        if (!link.isGreeted && this.failedAttempts % ASK_EVERY === 0) {
            void this.updateRefusal();
        }
        const isHopeless = event.code === PROTOCOL_ERROR && isNew;   // another protocol version, which only a reload can fix
        this.leave(isHopeless ? "closed" : "waiting", isHopeless);
    }

    private async updateRefusal(): Promise<void> {
        this.refusal = await fetchRefusal(this.address, this.identity);
        this.tellBadge(this.publicState);
    }

    private noteReason(reason: string): void {
        if (reason) {
            this.disconnectReason = reason;
            if (reason !== this.warnedReason) {
                this.warnedReason = reason;
                console.warn(`JsPyTextSocket: disconnected: ${reason}`);
            }
        }
    }

    /** Close the link after a protocol violation, and start a new session. */
    private refuse(reason: string): void {
        this.session = null;
        console.error(`JsPyTextSocket: protocol error: ${reason}`);
        this.link?.socket.close(PROTOCOL_ERROR, reason.replace(/[^\x20-\x7e]/g, "?").slice(0, 120));
        this.leave("waiting");
    }

    /**
     * Drop the link. Keeps the session for the next link, or ends it.
     *
     * `isRefused`: Python accepted the WebSocket and then rejected the client.
     */
    private leave(next: "waiting" | "closed" | "hidden", isRefused = false): void {
        const { link, session } = this;
        const wasOpen = this.state === "open";
        if (typeof link?.welcomedAt === "number" && performance.now() - link.welcomedAt > GOOD_CONNECTION) {
            this.failedAttempts = 0;
        }
        clearTimeout(this.retryTimer);
        link?.end();
        this.link = null;
        this.enter(next);
        if (next !== "waiting" || !session?.seconds) {
            this.endSession();
        } else if (wasOpen) {
            this.giveUpTimer = setTimeout(() => this.giveUp(), session.seconds * 1000);
        }
        if (next === "closed") {
            this.outbox.clear();
            this.exports.keep([]);
            this.tellWaiters(false);
        }
        if (wasOpen || isRefused) {
            this.closed.run();
        }
        this.tellState();
        this.settleAfterEvents();
    }

    /** Schedule the next attempt, unless a listener has reconnected or closed. */
    private settleAfterEvents(): void {
        this.socketId = this.session ? this.socketId : null;
        if (this.state === "waiting") {
            const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.failedAttempts) * (0.5 + Math.random() / 2);
            this.failedAttempts += 1;
            clearTimeout(this.retryTimer);
            this.retryTimer = setTimeout(() => this.connect(), delay);
        }
    }

    // ---------------------------------------------------------------- sessions

    /** End a session that has expired, or whose Python has restarted. Unacknowledged messages may be lost. */
    private endSession(): void {
        clearTimeout(this.giveUpTimer);
        const hadSession = this.session !== null;
        this.session = null;
        this.calls.cancelAll();
        this.requests.disconnect(this.state === "closed");
        const lost = this.outbox.reset();
        this.streams.endSession();
        this.exports.keep(this.outbox.exported);
        this.imports.end();
        if (hadSession && lost && this.state !== "hidden") {
            console.warn(`JsPyTextSocket: the connection was lost: ${lost} messages may or may not have arrived`);
        }
    }

    private giveUp(): void {
        this.endSession();
        this.socketId = null;
        this.tellState();
    }

    private receiveWelcome([, id, page, settings]: Message, link: Link): void {
        clearTimeout(this.giveUpTimer);
        const resumes = this.session !== null && settings.resumed === true && settings.session === this.session.name;
        if (resumes) {
            this.outbox.rewind(settings.received);
        } else if (this.endEarlierSession(link)) {
            const seconds = Number(settings.resume_seconds) || 0;
            this.session = new Session(String(settings.session ?? ""), seconds);
        } else {
            return;   // a listener has closed it
        }
        link.session = this.session;
        link.welcomedAt = performance.now();
        this.apply(settings);
        link.assembler.maxBytes = this.maxBytes;
        this.wasWelcomed = true;
        this.hinted = true;
        this.warnedReason = "";
        this.refusal = "";
        this.disconnectReason = null;
        this.connections += 1;
        this.socketId = id;
        this.enter("open");
        this.identity.store(page);
        if (!resumes) {
            this.sendNames();
        }
        this.outbox.flush();
        this.tellWaiters(true);
        this.deliveries.run(() => this.tellOpened(link, !resumes));   // scripts that have not run yet may add listeners
    }

    private apply(settings: any): void {
        this.maxBytes = isId(settings.max_message_bytes) ? settings.max_message_bytes : this.maxBytes;
        this.streams.window = isId(settings.stream_items) ? settings.stream_items : this.streams.window;
        this.streams.unit = isId(settings.stream_bytes) ? Math.ceil(settings.stream_bytes / this.streams.window) : Infinity;
        this.reloads = settings.reload === true && hasDocument();
        this.wantsBadge &&= settings.badge !== false;
    }

    /** End the previous session. Listeners receive "lost" before "open", however soon Python returns. */
    private endEarlierSession(link: Link): boolean {
        this.endSession();
        this.socketId = null;
        if (this.toldState === "reconnecting") {
            this.tellState();
        }
        return !link.ended;
    }

    // ---------------------------------------------------------------- events

    private tellOpened(link: Link, isNewSession: boolean): void {
        if (!link.ended) {
            this.opened.run();
            this.tellState();
        }
        if (isNewSession && this.session) {   // a listener may have closed it
            const { name } = this.session;
            const restarted = this.pythonName !== "" && name !== this.pythonName;
            this.pythonName = name;
            this.sessionBegan.run(restarted);
        }
    }

    private tellState(): void {
        const now = this.publicState;
        this.tellBadge(now);
        if (now !== this.toldState) {
            this.toldState = now;
            this.stateChanged.run(now);
        }
    }

    /** Update the badge, which stays hidden if user code closed the connection. */
    private tellBadge(now: ConnectionState): void {
        if (this.state !== "hidden") {   // the document is being left
            this.badge?.(this.wantsBadge && !this.closedByPage ? this.troubleOf(now) : "open", this.disconnectReason ?? "");
        }
    }

    private troubleOf(now: ConnectionState): Trouble {
        if (now === "open" || now === "closed") {
            return now;
        }
        if (this.reloads && now === "lost") {   // under --reload
            return this.failedAttempts < PATIENT_ATTEMPTS ? "restarting" : "broken";
        }
        return this.refusal && now !== "reconnecting" ? this.refusal : now;
    }

    private tellWaiters(isReady: boolean): void {
        const all = [...this.waiters];
        this.waiters.clear();
        all.forEach((tell) => tell(isReady));
    }

    // ---------------------------------------------------------------- receiving

    private receive(link: Link, data: string | ArrayBuffer): void {
        try {
            const messages = link.messagesOf(data);
            for (const message of messages) {
                if (!link.ended) {
                    this.take(link, message);
                }
            }
            if (!link.ended) {   // also after a chunk: all bytes of a large message count
                link.acknowledge(typeof data === "string" ? data.length : data.byteLength);
            }
        } catch (error) {
            if (!(error instanceof ProtocolError)) {
                throw error;
            }
            this.refuse(error.message);
        }
    }

    private take(link: Link, message: Message): void {
        const [kind] = message;
        const { session } = link;
        if (link.welcomedAt === null ? kind !== "welcome" && kind !== "close" : kind === "welcome") {
            throw new ProtocolError(`unexpected '${kind}' message`);
        }
        if (session && !UNCOUNTED.includes(kind)) {
            session.received += 1;
        }
        const failure = specialsOf(message) ? revive(message, this.exports, this.imports) : null;
        if (failure) {
            this.refuseMessage(session, message, failure);
            return;
        }
        if (!DELIVERED.has(kind)) {
            this.takeAtOnce(link, message);
        } else if (this.deliveries.isHeld) {
            this.hold(session, message);
        } else {
            this.deliver(session, message);
        }
    }

    private takeAtOnce(link: Link, message: Message): void {
        const [kind, first, second] = message;
        switch (kind) {
            case "return":
                return this.requests.settle(first, null, second);
            case "error":
                return this.requests.settle(first, second);
            case "cancel":
                return this.receiveCancel(link, first);
            case "pull":
            case "items":
            case "end":
            case "stop":
                return this.streams.receive(message);
            case "state":
            case "patch":
            case "patched":
                return this.handlers.get(kind)?.(message, () => {});
            case "ack":
                return this.outbox.acknowledge(first);
            case "credit":
                return this.outbox.credit(first, second);
            case "ping":
                return link.send(["pong", first]);
            case "welcome":
                return this.receiveWelcome(message, link);
            case "close":
                return this.receiveClose(first, second, link);
            case "fault":
                return console.error(`JsPyTextSocket: ${first}: ${second.message}`);
            default:
                throw new ProtocolError(`unexpected '${kind}' message`);
        }
    }

    /** Report that a message refers to an object that this page does not have: to its caller, or in the log. */
    private refuseMessage(session: Session | null, message: Message, error: Error): void {
        const [kind, id] = message;
        const failure = this.errors.failure(error);
        if (kind === "return") {
            this.requests.settle(id, failure);
        } else if (kind === "items") {
            this.streams.refuse(id, failure);
        } else if (isRequest(message)) {
            this.reply(session, ["error", id, failure]);
        } else {
            this.fault(`a '${kind}' message`, error);
        }
    }

    private receiveClose(reason: string, comesBack: boolean, link: Link): void {
        this.noteReason(reason);
        link.socket.close();
        this.session = null;   // Python ended it deliberately
        this.leave(comesBack ? "waiting" : "closed", link.welcomedAt === null);
    }

    /** Hold back a message until the scripts of the document have run; for good, if it is cancelled meanwhile. */
    private hold(session: Session | null, message: Message): void {
        const [, id] = message;
        const canBeCancelled = isRequest(message);
        if (canBeCancelled) {
            session?.held.add(id);
        }
        this.deliveries.run(() => {
            if (!canBeCancelled || session?.held.delete(id)) {
                this.deliver(session, message);
            }
        });
    }

    private receiveCancel({ session }: Link, id: number): void {
        if (!session?.held.delete(id)) {
            this.calls.cancel(id);
        }
    }

    private deliver(session: Session | null, message: Message): void {
        const [kind, id] = message;
        if ((isRequest(message) || kind === "use" || kind === "release") && this.session !== session) {
            return;   // it was held back and its session has ended: nothing waits for the response, the numbers are stale
        }
        const handler = this.handlers.get(kind);
        if (handler) {
            handler(message, (answer, body, label) => this.reply(session, answer, body, label));
            return;
        }
        const text = `This page has not loaded ${DELIVERED.get(kind)}`;
        if (isRequest(message)) {
            this.reply(session, ["error", id, { kind: "unavailable", name: "UnavailableError", message: text, trace: "" }]);
        } else {
            this.warnOnce(`${text}: '${kind}' messages are dropped`);
        }
    }

    /** Log a warning, but not the same one twice. */
    warnOnce(text: string): void {
        if (!this.warned.has(text)) {
            this.warned.add(text);
            console.warn(`JsPyTextSocket: ${text}`);
        }
    }

    // ---------------------------------------------------------------- sending

    private pack(message: Message, body?: unknown, label?: string): Packet {
        const specials = message[0] === "custom" ? null : new Specials(this.exports, this.imports);
        if (message[0] === "use") {
            specials!.uses.push(message[2]);
        }
        return pack(message, body, label, this.maxBytes, this.outbox.mayTakeWhole, this.outbox.memory, specials);
    }

    private post(packet: Packet, isAlwaysTaken = false): boolean {
        this.beforePost.forEach((run) => run());
        if (this.state === "closed" || !this.outbox.put(packet, isAlwaysTaken)) {
            this.unexport(packet);
            return false;
        }
        if (this.state !== "open") {
            return true;   // sent after the welcome
        }
        if (this.outbox.length >= BURST) {
            this.outbox.flush();   // lets Python start while the turn continues
        } else if (!this.isFlushScheduled) {
            this.isFlushScheduled = true;
            queueMicrotask(this.flush);   // batches the messages of one turn into one frame
        }
        return true;
    }

    private readonly flush = (): void => {
        this.isFlushScheduled = false;
        if (this.state === "open") {
            this.outbox.flush();
        }
    };

    /** Send a message that Python responds to. Throws TypeError if it cannot be serialized. */
    request(request: Request): void {
        const id = this.requests.newId();
        const message = request.message(id);
        const packet = this.pack(message, request.body, request.label);
        packet.order = request.order ?? null;
        if (this.post(packet)) {
            this.requests.add(id, packet, request, CANCELLABLE.includes(message[0]));
        } else {
            request.settle(disconnected(this.state === "closed" ? "the connection is closed" : "the send queue is full"));
        }
    }

    /** Send a message without a response. Returns false if closed or full; throws TypeError if it cannot be serialized. */
    notify(message: Message, body: unknown, label: string, order?: string): boolean {
        const packet = this.pack(message, body, label);
        packet.order = order ?? null;
        return this.post(packet);
    }

    /** Tell Python that a request is given up, behind the last chunk of one that is under way. */
    private cancel(id: number, packet: Packet): void {
        this.outbox.afterwards(packet, () => this.control(["cancel", id]));
    }

    /** Send a small message of this session that needs no response and has no limit. */
    control(message: Message, releases: readonly number[] = []): void {
        const packet = pack(message);
        packet.bound = true;
        packet.releases = releases;
        this.post(packet, true);
    }

    /** Send a message of this session in sequence with others of the same order. Throws TypeError if it cannot be serialized. */
    produce(message: Message, body: unknown, label: string, order: string): Packet {
        const packet = this.pack(message, body, label);
        packet.bound = true;
        packet.order = order;
        this.post(packet, true);
        return packet;
    }

    /** Tell Python the names that the page exposes now. A new session learns them with its welcome. */
    announceNames(): void {
        if (this.session) {
            this.control(["names", this.exposures.names()]);
        }
    }

    private sendNames(): void {
        if (this.exposures.names().length) {
            this.announceNames();
        }
    }

    private sendReleased(pairs: Array<[number, number]>): void {
        this.control(["release", pairs], pairs.map(([number]) => number));
    }

    /** Forget the exports of a packet that Python does not receive. */
    private unexport(packet: Packet): void {
        packet.exported.forEach((number) => this.exports.release(number, 1));
    }

    /** Answer a request of Python with a value. */
    answer(id: number, value: unknown, reply: Reply): void {
        try {
            reply(["return", id, value], value, "result");
        } catch (error) {
            reply(["error", id, { kind: "unserializable", ...this.errors.describe(error) }]);
        }
    }

    private reply(session: Session | null, message: Message, body?: unknown, label?: string): void {
        if (this.session === session) {
            const packet = this.pack(message, body, label);
            packet.bound = true;
            this.post(packet);
        }
    }

    /** Log an error that no caller receives, and report it to Python. */
    fault(what: string, error: unknown): void {
        console.error(`JsPyTextSocket: error in ${what}:`, error);
        this.sendFault(what, { kind: "raised", ...this.errors.describe(error) });
    }

    sendFault(what: string, failure: Failure): void {
        this.post(pack(["fault", what, failure]));
    }

    /** Call a user function, and report its error or rejection. */
    guard(what: string, action: () => unknown): void {
        guard(action, (error) => this.fault(what, error));
    }
}
