// Builds jsmeets_local/assets/, and dist/ for npm. ./scripts/client calls it.
//
//   node build.mjs            writes both
//   node build.mjs --check    fails if jsmeets_local/assets/ differs from the build
//   node build.mjs --package  writes only dist/
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const ASSETS = path("../jsmeets_local/assets");
const CLASSIC = ["JsPyTextSocket", "JsPyFunction", "JsPyQueue", "JsPyPubsub", "JsPyBinarySocket", "badge", "jsmeets"];
const CODE = "jsmeets-code.mjs";
const STATE = "jsmeets-state.mjs";
const VIEW = "jsmeets-view.mjs";
const INTEGRATIONS = ["react", "vite"];
const PACKAGED = ["jsmeets.mjs", CODE, STATE, VIEW, "jsmeets.d.mts", ...INTEGRATIONS.flatMap((name) => [`${name}.mjs`, `${name}.d.mts`])];

const [, VERSION] = /^version = "(.+)"$/m.exec(readFileSync(path("../pyproject.toml"), "utf8"));
const BANNER = `// jsmeets_local ${VERSION}, MIT License. Built from client/src: change it there, then run ./scripts/client.`;

/** Code that is needed only sometimes stays a separate file, next to the module. */
const codeApart = {
    name: "code-apart",
    setup({ onResolve }) {
        for (const [filter, file] of [[/\/code\/index\.ts$/, CODE], [/\/state\.ts$/, STATE], [/\/view\/index\.ts$/, VIEW]]) {
            onResolve({ filter }, ({ kind }) =>
                (kind === "dynamic-import" ? { path: `./${file}`, external: true } : undefined));
        }
    },
};

async function buildInto(folder) {
    const entry = (name) => path(`src/entries/${name}.ts`);
    const options = {
        bundle: true, target: "es2022", charset: "utf8", legalComments: "none", outdir: folder, logLevel: "warning",
        plugins: [codeApart], banner: { js: BANNER }, absWorkingDir: path("."),
    };
    await build({ ...options, format: "iife", entryPoints: CLASSIC.map(entry) });
    const esm = { ...options, format: "esm", outExtension: { ".js": ".mjs" } };
    await build({ ...esm, entryPoints: { jsmeets: entry("module") } });
    await build({ ...esm, entryPoints: { "jsmeets-state": path("src/state.ts") } });
    await build({ ...esm, entryPoints: { "jsmeets-view": path("src/view/index.ts") } });
    const license = readFileSync(path("node_modules/acorn/LICENSE"), "utf8").trim();
    await build({
        ...esm, entryPoints: { "jsmeets-code": path("src/code/index.ts") },
        banner: { js: `${BANNER}\n/*\nIt contains acorn:\n\n${license}\n*/` },
    });
    await build({ ...esm, entryPoints: { "jsmeets-notebook": entry("notebook") } });
    await build({
        ...esm, entryPoints: { "jsmeets-carried": entry("carried") },
        banner: { js: `${BANNER}\n/*\nIt contains acorn:\n\n${license}\n*/` },
    });
    await build({
        ...esm, entryPoints: INTEGRATIONS.map((name) => path(`src/${name}.ts`)), external: ["jsmeets-local", "react"],
        tsconfigRaw: {},   // without the path of jsmeets-local in its own source
    });
    declareInto(folder, "entries/declarations", "jsmeets");
    INTEGRATIONS.forEach((name) => declareInto(folder, name, name));
    writeFileSync(join(folder, "package.json"), packageOfUsers());
}

/** Return package.json without what only the build of the package needs. The files are those next to it. */
function packageOfUsers() {
    const { devDependencies, files, sideEffects, ...data } = JSON.parse(readFileSync(path("package.json"), "utf8"));
    const text = JSON.stringify({ ...data, version: VERSION, sideEffects: ["./jsmeets.mjs"] }, null, 4);
    return `${text.replaceAll("./dist/", "./")}\n`;
}

/** Bundle the declarations of a module into one file. */
function declareInto(folder, source, name) {
    const [entry, out] = [path(`src/${source}.ts`), join(folder, `${name}.d.mts`)];
    execFileSync(process.execPath, [path("node_modules/dts-bundle-generator/dist/bin/dts-bundle-generator.js"),
        "--silent", "--no-check", "--no-banner", "--export-referenced-types", "--inline-declare-global", "--project", path("tsconfig.json"),
        "-o", out, entry], { stdio: "inherit" });
    const text = readFileSync(out, "utf8").replace(/^\t+/gm, (tabs) => "    ".repeat(tabs.length));
    const [about] = /^\/\*\*[^]*?\*\//.exec(readFileSync(entry, "utf8"));
    writeFileSync(out, `${BANNER}\n${text.startsWith(about) ? "" : `${about}\n\n`}${text}`);
}

/** Write the version of the Python package into the npm files, which follow it. */
function followVersion() {
    for (const name of ["package.json", "package-lock.json"]) {
        const data = JSON.parse(readFileSync(path(name), "utf8"));
        data.version = VERSION;
        if (data.packages) {
            data.packages[""].version = VERSION;
        }
        writeFileSync(path(name), `${JSON.stringify(data, null, 4)}\n`);
    }
}

function makePackage() {
    const dist = path("dist");
    rmSync(dist, { recursive: true, force: true });
    mkdirSync(dist);
    PACKAGED.forEach((name) => copyFileSync(join(ASSETS, name), join(dist, name)));
    copyFileSync(path("../LICENSE"), join(dist, "LICENSE"));
}

async function check() {
    const folder = mkdtempSync(join(tmpdir(), "jsmeets-"));
    const same = (name) => existsSync(join(ASSETS, name)) && readFileSync(join(ASSETS, name)).equals(readFileSync(join(folder, name)));
    try {
        await buildInto(folder);
        const stale = readdirSync(folder).filter((name) => !same(name));
        const { version } = JSON.parse(readFileSync(path("package.json"), "utf8"));
        if (stale.length || version !== VERSION) {
            console.error(`run ./scripts/client: not what the source gives: ${stale.join(", ") || "client/package.json"}`);
            process.exitCode = 1;
        }
    } finally {
        rmSync(folder, { recursive: true });
    }
}

if (process.argv.includes("--check")) {
    await check();
} else if (process.argv.includes("--package")) {
    makePackage();
} else {
    followVersion();
    await buildInto(ASSETS);
    makePackage();
}
