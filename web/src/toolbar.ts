// The controls: what to show, how to show it, and what to take away. Every button has a key.
import { icon, type Icon } from "./icons";

export interface Choice {
  label: string;
  key: string;
  selected: () => boolean;
  select: () => void;
}

export interface Action {
  icon: Icon;
  label: string;
  key: string;
  run: () => void;
  /** For switches: whether it is on. */
  on?: () => boolean;
  /** Whether it would change anything now. */
  enabled?: () => boolean;
}

export interface Download {
  name: string;
  bytes: number;
  run: () => void;
}

const margin = 8; // pixels

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 1)} MB`;
}

export class Toolbar {
  private readonly updates: (() => void)[] = [];

  constructor(
    private readonly bar: HTMLElement,
    choices: Choice[],
    actions: Action[],
    downloads: Download[],
  ) {
    if (choices.length > 1) bar.append(this.group("choices", choices.map((choice) => this.choice(choice))));
    const buttons = actions.map((action) => this.action(action));
    bar.append(this.group("actions", downloads.length > 0 ? [...buttons, this.menu(downloads)] : buttons));
    this.update();
    bar.hidden = false;
  }

  /** After anything has changed that the buttons show. */
  update(): void {
    for (const update of this.updates) update();
  }

  get hidden(): boolean {
    return this.bar.hasAttribute("hidden");
  }
  set hidden(hidden: boolean) {
    this.bar.hidden = hidden;
  }

  /** How much of the canvas's lower end is under it, in pixels, with a margin. */
  heightOver(canvas: HTMLElement): number {
    if (this.hidden) return 0;
    return canvas.getBoundingClientRect().bottom - this.bar.getBoundingClientRect().top + margin;
  }

  private group(name: string, children: HTMLElement[]): HTMLElement {
    const group = document.createElement("div");
    group.className = name;
    group.append(...children);
    return group;
  }

  private button(label: string, key: string, run: () => void): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.title = key ? `${label} (${key})` : label;
    button.addEventListener("click", (event) => {
      run();
      this.update();
      // After a click with the mouse, Space is the turntable's again and not this button's.
      if (event.detail > 0) button.blur();
    });
    return button;
  }

  private choice({ label, key, selected, select }: Choice): HTMLElement {
    const button = this.button(label, key, select);
    button.textContent = label;
    this.updates.push(() => {
      button.setAttribute("aria-pressed", String(selected()));
    });
    return button;
  }

  private action({ icon: name, label, key, run, on, enabled }: Action): HTMLElement {
    const button = this.button(label, key, run);
    button.innerHTML = icon(name);
    button.setAttribute("aria-label", label);
    this.updates.push(() => {
      if (on) button.setAttribute("aria-pressed", String(on()));
      if (enabled) button.disabled = !enabled();
    });
    return button;
  }

  private menu(downloads: Download[]): HTMLElement {
    const menu = document.createElement("details");
    menu.innerHTML = `<summary title="Download" aria-label="Download">${icon("download")}</summary>`;
    const list = this.group("menu", downloads.map((download) => {
      const button = this.button(download.name, "", () => {
        menu.open = false;
        download.run();
      });
      const size = document.createElement("small");
      size.textContent = megabytes(download.bytes);
      button.append(download.name, size);
      return button;
    }));
    menu.append(list);
    menu.querySelector("summary")?.addEventListener("click", (event) => {
      if (event.detail > 0) (event.currentTarget as HTMLElement).blur();
    });
    document.addEventListener("pointerdown", (event) => {
      if (!menu.contains(event.target as Node)) menu.open = false;
    });
    return menu;
  }
}
