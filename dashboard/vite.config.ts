import react from "@vitejs/plugin-react";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const isReplacing = (file: string) => readFileSync(path(`test/${file}`), "utf8").includes("vi.mock(");
const replacing = readdirSync(path("test")).filter(isReplacing).map((file) => `test/${file}`);

// file names without hashes: a change of one page changes one file of the committed build
export default defineConfig({
  plugins: [react()],
  base: "/dashboard/",
  resolve: {
    alias: { "herold-client": path("../clients/typescript/src/index.ts"), "openapi-fetch": path("node_modules/openapi-fetch") },
  },
  build: {
    outDir: "../app/static/dashboard",
    emptyOutDir: true,
    target: "es2023",
    cssTarget: ["chrome123", "edge123", "firefox120", "safari17.5", "ios17.5"], // they know light-dark()
    license: { fileName: "LICENSES.md" },
    rolldownOptions: {
      output: {
        entryFileNames: "assets/[name].js",
        chunkFileNames: "assets/[name].js",
        assetFileNames: "assets/[name][extname]",
      },
    },
  },
  server: { proxy: { "/v1": "http://127.0.0.1:8080", "/ws": { target: "ws://127.0.0.1:8080", ws: true } } },
  test: {
    globals: true,
    environment: "happy-dom",
    setupFiles: ["test/setup.ts"],
    // ms; a busy machine types letter by letter, and loads the modules of a hook, more slowly than in the defaults of 5 and 10 s
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // to load the modules and the DOM for each file takes six times as long as all tests; only a file that replaces modules needs its own
    projects: [
      { extends: true, test: { name: "shared", isolate: false, include: ["test/*.test.{ts,tsx}"], exclude: replacing } },
      { extends: true, test: { name: "replacing", include: replacing } },
    ],
  },
});
