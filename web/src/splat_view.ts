// The Gaussians, drawn by Spark with the settings under which they look as in `gsv3d render`.
import { dyno, modifiers, SparkRenderer, SplatFileType, SplatMesh } from "@sparkjsdev/spark";
import { Scene, type PerspectiveCamera, type WebGLRenderer } from "three";

import type { DepthRange } from "./depth";
import type { EmbeddedObject } from "./object";

/** Above it, the format of 16 instead of 32 bytes per Gaussian: graphics memory matters more than the last bits. */
const mostExactSplats = 1_500_000;
/** Variance in pixels² that splatting adds so that no Gaussian falls between pixels. */
const filterVariance = 0.3;

export class SplatView {
  readonly scene = new Scene();
  private readonly spark: SparkRenderer;
  private readonly splats: SplatMesh;
  private readonly near = dyno.dynoFloat(0);
  private readonly far = dyno.dynoFloat(1);

  constructor(renderer: WebGLRenderer, data: EmbeddedObject["splats"], onChange: () => void) {
    const exact = data.count <= mostExactSplats;
    this.spark = new SparkRenderer({
      renderer,
      onDirty: onChange,
      accumExtSplats: exact,
      enableLod: false,
      sortRadial: false,
      maxStdDev: 3.33, // where the most opaque Gaussian fades to 1/255
      minAlpha: 1 / 255,
      preBlurAmount: data.antialiased ? 0 : filterVariance,
      blurAmount: data.antialiased ? filterVariance : 0,
    });
    this.splats = new SplatMesh({
      // Spark keeps or hands on the buffer it is given; ours stays for the download.
      fileBytes: data.bytes.slice(),
      fileType: data.format === "ply" ? SplatFileType.PLY : SplatFileType.SPZ,
      extSplats: exact,
    });
    if (data.yDown) this.splats.quaternion.set(1, 0, 0, 0); // half a turn about x
    this.scene.add(this.spark, this.splats);
  }

  async load(): Promise<void> {
    await this.splats.initialized;
  }

  dispose(): void {
    this.splats.dispose();
    this.spark.dispose();
  }

  setDepth(on: boolean): void {
    this.splats.enableWorldToView = on;
    this.splats.worldModifier = on
      ? modifiers.makeDepthColorModifier(this.splats.context.worldToView, this.near, this.far, dyno.dynoConst("bool", true))
      : undefined;
    this.splats.updateGenerator();
  }

  /** Only while depth is shown: Spark then colours all Gaussians anew. */
  setDepthRange({ near, far }: DepthRange): void {
    if (this.near.value === near && this.far.value === far) return;
    this.near.value = near;
    this.far.value = far;
    this.splats.updateVersion();
  }

  /** Whether what is drawn is sorted for the last camera. */
  get settled(): boolean {
    return this.spark.activeSplats > 0 && !this.spark.sorting && !this.spark.sortDirty;
  }

  render(renderer: WebGLRenderer, camera: PerspectiveCamera): void {
    renderer.render(this.scene, camera);
  }
}
