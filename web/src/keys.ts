// The keyboard: the buttons' keys, and the camera.
import type { Stage } from "./stage";
import type { Action, Choice, Toolbar } from "./toolbar";

const step = 5; // degrees
const zoomStep = 1.1;

/** @param target where keys are heard: the window, or the part of a page that the object is shown in. */
export function bindKeys(
  target: EventTarget,
  stage: Stage,
  toolbar: Toolbar,
  choices: Choice[],
  actions: Action[],
  setControls: (shown: boolean) => void,
): void {
  const { orbit } = stage;
  const keys = new Map<string, () => void>([
    ["ArrowLeft", () => { orbit.turn(-step, 0); }],
    ["ArrowRight", () => { orbit.turn(step, 0); }],
    ["ArrowUp", () => { orbit.turn(0, step); }],
    ["ArrowDown", () => { orbit.turn(0, -step); }],
    ["+", () => { orbit.zoom(zoomStep); }],
    ["=", () => { orbit.zoom(zoomStep); }],
    ["-", () => { orbit.zoom(1 / zoomStep); }],
    ["Home", () => { orbit.reset(); }],
    ["h", () => { setControls(toolbar.hidden); }],
  ]);
  for (const { key, select } of choices) keys.set(key, select);
  for (const { key, run, enabled } of actions)
    keys.set(key === "Space" ? " " : key.toLowerCase(), () => {
      if (enabled?.() ?? true) run();
    });

  target.addEventListener("keydown", (event) => {
    if (!(event instanceof KeyboardEvent) || event.ctrlKey || event.metaKey || event.altKey) return;
    // A focused button takes Space and Enter itself.
    const onButton = event.target instanceof Element && event.target.closest("button, summary") !== null;
    if (onButton && event.key === " ") return;
    const run = keys.get(event.key.length === 1 ? event.key.toLowerCase() : event.key);
    if (!run) return;
    event.preventDefault();
    run();
    toolbar.update();
  });
}
