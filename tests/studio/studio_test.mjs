// The page of `gsv3d serve` in a real browser, with the real program behind it: from a dropped photo to a turning object and its
// files, and everything that may come between.
//   node studio_test.mjs PROGRAM CHROMIUM SOURCES [CHECK…]     all checks, or those named; NODE_PATH names the folder with playwright-core, axe-core and gltf-validator
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { StudioService } from "./studio_service.mjs";

const require = createRequire(import.meta.url);
const { chromium } = require("playwright-core");
const { validateBytes } = require("gltf-validator");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [program, executablePath, sources] = process.argv.slice(2, 5).map((argument) => resolve(argument));
const wanted = process.argv.slice(5);
const folder = mkdtempSync(join(tmpdir(), "gsv3d-studio-"));
const service = new StudioService(program, folder);
const example = (name) => join(sources, "examples", name);
const patience = 600_000; // milliseconds: drawn and computed by two slow cores, beside other tests

/** A page of its own, with what it complains of. `allowed`: what the browser says of refusals that a test asks for. */
async function open(browser, { allowed, hash = "", ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 700 }, acceptDownloads: true, reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    if (!allowed?.test(message.text())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (!/^(blob:|data:)/.test(request.url()) && !request.url().startsWith(service.url)) complaints.push(`request: ${request.url()}`);
  });
  await page.goto(`${service.url}/${hash}`);
  return { page, complaints };
}

async function close({ page, complaints }) {
  assert.deepEqual(complaints, []);
  await page.context().close();
}

/** No serious issue of accessibility, nothing beyond the screen's width. */
async function expectAccessible(page, where) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  assert.deepEqual(serious.map(({ id, nodes }) => `${where}: ${id}: ${nodes.map(({ html }) => html).join(" | ")}`), []);
  const { wide, width } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, width: innerWidth }));
  assert.ok(wide <= width, `${where} is ${wide} pixels wide on ${width}`);
}

/** As if it was dragged from a file manager onto the page. */
async function drop(page, path, type = "image/png") {
  const base64 = readFileSync(path).toString("base64");
  const transfer = await page.evaluateHandle(
    ([data, name, mime]) => {
      const files = new DataTransfer();
      files.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name, { type: mime }));
      return files;
    },
    [base64, path.split("/").pop(), type],
  );
  await page.waitForSelector("main h1");
  await page.dispatchEvent("main", "dragover", { dataTransfer: transfer });
  await page.dispatchEvent("main", "drop", { dataTransfer: transfer });
}

/** Fast: a few steps, and no mesh unless it is asked for. */
async function choose(page, { steps = 2, mesh = false, seed, versions } = {}) {
  await page.getByRole("slider", { name: "Steps" }).fill(String(steps));
  await page.getByLabel("Textured mesh").setChecked(mesh);
  await page.getByLabel("Page to pass on").setChecked(false);
  if (seed !== undefined) await page.getByRole("spinbutton", { name: "Seed" }).fill(String(seed));
  if (versions !== undefined) await page.getByLabel("Versions").selectOption(String(versions));
}

async function matteIsThere(page) {
  await page.waitForFunction(() => /becomes the object|Please check/.test(document.querySelector(".matte-status")?.textContent ?? ""));
}

const send = (page) => page.getByRole("button", { name: "Make it 3D" }).click();
const jobId = async (page) => {
  await page.waitForURL(/#\/job\/[0-9a-f]{32}$/);
  return page.url().slice(-32);
};

/** The share of the picture's pixels that are not of its upper left corner's colour. */
async function share(page, selector) {
  const png = (await page.locator(selector).screenshot()).toString("base64");
  return page.evaluate(async (data) => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))]));
    const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
    canvas.drawImage(image, 0, 0);
    const pixels = canvas.getImageData(0, 0, image.width, image.height).data;
    const at = 4 * (20 * image.width + 20);
    let different = 0;
    for (let i = 0; i < pixels.length; i += 4) different += [0, 1, 2].some((c) => Math.abs(pixels[i + c] - pixels[at + c]) > 24);
    return (4 * different) / pixels.length;
  }, png);
}

