// The service behind the page: its addresses, its answers, its refusals (docs/serve.md, /openapi.json).

export type JobState = "queued" | "running" | "succeeded" | "failed" | "cancelled";

export interface JobFile {
  name: string;
  bytes: number;
  media_type: string;
  url: string;
}

export interface Progress {
  stage: string;
  step: number;
  steps: number;
  eta_seconds: number | null;
}

export interface Job {
  id: string;
  state: JobState;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  photo: string;
  photos: number;
  options: Record<string, unknown>;
  cancel_requested: boolean;
  error: string | null;
  progress: Progress | null;
  files: JobFile[];
}

/** Estimates of the views, side by side in one picture. */
export interface Preview {
  step: number;
  steps: number;
  views: number;
  width: number;
  height: number;
  png_base64: string;
}

export interface OptionSchema {
  default: unknown;
  minimum?: number;
  maximum?: number;
}

/** A file that the service makes of one of a job's when it is asked for. */
export interface ObjectFormat {
  name: string;
  made_of: string;
  description: string;
}

export interface Capabilities {
  version: string;
  photos: string;
  /** Words are taken instead of a photo. */
  text: boolean;
  request_bytes: number;
  formats: ObjectFormat[];
  options: { properties: Record<string, OptionSchema | undefined> };
}

export interface Model {
  name: string;
  default: boolean;
  loaded: boolean;
  views: number;
  steps: number;
  elevation_degrees: number;
  image_frame_ratio: number;
}

export interface Matte {
  width: number;
  height: number;
  object_from: string;
  warnings: string[];
  matte_png_base64: string;
  photo_png_base64?: string;
}

/** `status` 0: there was no answer. */
export class ServiceError extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

export const noAnswer = "The service does not answer. Is gsv3d serve still running?";

/** What the page does when the service wants a token (resolves once there is a session), and when it does not answer. */
export const hooks = {
  signIn: (): Promise<void> => Promise.reject(new ServiceError(401, "A token is needed.")),
  gone: (): void => undefined,
};

export function isFinished(job: Job): boolean {
  return job.state !== "queued" && job.state !== "running";
}

async function problemOf(response: Response): Promise<ServiceError> {
  let detail = response.statusText;
  try {
    detail = ((await response.json()) as { detail: string }).detail;
  } catch {
    // Not of the service's making: a proxy's page.
  }
  return new ServiceError(response.status, detail || `The service answered with ${response.status.toString()}.`);
}

async function call(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    hooks.gone();
    throw new ServiceError(0, noAnswer);
  }
  if (response.status === 401 && path !== "/v1/session") {
    await hooks.signIn();
    return call(path, init);
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function json<Answer>(path: string, init?: RequestInit): Promise<Answer> {
  return (await (await call(path, init)).json()) as Answer;
}

export const api = {
  capabilities: () => json<Capabilities>("/v1/capabilities"),
  models: () => json<{ models: Model[] }>("/v1/models"),
  jobs: (limit: number, cursor?: string) =>
    json<{ jobs: Job[]; next_cursor: string | null }>(`/v1/jobs?limit=${limit.toString()}${cursor ? `&cursor=${cursor}` : ""}`),
  job: (id: string) => json<Job>(`/v1/jobs/${id}`),
  /** Cancels a job that waits or runs, forgets one that has ended. */
  remove: async (id: string): Promise<void> => {
    await call(`/v1/jobs/${id}`, { method: "DELETE" });
  },
  submit: (form: FormData) =>
    json<Job>("/v1/generations", { method: "POST", body: form, headers: { "Idempotency-Key": randomKey() } }),
  matte: (photo: Blob, options: { withPhoto?: boolean; signal?: AbortSignal } = {}) => {
    const body = new FormData();
    body.append("photo", photo, "photo");
    return json<Matte>(`/v1/mattes${options.withPhoto ? "?photo=1" : ""}`, { method: "POST", body, signal: options.signal });
  },
  signIn: async (token: string): Promise<void> => {
    await call("/v1/session", { method: "POST", headers: { Authorization: `Bearer ${token}` } });
  },
  bytes: async (url: string): Promise<Uint8Array<ArrayBuffer>> => new Uint8Array(await (await call(url)).arrayBuffer()),
  record: (url: string) => json<ResultRecord>(url),
  /** Whether the service answers at all. */
  lives: async (): Promise<boolean> => {
    try {
      return (await fetch("/healthz")).ok;
    } catch {
      return false;
    }
  },
};

/** The part of result.json that the page shows. */
export interface ResultRecord {
  model: { name: string };
  photo: { warnings: string[] };
  further_photos?: { azimuth_degrees: number; warnings: string[] }[];
  /** What was not measured is null. */
  confidence: {
    view_disagreement: { value: number } | null;
    familiarity: { unusual: boolean } | null;
    gaussians: { value: number; seeds: number } | null;
  };
  settings: { elevation_degrees: number };
  gaussians: number | null;
  seconds: Record<string, number>;
}

/** crypto.randomUUID is there on secure origins only, and a service at home has none. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(16)).join("-");
}

export interface Watcher {
  onJob: (job: Job) => void;
  onPreview: (preview: Preview) => void;
  /** It was deleted meanwhile. */
  onGone: () => void;
}

/** Tells of a job until it has ended, over every break of the connection. → Stops it. While the page is hidden nothing is asked:
 * browsers have few connections for all pages of one service. */
export function watchJob(id: string, { onJob, onPreview, onGone }: Watcher): () => void {
  let source: EventSource | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let ended = false;
  const close = (): void => {
    clearTimeout(retry);
    source?.close();
    source = undefined;
  };
  const stop = (): void => {
    ended = true;
    close();
    document.removeEventListener("visibilitychange", onVisibility);
  };
  const open = (): void => {
    close();
    const stream = new EventSource(`/v1/jobs/${id}/events`);
    source = stream;
    stream.addEventListener("job", (event) => {
      const job = JSON.parse((event as MessageEvent<string>).data) as Job;
      if (isFinished(job)) stop();
      onJob(job);
    });
    stream.addEventListener("preview", (event) => {
      onPreview(JSON.parse((event as MessageEvent<string>).data) as Preview);
    });
    stream.addEventListener("error", () => {
      close();
      if (ended) return;
      // A job that is asked for as such says why: it was deleted, a token is wanted, or nobody answers.
      api.job(id).then(
        () => { retry = setTimeout(open, 1000); },
        (error: unknown) => {
          if (ended) return;
          if (error instanceof ServiceError && error.status === 404) {
            stop();
            onGone();
          } else {
            retry = setTimeout(open, 2000);
          }
        },
      );
    });
  };
  const onVisibility = (): void => {
    if (ended) return;
    if (document.hidden) close();
    else open();
  };
  document.addEventListener("visibilitychange", onVisibility);
  open();
  return stop;
}
