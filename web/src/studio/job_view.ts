// One job: its views while they appear, then the object in 3D with its files; beside it the versions with other seeds.
import { api, isFinished, ServiceError, watchJob, type Capabilities, type Job, type JobFile, type Model, type ResultRecord } from "./api";
import { confirmed, count, el, megabytes, messageOf, notify } from "./dom";
import { removeJob } from "./history";
import { JobCard } from "./job_card";
import { duration, modelOf, phaseNames, phaseOf, savedName, seedOf, share, stateText, titleOf, versionsOf, when } from "./job_text";
import { Previews } from "./previews";
import { trustText, trustWarnings } from "./trust";

const pause = 1500; // milliseconds between looks at the other versions
const mostListed = 100;

const fileNotes: Record<string, string | undefined> = {
  "object.glb": "Textured mesh for Blender, Unity, printing",
  "object.ply": "Gaussian splats, 3DGS format",
  "viewer.html": "One page that shows it anywhere",
  "orbit.mp4": "Film, once around",
  "views.png": "All views in one picture",
  "result.json": "Settings and measurements",
};

export class JobView {
  readonly root = el("section", { class: "job", "aria-labelledby": "job-title" });
  private readonly title = el("h1", { id: "job-title", tabindex: -1 }, "Your object");
  private readonly meta = el("p", { class: "meta" });
  private readonly stage = el("div", { class: "stage" });
  private readonly state = el("p", { class: "state", role: "status" });
  private readonly bar = el("progress", { max: 1, value: 0, "aria-label": "Progress" });
  private readonly phases = el("ol", { class: "phases", "aria-hidden": true }, ...phaseNames.map((name) => el("li", {}, name)));
  private readonly actions = el("div", { class: "row" });
  private readonly files = el("div", { class: "card files", hidden: true });
  private readonly facts = el("div", { class: "card facts", hidden: true });
  private readonly versions = el("div", { class: "versions", hidden: true });
  private readonly cards = new Map<string, JobCard>();
  private previews?: Previews;
  private job?: Job;
  private stopWatching?: () => void;
  private disposeView?: () => void;
  private timer?: ReturnType<typeof setTimeout>;
  private closed = false;
  private spoken = "";
  private lastSpoken = 0;

  /** @param canChange whether the photo is still being prepared, so that it can be sent once more. */
  constructor(private readonly id: string, private readonly capabilities: Capabilities, private readonly models: Model[], private readonly canChange: boolean) {
    this.root.append(
      el("div", { class: "job-head" }, el("div", {}, this.title, this.meta), this.actions),
      el("div", { class: "columns" }, el("div", { class: "column wide" }, this.stage, this.versions), el("div", { class: "column" }, el("div", { class: "card progress" }, this.state, this.bar, this.phases), this.files, this.facts)),
    );
  }

  async open(): Promise<void> {
    try {
      const job = await api.job(this.id);
      if (this.closed) return;
      this.show(job);
      if (!isFinished(job)) this.stopWatching = watchJob(this.id, { onJob: (now) => { this.show(now); }, onPreview: (preview) => { void this.preview().show(preview); }, onGone: () => { this.showGone(); } });
      await this.loadVersions();
    } catch (error) {
      if (this.closed) return;
      if (error instanceof ServiceError && error.status === 404) {
        this.showGone();
        return;
      }
      this.title.textContent = "This object cannot be shown now";
      this.stage.replaceChildren(el("p", { class: "notice" }, messageOf(error)));
      this.timer = setTimeout(() => { void this.open(); }, 2000);
    }
  }

  private showGone(): void {
    this.title.textContent = "This object is not there any more";
    this.root.dataset.state = "failed";
    this.actions.replaceChildren();
    this.stage.replaceChildren(el("div", { class: "notice" }, el("p", {}, "It was deleted."), el("a", { class: "button", href: "#/" }, "Another photo")));
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.stopWatching?.();
    this.disposeView?.();
    document.title = "GSV3D";
  }

  private preview(): Previews {
    if (!this.previews) {
      this.previews = new Previews(modelOf(this.job, this.models)?.views ?? 1);
      this.stage.replaceChildren(this.previews.root);
    }
    return this.previews;
  }

