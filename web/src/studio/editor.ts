// The photo on a canvas: crop it, look at what is taken for the object, mend that with a brush. Mouse, touch, pen and keyboard.
import { el } from "./dom";
import { canvasOf, type Canvas2d, type Photo, type Point, type Rectangle, type Stroke } from "./photo";

export type Tool = "crop" | "add" | "erase";

const margin = 14; // pixels around the canvas, where half of a corner's handle has room

const corners = [
  ["top left", 0, 0],
  ["top right", 1, 0],
  ["bottom left", 0, 1],
  ["bottom right", 1, 1],
] as const;

/** Squares of grey that stand for transparency. */
function checker(): CanvasPattern {
  const [canvas, context] = canvasOf(16, 16);
  context.fillStyle = "#fff";
  context.fillRect(0, 0, 16, 16);
  context.fillStyle = "#dedee2";
  context.fillRect(0, 0, 8, 8);
  context.fillRect(8, 8, 8, 8);
  const pattern = context.createPattern(canvas, "repeat");
  if (!pattern) throw new Error("The browser cannot draw.");
  return pattern;
}

export class Editor {
  readonly root = el("div", { class: "editor" });
  private readonly canvas = el("canvas", { tabindex: 0, role: "application" });
  private readonly handles = corners.map(([name, right, bottom]) => this.handle(name, right, bottom));
  private readonly ground = checker();
  private tool_: Tool = "add";
  private photo_?: Photo;
  private stroke?: Stroke;
  private moved?: { from: Point; crop: Rectangle };
  /** Where the brush is, in pixels of the picture. */
  private cursor?: Point;
  private requested = false;
  /** Of the brush, as a share of the crop's longer side. */
  brush = 0.08;

  /** @param onChange after the mask has changed. @param onCrop after the crop has. */
  constructor(
    private readonly onChange: () => void,
    private readonly onCrop: () => void,
  ) {
    this.root.append(this.canvas, ...this.handles);
    new ResizeObserver(() => { this.draw(); }).observe(this.root);
    this.canvas.addEventListener("pointerdown", (event) => { this.onDown(event); });
    this.canvas.addEventListener("pointermove", (event) => { this.onMove(event); });
    for (const name of ["pointerup", "pointercancel"] as const) this.canvas.addEventListener(name, () => { this.onUp(); });
    this.canvas.addEventListener("pointerleave", () => {
      if (!this.stroke) this.cursor = undefined;
      this.draw();
    });
    this.canvas.addEventListener("blur", () => {
      this.cursor = undefined;
      this.draw();
    });
    this.canvas.addEventListener("keydown", (event) => { this.onKey(event); });
  }

  get photo(): Photo | undefined {
    return this.photo_;
  }
  set photo(photo: Photo | undefined) {
    this.photo_ = photo;
    this.cursor = undefined;
    this.draw();
  }
  get tool(): Tool {
    return this.tool_;
  }
  set tool(tool: Tool) {
    this.tool_ = tool;
    this.draw();
  }

  /** Soon. */
  draw(): void {
    if (this.requested) return;
    this.requested = true;
    requestAnimationFrame(() => {
      this.requested = false;
      if (this.photo_ && this.root.isConnected) this.paint(this.photo_);
    });
  }

  /** What of the picture is on the canvas: all of it while it is cropped, the crop while it is painted on. */
  private get area(): Rectangle {
    const photo = this.photo_;
    if (!photo) return { x: 0, y: 0, width: 1, height: 1 };
    return this.tool_ === "crop" ? photo.whole : photo.crop;
  }

