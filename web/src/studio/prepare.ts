// From photos to jobs: choose among them, crop and mend each, set the options, send.
import { api, ServiceError, type Capabilities, type Job, type Model } from "./api";
import { count, el, megabytes, messageOf, notify } from "./dom";
import { Editor, type Tool } from "./editor";
import { drawGround } from "./ground";
import { Photo } from "./photo";
import { Settings, slider } from "./settings";

/** Where further photos of one object are first taken to be from: the right side, the back, the left side, then between. */
const usualAzimuths = [0, 90, 180, 270, 45, 135, 225, 315];
const groundPixels = 480;

export class Prepare {
  readonly root = el("section", { class: "prepare", "aria-labelledby": "prepare-title" });
  private readonly photos: Photo[] = [];
  private readonly settings: Settings;
  private readonly editor: Editor;
  private readonly strip = el("ul", { class: "strip", "aria-label": "Photos" });
  private readonly together = el("input", { type: "radio", name: "together", value: "one", checked: true });
  private readonly apart = el("input", { type: "radio", name: "together", value: "each" });
  private readonly choice: HTMLElement;
  private readonly azimuth;
  private readonly tools = new Map<Tool, HTMLButtonElement>();
  private readonly undo: HTMLButtonElement;
  private readonly redo: HTMLButtonElement;
  private readonly reset: HTMLButtonElement;
  private readonly brush;
  private readonly status = el("p", { class: "matte-status", role: "status" });
  private readonly ground = el("canvas", { class: "ground", width: groundPixels, height: groundPixels, role: "img", "aria-label": "The object over a grid on the ground, at this elevation" });
  private readonly send = el("button", { type: "submit", class: "primary" }, "Make it 3D");
  private readonly mostBytes: number;
  private drawing = false;

  /** @param onSent is told the first of the new jobs. @param onEmpty when the last photo was taken away. */
  constructor(
    capabilities: Capabilities,
    models: Model[],
    private readonly onSent: (job: Job) => void,
    private readonly onEmpty: () => void,
    pick: () => void,
  ) {
    this.settings = new Settings(capabilities, models, () => { this.drawSoon(); });
    this.mostBytes = capabilities.request_bytes;
    this.editor = new Editor(() => { this.update(); }, () => { this.recut(); });
    this.azimuth = slider("Seen from", 0, 359, 0, (value) => `${value.toString()}° ${sideName(value)}`);
    this.azimuth.input.addEventListener("input", () => {
      if (this.current) this.current.azimuth = Number(this.azimuth.input.value);
      this.fillStrip();
    });
    this.brush = slider("Brush", 1, 30, 8, (value) => `${value.toString()} %`);
    this.brush.input.addEventListener("input", () => { this.editor.brush = Number(this.brush.input.value) / 100; });
    this.settings.elevation.input.addEventListener("input", () => { this.drawSoon(); });
    this.undo = el("button", { type: "button", class: "quiet", onclick: () => { this.current?.undo(); this.update(); } }, "Undo");
    this.redo = el("button", { type: "button", class: "quiet", onclick: () => { this.current?.redo(); this.update(); } }, "Redo");
    this.reset = el("button", { type: "button", class: "quiet", onclick: () => { this.startAgain(); } }, "Reset");
    this.choice = el(
      "fieldset",
      { class: "together" },
      el("legend", {}, "These photos show"),
      el("label", { class: "check" }, this.together, el("span", {}, "one object, from several sides")),
      el("label", { class: "check" }, this.apart, el("span", {}, "an object each")),
    );
    this.choice.addEventListener("change", () => { this.update(); });
    this.root.append(
      el("h1", { id: "prepare-title", tabindex: -1 }, "Is this the object?"),
      el("div", { class: "columns" }, this.editorColumn(pick), this.optionsColumn()),
    );
    document.addEventListener("keydown", (event) => { this.onKey(event); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.drawSoon(); });
  }

  get isEmpty(): boolean {
    return this.photos.length === 0;
  }

