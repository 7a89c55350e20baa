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

interface Forwarding {
    proxy: { [path: string]: { target: string; ws: boolean } };
}

/** What Vite reads of the plugin. */
export interface JsMeetsPlugin {
    name: string;
    config(): { server: Forwarding; preview: Forwarding };
}

const DEFAULT_URL = "http://127.0.0.1:8000";

export default function jsmeets({ url }: JsMeetsOptions = {}): JsMeetsPlugin {
    return {
        name: "jsmeets-local",
        config() {
            const environment = (globalThis as { process?: { env: Record<string, string | undefined> } }).process?.env ?? {};
            const target = url ?? environment["JSMEETS_URL"] ?? DEFAULT_URL;
            const forwarding = { proxy: { "/jsmeetspy": { target, ws: true } } };
            return { server: forwarding, preview: forwarding };
        },
    };
}