  private show(job: Job): void {
    const before = this.job;
    this.job = job;
    const finished = isFinished(job);
    this.title.textContent = titleOf(job);
    this.meta.textContent = [when(job), seedOf(job), job.photos > 1 ? count(job.photos, "photo") : ""].filter(Boolean).join(" · ");
    this.root.dataset.state = job.state;
    this.speak(stateText(job), before?.state !== job.state);
    this.bar.hidden = this.phases.hidden = finished;
    this.bar.value = share(job);
    const phase = job.progress ? phaseOf(job.progress.stage) : -1;
    for (const [i, item] of [...this.phases.children].entries()) item.className = i < phase ? "done" : i === phase ? "now" : "";
    document.title = job.state === "running" ? `${Math.round(100 * share(job)).toString()} % · ${titleOf(job)}` : titleOf(job);
    if (before?.state !== job.state || before.cancel_requested !== job.cancel_requested) this.fillActions(job);
    this.cards.get(job.id)?.update(job, true);
    if (!finished) this.preview();
    else if (before?.state !== job.state) void this.finish(job);
  }

  /** Shown at once; screen readers are told of it every few seconds. */
  private speak(text: string, atOnce: boolean): void {
    if (text === this.spoken) return;
    const now = performance.now();
    this.state.setAttribute("aria-live", atOnce || now - this.lastSpoken > 5000 ? "polite" : "off");
    if (atOnce || now - this.lastSpoken > 5000) this.lastSpoken = now;
    this.spoken = text;
    this.state.textContent = text;
  }

  private fillActions(job: Job): void {
    const change = this.canChange && el("a", { class: "button quiet", href: "#/new" }, "Change and repeat");
    const cancel = !isFinished(job) && el("button", { type: "button", class: "danger", disabled: job.cancel_requested, onclick: () => { void this.cancel(); } }, job.cancel_requested ? "Stopping…" : "Cancel");
    const remove = isFinished(job) && el("button", { type: "button", class: "quiet", onclick: () => { void this.remove(); } }, "Delete");
    this.actions.replaceChildren(...[change, cancel, remove].filter((item) => item !== false));
  }

  private async cancel(): Promise<void> {
    try {
      await api.remove(this.id);
      this.show(await api.job(this.id));
    } catch (error) {
      if (!(error instanceof ServiceError && error.status === 404)) notify(messageOf(error), "error");
    }
  }

  private async remove(): Promise<void> {
    if (!(await confirmed(`Delete ${this.job ? titleOf(this.job) : "this object"} with all its files?`, "Delete"))) return;
    try {
      await removeJob(this.id);
      location.hash = "#/";
    } catch (error) {
      notify(messageOf(error), "error");
    }
  }

  private async finish(job: Job): Promise<void> {
    this.stopWatching?.();
    if (job.state === "succeeded") {
      this.fillFiles(job);
      await Promise.all([this.showObject(job), this.fillFacts(job)]);
      return;
    }
    const text = job.state === "cancelled" ? "This was cancelled before it was done." : `This did not work: ${job.error ?? "the reason is not known"}`;
    const photo = el("img", { src: `/v1/jobs/${job.id}/photo`, alt: "The photo", class: "photo" });
    this.stage.replaceChildren(el("div", { class: "notice" }, photo, el("p", {}, text), el("a", { class: "button", href: this.canChange ? "#/new" : "#/" }, this.canChange ? "Change and repeat" : "Another photo")));
  }

  private async showObject(job: Job): Promise<void> {
    const file = (name: string): JobFile | undefined => job.files.find((found) => found.name === name);
    const splats = file("object.ply");
    const mesh = file("object.glb");
    const film = file("orbit.mp4");
    if (!splats) {
      this.stage.replaceChildren(el("p", { class: "notice" }, "This job made no 3D object; its views are below."));
      return;
    }
    if (!this.previews) this.stage.replaceChildren(el("p", { class: "notice late" }, "Loading the object…"));
    try {
      if (!document.createElement("canvas").getContext("webgl2")) throw new Error("This browser shows no 3D: it has no WebGL 2.");
      const record = file("result.json");
      const [view, splatBytes, meshBytes, result] = await Promise.all([import("./view"), api.bytes(splats.url), mesh && api.bytes(mesh.url), record && api.record(record.url)]);
      if (this.closed) return;
      const place = el("div", { class: "viewer loading" });
      this.stage.append(place); // unseen over the views until the object is drawn
      const elevation = result?.settings.elevation_degrees ?? modelOf(job, this.models)?.elevation_degrees ?? 0;
      this.disposeView = await view.showObject(place, { title: titleOf(job), splats: splatBytes, mesh: meshBytes, elevation });
      if (this.wasClosed()) this.disposeView();
      else this.stage.replaceChildren(place);
      place.classList.remove("loading");
    } catch (error) {
      if (this.closed) return;
      const video = film && el("video", { src: film.url, loop: true, controls: true, playsinline: true });
      this.stage.replaceChildren(el("div", { class: "notice" }, video, el("p", {}, `${messageOf(error)} The files can be downloaded.`)));
    }
  }

