import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

import vue from "@vitejs/plugin-vue";
import { defineConfig, type Plugin } from "vite";

const built = fileURLToPath(new URL("../fangfanpin/web/static/built", import.meta.url));

/** The site-wide build, which runs after this one, writes .gz and .br of everything: those of an older entry.js must not be sent meanwhile. */
const withoutStale: Plugin = {
  name: "without-stale",
  closeBundle() {
    for (const name of ["entry.js", "entry.css"]) for (const ending of ["gz", "br"]) rmSync(`${built}/${name}.${ending}`, { force: true });
  },
};

// The desk entry screen: one script and one sheet under fixed names, which templates name and the server sends with its own caching.
// Nothing inline: the content policy allows only files of our own.
export default defineConfig({
  plugins: [withoutStale, vue({ features: { optionsAPI: false } })],
  define: { __VUE_OPTIONS_API__: "false", __VUE_PROD_DEVTOOLS__: "false", __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false" },
  base: "./",
  publicDir: false,
  build: {
    // The oldest browsers in the county's offices and on its phones.
    target: ["chrome90", "safari15"],
    outDir: built,
    emptyOutDir: false, // the site-wide build writes here too
    modulePreload: false,
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: { entry: fileURLToPath(new URL("src/desk/main.ts", import.meta.url)) },
      output: { format: "es", entryFileNames: "[name].js", assetFileNames: "entry[extname]", codeSplitting: false },
    },
  },
});
