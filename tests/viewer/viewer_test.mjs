// viewer.html in a real browser: the same picture as `gsv3d render`, and every control does what it says.
//   node viewer_test.mjs PROGRAM CHROMIUM SOURCES     NODE_PATH names the folder with playwright-core
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const { chromium } = createRequire(import.meta.url)("playwright-core");
const [program, executablePath, sources] = process.argv.slice(2).map((argument) => resolve(argument));
const size = 256;
const leastPsnr = 30;
const title = 'a "title" </script><b>&amp;';
const folder = mkdtempSync(join(tmpdir(), "gsv3d-viewer-"));
const path = (name) => join(folder, name);
const gsv3d = (...args) => execFileSync(program, args, { cwd: folder, env: { ...process.env, OMP_WAIT_POLICY: "passive" } });

const front = { azimuth: 0, elevation: 10 };
const cameras = [front, { azimuth: 90, elevation: 0 }, { azimuth: 215, elevation: 40 }];

function makePages() {
  gsv3d("generate", join(sources, "examples/flower_cutout.png"), "--no-mesh", "--no-viewer", "--quiet");
  gsv3d("mesh", "out/flower_cutout/object.ply", "-o", "object.glb", "--resolution", "48", "--texture-size", "128", "-q");
  gsv3d("view", "out/flower_cutout/object.ply", "--mesh", "object.glb", "-o", "object.html", "--title", title);
  // Colours that depend on the direction, an object away from the cube, of another format.
  gsv3d("view", join(sources, "tests/goldens/formats/obj_sh3.v3.spz"), "-o", "harmonics.html");
}

/** A page with the object on the screen. What it says on the console and asks of the network is an error. */
async function open(browser, name, options = {}) {
  const context = await browser.newContext({ viewport: { width: size, height: size }, acceptDownloads: true, ...options });
  context.setDefaultTimeout(120_000); // drawn by the processor, beside other tests
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(error.message));
  const url = pathToFileURL(path(name)).href;
  page.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("blob:")) complaints.push(`request: ${request.url()}`);
  });
  if (options.script) await page.addInitScript(options.script);
  await page.goto(url);
  return { page, complaints };
}

async function openReady(browser, name, options) {
  const opened = await open(browser, name, options);
  await opened.page.waitForFunction(() => window.gsv3d);
  await opened.page.evaluate(() => window.gsv3d.ready);
  return opened;
}

const call = (page, method, ...args) => page.evaluate(([m, a]) => window.gsv3d[m](...a), [method, args]);

async function picture(page) {
  await call(page, "settled");
  return (await page.screenshot()).toString("base64");
}

/** Peak signal to noise ratio of two PNG pictures, and the share of pixels that differ clearly: measured by a page of its own. */
function compare(judge, first, second) {
  return judge.evaluate(
    async (pictures) => {
      const pixels = async (base64) => {
        const image = new Image();
        image.src = `data:image/png;base64,${base64}`;
        await image.decode();
        const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
        canvas.drawImage(image, 0, 0);
        return canvas.getImageData(0, 0, image.width, image.height).data;
      };
      const [a, b] = await Promise.all(pictures.map(pixels));
      if (a.length !== b.length) throw new Error("pictures of different sizes");
      let squares = 0;
      let different = 0;
      for (let i = 0; i < a.length; i += 4) {
        let largest = 0;
        for (let c = i; c < i + 3; ++c) {
          squares += (a[c] - b[c]) ** 2;
          largest = Math.max(largest, Math.abs(a[c] - b[c]));
        }
        if (largest > 16) ++different;
      }
      return { psnr: 10 * Math.log10((255 ** 2 * 0.75 * a.length) / squares), changed: (4 * different) / a.length };
    },
    [first, second],
  );
}

function rendered(object, { azimuth, elevation }, background, ...more) {
  gsv3d("render", object, "-o", "reference.png", "--size", size, "--background", background, "--quiet", //
    "--azimuth", azimuth, "--elevation", elevation, ...more);
  return readFileSync(path("reference.png")).toString("base64");
}

async function expectRendersAlike(browser, judge) {
  const { page, complaints } = await openReady(browser, "object.html");
  await call(page, "setControls", false);
  await call(page, "setBackground", "#ffffff");
  const place = await call(page, "getCamera");
  assert.ok(Math.abs(place.azimuth) < 1e-6 && Math.abs(place.elevation - 10) < 1e-6 && Math.abs(place.radius - 2) < 1e-6);
  for (const [i, camera] of cameras.entries()) {
    if (i > 0) await call(page, "setCamera", camera); // the first is where the page begins
    const background = i === 2 ? "#203040" : "white";
    if (i === 2) await call(page, "setBackground", background);
    const reference = rendered("out/flower_cutout/object.ply", camera, background, "--radius", "2");
    const { psnr } = await compare(judge, await picture(page), reference);
    console.log(`azimuth ${camera.azimuth}, elevation ${camera.elevation}: ${psnr.toFixed(1)} dB`);
    assert.ok(psnr >= leastPsnr, `${psnr} dB`);
  }
  assert.deepEqual(complaints, []);
  await page.context().close();

  const harmonics = await openReady(browser, "harmonics.html");
  await call(harmonics.page, "setControls", false);
  await call(harmonics.page, "setBackground", "#ffffff");
  const reference = rendered(join(sources, "tests/goldens/formats/obj_sh3.v3.spz"), front, "white");
  const { psnr } = await compare(judge, await picture(harmonics.page), reference);
  console.log(`spherical harmonics: ${psnr.toFixed(1)} dB`);
  assert.ok(psnr >= leastPsnr, `${psnr} dB`);
  assert.deepEqual(harmonics.complaints, []);
  await harmonics.page.context().close();
}

