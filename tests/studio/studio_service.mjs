// `gsv3d serve` for the page's tests: on a free port of this machine, with a short queue; it can end and come back.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";

export class StudioService {
  url = "";
  #process;
  #port = 0;

  constructor(program, folder) {
    this.program = program;
    this.folder = folder;
  }

  async start({ token = "", more = [] } = {}) {
    const options = ["serve", "--data", join(this.folder, "data"), "--port", String(this.#port), "--queue", "3", "--drain-seconds", "0", "--quiet", ...more];
    const environment = { ...process.env, OMP_WAIT_POLICY: "passive", GSV3D_TOKEN: token };
    this.#process = spawn(this.program, options, { env: environment, stdio: ["ignore", "pipe", "inherit"] });
    for await (const line of createInterface({ input: this.#process.stdout })) {
      const address = /http:\/\/127\.0\.0\.1:(\d+)/.exec(line);
      if (!address) continue;
      this.url = address[0];
      this.#port = Number(address[1]); // the same one after a pause
      return;
    }
    throw new Error("gsv3d serve ended before it listened");
  }

  async stop() {
    if (!this.#process || this.#process.exitCode !== null) return;
    const ended = new Promise((done) => this.#process.once("exit", done));
    this.#process.kill("SIGTERM");
    await ended;
  }

  /** A job that the page did not make. → Its id. */
  async submit(photo, options) {
    const form = new FormData();
    form.append("photo", new Blob([readFileSync(photo)]), basename(photo));
    form.append("options", JSON.stringify(options));
    return (await (await fetch(`${this.url}/v1/generations`, { method: "POST", body: form })).json()).id;
  }
  async ended(id) {
    while (["queued", "running"].includes((await this.job(id)).state)) await new Promise((later) => setTimeout(later, 200));
  }
  /** The job, or the problem that the service answers with. */
  async job(id) {
    return (await fetch(`${this.url}/v1/jobs/${id}`)).json();
  }
  async file(id, name) {
    return Buffer.from(await (await fetch(`${this.url}/v1/jobs/${id}/files/${name}`)).arrayBuffer());
  }
  /** Cancels and forgets it. */
  async remove(id) {
    for (;;) {
      const { status } = await fetch(`${this.url}/v1/jobs/${id}`, { method: "DELETE" });
      if (status !== 202) return;
      await new Promise((later) => setTimeout(later, 200));
    }
  }
  async removeAll() {
    const { jobs } = await (await fetch(`${this.url}/v1/jobs?limit=100`)).json();
    for (const { id } of jobs) await this.remove(id);
  }
}
