// Draws Gaussians and mesh into one canvas, alone or side by side from the same camera, and only when something has changed.
import { Color, WebGLRenderer } from "three";

import { MeshView } from "./mesh_view";
import type { EmbeddedObject } from "./object";
import { Orbit } from "./orbit";
import { SplatView } from "./splat_view";

export type Mode = "splats" | "mesh" | "both";

const mostPixelRatio = 2;

/** In pixels of the page, from the lower left corner. */
interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

interface Part {
  view: SplatView | MeshView;
  clip: Rectangle;
}

export class Stage {
  readonly orbit: Orbit;
  readonly hasMesh: boolean;
  private readonly renderer: WebGLRenderer;
  private readonly resizing: ResizeObserver;
  private readonly splats: SplatView;
  private readonly mesh = new MeshView();
  private readonly background = new Color();
  private mode_: Mode = "splats";
  private depth_ = false;
  private wireframe_ = false;
  private loaded = false;
  private requested = false;
  private controlsHeight = 0;

  /** @throws Error when the browser has no WebGL 2. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly object: EmbeddedObject,
  ) {
    this.renderer = new WebGLRenderer({ canvas, antialias: false, powerPreference: "high-performance" });
    this.renderer.autoClear = false;
    const request = this.request.bind(this);
    this.orbit = new Orbit(object.view, canvas, request);
    this.splats = new SplatView(this.renderer, object.splats, request);
    this.hasMesh = object.mesh !== undefined;
    this.resizing = new ResizeObserver(request);
    this.resizing.observe(canvas);
    canvas.addEventListener("webglcontextrestored", request);
  }

  /** Gives the graphics memory back: browsers have room for a few stages only. Nothing is drawn afterwards. */
  dispose(): void {
    this.requested = true;
    this.resizing.disconnect();
    this.orbit.dispose();
    this.splats.dispose();
    this.renderer.dispose();
    this.renderer.forceContextLoss();
  }

  /** Until it is done, only the background is drawn. */
  async load(): Promise<void> {
    await Promise.all([this.splats.load(), this.object.mesh && this.mesh.load(this.object.mesh.bytes)]);
    this.loaded = true;
    await this.settled();
  }

  get mode(): Mode {
    return this.mode_;
  }
  set mode(mode: Mode) {
    this.mode_ = this.hasMesh ? mode : "splats";
    this.request();
  }
  get depth(): boolean {
    return this.depth_;
  }
  set depth(on: boolean) {
    this.depth_ = on;
    this.splats.setDepth(on);
    this.mesh.setDepth(on);
    this.request();
  }
  get wireframe(): boolean {
    return this.wireframe_;
  }
  set wireframe(on: boolean) {
    this.wireframe_ = on;
    this.mesh.setWireframe(on);
    this.request();
  }
  setBackground(colour: string): void {
    this.background.set(colour);
    this.request();
  }

  /** How much of the picture's lower end lies under the controls: the object is placed above them. */
  setControlsHeight(pixels: number): void {
    this.controlsHeight = pixels;
    this.request();
  }

  /** Draws soon. */
  request(): void {
    if (this.requested) return;
    this.requested = true;
    requestAnimationFrame((time) => {
      this.requested = false;
      this.draw(time);
    });
  }

  /** Resolves when the picture shows the present camera and settings, Gaussians sorted. */
  async settled(): Promise<void> {
    // Sorting begins within a frame and ends some frames later; what it has sorted is drawn by the next.
    for (let calm = 0; calm < 2; ) {
      this.request();
      await new Promise(requestAnimationFrame); // after the drawing that was just asked for
      const still = this.mode_ === "mesh" || this.object.splats.count === 0 || this.splats.settled;
      calm = still ? calm + 1 : 0;
    }
  }

  /** The picture as PNG. */
  screenshot(): Promise<Blob> {
    this.draw(performance.now()); // in this task, before the browser takes the picture away
    return new Promise((resolve, reject) => {
      this.canvas.toBlob((blob) => {
        if (blob) resolve(blob);
        else reject(new Error("The browser could not make a picture."));
      });
    });
  }

  private draw(time: number): void {
    if (this.orbit.update(time)) this.request();
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    this.resize(width, height);
    this.renderer.setScissorTest(false);
    this.renderer.setClearColor(this.background);
    this.renderer.clear();
    if (!this.loaded) return;
    for (const part of this.parts(width, height)) this.drawPart(part, width, height);
  }

  private resize(width: number, height: number): void {
    // Gaussians are smooth by themselves, a mesh's outline is not.
    const least = this.mode_ === "splats" ? 1 : 2;
    const ratio = Math.max(least, Math.min(devicePixelRatio, mostPixelRatio));
    const right = Math.floor(width * ratio) === this.canvas.width && Math.floor(height * ratio) === this.canvas.height;
    if (right) return;
    this.renderer.setPixelRatio(ratio);
    this.renderer.setSize(width, height, false);
  }

  /** Side by side where there is width, else one above the other. */
  private parts(width: number, height: number): Part[] {
    const whole = { x: 0, y: 0, width, height };
    if (this.mode_ === "splats") return [{ clip: whole, view: this.splats }];
    if (this.mode_ === "mesh") return [{ clip: whole, view: this.mesh }];
    if (width >= height) {
      const half = { ...whole, width: width / 2 };
      return [
        { clip: half, view: this.splats },
        { clip: { ...half, x: width / 2 }, view: this.mesh },
      ];
    }
    const middle = (height + this.controlsHeight) / 2;
    return [
      { clip: { ...whole, y: middle, height: height - middle }, view: this.splats },
      { clip: { ...whole, height: middle }, view: this.mesh },
    ];
  }

  /** The viewport keeps the size of the whole canvas, for which Spark computes, and is moved and cut so that its middle is the
   * part's. */
  private drawPart({ view, clip }: Part, width: number, height: number): void {
    const covered = clip.y === 0 ? this.controlsHeight : 0;
    const free = { ...clip, y: clip.y + covered, height: Math.max(clip.height - covered, 1) };
    this.orbit.fit(free, height, width / height);
    if (this.depth_) view.setDepthRange(this.orbit.depthRange());
    this.renderer.setScissorTest(true);
    this.renderer.setScissor(clip.x, clip.y, clip.width, clip.height);
    this.renderer.setViewport(free.x + (free.width - width) / 2, free.y + (free.height - height) / 2, width, height);
    view.render(this.renderer, this.orbit.camera);
  }
}
