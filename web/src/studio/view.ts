// The object in 3D: the viewer's stage and controls inside a part of the page. A chunk of its own, loaded when there is an object.
import { actionsOf, Backgrounds, choicesOf } from "../controls";
import { bindKeys } from "../keys";
import type { EmbeddedObject } from "../object";
import { Stage } from "../stage";
import { Toolbar } from "../toolbar";
import { el, notify } from "./dom";

export interface ShownObject {
  title: string;
  splats: Uint8Array<ArrayBuffer>;
  mesh?: Uint8Array<ArrayBuffer>;
  /** Of the photo's camera, in degrees. */
  elevation: number;
}

/** How many Gaussians a 3DGS PLY file holds. */
function gaussianCount(ply: Uint8Array): number {
  const header = new TextDecoder("latin1").decode(ply.subarray(0, 4096));
  return Number(/^element vertex (\d+)/m.exec(header)?.[1] ?? 0);
}

/** SV3D's camera, as the program's own page begins with (src/exports/viewer_page.h). */
function embedded({ title, splats, mesh, elevation }: ShownObject): EmbeddedObject {
  return {
    title,
    view: { target: [0, 0, 0], radius: 2, azimuth: 0, elevation, fov: 33.8, reach: Math.sqrt(0.75) },
    splats: { name: `${title}.ply`, bytes: splats, format: "ply", count: gaussianCount(splats), yDown: true, antialiased: false },
    mesh: mesh && { name: `${title}.glb`, bytes: mesh },
  };
}

/** For scripts and tests, as window.gsv3dStudio. */
export interface StudioHook {
  settled: () => Promise<void>;
  azimuth: () => number;
}

declare global {
  interface Window {
    gsv3dStudio?: StudioHook;
  }
}

/** Shows the object in `place`, turning until it is touched. → Ends it and gives the graphics memory back. */
export async function showObject(place: HTMLElement, object: ShownObject): Promise<() => void> {
  const canvas = el("canvas", { tabindex: 0, role: "application", "aria-label": `${object.title} in 3D: drag or use the arrow keys to turn, scroll, pinch or + and - to zoom` });
  const bar = el("div", { class: "toolbar", role: "toolbar", "aria-label": "View", hidden: true });
  place.replaceChildren(canvas, bar);
  const ended = new AbortController();
  const stage = new Stage(canvas, embedded(object));
  const dispose = (): void => {
    ended.abort();
    stage.dispose();
    place.replaceChildren();
    window.gsv3dStudio = undefined;
  };
  try {
    canvas.addEventListener("webglcontextlost", () => {
      if (!ended.signal.aborted) notify("The graphics device was lost. Please reload the page.", "error");
    });
    const backgrounds = new Backgrounds((colour) => {
      stage.setBackground(colour);
      place.style.background = colour;
    }, ended.signal);
    const choices = choicesOf(stage);
    const actions = actionsOf(stage, backgrounds, object.title, (text) => { notify(text, "error"); });
    const toolbar = new Toolbar(bar, choices, actions, []);
    const fit = (): void => { stage.setControlsHeight(toolbar.heightOver(canvas)); };
    addEventListener("resize", fit, { signal: ended.signal });
    fit();
    bindKeys(place, stage, toolbar, choices, actions, (shown) => {
      toolbar.hidden = !shown;
      fit();
    });
    canvas.addEventListener("pointerdown", () => {
      stage.orbit.turntable = false;
      toolbar.update();
    });
    await stage.load();
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) stage.orbit.turntable = true;
    stage.request();
    toolbar.update();
    window.gsv3dStudio = { settled: () => stage.settled(), azimuth: () => stage.orbit.current.azimuth };
    return dispose;
  } catch (error) {
    dispose();
    throw error;
  }
}