  private wasClosed(): boolean {
    return this.closed;
  }

  private fillFiles(job: Job): void {
    const title = titleOf(job);
    const items = job.files.map(({ name, bytes, url }) =>
      el("li", {}, el("a", { href: url, download: savedName(title, name) }, el("strong", {}, name), el("small", {}, fileNotes[name] ?? ""), el("small", { class: "size" }, megabytes(bytes)))),
    );
    const formats = this.capabilities.formats.filter((format) => job.files.some(({ name }) => name === format.made_of));
    const others = formats.map(({ name, description }) =>
      el("li", {}, el("a", { href: `/v1/jobs/${job.id}/files/${name}`, download: savedName(title, name) }, el("strong", {}, name), el("small", {}, description))),
    );
    const menu = others.length > 0 && el("details", {}, el("summary", {}, "Other formats"), el("ul", {}, ...others));
    this.files.replaceChildren(el("h2", {}, "Download"), el("ul", {}, ...items), ...(menu ? [menu] : []));
    this.files.hidden = items.length === 0;
  }

  private async fillFacts(job: Job): Promise<void> {
    const record = job.files.find(({ name }) => name === "result.json");
    let result: ResultRecord | undefined;
    try {
      result = record && (await api.record(record.url));
    } catch {
      // Told of elsewhere; the object itself matters more.
    }
    if (!result || this.closed) return;
    const seconds = job.started_at && job.finished_at ? (Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000 : undefined;
    const rows: [string, string][] = [
      ...(this.models.length > 1 ? [["Model", result.model.name] as [string, string]] : []),
      ["Gaussians", result.gaussians?.toLocaleString() ?? "none"],
      ["Elevation", `${result.settings.elevation_degrees.toString()}°`],
      ...(seconds === undefined ? [] : [["Time", duration(seconds)] as [string, string]]),
    ];
    const trust = trustText(result);
    const notes = [...(trust ? [el("p", { class: "trust" }, trust)] : []), ...trustWarnings(result).map((warning) => el("p", { class: "warning" }, warning))];
    this.facts.replaceChildren(el("h2", {}, "About it"), el("dl", {}, ...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])), ...notes);
    this.facts.hidden = false;
  }

  private async loadVersions(): Promise<void> {
    if (!this.job || this.closed) return;
    let busy = true;
    try {
      const { jobs } = await api.jobs(mostListed);
      if (this.wasClosed()) return;
      const versions = versionsOf(this.job, jobs);
      busy = versions.some((job) => job.id !== this.id && !isFinished(job));
      this.fillVersions(versions);
    } catch {
      // The page says that nobody answers; the next look may find somebody.
    }
    if (busy) this.timer = setTimeout(() => { void this.loadVersions(); }, pause);
  }

  private fillVersions(jobs: Job[]): void {
    this.versions.hidden = jobs.length < 2;
    if (jobs.length < 2) return;
    if (this.cards.size !== jobs.length) {
      this.cards.clear();
      const list = el("ul", { class: "cards" });
      for (const job of jobs) {
        const card = new JobCard(job, { caption: "seed", lively: true, current: job.id === this.id });
        this.cards.set(job.id, card);
        list.append(card.root);
      }
      const keep = el("button", { type: "button", class: "quiet", onclick: () => { void this.keepOnly(); } }, "Keep only this one");
      this.versions.replaceChildren(el("div", { class: "job-head" }, el("h2", {}, `${count(jobs.length, "version")} to pick from`), keep), list);
    } else {
      for (const job of jobs) this.cards.get(job.id)?.update(job, job.id === this.id);
    }
  }

  private async keepOnly(): Promise<void> {
    const others = [...this.cards.keys()].filter((id) => id !== this.id);
    if (!(await confirmed(`Keep this version and delete the other ${others.length === 1 ? "one" : others.length.toString()}?`, "Delete"))) return;
    try {
      for (const id of others) await removeJob(id);
      this.versions.hidden = true;
      notify("The other versions are deleted.");
    } catch (error) {
      notify(messageOf(error), "error");
    }
  }
}
