/**
 * The Vite plugin of jsmeets_local: `import jsmeets from "jsmeets-local/vite"`.
 *
 * It lets Vite's server forward the connection of the page to Python.
 */

/** The options of the plugin. */
export interface JsMeetsOptions {
    /**
     * The URL of the Python server. By default that of `jsmeets-local run --dev`, which is in the environment variable
     * JSMEETS_URL, else "http://127.0.0.1:8000".
     */
    url?: string;
}

interface Emitter {
    on(event: string, listener: (...args: any[]) => void): unknown;
}

interface Forwarding {
    proxy: { [path: string]: { target: string; ws: boolean; configure(proxy: Emitter): void } };
}

interface Logger {
    error(message: string, options?: { error?: object | null }): void;
}

/** The properties of the plugin that Vite reads. */
export interface JsMeetsPlugin {
    name: string;
    config(): { server: Forwarding; preview: Forwarding };
    configResolved(config: { logger: Logger }): void;
}

const DEFAULT_URL = "http://127.0.0.1:8000";
const LOST = new Set(["ECONNRESET", "EPIPE"]);

export default function jsmeets({ url }: JsMeetsOptions = {}): JsMeetsPlugin {
    const environment = (globalThis as { process?: { env: Record<string, string | undefined> } }).process?.env ?? {};
    const started = environment["JSMEETS_URL"];   // `run --dev` restarts Python and tells about it
    const target = url ?? started ?? DEFAULT_URL;
    const ofRestart = new WeakSet();   // errors that are not shown
    let isRefused = false;

    /**
     * Collect an error after which the page connects again. Without `run --dev`, the first refusal is shown.
     *
     * A page whose connection is refused asks by HTTP for the reason, which fails in the same way.
     */
    function note(error: { code?: string }, isOfWebSocket: boolean): void {
        const isRefusal = error.code === "ECONNREFUSED";
        if (isRefusal ? isRefused || target === started : isOfWebSocket && LOST.has(error.code ?? "")) {
            ofRestart.add(error);
        }
        isRefused ||= isRefusal;
    }

    function configure(proxy: Emitter): void {   // before Vite listens to the same events
        proxy.on("error", (error, _request, response) => { note(error, !("req" in response)); });
        proxy.on("proxyReqWs", (_outgoing, _request, socket: Emitter) => {
            socket.on("error", (error) => { note(error, true); });
        });
        proxy.on("open", () => { isRefused = false; });
    }

    return {
        name: "jsmeets-local",
        config() {
            const forwarding = { proxy: { "/jsmeetspy": { target, ws: true, configure } } };
            return { server: forwarding, preview: forwarding };
        },
        configResolved({ logger }) {
            const { error } = logger;
            logger.error = (message, options) => {
                if (!options?.error || !ofRestart.has(options.error)) {
                    error.call(logger, message, options);
                }
            };
        },
    };
}