  private paint(photo: Photo): void {
    const area = this.area;
    const box = this.root.getBoundingClientRect();
    const scale = Math.min((box.width - 2 * margin) / area.width, (box.height - 2 * margin) / area.height);
    const width = area.width * scale;
    const height = area.height * scale;
    const ratio = Math.min(devicePixelRatio, 2);
    Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    Object.assign(this.canvas.style, { width: `${width.toString()}px`, height: `${height.toString()}px` });
    const words = this.tool_ === "crop" ? "drag the part that is used, or move its corners" : `${this.tool_} with pointer, or with arrow keys and Space`;
    this.canvas.setAttribute("aria-label", `Photo ${photo.name}: ${words}`);
    const context = this.canvas.getContext("2d");
    if (!context) return;
    context.fillStyle = this.ground;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    context.scale(scale * ratio, scale * ratio);
    context.translate(-area.x, -area.y);
    this.paintPhoto(context, photo);
    if (this.tool_ === "crop") this.paintFrame(context, photo.crop, 1 / scale);
    else this.paintCursor(context, 1 / scale);
    this.placeHandles(photo, scale, box);
  }

  private paintPhoto(context: Canvas2d, photo: Photo): void {
    const { x, y, width, height } = photo.crop;
    context.imageSmoothingQuality = "high";
    const cropping = this.tool_ === "crop";
    context.globalAlpha = cropping ? 0.35 : 0.2;
    context.drawImage(photo.picture, 0, 0);
    context.globalAlpha = 1;
    if (cropping) {
      context.drawImage(photo.picture, x, y, width, height, x, y, width, height);
    } else {
      context.drawImage(photo.cutOut(), x, y, width, height);
    }
  }

  private paintFrame(context: Canvas2d, { x, y, width, height }: Rectangle, pixel: number): void {
    for (const [colour, line] of [["#0008", 4], ["#fff", 2]] as const) {
      context.strokeStyle = colour;
      context.lineWidth = line * pixel;
      context.strokeRect(x, y, width, height);
    }
  }