/** The page says result.json's numbers and warnings. */
async function expectTrust(page, id) {
  const { confidence, photo } = JSON.parse(await service.file(id, "result.json"));
  const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
  const { view_disagreement: views, gaussians, familiarity } = confidence;
  const seeds = gaussians ? ` ${gaussians.seeds} seeds agree on ${percent(gaussians.value)} of it.` : "";
  assert.equal(await page.locator(".facts .trust").textContent(), `Object and views differ by ${percent(views.value)} (0: nothing doubtful).${seeds}`);
  const warnings = await page.locator(".facts .warning").allTextContents();
  assert.equal(warnings.length, photo.warnings.length + (familiarity.unusual ? 1 : 0));
  assert.equal(warnings.some((warning) => warning.startsWith("The photo is unlike")), familiarity.unusual);
}

async function fromADroppedPhotoToAnObject(browser) {
  const opened = await open(browser, { reducedMotion: "no-preference" });
  const { page } = opened;
  await page.waitForSelector(".drop");
  await expectAccessible(page, "start");
  await drop(page, example("coffee_cutout.png"));
  await matteIsThere(page);
  await expectAccessible(page, "preparing");
  // The ground lies otherwise when the camera looks down more.
  const ground = () => page.locator(".ground").evaluate((canvas) => canvas.toDataURL());
  const level = await ground();
  await page.getByRole("slider", { name: "Elevation" }).fill("40");
  await page.waitForFunction((before) => document.querySelector(".ground").toDataURL() !== before, level);
  await choose(page, { steps: 4, mesh: true, seed: 5 });
  await send(page);
  const id = await jobId(page);
  await page.waitForSelector(".tiles[data-step]"); // views while they are sampled
  assert.equal(await page.locator(".tiles canvas").count(), 7);
  assert.match(await page.locator(".state").textContent(), /\w/);
  await page.waitForSelector(".viewer:not(.loading) canvas");
  const job = await service.job(id);
  assert.deepEqual(job.options, { seed: 5, elevation: 40, steps: 4, viewer: false });
  await page.waitForFunction(() => window.gsv3dStudio?.azimuth() > 0.5); // it turns by itself
  await page.keyboard.press("Tab"); // from the heading onwards
  await page.locator(".viewer canvas").focus();
  await page.keyboard.press("Space");
  await page.evaluate(() => window.gsv3dStudio.settled());
  const seen = await share(page, ".viewer canvas");
  assert.ok(seen > 0.03, `the object fills ${seen} of the picture`);
  const before = await page.evaluate(() => window.gsv3dStudio.azimuth());
  await page.keyboard.press("ArrowRight");
  assert.ok(Math.abs((await page.evaluate(() => window.gsv3dStudio.azimuth())) - before - 5) < 1e-3, "the arrow keys turn it");
  await page.getByRole("button", { name: "Mesh", exact: true }).click();
  await page.evaluate(() => window.gsv3dStudio.settled());
  assert.ok((await share(page, ".viewer canvas")) > 0.03, "the mesh is seen");
  await expectTrust(page, id);
  await expectAccessible(page, "an object");
  await expectDownloads(page, id, job);
  await close(opened);
}

async function expectDownloads(page, id, job) {
  const names = job.files.map(({ name }) => name);
  for (const name of ["object.glb", "object.ply", "views.png", "result.json"]) assert.ok(names.includes(name), name);
  for (const name of names) {
    const [event] = await Promise.all([page.waitForEvent("download"), page.click(`.files a[href$="/${name}"]`)]);
    const saved = readFileSync(await event.path());
    assert.deepEqual(saved, await service.file(id, name), name);
    if (name !== "object.glb") continue;
    assert.equal(event.suggestedFilename(), "coffee_cutout.glb");
    const { issues } = await validateBytes(new Uint8Array(saved));
    assert.equal(issues.numErrors + issues.numWarnings, 0, JSON.stringify(issues.messages));
  }
  await page.getByText("Other formats").click();
  await expectAccessible(page, "the menu of formats");
  const { formats } = await (await fetch(`${service.url}/v1/capabilities`)).json();
  assert.ok(formats.length >= 6, "splats and meshes");
  for (const { name } of formats) {
    const [event] = await Promise.all([page.waitForEvent("download"), page.click(`.files details a[href$="/${name}"]`)]);
    assert.deepEqual(readFileSync(await event.path()), await service.file(id, name), name);
    assert.equal(event.suggestedFilename(), name.replace("object", "coffee_cutout"));
  }
}

