// Jobs in words: states, stages, times.
import type { Job, Model, Progress } from "./api";

/** What the program calls its stages, in the order of the work, with what people see happen. */
const phases: [name: string, stages: RegExp][] = [
  ["Photo", /^(waiting|picture|photo$)/],
  ["Views", /^(views|decode views|spread)/],
  ["Object", /^(gaussians|fit|refinement|photo palette|photo surface|disagreement|confidence)/],
  ["Mesh", /^mesh/],
  ["Files", /^files/],
];

export const phaseNames = phases.map(([name]) => name);

export function phaseOf(stage: string): number {
  return Math.max(0, phases.findIndex(([, stages]) => stages.test(stage)));
}

const sentences: [RegExp, string][] = [
  [/^waiting/, "Waiting for the model"],
  [/^picture/, "Picturing the words"],
  [/^photo$/, "Cutting the object out"],
  [/^views/, "Imagining the other sides"],
  [/^decode views/, "Drawing the views"],
  [/^spread/, "Trying other seeds"],
  [/^gaussians/, "Building the object"],
  [/^fit/, "Fitting the object to the views"],
  [/^refinement/, "Refining the object"],
  [/^photo /, "Matching the photo's colours"],
  [/^disagreement/, "Checking the views"],
  [/^confidence/, "Making objects of other seeds"],
  [/^mesh, texture/, "Painting the mesh"],
  [/^mesh/, "Making the mesh"],
  [/^files/, "Writing the files"],
];

/** "Imagining the other sides, step 3 of 10, about 4 s left". */
export function progressText({ stage, step, steps, eta_seconds: eta }: Progress): string {
  const what = sentences.find(([stages]) => stages.test(stage))?.[1] ?? stage;
  const steps_ = steps > 1 ? `, step ${step.toString()} of ${steps.toString()}` : "";
  const left = eta !== null && eta >= 1 ? `, about ${duration(eta)} left` : "";
  return `${what}${steps_}${left}`;
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds)).toString()} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60).toString()} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** 0-1 over all phases, each taken as equally long. */
export function share(job: Job): number {
  if (!job.progress) return 0;
  const { stage, step, steps } = job.progress;
  return (phaseOf(stage) + Math.min(1, step / steps)) / phases.length;
}

export function stateText(job: Job): string {
  switch (job.state) {
    case "queued":
      return "Waiting in the queue";
    case "running":
      if (job.cancel_requested) return "Stopping…";
      return job.progress ? progressText(job.progress) : "Starting";
    case "succeeded":
      return "Done";
    case "failed":
      return "Failed";
    case "cancelled":
      return "Cancelled";
  }
}

/** "cup" of "cup.jpg"; of words all. */
export function titleOf(job: Job): string {
  if (job.photos === 0) return job.photo;
  return job.photo.replace(/\.[^.]*$/, "") || "photo";
}

/** "cup.spz" for object.spz, "cup-views.png" for views.png. */
export function savedName(title: string, name: string): string {
  return `${title}${name.startsWith("object.") ? name.slice(6) : `-${name}`}`;
}

/** The one that makes it: the job's, else the service's first; none when the service has it no longer. */
export function modelOf(job: Job | undefined, models: Model[]): Model | undefined {
  const name = job?.options.model;
  return name ? models.find((model) => model.name === name) : models.find((model) => model.default);
}

export function seedOf(job: Job): string {
  const { seed } = job.options;
  return typeof seed === "number" || typeof seed === "string" ? `seed ${seed.toString()}` : "default seed";
}

/** "today, 14:05" or "3 March, 14:05", as the browser's language has it. */
export function when(job: Job): string {
  const time = new Date(job.created_at);
  const isToday = time.toDateString() === new Date().toDateString();
  return isToday ? time.toLocaleTimeString([], { timeStyle: "short" }) : time.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

/** The jobs that were sent together with this one to compare seeds: the same photo, all options but the seed, within minutes. */
export function versionsOf(job: Job, jobs: Job[]): Job[] {
  const key = ({ photo, photos, options }: Job): string => JSON.stringify([photo, photos, { ...options, seed: 0 }]);
  const alike = jobs.filter((other) => key(other) === key(job)).sort((a, b) => a.created_at.localeCompare(b.created_at));
  const at = alike.findIndex(({ id }) => id === job.id);
  const apart = (i: number): boolean => {
    const [before, after] = [alike[i - 1], alike[i]];
    return !before || !after || Date.parse(after.created_at) - Date.parse(before.created_at) > 60_000;
  };
  let [begin, end] = [at, at + 1];
  while (begin > 0 && !apart(begin)) --begin;
  while (end < alike.length && !apart(end)) ++end;
  return alike.slice(Math.max(0, begin), end);
}
