// The mesh. Its texture holds the object's colours as they were seen, light included, so it is drawn without lights, like the
// Gaussians beside it.
import { Mesh, MeshBasicMaterial, Scene, type Material, type MeshStandardMaterial, type PerspectiveCamera, type WebGLRenderer } from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";

import { makeDepthMaterial, type DepthRange } from "./depth";

/** Lines over the surface, in a colour that is seen on any texture. */
const lineColour = 0x2f7df6;

export class MeshView {
  readonly scene = new Scene();
  private readonly depth = makeDepthMaterial();
  private readonly lines = new MeshBasicMaterial({ color: lineColour, wireframe: true });
  private readonly surfaces: { mesh: Mesh; material: Material; lines: Mesh }[] = [];

  async load(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { scene } = await new GLTFLoader().parseAsync(bytes.buffer, "");
    const meshes: Mesh[] = [];
    scene.traverse((node) => {
      if (node instanceof Mesh) meshes.push(node as Mesh);
    });
    for (const mesh of meshes) this.add(mesh);
    this.scene.add(scene);
  }

  private add(mesh: Mesh): void {
    const { map, color, side, vertexColors, opacity, transparent, alphaTest } = mesh.material as MeshStandardMaterial;
    // Surfaces are moved back a little so that the lines upon them are drawn whole.
    const offset = { polygonOffset: true, polygonOffsetFactor: 1, polygonOffsetUnits: 1 };
    const material = new MeshBasicMaterial({ map, color, side, vertexColors, opacity, transparent, alphaTest, ...offset });
    mesh.material = material;
    const lines = new Mesh(mesh.geometry, this.lines);
    lines.visible = false;
    mesh.add(lines);
    this.surfaces.push({ mesh, material, lines });
  }

  setDepth(on: boolean): void {
    for (const { mesh, material } of this.surfaces) mesh.material = on ? this.depth : material;
  }

  setDepthRange({ near, far }: DepthRange): void {
    Object.assign(this.depth.uniforms, { near: { value: near }, far: { value: far } });
  }

  setWireframe(on: boolean): void {
    for (const { lines } of this.surfaces) lines.visible = on;
  }

  render(renderer: WebGLRenderer, camera: PerspectiveCamera): void {
    renderer.render(this.scene, camera);
  }
}
