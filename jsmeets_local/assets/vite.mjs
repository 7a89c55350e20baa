// jsmeets_local 1.0.0, MIT License. Built from client/src: change it there, then run ./scripts/client.

// src/vite.ts
var DEFAULT_URL = "http://127.0.0.1:8000";
function jsmeets({ url } = {}) {
  return {
    name: "jsmeets-local",
    config() {
      const environment = globalThis.process?.env ?? {};
      const target = url ?? environment["JSMEETS_URL"] ?? DEFAULT_URL;
      const forwarding = { proxy: { "/jsmeetspy": { target, ws: true } } };
      return { server: forwarding, preview: forwarding };
    }
  };
}
export {
  jsmeets as default
};