async function expectControlsWork(browser, judge) {
  const { page, complaints } = await openReady(browser, "object.html", { viewport: { width: 400, height: 300 } });
  assert.equal(await page.title(), title);
  assert.equal(await page.textContent("#title"), title);
  const press = async (key) => {
    await page.keyboard.press(key);
    return picture(page);
  };
  const expectChange = async (what, before, after, least) => {
    const { changed } = await compare(judge, before, after);
    assert.ok(changed > least, `${what} changes ${(100 * changed).toFixed(2)} % of the picture`);
  };
  const splats = await picture(page);
  await page.click('button[aria-label="Depth"]');
  await expectChange("depth", splats, await picture(page), 0.02);
  await page.keyboard.press("d");
  await expectChange("background", splats, await press("b"), 0.0); // near white to white: only the toolbar's surroundings
  await expectChange("the second background", splats, await press("b"), 0.3);
  await press("b"), await press("b");

  const mesh = await press("2");
  await expectChange("mesh", splats, mesh, 0.01);
  const empty = await page.evaluate(() => window.gsv3d.setCamera({ radius: 20 })).then(() => picture(page));
  await expectChange("the mesh itself", mesh, empty, 0.04);
  await page.keyboard.press("r");
  await expectChange("wireframe", mesh, await press("w"), 0.01);
  await page.keyboard.press("w");
  await expectChange("both", mesh, await press("3"), 0.02);
  await page.keyboard.press("1");

  const azimuth = async () => (await call(page, "getCamera")).azimuth;
  await page.keyboard.press("ArrowRight");
  assert.ok(Math.abs((await azimuth()) - 5) < 1e-6);
  await page.keyboard.press("Home");
  assert.ok(Math.abs(await azimuth()) < 1e-6);
  await page.keyboard.press("Space");
  await page.waitForFunction(() => window.gsv3d.getCamera().azimuth > 1);
  await page.keyboard.press("Space");
  await call(page, "settled");
  const stopped = await azimuth();
  await call(page, "settled");
  assert.ok(Math.abs((await azimuth()) - stopped) < 1e-3, "the turntable stops");
  await page.mouse.move(200, 80);
  await page.mouse.down();
  await page.mouse.move(140, 80, { steps: 2 });
  await page.mouse.up();
  await call(page, "settled");
  assert.ok((await azimuth()) > stopped + 5, "dragging to the left turns the camera to the right");
  await expectDownloads(page);
  assert.deepEqual(complaints, []);
  await page.context().close();
}

async function expectDownloads(page) {
  const download = async (action) => {
    const [event] = await Promise.all([page.waitForEvent("download"), action()]);
    return readFileSync(await event.path());
  };
  const entry = (end) => async () => {
    await page.click("summary");
    await page.click(`.menu button:has-text(".${end}")`);
  };
  const png = await download(() => page.keyboard.press("s"));
  assert.equal(png.toString("latin1", 1, 4), "PNG");
  assert.deepEqual(await download(entry("glb")), readFileSync(path("object.glb")));
  const ply = await download(entry("ply"));
  assert.equal(ply.length, readFileSync(path("out/flower_cutout/object.ply")).length);
}

async function expectFitsPhone(browser, judge) {
  const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: "dark" };
  const { page, complaints } = await openReady(browser, "object.html", phone);
  const { width, controls, ground } = await page.evaluate(() => ({
    width: document.documentElement.scrollWidth,
    controls: [...document.querySelectorAll("#toolbar button:not(.menu *), summary")].map((e) => e.getBoundingClientRect().toJSON()),
    ground: getComputedStyle(document.body).backgroundColor,
  }));
  assert.equal(width, 390);
  assert.equal(controls.length, 10);
  for (const { left, right, top, bottom, width: w, height: h } of controls) {
    assert.ok(left >= 0 && right <= 390 && top >= 0 && bottom <= 844, "controls are on the screen");
    assert.ok(w >= 44 && h >= 44, "controls are large enough for fingers");
  }
  assert.equal(ground, "rgb(27, 28, 30)", "dark mode");
  const before = await picture(page);
  await page.tap('button:has-text("Mesh")');
  const { changed } = await compare(judge, before, await picture(page));
  assert.ok(changed > 0.01, "a tap shows the mesh");
  assert.deepEqual(complaints, []);
  await page.context().close();
}

async function expectClearWithoutWebGl(browser) {
  const script = () => {
    HTMLCanvasElement.prototype.getContext = () => null;
  };
  const { page, complaints } = await open(browser, "object.html", { script });
  await page.waitForSelector("#message.notice");
  assert.match(await page.textContent("#message"), /WebGL 2/);
  assert.ok(await page.isVisible("summary"), "files can still be downloaded");
  assert.deepEqual(complaints, []);
  await page.context().close();
}

const args = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"];
if (process.getuid() === 0) args.push("--no-sandbox"); // Chromium refuses its sandbox to root
let browser;
try {
  makePages();
  browser = await chromium.launch({ executablePath, args });
  const judge = await browser.newPage();
  const timed = async (check) => {
    const start = performance.now();
    await check(browser, judge);
    console.log(`${check.name}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  };
  for (const check of [expectRendersAlike, expectControlsWork, expectFitsPhone, expectClearWithoutWebGl]) await timed(check);
} finally {
  await browser?.close();
  rmSync(folder, { recursive: true });
}
