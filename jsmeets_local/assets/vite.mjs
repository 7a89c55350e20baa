// jsmeets_local 1.0.0, MIT License. Built from client/src: change it there, then run ./scripts/client.

// src/vite.ts
var DEFAULT_URL = "http://127.0.0.1:8000";
var LOST = /* @__PURE__ */ new Set(["ECONNRESET", "EPIPE"]);
function jsmeets({ url } = {}) {
  const environment = globalThis.process?.env ?? {};
  const started = environment["JSMEETS_URL"];
  const target = url ?? started ?? DEFAULT_URL;
  const ofRestart = /* @__PURE__ */ new WeakSet();
  let isRefused = false;
  function note(error, isOfWebSocket) {
    const isRefusal = error.code === "ECONNREFUSED";
    if (isRefusal ? isRefused || target === started : isOfWebSocket && LOST.has(error.code ?? "")) {
      ofRestart.add(error);
    }
    isRefused ||= isRefusal;
  }
  function configure(proxy) {
    proxy.on("error", (error, _request, response) => {
      note(error, !("req" in response));
    });
    proxy.on("proxyReqWs", (_outgoing, _request, socket) => {
      socket.on("error", (error) => {
        note(error, true);
      });
    });
    proxy.on("open", () => {
      isRefused = false;
    });
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
    }
  };
}
export {
  jsmeets as default
};
