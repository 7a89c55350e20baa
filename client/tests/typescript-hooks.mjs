import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";

export async function load(url, context, nextLoad) {
    const loader = { ".ts": "ts", ".json": "json" }[/\.\w+$/.exec(url)?.[0]];
    if (!loader) {
        return nextLoad(url, context);
    }
    const path = fileURLToPath(url);
    const text = await readFile(path, "utf8");
    if (loader === "json") {   // names of its members, as bundlers give them
        return { format: "module", shortCircuit: true, source: `export const { version } = ${text}` };
    }
    const { code } = await transform(text, { loader, target: "es2022", sourcemap: "inline", sourcefile: path });
    return { format: "module", shortCircuit: true, source: code };
}
