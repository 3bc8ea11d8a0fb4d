// One photo that is being prepared: its crop, its matte, and the strokes that mend it. All places are in pixels of `picture`.
import { api, type Matte } from "./api";

export interface Point {
  x: number;
  y: number;
}

export interface Rectangle extends Point {
  width: number;
  height: number;
}

export interface Stroke {
  /** Adds to the object, or erases from it. */
  add: boolean;
  width: number;
  points: Point[];
}

/** The longer side of what is worked on, and of masks: the networks see less. */
const mostPixels = 2048;
const mostMaskPixels = 1024;

export type Canvas2d = CanvasRenderingContext2D;

export function canvasOf(width: number, height: number): [HTMLCanvasElement, Canvas2d] {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  const context = canvas.getContext("2d");
  if (!context) throw new Error("The browser has no memory left for pictures.");
  return [canvas, context];
}

function pngOf(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob) resolve(blob);
      else reject(new Error("The browser could not make a picture."));
    });
  });
}

async function pictureOf(base64: string): Promise<ImageBitmap> {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return createImageBitmap(new Blob([bytes], { type: "image/png" }));
}

/** On white, as what is sent is opaque: the mask says what of it counts. */
function workingCopy(source: ImageBitmap): HTMLCanvasElement {
  const scale = Math.min(1, mostPixels / Math.max(source.width, source.height));
  const [canvas, context] = canvasOf(source.width * scale, source.height * scale);
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

export class Photo {
  /** Of a further photo of one object: the side it shows. */
  azimuth = 0;
  readonly strokes: Stroke[] = [];
  private readonly undone: Stroke[] = [];
  private crop_: Rectangle;
  private matte?: ImageBitmap;
  /** The region that the matte is of. */
  private matteArea?: Rectangle;
  private ownAlpha = false;
  private asking?: AbortController;
  private mask_?: HTMLCanvasElement;
  private scratch?: [HTMLCanvasElement, Canvas2d];
  /** Why there is no matte, or what speaks against it. */
  trouble = "";

  private constructor(
    readonly file: File,
    readonly picture: HTMLCanvasElement,
  ) {
    this.crop_ = this.whole;
  }

  /** @throws Error for what neither browser nor service can read. */
  static async read(file: File): Promise<Photo> {
    try {
      return new Photo(file, workingCopy(await createImageBitmap(file, { imageOrientation: "from-image" })));
    } catch {
      // HEIC, TIFF and others, which the service reads.
      const answer = await api.matte(file, { withPhoto: true });
      const photo = new Photo(file, workingCopy(await pictureOf(answer.photo_png_base64 ?? "")));
      await photo.take(answer, photo.whole);
      return photo;
    }
  }

  get name(): string {
    return this.file.name || "photo.png";
  }
  get whole(): Rectangle {
    return { x: 0, y: 0, width: this.picture.width, height: this.picture.height };
  }
  get crop(): Rectangle {
    return this.crop_;
  }
  set crop({ x, y, width, height }: Rectangle) {
    const least = Math.min(32, this.picture.width, this.picture.height);
    const left = Math.round(Math.min(Math.max(0, x), this.picture.width - least));
    const top = Math.round(Math.min(Math.max(0, y), this.picture.height - least));
    this.crop_ = {
      x: left,
      y: top,
      width: Math.round(Math.min(Math.max(least, width), this.picture.width - left)),
      height: Math.round(Math.min(Math.max(least, height), this.picture.height - top)),
    };
    this.mask_ = undefined;
  }
  get isCropped(): boolean {
    return this.crop_.width < this.picture.width || this.crop_.height < this.picture.height;
  }
  get isWaiting(): boolean {
    return this.asking !== undefined;
  }
  get hasMatte(): boolean {
    return this.matte !== undefined;
  }
  get canUndo(): boolean {
    return this.strokes.length > 0;
  }
  get canRedo(): boolean {
    return this.undone.length > 0;
  }

  addStroke(stroke: Stroke): void {
    this.strokes.push(stroke);
    this.undone.length = 0;
  }
  undo(): void {
    const last = this.strokes.pop();
    if (last) this.undone.push(last);
    this.mask_ = undefined;
  }
  redo(): void {
    const last = this.undone.pop();
    if (last) this.strokes.push(last);
    this.mask_ = undefined;
  }
  resetMask(): void {
    this.strokes.length = 0;
    this.undone.length = 0;
    this.mask_ = undefined;
  }

  /** Asks the service what of the crop is the object. Later calls replace earlier ones. */
  async updateMatte(): Promise<void> {
    // The photo's own transparency is that of every part of it.
    if (this.matte && (this.ownAlpha || sameArea(this.matteArea, this.crop_))) return;
    this.asking?.abort();
    const asking = new AbortController();
    this.asking = asking;
    const area = this.crop_;
    try {
      const photo = this.isCropped ? await this.croppedPng() : this.file;
      const answer = await api.matte(photo, { signal: asking.signal });
      if (this.asking === asking) await this.take(answer, area);
    } catch (error) {
      if (asking.signal.aborted) return;
      this.matte = undefined;
      this.mask_ = undefined;
      this.trouble = error instanceof Error ? error.message : String(error);
    } finally {
      if (this.asking === asking) this.asking = undefined;
    }
  }

  /** White where the object is, transparent elsewhere, of the crop: matte and strokes. */
  get mask(): HTMLCanvasElement {
    this.mask_ ??= this.drawMask();
    return this.mask_;
  }

  /** Draws the last part of a stroke that is being made into the mask. */
  extendMask(stroke: Stroke, from: number): void {
    const context = this.mask.getContext("2d");
    if (context) this.drawStroke(context, { ...stroke, points: stroke.points.slice(Math.max(0, from)) });
  }

  /** The object alone, as the mask has it: to be drawn at once, the next call draws on the same canvas. */
  cutOut(): HTMLCanvasElement {
    const { mask } = this;
    if (this.scratch?.[0].width !== mask.width || this.scratch[0].height !== mask.height) this.scratch = canvasOf(mask.width, mask.height);
    const [canvas, context] = this.scratch;
    context.globalCompositeOperation = "copy";
    const { x, y, width, height } = this.crop_;
    context.drawImage(this.picture, x, y, width, height, 0, 0, canvas.width, canvas.height);
    context.globalCompositeOperation = "destination-in";
    context.drawImage(this.mask, 0, 0);
    return canvas;
  }

  /** What is sent. A photo that nothing was done to goes as it is, and is cut out by the service. */
  async parts(): Promise<{ photo: Blob; mask?: Blob }> {
    if (!this.isCropped && this.strokes.length === 0) return { photo: this.file };
    return { photo: this.isCropped ? await this.croppedPng() : this.file, mask: await pngOf(this.mask) };
  }

  private async take(answer: Matte, area: Rectangle): Promise<void> {
    this.matte = await pictureOf(answer.matte_png_base64);
    this.matteArea = area;
    this.ownAlpha = answer.object_from === "alpha used";
    this.trouble = answer.warnings.join("; ");
    this.mask_ = undefined;
  }

  private croppedPng(): Promise<Blob> {
    const { x, y, width, height } = this.crop_;
    const [canvas, context] = canvasOf(width, height);
    context.drawImage(this.picture, -x, -y);
    return pngOf(canvas);
  }

  private get maskScale(): number {
    return Math.min(1, mostMaskPixels / Math.max(this.crop_.width, this.crop_.height));
  }

  private drawMask(): HTMLCanvasElement {
    const scale = this.maskScale;
    const [canvas, context] = canvasOf(this.crop_.width * scale, this.crop_.height * scale);
    if (this.matte && this.matteArea) {
      const { x, y, width, height } = this.matteArea;
      const left = (x - this.crop_.x) * scale;
      context.drawImage(this.matte, left, (y - this.crop_.y) * scale, width * scale, height * scale);
    }
    for (const stroke of this.strokes) this.drawStroke(context, stroke);
    return canvas;
  }

  private drawStroke(context: Canvas2d, { add, width, points }: Stroke): void {
    const scale = this.maskScale;
    context.save();
    context.globalCompositeOperation = add ? "source-over" : "destination-out";
    context.strokeStyle = context.fillStyle = "#fff";
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = width * scale;
    context.setTransform(1, 0, 0, 1, -this.crop_.x * scale, -this.crop_.y * scale);
    context.beginPath();
    for (const { x, y } of points) context.lineTo(x * scale, y * scale);
    const [first] = points;
    if (points.length === 1 && first) context.lineTo(first.x * scale + 0.01, first.y * scale);
    context.stroke();
    context.restore();
  }
}

function sameArea(first: Rectangle | undefined, second: Rectangle): boolean {
  return first?.x === second.x && first.y === second.y && first.width === second.width && first.height === second.height;
}
