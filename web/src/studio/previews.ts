// The views as they appear while they are sampled: each a tile around the object.
import type { Preview } from "./api";
import { el } from "./dom";

export class Previews {
  readonly root = el("div", { class: "tiles", role: "img", "aria-label": "The views so far" });
  private latest = 0;

  /** Empty tiles until the first views are there. */
  constructor(views: number) {
    this.root.append(...Array.from({ length: views }, () => el("canvas", { class: "empty", width: 1, height: 1 })));
  }

  async show(preview: Preview): Promise<void> {
    const order = ++this.latest;
    const bytes = Uint8Array.from(atob(preview.png_base64), (letter) => letter.charCodeAt(0));
    const strip = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    if (order !== this.latest) return;
    const side = preview.width / preview.views;
    while (this.root.children.length < preview.views) this.root.append(el("canvas"));
    while (this.root.children.length > preview.views) this.root.lastChild?.remove();
    for (const [i, tile] of [...this.root.children].entries()) {
      const canvas = tile as HTMLCanvasElement;
      canvas.className = "";
      Object.assign(canvas, { width: side, height: preview.height });
      canvas.getContext("2d")?.drawImage(strip, i * side, 0, side, preview.height, 0, 0, side, preview.height);
    }
    this.root.dataset.step = preview.step.toString();
    this.root.setAttribute("aria-label", `The ${preview.views.toString()} views after step ${preview.step.toString()} of ${preview.steps.toString()}`);
  }
}
