/** Work in a later turn of the event loop, as `queueMicrotask` is for work at the end of this one. */

let channel: MessageChannel | null = null;
let actions: Array<() => void> = [];

/** Call `action` in the next turn. Timers would wait 4 ms, and a second in a hidden page. */
export function queueMacrotask(action: () => void): void {
    channel ??= open();
    if (actions.push(action) === 1) {
        channel.port2.postMessage(null);
    }
}

function open(): MessageChannel {
    const made = new MessageChannel();
    made.port1.onmessage = () => {
        const due = actions;
        actions = [];
        due.forEach((action) => action());
    };
    (made.port1 as { unref?: () => void }).unref?.();   // Node would not end
    return made;
}
