// All jobs of the service, the newest first, page by page; those that wait or run are followed.
import { api, isFinished, type Job } from "./api";
import { confirmed, el, messageOf, notify } from "./dom";
import { JobCard } from "./job_card";
import { titleOf } from "./job_text";

const pageSize = 24;
const pause = 2000; // milliseconds between looks at what runs

export class History {
  readonly root = el("section", { class: "history", "aria-labelledby": "history-title", hidden: true });
  private readonly list = el("ul", { class: "cards" });
  private readonly more = el("button", { type: "button", class: "quiet", hidden: true, onclick: () => { void this.load(this.next); } }, "Show older ones");
  private readonly cards = new Map<string, JobCard>();
  private next?: string;
  private timer?: ReturnType<typeof setTimeout>;

  constructor() {
    this.root.append(el("h2", { id: "history-title" }, "Your objects"), this.list, this.more);
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.root.isConnected) this.refresh();
    });
  }

  /** Looks now, and again while something runs and the list is on the page. */
  refresh(): void {
    clearTimeout(this.timer);
    this.load().catch(() => { this.timer = setTimeout(() => { this.refresh(); }, pause); }); // the page says that nobody answers
  }

  private async load(cursor?: string): Promise<void> {
    const { jobs, next_cursor: next } = await api.jobs(pageSize, cursor);
    if (!this.root.isConnected) return;
    const isMore = cursor !== undefined;
    if (isMore || this.cards.size <= pageSize) this.next = next ?? undefined;
    if (!isMore && this.cards.size <= pageSize) this.dropAllBut(jobs);
    for (const [i, job] of jobs.entries()) this.place(job, isMore ? undefined : i);
    this.more.hidden = this.next === undefined;
    this.root.hidden = this.cards.size === 0;
    const busy = jobs.some((job) => !isFinished(job));
    if (busy && !document.hidden) this.timer = setTimeout(() => { this.refresh(); }, pause);
  }

  /** A new card at its place from the top, or at the end. */
  private place(job: Job, index?: number): void {
    const known = this.cards.get(job.id);
    if (known) {
      known.update(job);
      return;
    }
    const card = new JobCard(job, { caption: "name" }, (gone) => { void this.remove(gone); });
    this.cards.set(job.id, card);
    this.list.insertBefore(card.root, index === undefined ? null : (this.list.children[index] ?? null));
  }

  private dropAllBut(jobs: Job[]): void {
    const ids = new Set(jobs.map(({ id }) => id));
    for (const [id, card] of this.cards) {
      if (ids.has(id)) continue;
      card.root.remove();
      this.cards.delete(id);
    }
  }

  private async remove(job: Job): Promise<void> {
    const card = this.cards.get(job.id);
    if (!card || !(await confirmed(`Delete ${titleOf(job)} with all its files?`, "Delete"))) return;
    const neighbour = (card.root.nextElementSibling ?? card.root.previousElementSibling)?.querySelector("a");
    try {
      await removeJob(job.id);
      card.root.remove();
      this.cards.delete(job.id);
      this.root.hidden = this.cards.size === 0;
      notify(`${titleOf(job)} is deleted.`);
      neighbour?.focus();
    } catch (error) {
      notify(messageOf(error), "error");
    }
  }
}

/** Forgets a job; one that has not ended is cancelled first. */
export async function removeJob(id: string): Promise<void> {
  for (;;) {
    const job = await api.job(id);
    if (isFinished(job)) break;
    if (!job.cancel_requested) await api.remove(id);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  await api.remove(id);
}
