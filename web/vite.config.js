// Builds dist/viewer.html: one file with everything inside. The script, most of it Spark with its WebAssembly, is gzipped and
// unpacked by the browser (index.html), which makes the page a third as large.
import { execFileSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import { defineConfig } from "vite";

import { notices } from "./page_notices.js";

/** @returns {import("vite").Plugin} */
function singleFile() {
  return {
    name: "single-file",
    enforce: "post",
    generateBundle(_, bundle) {
      const page = bundle["index.html"];
      const scripts = Object.values(bundle).filter((file) => file.type === "chunk");
      const styles = Object.values(bundle).filter((file) => file.fileName.endsWith(".css"));
      if (scripts.length !== 1) this.error(`expected one script, not ${scripts.length.toString()}`);
      const program = gzipSync(scripts[0].code, { level: 9 }).toString("base64");
      const style = styles.map((file) => file.source).join("\n");
      const sources = execFileSync("scripts/build_viewer.sh", ["--hash", "viewer"], { cwd: ".." }).toString().trim();
      const html = page.source
        .replace(/\s*<script type="module"[^>]*><\/script>/, "")
        .replace(/\s*<link rel="stylesheet"[^>]*>/, () => `\n    <style>${style}</style>`)
        .replace("<!doctype html>", () => `<!doctype html>\n<!--\n${notices()}\n-->`)
        .replace("%SOURCES%", sources)
        .replace("</body>", () => `  <script type="text/plain" id="program">${program}</script>\n  </body>`);
      for (const name of Object.keys(bundle)) Reflect.deleteProperty(bundle, name);
      this.emitFile({ type: "asset", fileName: "viewer.html", source: html });
    },
  };
}

export default defineConfig({
  plugins: [singleFile()],
  build: { target: "es2022", emptyOutDir: false, modulePreload: false, chunkSizeWarningLimit: 5000, reportCompressedSize: false },
});
