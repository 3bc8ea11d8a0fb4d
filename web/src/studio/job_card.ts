// One job in a list: a picture of it, its name and its state.
import { type Job } from "./api";
import { el } from "./dom";
import { seedOf, share, stateText, titleOf, when } from "./job_text";

/** The film of the object where there is one, else the photo. Films play where motion is welcome. */
function picture(job: Job, lively: boolean): HTMLElement {
  if (job.photos === 0 && job.state !== "succeeded") return el("span"); // no picture of the words is certain yet
  const still = el("img", { src: `/v1/jobs/${job.id}/photo`, alt: "", loading: "lazy", decoding: "async", onerror: (event) => { (event.currentTarget as HTMLElement).remove(); } });
  const film = job.files.find(({ name }) => name === "orbit.mp4");
  if (!film || !lively) return still;
  const moves = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  const video = el("video", { src: film.url, loop: true, playsinline: true, autoplay: moves, "aria-hidden": true });
  video.muted = true;
  video.addEventListener("error", () => { video.replaceWith(still); });
  return video;
}

export interface CardOptions {
  /** Play the object's film instead of showing the photo. */
  lively?: boolean;
  /** The job that is open. */
  current?: boolean;
  /** What tells it from its neighbours: its name and time, or its seed. */
  caption: "name" | "seed";
}

export class JobCard {
  readonly root = el("li", { class: "job-card" });
  private readonly link: HTMLAnchorElement;
  private readonly frame = el("span", { class: "frame" });
  private readonly title = el("strong");
  private readonly state = el("small");
  private readonly bar = el("progress", { max: 1, "aria-hidden": true });
  private shown = "";

  constructor(job: Job, private readonly options: CardOptions, onRemove?: (job: Job) => void) {
    this.link = el("a", { href: `#/job/${job.id}` }, this.frame, el("span", { class: "words" }, this.title, this.state), this.bar);
    this.root.append(this.link);
    if (onRemove) {
      const label = `Delete ${titleOf(job)}, ${when(job)}`;
      this.root.append(el("button", { type: "button", class: "remove", "aria-label": label, title: "Delete", onclick: () => { onRemove(job); } }, "×"));
    }
    this.update(job, options.current);
  }

  update(job: Job, current = false): void {
    const running = job.state === "running" || job.state === "queued";
    this.title.textContent = this.options.caption === "seed" ? seedOf(job) : titleOf(job);
    this.state.textContent = job.state === "succeeded" ? (this.options.caption === "seed" ? "" : when(job)) : stateText(job);
    this.root.dataset.state = job.state;
    if (current) this.link.setAttribute("aria-current", "true");
    else this.link.removeAttribute("aria-current");
    this.bar.hidden = !running;
    this.bar.value = share(job);
    const kind = `${job.id} ${job.state === "succeeded" ? "film" : "photo"}`;
    if (kind === this.shown) return;
    this.shown = kind;
    this.frame.replaceChildren(picture(job, this.options.lively ?? false));
  }
}
