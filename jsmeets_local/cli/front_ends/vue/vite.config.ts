import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";
import jsmeets from "jsmeets-local/vite";

export default defineConfig({ plugins: [vue(), jsmeets()] });
