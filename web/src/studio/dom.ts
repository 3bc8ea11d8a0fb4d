// Making elements without a framework.
type Handler = (event: Event) => void;
export type Attributes = Record<string, string | number | boolean | Handler | undefined>;

/** Functions become listeners ("onclick"), true an attribute without value; false and undefined are left out. */
export function el<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: (Node | string | undefined | false)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== undefined) element.setAttribute(key, String(value));
  }
  element.append(...children.filter((child) => child !== undefined && child !== false));
  return element;
}

/** The element of the page with that id. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element ${id}`);
  return found;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3)).toString()} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** "1 photo", "2 photos". */
export function count(number: number, noun: string): string {
  return `${number.toString()} ${noun}${number === 1 ? "" : "s"}`;
}

/** Told to screen readers, and shown for a while; what went wrong stays longer. */
export function notify(text: string, kind: "done" | "error" = "done"): void {
  const note = el("div", { class: `note ${kind}` }, el("span", {}, text));
  const close = el("button", { type: "button", class: "plain", "aria-label": "Dismiss", onclick: () => { note.remove(); } }, "×");
  note.append(close);
  byId(kind === "error" ? "alerts" : "notes").append(note);
  setTimeout(() => { note.remove(); }, kind === "error" ? 15_000 : 5_000);
}

/** A question with two answers; Escape is no. */
export function confirmed(question: string, yes: string): Promise<boolean> {
  return new Promise((resolve) => {
    const dialog = el("dialog", { class: "question", "aria-labelledby": "question" });
    const answer = (value: boolean) => () => {
      dialog.close(value ? "yes" : "");
    };
    dialog.append(
      el("p", { id: "question" }, question),
      el(
        "div",
        { class: "row end" },
        el("button", { type: "button", onclick: answer(false) }, "Keep"),
        el("button", { type: "button", class: "danger", onclick: answer(true) }, yes),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
