// Builds dist/studio/: the page of `gsv3d serve`. Scripts and style are gzipped here, once, and sent as they are; the 3D view is a
// file of its own, which the browser asks for when there is an object.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { defineConfig } from "vite";

import { notices } from "./page_notices.js";

const expected = ["studio.css", "studio.html", "studio.js", "view.js"];

/** After all of vite's own work on the files.
 * @returns {import("vite").Plugin} */
function carriedFiles() {
  return {
    name: "carried-files",
    writeBundle({ dir }, bundle) {
      const names = Object.keys(bundle).sort();
      if (names.join() !== expected.join()) this.error(`expected ${expected.join()}, not ${names.join()}`);
      const sources = execFileSync("scripts/build_viewer.sh", ["--hash", "studio"], { cwd: ".." }).toString().trim();
      for (const name of names) {
        const path = `${dir}/${name}`;
        const text = readFileSync(path, "utf8");
        const notice = name === "view.js" ? `/*!\n${notices()}\n*/\n` : "";
        if (name === "studio.html") writeFileSync(`${dir}/index.html`, text.replace("%SOURCES%", sources));
        else writeFileSync(`${path}.gz`, gzipSync(notice + text, { level: 9 }));
        rmSync(path);
      }
    },
  };
}

export default defineConfig({
  base: "/studio/",
  plugins: [carriedFiles()],
  build: {
    outDir: "dist/studio",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    chunkSizeWarningLimit: 5000,
    reportCompressedSize: false,
    rolldownOptions: {
      input: "studio.html",
      output: { entryFileNames: "[name].js", chunkFileNames: "[name].js", assetFileNames: "[name][extname]" },
    },
  },
});
