import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import jsmeets from "jsmeets-local/vite";

export default defineConfig({ plugins: [react(), jsmeets()] });
