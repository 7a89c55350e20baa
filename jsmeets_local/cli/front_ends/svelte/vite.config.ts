import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import jsmeets from "jsmeets-local/vite";

export default defineConfig({ plugins: [svelte(), jsmeets()] });
