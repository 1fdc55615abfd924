import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";

import { defineConfig, type Plugin } from "vite";

const built = fileURLToPath(new URL("../fangfanpin/web/static/built", import.meta.url));

/** Writes .gz and .br beside every script and sheet (those of the desk entry too): the server sends them as they lie there. */
const compressed: Plugin = {
  name: "compressed",
  closeBundle() {
    for (const name of readdirSync(built, { recursive: true, encoding: "utf8" })) {
      if (!/\.(js|css)$/.test(name)) continue;
      const content = readFileSync(`${built}/${name}`);
      writeFileSync(`${built}/${name}.gz`, gzipSync(content, { level: 9 }));
      writeFileSync(`${built}/${name}.br`, brotliCompressSync(content));
    }
  },
};

// The server-rendered site: site.css and site.js under fixed names; charts are fetched only by pages that show one.
export default defineConfig({
  plugins: [compressed],
  base: "./",
  publicDir: false,
  css: { preprocessorOptions: { scss: { quietDeps: true, loadPaths: [fileURLToPath(new URL("node_modules", import.meta.url))] } } },
  build: {
    target: ["chrome90", "safari15"],
    outDir: built,
    emptyOutDir: false, // the desk entry's build writes here too
    modulePreload: false,
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      input: { site: fileURLToPath(new URL("src/site/site.ts", import.meta.url)) },
      output: { format: "es", entryFileNames: "[name].js", chunkFileNames: "site-[name].js", assetFileNames: "site[extname]" },
    },
  },
});