async function aModelIsChosen(browser) {
  await service.stop();
  await service.start({ more: ["--also-model", `second=${join(sources, "models", "tiny")}`] });
  const opened = await open(browser);
  const { page } = opened;
  await drop(page, example("coffee_cutout.png"));
  await matteIsThere(page);
  await page.getByLabel("Model").selectOption("second");
  await choose(page, { steps: 1 });
  await expectAccessible(page, "preparing with two models");
  await send(page);
  const id = await jobId(page);
  await page.waitForSelector(".viewer:not(.loading) canvas");
  assert.equal((await service.job(id)).options.model, "second");
  await page.waitForSelector(".facts >> text=second");
  await service.remove(id);
  await close(opened);
  await service.stop();
  await service.start();
}

/** How solid the small picture of the job's photo is there; places as shares of width and height. */
async function solidAt(page, id, x, y) {
  return page.evaluate(
    async ([path, u, v]) => {
      const image = await createImageBitmap(await (await fetch(path)).blob());
      const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
      canvas.drawImage(image, 0, 0);
      return canvas.getImageData(Math.floor(u * image.width), Math.floor(v * image.height), 1, 1).data[3];
    },
    [`/v1/jobs/${id}/photo`, x, y],
  );
}

async function aMendedMatteIsUsed(browser) {
  const opened = await open(browser);
  const { page } = opened;
  await drop(page, example("coffee_cutout.png"));
  await matteIsThere(page);
  const canvas = page.locator(".editor canvas");
  const paint = async (from, to) => {
    const box = await canvas.boundingBox();
    await page.mouse.move(box.x + from[0] * box.width, box.y + from[1] * box.height);
    await page.mouse.down();
    await page.mouse.move(box.x + to[0] * box.width, box.y + to[1] * box.height, { steps: 5 });
    await page.mouse.up();
  };
  const undo = page.getByRole("button", { name: "Undo" });
  const redo = page.getByRole("button", { name: "Redo" });
  await page.getByRole("button", { name: "Erase" }).click();
  await paint([0.4, 0.4], [0.6, 0.4]);
  await undo.click();
  assert.ok(await undo.isDisabled());
  await redo.click();
  assert.ok(await redo.isDisabled());
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByRole("slider", { name: "Brush" }).fill("12");
  await canvas.focus(); // by keyboard: from the middle to the upper left, where the ground is
  for (let i = 0; i < 4; ++i) await page.keyboard.press("Shift+ArrowLeft"), await page.keyboard.press("Shift+ArrowUp");
  await page.keyboard.press("Space");
  assert.equal(await page.locator(".matte-status").textContent(), "Mended by hand.");
  await choose(page);
  await send(page);
  const id = await jobId(page);
  const solid = await Promise.all([[0.5, 0.4], [0.1, 0.1], [0.5, 0.6], [0.9, 0.1]].map(([x, y]) => solidAt(page, id, x, y)));
  assert.deepEqual(solid, [0, 255, 255, 0], "erased, added, as it was (object), as it was (ground)");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.waitForSelector("text=This was cancelled");
  assert.equal((await service.job(id)).state, "cancelled");
  await close(opened);
}

async function aCropIsCutOutAnew(browser) {
  const opened = await open(browser);
  const { page } = opened;
  await page.waitForSelector(".drop");
  await page.setInputFiles("#picker", example("apple.jpg"));
  await matteIsThere(page);
  await page.getByRole("button", { name: "Crop" }).click();
  const corner = page.getByRole("button", { name: "Crop, top left corner" });
  await corner.focus();
  for (let i = 0; i < 2; ++i) await page.keyboard.press("Shift+ArrowRight"), await page.keyboard.press("Shift+ArrowDown");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.waitForFunction(() => !document.querySelector(".prepare.busy"));
  await choose(page);
  await send(page);
  const id = await jobId(page);
  const size = async () => {
    const image = await createImageBitmap(await (await fetch(`/v1/jobs/${location.hash.slice(-32)}/photo`)).blob());
    return image.width / image.height;
  };
  const whole = await page.evaluate(async (base64) => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))]));
    return [image.width, image.height];
  }, readFileSync(example("apple.jpg")).toString("base64"));
  const longer = Math.max(...whole);
  const expected = (whole[0] - 0.1 * longer) / (whole[1] - 0.1 * longer);
  assert.ok(Math.abs((await page.evaluate(size)) - expected) < 0.02, "the crop is what was sent");
  await service.remove(id);
  await close(opened);
}