  private paintCursor(context: Canvas2d, pixel: number): void {
    if (!this.cursor) return;
    for (const [colour, width] of [["#000a", 3], ["#fff", 1.5]] as const) {
      context.strokeStyle = colour;
      context.lineWidth = width * pixel;
      context.beginPath();
      context.arc(this.cursor.x, this.cursor.y, this.brushWidth / 2, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  private get brushWidth(): number {
    return this.brush * Math.max(this.area.width, this.area.height);
  }

  private placeHandles(photo: Photo, scale: number, box: DOMRect): void {
    const canvas = this.canvas.getBoundingClientRect();
    for (const [i, [, right, bottom]] of corners.entries()) {
      const handle = this.handles[i];
      if (!handle) continue;
      handle.hidden = this.tool_ !== "crop";
      handle.style.left = `${(canvas.left - box.left - 1 + (photo.crop.x + right * photo.crop.width) * scale).toString()}px`;
      handle.style.top = `${(canvas.top - box.top - 1 + (photo.crop.y + bottom * photo.crop.height) * scale).toString()}px`;
    }
  }

  private pointOf(event: PointerEvent): Point {
    const box = this.canvas.getBoundingClientRect();
    const area = this.area;
    return {
      x: area.x + ((event.clientX - box.left) / box.width) * area.width,
      y: area.y + ((event.clientY - box.top) / box.height) * area.height,
    };
  }

  private onDown(event: PointerEvent): void {
    if (!this.photo_ || event.button !== 0) return;
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    const point = this.pointOf(event);
    if (this.tool_ === "crop") {
      this.moved = { from: point, crop: this.photo_.crop };
    } else {
      this.cursor = point;
      this.stroke = { add: this.tool_ === "add", width: this.brushWidth, points: [point] };
      this.photo_.extendMask(this.stroke, 0);
      this.draw();
    }
  }

  private onMove(event: PointerEvent): void {
    if (!this.photo_) return;
    const point = this.pointOf(event);
    this.cursor = point;
    if (this.stroke) {
      this.stroke.points.push(point);
      this.photo_.extendMask(this.stroke, this.stroke.points.length - 2);
    } else if (this.moved) {
      const { from, crop } = this.moved;
      const whole = this.photo_.whole;
      this.photo_.crop = {
        ...crop,
        x: Math.min(Math.max(0, crop.x + point.x - from.x), whole.width - crop.width),
        y: Math.min(Math.max(0, crop.y + point.y - from.y), whole.height - crop.height),
      };
    }
    this.draw();
  }

  private onUp(): void {
    if (this.stroke) this.photo_?.addStroke(this.stroke);
    const cropped = this.moved !== undefined;
    const painted = this.stroke !== undefined;
    this.stroke = undefined;
    this.moved = undefined;
    if (painted) this.onChange();
    if (cropped) this.onCrop();
  }

  private onKey(event: KeyboardEvent): void {
    if (!this.photo_ || event.altKey) return;
    const photo = this.photo_;
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && (key === "z" || key === "y")) {
      event.preventDefault();
      if (key === "y" || event.shiftKey) photo.redo();
      else photo.undo();
      this.onChange();
      return;
    }
    if (event.ctrlKey || event.metaKey || this.tool_ === "crop") return;
    const area = this.area;
    const step = Math.max(area.width, area.height) * (event.shiftKey ? 0.1 : 0.02);
    const at = this.cursor ?? { x: area.x + area.width / 2, y: area.y + area.height / 2 };
    const moves: Record<string, [number, number] | undefined> = { arrowleft: [-1, 0], arrowright: [1, 0], arrowup: [0, -1], arrowdown: [0, 1] };
    const move = moves[key];
    if (move) {
      this.cursor = {
        x: Math.min(Math.max(area.x, at.x + move[0] * step), area.x + area.width),
        y: Math.min(Math.max(area.y, at.y + move[1] * step), area.y + area.height),
      };
    } else if (key === " " || key === "enter") {
      this.cursor = at;
      const dab: Stroke = { add: this.tool_ === "add", width: this.brushWidth, points: [at] };
      photo.extendMask(dab, 0);
      photo.addStroke(dab);
      this.onChange();
    } else {
      return;
    }
    event.preventDefault();
    this.draw();
  }

  private handle(name: string, right: 0 | 1, bottom: 0 | 1): HTMLButtonElement {
    const handle = el("button", { type: "button", class: "handle", "aria-label": `Crop, ${name} corner: move with arrow keys`, hidden: true });
    const moveTo = ({ x, y }: Point): void => {
      const photo = this.photo_;
      if (!photo) return;
      const { crop } = photo;
      const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);
      const least = 32;
      const left = right ? crop.x : clamp(x, 0, crop.x + crop.width - least);
      const top = bottom ? crop.y : clamp(y, 0, crop.y + crop.height - least);
      const end = { x: right ? clamp(x, crop.x + least, photo.whole.width) : crop.x + crop.width, y: bottom ? clamp(y, crop.y + least, photo.whole.height) : crop.y + crop.height };
      photo.crop = { x: left, y: top, width: end.x - left, height: end.y - top };
      this.draw();
    };
    handle.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      handle.focus({ preventScroll: true });
      handle.setPointerCapture(event.pointerId);
    });
    handle.addEventListener("pointermove", (event) => {
      if (handle.hasPointerCapture(event.pointerId)) moveTo(this.pointOf(event));
    });
    handle.addEventListener("pointerup", () => { this.onCrop(); });
    handle.addEventListener("keydown", (event) => {
      const moves: Record<string, [number, number] | undefined> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      const move = moves[event.key];
      const photo = this.photo_;
      if (!move || !photo) return;
      event.preventDefault();
      const step = Math.max(photo.whole.width, photo.whole.height) * (event.shiftKey ? 0.05 : 0.01);
      const { crop } = photo;
      moveTo({ x: crop.x + right * crop.width + move[0] * step, y: crop.y + bottom * crop.height + move[1] * step });
    });
    handle.addEventListener("keyup", (event) => {
      if (event.key.startsWith("Arrow")) this.onCrop();
    });
    return handle;
  }
}
