import { defineConfig } from "vite";
import jsmeets from "jsmeets-local/vite";

export default defineConfig({ plugins: [jsmeets()] });
