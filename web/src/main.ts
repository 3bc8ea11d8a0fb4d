// The page: reads the object inside it, draws it, and connects buttons, keys and the hook for scripts.
import { actionsOf, Backgrounds, choicesOf, save } from "./controls";
import { bindKeys } from "./keys";
import { readObject, type EmbeddedObject } from "./object";
import type { CameraPlace } from "./orbit";
import { Stage, type Mode } from "./stage";
import { Toolbar } from "./toolbar";

/** For scripts and tests, as window.gsv3d: docs/viewer.md. */
export interface ViewerHook {
  /** Resolves when the object is on the screen, rejects when it cannot be shown. */
  ready: Promise<void>;
  /** Resolves when the picture shows the present camera and settings. */
  settled: () => Promise<void>;
  /** What is left out stays as it is. */
  setCamera: (place: Partial<CameraPlace>) => void;
  getCamera: () => CameraPlace;
  setMode: (mode: Mode) => void;
  /** A CSS colour. */
  setBackground: (colour: string) => void;
  setDepth: (on: boolean) => void;
  setWireframe: (on: boolean) => void;
  setTurntable: (on: boolean) => void;
  /** Buttons and title. */
  setControls: (shown: boolean) => void;
}

declare global {
  interface Window {
    gsv3d?: ViewerHook;
  }
}

const element = (id: string): HTMLElement => {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element ${id}`);
  return found;
};

function showMessage(text: string): void {
  const message = element("message");
  message.className = "notice";
  message.textContent = text;
  message.hidden = false;
}

function downloads(object: EmbeddedObject) {
  const files = object.mesh ? [object.splats, object.mesh] : [object.splats];
  return files.map(({ name, bytes }) => ({
    name,
    bytes: bytes.length,
    run: () => {
      save(name, new Blob([bytes], { type: "application/octet-stream" }));
    },
  }));
}

function showObject(object: EmbeddedObject): void {
  const canvas = element("view") as HTMLCanvasElement;
  const stage = new Stage(canvas, object);
  canvas.addEventListener("webglcontextlost", () => {
    showMessage("The graphics device was lost. Please reload the page.");
  });
  const background = (colour: string): void => {
    stage.setBackground(colour);
    document.body.style.background = colour;
  };
  const backgrounds = new Backgrounds(background);
  const choices = choicesOf(stage);
  const actions = actionsOf(stage, backgrounds, object.title, showMessage);
  const toolbar = new Toolbar(element("toolbar"), choices, actions, downloads(object));
  const setControls = (shown: boolean): void => {
    toolbar.hidden = !shown;
    document.body.classList.toggle("bare", !shown);
    stage.setControlsHeight(toolbar.heightOver(canvas));
  };
  addEventListener("resize", () => {
    stage.setControlsHeight(toolbar.heightOver(canvas));
  });
  stage.setControlsHeight(toolbar.heightOver(canvas));
  bindKeys(window, stage, toolbar, choices, actions, setControls);

  const ready = stage.load().then(() => {
    element("message").hidden = true;
  });
  ready.catch((error: unknown) => {
    showMessage(`The object could not be shown: ${String(error)}`);
  });
  const set = (change: () => void): void => {
    change();
    toolbar.update();
  };
  window.gsv3d = {
    ready,
    settled: () => stage.settled(),
    setCamera: (place) => {
      stage.orbit.place({ ...stage.orbit.current, ...place });
    },
    getCamera: () => stage.orbit.current,
    setMode: (mode) => {
      choices[["splats", "mesh", "both"].indexOf(mode)]?.select();
      toolbar.update();
    },
    setBackground: background,
    setDepth: (on) => {
      set(() => (stage.depth = on));
    },
    setWireframe: (on) => {
      set(() => (stage.wireframe = on));
    },
    setTurntable: (on) => {
      set(() => (stage.orbit.turntable = on));
      stage.request();
    },
    setControls,
  };
}

function main(): void {
  const object = readObject();
  document.title = object.title;
  element("title").textContent = object.title;
  if (!document.createElement("canvas").getContext("webgl2")) {
    new Toolbar(element("toolbar"), [], [], downloads(object));
    showMessage(
      "This browser shows no 3D: it has no WebGL 2. A current Chrome, Edge, Firefox or Safari has it, where graphics " +
        "acceleration is on. The files can be downloaded below.",
    );
    return;
  }
  showObject(object);
}

try {
  main();
} catch (error) {
  showMessage(error instanceof Error ? error.message : String(error));
}
