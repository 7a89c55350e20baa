"""Comlink: objects of a worker of the page, used by the page. Python only serves the files."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from console import serve

LIBRARY = Path(sys.prefix, "node_modules", "comlink", "dist", "umd", "comlink.min.js").read_bytes()
WORKER = b"""
importScripts("comlink.js");
let taken = [0, 0];
const take = (number) => { taken = [taken[0] + 1, taken[1] + number]; };
const api = {
    add: (a, b) => a + b,
    adder: { sum: 7, add: (a, b) => a + b },
    callBack(count, callback) { for (let i = 0; i < count; i += 1) { callback(i); } },
    publish(count) { for (let i = 0; i < count; i += 1) { postMessage(i); } },
    listen: take,
    taken() { const all = taken; taken = [0, 0]; return all; },
};
Comlink.expose(api);
addEventListener("message", ({ data }) => { if (typeof data === "number") { take(data); } });
"""
PAGE = b"""<!DOCTYPE html><title>comlink</title><script src="comlink.js"></script><script>
const worker = new Worker("worker.js");
const api = Comlink.wrap(worker);
const add = Comlink.wrap(worker).add;
const seconds = async (work) => {
    const start = performance.now();
    const value = await work();
    return [(performance.now() - start) / 1000, value];
};
const sum = (count) => count * (count - 1) / 2;
/** Return a function that takes `count` numbers, and the promise that they have come. */
const receive = (count) => {
    let [got, total, tell] = [0, 0, null];
    const all = new Promise((resolve) => { tell = resolve; });
    const take = (number) => { got += 1; total += number; if (got === count) { tell(total); } };
    return [take, all];
};
const uses = {
    call: (i) => add(i, 7),
    attribute: async (i) => i + await api.adder.sum,
    method: (i) => api.adder.add(i, 7),
};
/** Make each use, one after another, and return the seconds of each by name. */
async function useObject({ count, warm_up }) {
    const all = Object.fromEntries(Object.keys(uses).map((name) => [name, []]));
    for (let i = -warm_up; i < count; i += 1) {
        for (const [name, use] of Object.entries(uses)) {
            const [taken, value] = await seconds(() => use(i));
            loops.check(value, i + 7);
            if (i >= 0) { all[name].push(taken); }
        }
    }
    return all;
}
const timed = async (work) => (await seconds(work))[0];
const callbacks = {
    async down(count) {
        const callback = await timed(async () => {
            const [take, all] = receive(count);
            await api.callBack(count, Comlink.proxy(take));
            loops.check(await all, sum(count));
        });
        const message = await timed(async () => {
            const [take, all] = receive(count);
            const hear = ({ data }) => { if (typeof data === "number") { take(data); } };
            worker.addEventListener("message", hear);
            await api.publish(count);
            loops.check(await all, sum(count));
            worker.removeEventListener("message", hear);
        });
        return [callback, message];
    },
    async up(count) {
        const taken = async () => {
            const [got, total] = await api.taken();   // the messages before it have been handled
            loops.check(got, count);
            loops.check(total, sum(count));
        };
        const callback = await timed(() => {
            for (let i = 0; i < count; i += 1) { api.listen(i); }
            return taken();
        });
        const message = await timed(() => {
            for (let i = 0; i < count; i += 1) { worker.postMessage(i); }
            return taken();
        });
        return [callback, message];
    },
};
window.bench = { ready: add(1, 2) };
</script>"""
FILES = {
    "/": (PAGE, "text/html"),
    "/worker.js": (WORKER, "text/javascript"),
    "/comlink.js": (LIBRARY, "text/javascript"),
}


class Handler(BaseHTTPRequestHandler):
    """Handler of requests for the files."""

    def log_message(self, *args):
        """Log nothing."""

    def do_GET(self):
        body, kind = FILES.get(self.path, (b"", "text/plain"))
        self.send_response(200 if body else 404)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("cross-origin-embedder-policy", "require-corp")  # a worker of an isolated page needs it
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
Thread(target=server.serve_forever, daemon=True).start()
serve(f"http://127.0.0.1:{server.server_port}/")
