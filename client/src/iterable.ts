/** Promises of streams that are iterated over without `await`. */

/** What a call of Python returns: `for await (const row of py.rows(9))` needs no second `await`. */
export type PyResult<Value = any> =
    Promise<Value> & AsyncIterable<Value extends AsyncIterable<infer Item> | Iterable<infer Item> ? Item : any>;

async function* itemsOf(this: Promise<any>): AsyncGenerator<any, void, undefined> {
    const value = await this;
    if (typeof value?.[Symbol.asyncIterator] !== "function" && typeof value?.[Symbol.iterator] !== "function") {
        throw new TypeError(`Python returned no stream that \`for await\` can read, but a value of type ${value === null ? "null" : typeof value}`);
    }
    yield* value;
}

/** Let `for await` read the stream that the promise resolves to. */
export const iterable = <Value>(promise: Promise<Value>): PyResult<Value> => {
    (promise as any)[Symbol.asyncIterator] = itemsOf;
    return promise as PyResult<Value>;
};
