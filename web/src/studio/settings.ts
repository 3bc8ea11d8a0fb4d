// The options that matter, with the service's own defaults and limits; what is left at its default is not sent.
import type { Capabilities, Model } from "./api";
import { el } from "./dom";

export const mostVersions = 9;

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

/** A label, what it is about, and a line of help. */
function field(label: string, control: HTMLElement, help?: string): HTMLElement {
  control.id ||= `field-${label.toLowerCase().replace(/\W+/g, "-")}`;
  const note = help ? el("small", { id: `${control.id}-help` }, help) : undefined;
  if (note) control.setAttribute("aria-describedby", note.id);
  return el("div", { class: "field" }, el("label", { for: control.id }, label), control, note);
}

export function slider(label: string, low: number, high: number, value: number, shown: (value: number) => string) {
  const input = el("input", { type: "range", min: low, max: high, step: 1, value, id: `slider-${label.toLowerCase()}` });
  const output = el("output", { for: input.id });
  const show = (): void => {
    const text = shown(Number(input.value));
    output.textContent = text;
    input.setAttribute("aria-valuetext", text);
  };
  input.addEventListener("input", show);
  show();
  const root = el("div", { class: "field" }, el("label", { for: input.id }, label, output), input);
  const set = (to: number): void => {
    input.value = to.toString();
    show();
  };
  return { root, input, set };
}

function checkbox(label: string, checked: boolean, help: string) {
  const input = el("input", { type: "checkbox", checked });
  return { input, root: el("label", { class: "check" }, input, el("span", {}, label, el("small", {}, help))) };
}

export class Settings {
  readonly root = el("div", { class: "settings" });
  /** Elevation: of the photo's camera, in degrees. */
  readonly elevation;
  private readonly seed: HTMLInputElement;
  private readonly versions: HTMLSelectElement;
  private readonly steps;
  private readonly mesh = checkbox("Textured mesh", true, "object.glb, for Blender, games and printing; takes the longest");
  private readonly page = checkbox("Page to pass on", true, "viewer.html, one file that shows the object anywhere");
  private readonly names: HTMLSelectElement;
  private chosen: Model;

  /** @param onModel is told when another model is chosen. */
  constructor(capabilities: Capabilities, private readonly models: Model[], onModel: () => void) {
    const model = models.find((one) => one.default) ?? models[0];
    if (!model) throw new Error("The service has no model.");
    this.chosen = model;
    this.names = el("select", {}, ...models.map(({ name }) => el("option", { value: name, selected: name === model.name }, name)));
    this.names.addEventListener("change", () => {
      this.take(this.models.find(({ name }) => name === this.names.value) ?? model);
      onModel();
    });
    const options = capabilities.options.properties;
    this.elevation = slider("Elevation", -20, 80, model.elevation_degrees, (value) => `${value.toString()}°`);
    this.seed = el("input", { type: "number", min: 0, max: 4294967295, step: 1, value: numberOf(options.seed?.default, 23), inputmode: "numeric", required: true });
    this.versions = el("select", {}, ...[1, 2, 4, 6, mostVersions].map((n) => el("option", { value: n }, n === 1 ? "one" : n.toString())));
    const most = Math.min(numberOf(options.steps?.maximum, 50), Math.max(50, ...models.map(({ steps }) => steps)));
    this.steps = slider("Steps", numberOf(options.steps?.minimum, 1), most, model.steps, (value) => value.toString());
    const dice = el("button", { type: "button", class: "quiet", onclick: () => { this.seed.value = Math.floor(Math.random() * 1e6).toString(); } }, "Roll");
    const seedField = field("Seed", this.seed);
    this.seed.after(dice);
    seedField.classList.add("with-button");
    if (models.length > 1) this.root.append(field("Model", this.names, "Another one than the last has to be loaded first."));
    this.root.append(
      el("div", { class: "pair" }, seedField, field("Versions", this.versions)),
      el("p", { class: "help" }, "The same seed gives the same object; each version takes the next one, so that you can pick."),
      this.steps.root,
      this.mesh.root,
      this.page.root,
    );
  }

  get model(): Model {
    return this.chosen;
  }

  /** What was left at the former model's own value becomes this one's. */
  private take(model: Model): void {
    if (this.elevationDegrees === this.chosen.elevation_degrees) this.elevation.set(model.elevation_degrees);
    if (Number(this.steps.input.value) === this.chosen.steps) this.steps.set(model.steps);
    this.chosen = model;
  }

  /** Throws Error for a seed that is none. */
  get seeds(): number[] {
    const first = Number(this.seed.value);
    if (!this.seed.value || !Number.isSafeInteger(first) || first < 0) throw new Error("The seed must be a whole number, 0 or more.");
    return Array.from({ length: Number(this.versions.value) }, (_, i) => first + i);
  }

  get elevationDegrees(): number {
    return Number(this.elevation.input.value);
  }

  options(seed: number): Record<string, unknown> {
    const steps = Number(this.steps.input.value);
    return {
      seed,
      ...(this.chosen.default ? {} : { model: this.chosen.name }),
      ...(this.elevationDegrees === this.chosen.elevation_degrees ? {} : { elevation: this.elevationDegrees }),
      ...(steps === this.chosen.steps ? {} : { steps }),
      ...(this.mesh.input.checked ? {} : { mesh: false }),
      ...(this.page.input.checked ? {} : { viewer: false }),
    };
  }
}
