// jsmeets_local 1.0.0, MIT License. Built from client/src: change it there, then run ./scripts/client.
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
export interface Emitter {
    on(event: string, listener: (...args: any[]) => void): unknown;
}
export interface Forwarding {
    proxy: {
        [path: string]: {
            target: string;
            ws: boolean;
            configure(proxy: Emitter): void;
        };
    };
}
export interface Logger {
    error(message: string, options?: {
        error?: object | null;
    }): void;
}
/** The properties of the plugin that Vite reads. */
export interface JsMeetsPlugin {
    name: string;
    config(): {
        server: Forwarding;
        preview: Forwarding;
    };
    configResolved(config: {
        logger: Logger;
    }): void;
}
declare function jsmeets({ url }?: JsMeetsOptions): JsMeetsPlugin;

export {
    jsmeets as default,
};

export {};