  /** Adds files, or begins anew with them; those that are no pictures are told of and left out. → How many are pictures. */
  async add(files: File[], anew: boolean): Promise<number> {
    let read = 0;
    for (const file of files) {
      try {
        if (file.size > this.mostBytes) throw new Error(`it is larger than the ${megabytes(this.mostBytes)} that this service takes`);
        const photo = await Photo.read(file);
        if (anew && read === 0) this.photos.length = 0;
        ++read;
        photo.azimuth = usualAzimuths[this.photos.length % usualAzimuths.length] ?? 0;
        this.photos.push(photo);
        this.show(photo);
        this.cut(photo);
      } catch (error) {
        const reason = error instanceof ServiceError && error.status === 0 ? error.message : `${messageOf(error)}.`;
        notify(`${file.name || "The file"} cannot be used: ${reason}`, "error");
      }
    }
    return read;
  }

  private get current(): Photo | undefined {
    return this.editor.photo;
  }
  private get isTogether(): boolean {
    return this.photos.length > 1 && this.together.checked;
  }

  private editorColumn(pick: () => void): HTMLElement {
    const names: [Tool, string][] = [["crop", "Crop"], ["add", "Add"], ["erase", "Erase"]];
    for (const [tool, label] of names)
      this.tools.set(tool, el("button", { type: "button", onclick: () => { this.editor.tool = tool; this.update(); } }, label));
    return el(
      "div",
      { class: "column wide" },
      el("div", { class: "strip-row" }, this.strip, el("button", { type: "button", class: "quiet add", onclick: pick }, "Add photos")),
      this.choice,
      this.editor.root,
      this.status,
      el(
        "div",
        { class: "tools", role: "toolbar", "aria-label": "Tools" },
        el("div", { class: "segments", role: "group", "aria-label": "Tool" }, ...this.tools.values()),
        this.brush.root,
        el("div", { class: "row" }, this.undo, this.redo, this.reset),
      ),
      this.azimuth.root,
    );
  }

