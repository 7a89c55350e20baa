// A page of soak.py: it talks to Python without a pause.
JsPyFunction.expose("echo", (value) => value);
JsPyPubsub.subscribe("down", () => undefined);
JsPyQueue.add_callback((key) => JsPyQueue.shift(key));

JsPyFunction.expose("use", (f) => f(1));

let count = 0;

async function talk() {
    const calls = Array.from({ length: 20 }, (_, n) => JsPyFunction.call("echo", 10)(n));
    const large = count % 10 ? [] : [JsPyFunction.call("echo", 10)(new Uint8Array(400_000))];
    const callbacks = Array.from({ length: 20 }, (_, n) => JsPyFunction.call("use", 10)(() => n));
    count += 1;
    await Promise.allSettled([...calls, ...callbacks, ...large, JsPyFunction.call("model", 10)(), JsPyPubsub.publish("up", true, 10)(count), JsPyQueue.push("up", 10)(count)]);
    setTimeout(talk, 20);
}

talk();
