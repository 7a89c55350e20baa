// node --import ./tests/typescript.mjs --test: imports of the source are compiled, the tests run as they are.
import { register } from "node:module";

register("./typescript-hooks.mjs", import.meta.url);
