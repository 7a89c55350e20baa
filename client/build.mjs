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
const PACKAGED = ["jsmeets.mjs", CODE, "jsmeets.d.mts"];

const [, VERSION] = /^version = "(.+)"$/m.exec(readFileSync(path("../pyproject.toml"), "utf8"));
const BANNER = `// jsmeets_local ${VERSION}, MIT License. Built from client/src: change it there, then run ./scripts/client.`;

/** Code that is needed only sometimes stays a separate file, next to the module. */
const codeApart = {
    name: "code-apart",
    setup({ onResolve }) {
        onResolve({ filter: /\/code\/index\.ts$/ }, ({ kind }) =>
            (kind === "dynamic-import" ? { path: `./${CODE}`, external: true } : undefined));
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
    declareInto(folder);
}

/** Bundle the declarations of the module into one file. */
function declareInto(folder) {
    const [entry, out] = [path("src/entries/declarations.ts"), join(folder, "jsmeets.d.mts")];
    execFileSync(process.execPath, [path("node_modules/dts-bundle-generator/dist/bin/dts-bundle-generator.js"),
        "--silent", "--no-check", "--no-banner", "--export-referenced-types", "--inline-declare-global", "--project", path("tsconfig.json"),
        "-o", out, entry], { stdio: "inherit" });
    const text = readFileSync(out, "utf8").replace(/^\t+/gm, (tabs) => "    ".repeat(tabs.length));
    const [about] = /^\/\*\*[^]*?\*\//.exec(readFileSync(entry, "utf8"));
    writeFileSync(out, `${BANNER}\n${about}\n\n${text}`);
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
