// The page of gsv3d serve: where a photo becomes an object. Start, preparing photos, and one job each have an address of their own,
// so that going back and reloading work as everywhere.
import { api, hooks, noAnswer, ServiceError, type Capabilities, type Model } from "./api";
import { byId, el, messageOf } from "./dom";
import { History } from "./history";
import { JobView } from "./job_view";
import { Prepare } from "./prepare";
import "./studio.css";
import "./prepare.css";
import "./job.css";
import "./sizes.css";

const retryPause = 2000; // milliseconds

class Studio {
  private readonly main = byId("main");
  private readonly history = new History();
  private readonly picker = el("input", { type: "file", multiple: true, accept: "image/*,.heic,.heif,.avif,.tif,.tiff", hidden: true, id: "picker", "aria-label": "Photos" });
  private readonly start: HTMLElement;
  private readonly prepare: Prepare;
  private jobView?: JobView;

  constructor(private readonly capabilities: Capabilities, private readonly models: Model[]) {
    const pick = (): void => { this.picker.click(); };
    this.start = this.startView(capabilities, pick);
    this.prepare = new Prepare(capabilities, models, (job) => { location.hash = `#/job/${job.id}`; }, () => { location.hash = "#/"; }, pick);
    document.body.append(this.picker);
    this.picker.addEventListener("change", () => {
      const files = [...(this.picker.files ?? [])];
      this.picker.value = "";
      void this.take(files);
    });
    this.listenForPhotos();
    addEventListener("hashchange", () => { this.route(true); });
    this.route(false);
  }

  private startView(capabilities: Capabilities, pick: () => void): HTMLElement {
    const choose = el("button", { type: "button", class: "primary", onclick: pick }, "Choose photos");
    const drop = el(
      "div",
      { class: "drop", onclick: (event) => { if (event.target === event.currentTarget) pick(); } },
      el("h1", { tabindex: -1 }, "A photo becomes a 3D object"),
      el("p", {}, "Drop photos here, paste one, or"),
      choose,
      el("p", { class: "help" }, "One object, seen whole, before a plain ground works best. Photos stay on the machine that runs this service."),
    );
    return el("div", { class: "start" }, drop, capabilities.text && describeForm(), this.history.root, el("footer", {}, el("small", {}, `gsv3d ${capabilities.version} · ${this.models.length === 1 ? "model" : "models"} ${this.models.map(({ name }) => name).join(", ")} · `, el("a", { href: "/openapi.json" }, "API"))));
  }

  /** Files that are dropped anywhere or pasted. */
  private listenForPhotos(): void {
    const isOfFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;
    addEventListener("dragover", (event) => {
      if (!isOfFiles(event)) return;
      event.preventDefault();
      document.body.classList.add("dropping");
    });
    addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) document.body.classList.remove("dropping");
    });
    addEventListener("drop", (event) => {
      document.body.classList.remove("dropping");
      if (!isOfFiles(event)) return;
      event.preventDefault();
      void this.take([...(event.dataTransfer?.files ?? [])]);
    });
    addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      void this.take(files);
    });
  }

  private async take(files: File[]): Promise<void> {
    if (files.length === 0) return;
    document.body.classList.add("reading");
    const isPreparing = this.main.contains(this.prepare.root);
    const read = await this.prepare.add(files, !isPreparing);
    document.body.classList.remove("reading");
    if (read > 0 && !isPreparing) location.hash = "#/new";
  }

  /** @param moved by a person: the new view's heading is then where reading goes on. */
  private route(moved: boolean): void {
    this.jobView?.close();
    this.jobView = undefined;
    const job = /^#\/job\/([0-9a-f]{32})$/.exec(location.hash)?.[1];
    if (job) {
      this.jobView = new JobView(job, this.capabilities, this.models, !this.prepare.isEmpty);
      this.main.replaceChildren(this.jobView.root);
      void this.jobView.open();
    } else if (location.hash === "#/new" && !this.prepare.isEmpty) {
      this.main.replaceChildren(this.prepare.root);
    } else {
      if (location.hash && location.hash !== "#/") location.replace("#/");
      this.main.replaceChildren(this.start);
      this.history.refresh();
    }
    byId("new").hidden = this.main.contains(this.start);
    if (!moved) return;
    scrollTo(0, 0);
    this.main.querySelector("h1")?.focus({ preventScroll: true });
  }
}

/** Words instead of a photo, for services that take them. */
function describeForm(): HTMLElement {
  const words = el("input", { type: "text", id: "describe", maxlength: 1000, autocomplete: "off", placeholder: "red armchair", required: true });
  const wrong = el("p", { class: "warning", role: "alert" });
  const send = el("button", { type: "submit" }, "Make it 3D");
  const form = el("form", { class: "describe" }, el("label", { for: "describe" }, "or describe it"), el("div", { class: "row" }, words, send), wrong);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const body = new FormData();
    body.append("text", words.value);
    send.disabled = true;
    wrong.textContent = "";
    api
      .submit(body)
      .then(
        (job) => { location.hash = `#/job/${job.id}`; },
        (error: unknown) => { wrong.textContent = messageOf(error); },
      )
      .finally(() => { send.disabled = false; });
  });
  return form;
}

/** Asks for the token until it is the right one. */
function askForToken(): Promise<void> {
  return new Promise((resolve) => {
    const token = el("input", { type: "password", id: "token", autocomplete: "current-password", required: true });
    const wrong = el("p", { class: "warning", role: "alert" });
    const form = el(
      "form",
      { method: "dialog" },
      el("h2", { id: "sign-in" }, "This service asks for its token"),
      el("div", { class: "field" }, el("label", { for: "token" }, "Token"), token),
      wrong,
      el("div", { class: "row end" }, el("button", { type: "submit", class: "primary" }, "Go on")),
    );
    const dialog = el("dialog", { class: "question", "aria-labelledby": "sign-in" }, form);
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      api.signIn(token.value).then(
        () => {
          dialog.close();
          dialog.remove();
          resolve();
        },
        (error: unknown) => { wrong.textContent = messageOf(error); },
      );
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Says so while nobody answers, and stops saying so. */
function watchService(): void {
  let asking = false;
  const look = (): void => {
    setTimeout(() => {
      void api.lives().then((lives) => {
        asking = !lives;
        byId("gone").hidden = lives;
        if (!lives) look();
      });
    }, retryPause);
  };
  hooks.gone = () => {
    byId("gone").hidden = false;
    if (asking) return;
    asking = true;
    look();
  };
  let signing: Promise<void> | undefined;
  hooks.signIn = () => (signing ??= askForToken().finally(() => { signing = undefined; }));
}

async function begin(): Promise<void> {
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    event.preventDefault(); // the part after # is the view's address
    byId("main").focus();
  });
  byId("gone").textContent = `${noAnswer} Trying again…`;
  watchService();
  for (;;) {
    try {
      const [capabilities, { models }] = await Promise.all([api.capabilities(), api.models()]);
      new Studio(capabilities, models);
      return;
    } catch (error) {
      byId("main").replaceChildren(el("p", { class: "notice" }, messageOf(error)));
      if (!(error instanceof ServiceError && error.status === 0)) return;
      await new Promise((resolve) => setTimeout(resolve, retryPause));
    }
  }
}

void begin();
