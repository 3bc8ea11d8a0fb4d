// The camera: moved by mouse, touch and the turntable (three's OrbitControls), or placed by angles.
import { MathUtils, PerspectiveCamera, Spherical, Vector3 } from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";

import type { StartView } from "./object";

/** Angles in degrees: azimuth 0 looks at the front and grows towards +X, elevation grows upward. */
export interface CameraPlace {
  azimuth: number;
  elevation: number;
  radius: number;
}

const secondsPerTurn = 20;
const mostElevation = 89.9;
const dampingPerSecond = 1 - (1 - 0.12) ** 60; // 0.12 of a movement's rest per frame at 60 frames a second

export class Orbit {
  readonly camera = new PerspectiveCamera();
  private readonly controls: OrbitControls;
  private lastTime = 0;

  constructor(
    private readonly start: StartView,
    canvas: HTMLElement,
    onChange: () => void,
  ) {
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.enableDamping = true;
    this.controls.minDistance = start.reach * 0.1;
    this.controls.maxDistance = start.radius * 10;
    this.controls.autoRotateSpeed = -60 / secondsPerTurn; // OrbitControls: 60 s per turn at speed 1, clockwise when positive
    this.controls.addEventListener("change", onChange);
    this.controls.addEventListener("start", onChange);
    this.camera.near = start.reach * 0.02;
    this.camera.far = this.controls.maxDistance + 10 * start.reach;
    this.reset();
  }

  dispose(): void {
    this.controls.dispose();
  }

  get turntable(): boolean {
    return this.controls.autoRotate;
  }
  set turntable(on: boolean) {
    this.controls.autoRotate = on;
    this.lastTime = 0;
    if (!on) this.place(this.current); // stops at once
  }

  /** Back to the first look. */
  reset(): void {
    this.controls.target.fromArray(this.start.target);
    this.place(this.start);
  }

  get current(): CameraPlace {
    const { radius, phi, theta } = this.spherical();
    return { azimuth: MathUtils.radToDeg(theta), elevation: 90 - MathUtils.radToDeg(phi), radius };
  }

  place({ azimuth, elevation, radius }: CameraPlace): void {
    const phi = MathUtils.degToRad(90 - MathUtils.clamp(elevation, -mostElevation, mostElevation));
    const offset = new Vector3().setFromSphericalCoords(radius, phi, MathUtils.degToRad(azimuth));
    this.camera.position.copy(this.controls.target).add(offset);
    // What is left of an earlier movement must not push the camera on.
    this.controls.enableDamping = false;
    this.controls.update();
    this.controls.enableDamping = true;
  }

  turn(azimuth: number, elevation: number): void {
    const now = this.current;
    this.place({ ...now, azimuth: now.azimuth + azimuth, elevation: now.elevation + elevation });
  }

  zoom(factor: number): void {
    const now = this.current;
    this.place({ ...now, radius: MathUtils.clamp(now.radius / factor, this.controls.minDistance, this.controls.maxDistance) });
  }

  /** Moves on with damping and turntable. → whether there is more to come. `time` in milliseconds. */
  update(time: number): boolean {
    const seconds = this.lastTime ? Math.max(time - this.lastTime, 0) / 1000 : 1 / 60;
    // By time, not by frames: where a frame takes half a second, a movement would go on for a minute.
    this.controls.dampingFactor = 1 - (1 - dampingPerSecond) ** seconds;
    const more = this.controls.update(Math.min(seconds, 0.1)) || this.turntable;
    this.lastTime = more ? time : 0;
    return more;
  }

  /** Distances from the camera between which the object lies. */
  depthRange(): { near: number; far: number } {
    const { radius } = this.spherical();
    return { near: Math.max(radius - this.start.reach, this.camera.near), far: radius + this.start.reach };
  }

  /** The angle of view of a picture (height in pixels) so that the object fills a part of that size within it. */
  fit(part: { width: number; height: number }, height: number, aspect: number): void {
    const half = Math.tan(MathUtils.degToRad(this.start.fov / 2));
    const perPixel = half / Math.min(part.width, part.height);
    this.camera.fov = 2 * MathUtils.radToDeg(Math.atan(perPixel * height));
    this.camera.aspect = aspect;
    this.camera.updateProjectionMatrix();
  }

  private spherical(): Spherical {
    return new Spherical().setFromVector3(this.camera.position.clone().sub(this.controls.target));
  }
}