async function aReloadInTheMiddleGoesOn(browser) {
  const opened = await open(browser);
  const { page } = opened;
  await drop(page, example("coffee_cutout.png"));
  await matteIsThere(page);
  await choose(page, { steps: 50 });
  await send(page);
  const id = await jobId(page);
  await page.waitForSelector(".tiles[data-step]");
  await page.reload();
  await page.waitForSelector(".tiles[data-step]");
  assert.equal(page.url().slice(-32), id);
  assert.match(await page.title(), /% · coffee_cutout/);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.waitForSelector("text=This was cancelled");
  await close(opened);
}

async function versionsAreComparedAndPicked(browser) {
  const opened = await open(browser);
  const { page } = opened;
  await drop(page, example("coffee_cutout.png"));
  await matteIsThere(page);
  await choose(page, { steps: 1, seed: 70, versions: 2 });
  await send(page);
  const first = await jobId(page);
  const cards = page.locator(".versions .job-card");
  await cards.nth(1).waitFor();
  assert.deepEqual(await page.locator(".versions strong").allTextContents(), ["seed 70", "seed 71"]);
  await cards.nth(1).locator("a").click();
  await page.waitForURL((url) => !url.hash.endsWith(first));
  const second = await jobId(page);
  await page.waitForSelector(".viewer:not(.loading) canvas");
  await page.waitForSelector(`.versions a[aria-current][href$="${second}"]`);
  await page.getByRole("button", { name: "Keep only this one" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.waitForSelector("text=The other versions are deleted");
  assert.equal((await service.job(second)).state, "succeeded");
  assert.equal((await service.job(first)).status, 404);
  await close(opened);
}

async function historyHoldsAndForgets(browser) {
  const id = await service.submit(example("coffee_cutout.png"), { views_only: true, steps: 1 });
  await service.ended(id);
  const opened = await open(browser);
  const { page } = opened;
  const card = page.locator(`.history .job-card:has(a[href$="${id}"])`);
  await card.waitFor();
  await expectAccessible(page, "history");
  await card.getByRole("button").click();
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog", { state: "detached" });
  assert.equal((await service.job(id)).state, "succeeded", "Escape deletes nothing");
  await card.getByRole("button").click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await card.waitFor({ state: "detached" });
  assert.equal((await service.job(id)).status, 404);
  await close(opened);
}

async function errorsAreSaid(browser) {
  const opened = await open(browser, { allowed: /status of 4(22|29)/ });
  const { page } = opened;
  await page.waitForSelector(".drop");
  await drop(page, join(sources, "README.md"), "text/markdown");
  await page.waitForSelector('[role="alert"] >> text=README.md');
  assert.ok(await page.isVisible(".drop"), "one can go on");
  await page.getByRole("button", { name: "Dismiss" }).click();
  await drop(page, example("coffee_cutout.png"));
  await matteIsThere(page);
  await page.getByRole("spinbutton", { name: "Seed" }).fill("");
  await send(page);
  await page.waitForSelector('[role="alert"] >> text=whole number');
  await choose(page, { steps: 50, seed: 1, versions: 6 });
  await send(page);
  await page.waitForSelector('[role="alert"] >> text=The queue is full');
  await jobId(page); // those that were accepted are shown
  await service.removeAll();
  await close(opened);
}

async function wordsStandForAPhoto(browser) {
  const opened = await open(browser, { allowed: /status of 422/ });
  const { page } = opened;
  const words = page.getByLabel("or describe it");
  await words.fill("red chiar");
  await words.press("Enter");
  await page.waitForSelector('[role="alert"] >> text=nearest: chair');
  await expectAccessible(page, "start with refused words");
  await words.fill("red chair");
  await words.press("Enter");
  const id = await jobId(page);
  await page.getByRole("heading", { name: "red chair" }).waitFor();
  const job = await service.job(id);
  assert.deepEqual([job.photo, job.photos, job.options.text], ["red chair", 0, "red chair"]);
  await service.ended(id);
  await page.waitForSelector(".viewer:not(.loading) canvas");
  await service.remove(id);
  await close(opened);
}

async function aServiceThatGoesAndComesAsksForItsToken(browser) {
  const opened = await open(browser, { allowed: /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|status of 401|username fields/ });
  const { page } = opened;
  await page.waitForSelector(".drop");
  await service.stop();
  await drop(page, join(sources, "README.md"), "text/markdown"); // which only the service could read
  await page.waitForSelector("#gone:visible");
  await service.start({ token: "a secret of sixteen letters" });
  await page.waitForSelector("#gone", { state: "hidden" });
  await drop(page, example("coffee_cutout.png"));
  await page.locator("#token").fill("wrong");
  await page.getByRole("button", { name: "Go on" }).click();
  await page.waitForSelector('[role="alert"] >> text=not the right one');
  await page.locator("#token").fill("a secret of sixteen letters");
  await page.getByRole("button", { name: "Go on" }).click();
  await matteIsThere(page);
  await close(opened);
}

/** For fingers. */
async function expectLargeControls(page) {
  const small = await page.evaluate(() =>
    [...document.querySelectorAll("button, select, summary, a.button, .files a, .check")]
      .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < 43.5)
      .map((element) => element.outerHTML.slice(0, 80)),
  );
  assert.deepEqual(small, [], "controls are large enough for fingers");
}

async function onATablet(browser) {
  const id = await service.submit(example("coffee_cutout.png"), { steps: 1, viewer: false, mesh: false });
  await service.ended(id);
  for (const viewport of [{ width: 820, height: 1180 }, { width: 1180, height: 820 }]) {
    const opened = await open(browser, { viewport, hasTouch: true });
    const { page } = opened;
    const where = `on a tablet, ${viewport.width} wide`;
    await page.locator(`.history a[href$="${id}"]`).waitFor();
    await expectAccessible(page, `start ${where}`);
    await page.setInputFiles("#picker", [example("coffee_cutout.png")]);
    await matteIsThere(page);
    await expectAccessible(page, `preparing ${where}`);
    await expectLargeControls(page);
    await page.goto(`${service.url}/#/job/${id}`);
    await page.waitForSelector(".viewer:not(.loading) canvas");
    await page.getByText("Other formats").tap();
    await expectAccessible(page, `an object ${where}`);
    await expectLargeControls(page);
    await close(opened);
  }
  await service.remove(id);
}

async function onAPhoneInTheDark(browser) {
  const opened = await open(browser, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: "dark" });
  const { page } = opened;
  await page.waitForSelector(".drop");
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(27, 28, 30)");
  await expectAccessible(page, "start on a phone");
  await page.setInputFiles("#picker", [example("coffee_cutout.png"), example("flower_cutout.png")]);
  await matteIsThere(page);
  await page.locator(".strip li").nth(1).waitFor();
  await expectAccessible(page, "preparing on a phone");
  await expectLargeControls(page);
  await page.getByLabel("an object each").check();
  await page.getByRole("button", { name: "Remove coffee_cutout.png" }).tap();
  await choose(page, { steps: 1 });
  await page.getByRole("button", { name: "Make it 3D" }).tap();
  const id = await jobId(page);
  await page.waitForSelector(".viewer:not(.loading) canvas");
  await expectAccessible(page, "an object on a phone");
  assert.equal((await service.job(id)).photo, "flower_cutout.png");
  await service.remove(id);
  await close(opened);
}

const args = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"];
if (process.getuid() === 0) args.push("--no-sandbox"); // Chromium refuses its sandbox to root
const checks = [
  fromADroppedPhotoToAnObject,
  historyHoldsAndForgets,
  aMendedMatteIsUsed,
  aCropIsCutOutAnew,
  aReloadInTheMiddleGoesOn,
  versionsAreComparedAndPicked,
  aModelIsChosen,
  onATablet,
  onAPhoneInTheDark,
  errorsAreSaid,
  wordsStandForAPhoto,
  aServiceThatGoesAndComesAsksForItsToken,
];
let browser;
try {
  await service.start();
  browser = await chromium.launch({ executablePath, args });
  for (const check of checks.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    const start = performance.now();
    await check(browser);
    console.log(`${check.name}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  }
} finally {
  await browser?.close();
  await service.stop();
  rmSync(folder, { recursive: true });
}
