// Pages of tests/bridge/test_state_convergence.py: what jsmeets-state.mjs makes of a state, without a connection.
// Each line of the input is a command, an array; the answer is a line with what it has led to.
import { createInterface } from "node:readline";

const { createStates } = await import(process.argv[2]);
class NoArray {}

class Page {
    constructor() {
        this.handlers = new Map();
        this.sent = [];
        this.heard = [];
        const connection = {
            beforePost: new Set(), sessionBegan: { add() {} }, publicState: "open", socketId: 1,
            handle: (kind, handler) => this.handlers.set(kind, handler),
            control: (message) => this.sent.push(JSON.parse(JSON.stringify(message))),
            produce: (message) => {
                this.sent.push(JSON.parse(JSON.stringify(message)));
                return { sent: true };
            },
            guard: (what, action) => action(),
        };
        createStates(connection, NoArray)("").then((state) => {
            this.state = state;
            Object.keys(state).forEach((field) => state.on(field, (value) => this.heard.push([field, JSON.parse(JSON.stringify(value))])));
        });
    }

    /** Make a change; what a state refuses at once, such as a name as the index of an array, changes nothing. */
    change([path, method, ...args]) {
        try {
            this.changeNow(path, method, args);
        } catch (error) {
            if (!(error instanceof TypeError)) {
                throw error;
            }
        }
    }

    changeNow(path, method, args) {
        let place = this.state;
        for (const step of path) {
            place = place?.[step];
        }
        if (typeof place !== "object" || place === null) {
            return;
        }
        if (method === "set") {
            place[args[0]] = args[1];
        } else if (method === "delete") {
            if (!Array.isArray(place)) {
                delete place[args[0]];
            }
        } else if (Array.isArray(place)) {
            place[method](...args);
        }
    }
}

let pages = [];
const commands = {
    pages: (count) => { pages = Array.from({ length: count }, () => new Page()); },
    receive: (index, message) => pages[index].handlers.get(message[0])(message),
    change: (index, changes) => changes.forEach((change) => pages[index].change(change)),   // in one turn
    nothing: () => undefined,
};
let errors = [];
process.on("uncaughtException", (error) => errors.push(`${error.name}: ${error.message}`));
for await (const line of createInterface({ input: process.stdin })) {
    const [name, ...args] = JSON.parse(line);
    commands[name](...args);
    await new Promise((resolve) => { setTimeout(resolve); });
    const answer = {
        sent: pages.map((page) => page.sent.splice(0)),
        states: pages.map((page) => page.state ?? null),
        heard: pages.map((page) => page.heard.splice(0)),
        errors,
    };
    errors = [];
    process.stdout.write(`${JSON.stringify(answer)}\n`);
}
