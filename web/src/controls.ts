// What can be done with an object that is shown, for every page that has a stage: the buttons' meaning, not their looks.
import type { Mode, Stage } from "./stage";
import type { Action, Choice } from "./toolbar";

/** Lets the browser save it under that name. */
export function save(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
  }, 60_000); // a slow machine begins to save late
}

/** Backgrounds in turn: the page's own, which follows light and dark mode, then fixed ones. */
export class Backgrounds {
  private readonly fixed = ["#ffffff", "#808080", "#000000"];
  private place = -1;

  /** Until `ended`, which a page that shows one object for good leaves out. */
  constructor(
    private readonly apply: (colour: string) => void,
    ended?: AbortSignal,
  ) {
    const onChange = (): void => {
      if (this.place < 0) this.show();
    };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange, { signal: ended });
    this.show();
  }

  next(): void {
    this.place = this.place + 1 < this.fixed.length ? this.place + 1 : -1;
    this.show();
  }

  private show(): void {
    this.apply(this.fixed[this.place] ?? getComputedStyle(document.body).getPropertyValue("--ground").trim());
  }
}

export function choicesOf(stage: Stage): Choice[] {
  if (!stage.hasMesh) return [];
  const names: [Mode, string][] = [
    ["splats", "Gaussians"],
    ["mesh", "Mesh"],
    ["both", "Both"],
  ];
  return names.map(([mode, label], i) => ({
    label,
    key: (i + 1).toString(),
    selected: () => stage.mode === mode,
    select: () => {
      stage.mode = mode;
    },
  }));
}

/** @param complain is told why there is no picture. */
export function actionsOf(stage: Stage, backgrounds: Backgrounds, title: string, complain: (text: string) => void): Action[] {
  const wireframe: Action = {
    icon: "wireframe",
    label: "Wireframe",
    key: "W",
    run: () => (stage.wireframe = !stage.wireframe),
    on: () => stage.wireframe,
    enabled: () => stage.mode !== "splats",
  };
  return [
    {
      icon: "turntable",
      label: "Turntable",
      key: "Space",
      run: () => {
        stage.orbit.turntable = !stage.orbit.turntable;
        stage.request();
      },
      on: () => stage.orbit.turntable,
    },
    { icon: "background", label: "Background", key: "B", run: backgrounds.next.bind(backgrounds) },
    { icon: "depth", label: "Depth", key: "D", run: () => (stage.depth = !stage.depth), on: () => stage.depth },
    ...(stage.hasMesh ? [wireframe] : []),
    { icon: "reset", label: "Start view", key: "R", run: stage.orbit.reset.bind(stage.orbit) },
    {
      icon: "screenshot",
      label: "Screenshot",
      key: "S",
      run: () => {
        stage.screenshot().then(
          (picture) => {
            save(`${title}.png`, picture);
          },
          (error: unknown) => {
            complain(String(error));
          },
        );
      },
    },
  ];
}
