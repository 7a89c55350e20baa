import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import jsmeets from "../src/vite.ts";

/** A proxy as Vite configures it, and the errors that Vite's terminal shows. */
function proxyOf(plugin) {
    const shown = [];
    const logger = { error: (message, options) => { shown.push([message, options?.error?.code]); } };
    plugin.configResolved({ logger });
    const proxy = new EventEmitter();
    plugin.config().server.proxy["/jsmeetspy"].configure(proxy);
    proxy.on("error", (error, request, response) => {
        logger.error(`${"req" in response ? "http" : "ws"} proxy error`, { timestamp: true, error });
    });
    proxy.on("proxyReqWs", (outgoing, request, socket) => {
        socket.on("error", (error) => { logger.error("ws proxy socket error", { timestamp: true, error }); });
    });
    return [proxy, shown, logger];
}

const error = (code) => Object.assign(new Error(code), { code });

/** A restart of Python, as the proxy sees it. */
function restart(proxy) {
    const socket = new EventEmitter();
    proxy.emit("proxyReqWs", {}, {}, socket);
    proxy.emit("error", error("ECONNRESET"), {}, {});
    socket.emit("error", error("EPIPE"));
    proxy.emit("error", error("ECONNREFUSED"), {}, {});
    proxy.emit("error", error("ECONNREFUSED"), {}, { req: {} });   // the page asks for the reason
    proxy.emit("error", error("ECONNREFUSED"), {}, {});
    proxy.emit("open");
}

test("under run --dev, a restart of Python shows no errors", () => {
    process.env.JSMEETS_URL = "http://127.0.0.1:1234";
    const [proxy, shown] = proxyOf(jsmeets());
    delete process.env.JSMEETS_URL;
    restart(proxy);
    assert.deepEqual(shown, []);
});

test("without run --dev, the first refusal is shown", () => {
    const [proxy, shown] = proxyOf(jsmeets({ url: "http://127.0.0.1:8000" }));
    restart(proxy);
    restart(proxy);
    assert.deepEqual(shown, [["ws proxy error", "ECONNREFUSED"], ["ws proxy error", "ECONNREFUSED"]]);
});

test("other errors are shown", () => {
    const [proxy, shown, logger] = proxyOf(jsmeets());
    proxy.emit("error", error("ENOTFOUND"), {}, {});
    proxy.emit("error", error("ECONNRESET"), {}, { req: {} });
    logger.error("of Vite");
    logger.error("of another proxy", { error: error("ECONNRESET") });
    logger.error("without an error", { error: null });
    assert.deepEqual(shown, [
        ["ws proxy error", "ENOTFOUND"], ["http proxy error", "ECONNRESET"], ["of Vite", undefined],
        ["of another proxy", "ECONNRESET"], ["without an error", undefined],
    ]);
});