  private optionsColumn(): HTMLElement {
    const form = el(
      "form",
      { class: "column", novalidate: true },
      el(
        "div",
        { class: "card" },
        el("h2", {}, "The camera"),
        this.ground,
        this.settings.elevation.root,
        el("p", { class: "help" }, "How far the camera looked down: move it until the grid lies like the table in your photo."),
      ),
      el("div", { class: "card" }, el("h2", {}, "The object"), this.settings.root),
      el("div", { class: "send" }, this.send),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.submit();
    });
    return form;
  }

  private show(photo: Photo | undefined): void {
    this.editor.photo = photo;
    if (this.editor.tool === "crop") this.editor.tool = "add";
    this.update();
    if (!photo) this.onEmpty();
  }

  private cut(photo: Photo): void {
    const cutting = photo.updateMatte();
    this.update();
    void cutting.then(() => { this.update(); });
  }
  private recut(): void {
    if (this.current) this.cut(this.current);
  }
  private startAgain(): void {
    const photo = this.current;
    if (!photo) return;
    photo.resetMask();
    photo.crop = photo.whole;
    this.cut(photo);
  }

  private update(): void {
    const photo = this.current;
    for (const [tool, button] of this.tools) button.setAttribute("aria-pressed", String(this.editor.tool === tool));
    this.undo.disabled = !photo?.canUndo;
    this.redo.disabled = !photo?.canRedo;
    this.reset.disabled = !photo?.canUndo && !photo?.isCropped;
    this.brush.root.hidden = this.editor.tool === "crop";
    this.choice.hidden = this.photos.length < 2;
    this.azimuth.root.hidden = !this.isTogether || photo === this.photos[0];
    if (photo) this.azimuth.set(photo.azimuth);
    this.root.classList.toggle("busy", photo?.isWaiting ?? false);
    this.status.textContent = photo ? statusOf(photo) : "";
    this.status.classList.toggle("warning", Boolean(photo && !photo.isWaiting && photo.trouble && !photo.canUndo));
    this.fillStrip();
    this.editor.draw();
    this.drawSoon();
  }

  private fillStrip(): void {
    this.strip.replaceChildren(
      ...this.photos.map((photo, i) => {
        const [picture] = [el("canvas", { width: 96, height: 96, "aria-hidden": true })];
        const scale = 96 / Math.min(photo.picture.width, photo.picture.height);
        const [width, height] = [photo.picture.width * scale, photo.picture.height * scale];
        picture.getContext("2d")?.drawImage(photo.picture, (96 - width) / 2, (96 - height) / 2, width, height);
        const side = this.isTogether ? sideName(photo.azimuth) : "";
        const open = el("button", { type: "button", class: "thumb", title: photo.name, "aria-pressed": String(photo === this.current), "aria-label": `${photo.name}${side ? `, ${side}` : ""}`, onclick: () => { this.show(photo); } }, picture, side && el("span", {}, side));
        const remove = el("button", { type: "button", class: "remove", "aria-label": `Remove ${photo.name}`, onclick: () => { this.remove(i); } }, "×");
        return el("li", {}, open, remove);
      }),
    );
  }

  private remove(index: number): void {
    const [gone] = this.photos.splice(index, 1);
    if (gone === this.current) this.show(this.photos[Math.max(0, index - 1)]);
    else this.update();
  }

  private drawSoon(): void {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      const photo = this.photos[0];
      if (!photo || !this.root.isConnected) return;
      const colour = getComputedStyle(this.root).getPropertyValue("--accent");
      drawGround(this.ground, { cutOut: photo.cutOut(), share: this.settings.model.image_frame_ratio, elevationDegrees: this.settings.elevationDegrees, colour });
    });
  }

  private onKey(event: KeyboardEvent): void {
    if (!this.root.isConnected || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLElement && event.target.closest("input, select, textarea, dialog")) return;
    const tool = ({ c: "crop", a: "add", e: "erase" } as const)[event.key];
    if (tool) this.editor.tool = tool;
    else if (event.key === "[" || event.key === "]") {
      this.brush.set(Math.min(30, Math.max(1, Number(this.brush.input.value) + (event.key === "[" ? -2 : 2))));
      this.editor.brush = Number(this.brush.input.value) / 100;
    } else return;
    this.update();
  }

  /** One form per object and seed. */
  private async forms(): Promise<FormData[]> {
    const groups = this.isTogether ? [this.photos] : this.photos.map((photo) => [photo]);
    const forms: FormData[] = [];
    for (const group of groups) {
      const parts = await Promise.all(group.map((photo) => photo.parts()));
      for (const seed of this.settings.seeds) {
        const form = new FormData();
        form.append("options", JSON.stringify(this.settings.options(seed)));
        for (const [i, { photo, mask }] of parts.entries()) {
          const suffix = i === 0 ? "" : `:${(group[i]?.azimuth ?? 0).toString()}`;
          form.append(i === 0 ? "photo" : `view${suffix}`, photo, group[i]?.name);
          if (mask) form.append(`mask${suffix}`, mask, "mask.png");
        }
        forms.push(form);
      }
    }
    return forms;
  }

  private async submit(): Promise<void> {
    if (this.send.disabled) return;
    this.send.disabled = true;
    let first: Job | undefined;
    try {
      if (this.isTogether && new Set(this.photos.map(({ azimuth }) => azimuth)).size < this.photos.length)
        throw new Error("Two photos are from the same side: say with \u201cSeen from\u201d where each was taken.");
      const forms = await this.forms();
      for (const [i, form] of forms.entries()) {
        this.send.textContent = forms.length > 1 ? `Sending ${(i + 1).toString()} of ${forms.length.toString()}…` : "Sending…";
        try {
          const job = await api.submit(form);
          first ??= job;
        } catch (error) {
          const sent = i > 0 ? ` ${count(i, "object")} of ${forms.length.toString()} had been accepted before.` : "";
          throw new Error(`${refusalOf(error)}${sent}`, { cause: error });
        }
      }
    } catch (error) {
      notify(messageOf(error), "error");
    } finally {
      this.send.disabled = false;
      this.send.textContent = "Make it 3D";
    }
    if (first) this.onSent(first);
  }
}

function refusalOf(error: unknown): string {
  if (error instanceof ServiceError && error.status === 429) return `The queue is full: ${error.message}. Try again when some are done.`;
  return messageOf(error);
}

function sideName(azimuth: number): string {
  const names = ["front", "front right", "right", "back right", "back", "back left", "left", "front left"];
  return names[Math.round(azimuth / 45) % names.length] ?? "";
}

function statusOf(photo: Photo): string {
  if (photo.isWaiting) return "Cutting the object out…";
  if (photo.canUndo) return "Mended by hand.";
  if (!photo.hasMatte) return `The object could not be cut out (${photo.trouble}). Paint over it with Add.`;
  if (photo.trouble) return `Please check: ${photo.trouble}. Add and Erase mend it.`;
  return "What is in full colour becomes the object. Add and Erase mend it.";
}
