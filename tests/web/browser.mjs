// For the tests of the pages: a server, the tools, and Debian's Chromium, all ended with the script.
//
//   import { check, equal, run } from "./browser.mjs";
//   await run(async (t) => {
//     const server = await t.server();                       // .url .stop() .restart()
//     const page = await t.page({ phone: true });            // a Playwright page in a profile of its own
//     const tool = t.tool("qrx-recv", "--json", "-s", server.url);   // .event("saved") .ended() .out .err
//   });
//
// Any request to elsewhere, any script error and any violation of a page's policy fails the test. With QRX_SHOTS=DIR
// t.shot(page, "name") keeps a screenshot.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const source = process.env.QRX_SOURCE ?? resolve(here, "../..");
export const bin = resolve(process.env.QRX_BIN ?? join(source, "build/bin"));

export class Failed extends Error {}
export function check(condition, text) {
  if (!condition) throw new Failed(text);
}
export function equal(want, got, about) {
  check(JSON.stringify(want) === JSON.stringify(got), `${about}: expected ${JSON.stringify(want)}, got ${JSON.stringify(got)}`);
}
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
export async function wait_for(seconds, condition, about) {
  const limit = Date.now() + seconds * 1000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    check(Date.now() < limit, `not in ${seconds} s: ${about}`);
    await sleep(50);
  }
}
export function skip(text) {
  console.log(text);
  process.exit(process.env.CI ? 1 : 77);
}

// Reproducible bytes.
export function noise(size, seed = 1) {
  const out = Buffer.allocUnsafe(size);
  let state = (seed * 2654435761) >>> 0 || 1;
  const words = size >> 2;
  for (let i = 0; i < words; ++i) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out.writeInt32LE(state | 0, i * 4);
  }
  for (let i = words * 4; i < size; ++i) out[i] = i & 255;
  return out;
}

class Program {
  constructor(path, args, options = {}) {
    this.name = path;
    this.lines = [];
    this.err = "";
    this.status = null;
    this.child = spawn(path, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
    let rest = "";
    this.child.stdout.on("data", (bytes) => {
      const parts = (rest + bytes).split("\n");
      rest = parts.pop();
      this.lines.push(...parts);
    });
    this.child.stderr.on("data", (bytes) => (this.err += bytes));
    this.over = new Promise((done) => this.child.on("close", (status) => {
      this.status = status;
      done(status);
    }));
  }
  get out() {
    return this.lines.join("\n");
  }
  async line(seconds = 20) {
    return wait_for(seconds, () => this.lines[0] ?? (this.status !== null && check(false, `${this.name} ended: ${this.err}`)), `a line of ${this.name}`);
  }
  async event(name, seconds = 30) {
    return wait_for(seconds, () => {
      for (const line of this.lines) {
        const event = JSON.parse(line);
        if (event.event === name) return event;
      }
      check(this.status === null, `${this.name} ended with ${this.status} without ${name}: ${this.err}`);
      return null;
    }, `event ${name} of ${this.name}: ${this.err}`);
  }
  async ended(want = 0, seconds = 60) {
    await wait_for(seconds, () => this.status !== null, `${this.name} ends: ${this.err}`);
    equal(want, this.status, `${this.name}: ${this.err}\nexit status`);
  }
  async kill(signal = "SIGKILL") {
    if (this.status === null) this.child.kill(signal);
    await this.over;
  }
}

class Test {
  constructor(launch, directory) {
    this.launch = launch;
    this.directory = directory;
    this.flags = [];
    this.programs = [];
    this.problems = [];
    this.allowed = new Set();
  }
  path(...names) {
    return join(this.directory, ...names);
  }
  file(name, bytes) {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), bytes);
    return this.path(name);
  }
  read(name) {
    return readFileSync(this.path(name));
  }
  start(path, args, options) {
    const program = new Program(path, args, options);
    this.programs.push(program);
    return program;
  }
  tool(name, ...args) {
    return this.start(join(bin, name), args);
  }
  async server(...args) {
    const made = async (bind) => {
      const program = this.start(join(bin, "qrx-serve"), ["--bind", bind, "--data", this.path("data"), "--create-rate", "0", ...args]);
      const url = (await program.line()).replace(/\/$/, "");
      return { program, url };
    };
    const server = await made("127.0.0.1:0");
    const { host, port } = new URL(server.url);
    this.allowed.add(host);
    this.allowed.add(`qrx.test:${port}`);
    server.port = port;
    server.named = `http://qrx.test:${port}`;  // the same by plain http from another host's name: no secure context
    server.stop = (signal = "SIGTERM") => server.program.kill(signal);
    server.restart = async () => Object.assign(server, { program: (await made(`127.0.0.1:${port}`)).program });
    server.space = async (wish = {}) => {
      const answer = await fetch(`${server.url}/api/v1/spaces`, { method: "POST", body: JSON.stringify(wish), headers: { "Content-Type": "application/json" } });
      equal(201, answer.status, "opening a space");
      const space = await answer.json();
      const headers = { Authorization: `Bearer ${space.token}` };
      space.state = async () => (await fetch(`${server.url}/api/v1/spaces/${space.guid}`, { headers })).json();
      space.content = async (file) => Buffer.from(await (await fetch(`${server.url}/api/v1/spaces/${space.guid}/files/${file.file}`, { headers })).arrayBuffer());
      space.upload_url = `${server.url}/u/${space.guid}`;
      return space;
    };
    return server;
  }

  async page({ phone = false, dark = false, language = "en-US", script = true, may_fail = [] } = {}) {
    this.browser ??= await this.launch();
    const context = await this.browser.newContext({
      viewport: phone ? { width: 390, height: 844 } : { width: 1280, height: 800 }, isMobile: phone, hasTouch: phone,
      deviceScaleFactor: phone ? 2 : 1, colorScheme: dark ? "dark" : "light", locale: language, acceptDownloads: true, javaScriptEnabled: script,
    });
    const page = await context.newPage();
    context.on("request", (request) => {
      const url = new URL(request.url());
      if (!["data:", "blob:"].includes(url.protocol) && !this.allowed.has(url.host)) this.problems.push(`a request to elsewhere: ${request.url()}`);
    });
    page.on("pageerror", (error) => this.problems.push(`script error: ${error.stack ?? error}`));
    page.on("console", (message) => {
      const text = message.text();
      if (message.type() === "error" && !text.includes("Failed to load resource") && !may_fail.some((word) => text.includes(word))) this.problems.push(`console: ${text}`);
    });
    page.on("dialog", (dialog) => {
      if (dialog.type() === "confirm" || dialog.type() === "beforeunload") dialog.accept();
      else {
        this.problems.push(`a dialog: ${dialog.message()}`);
        dialog.dismiss();
      }
    });
    page.setDefaultTimeout(60_000);
    return page;
  }

  // The receiver's link, which is not in the address bar: as its page copies it.
  async owner_link(page) {
    const kept = await page.evaluate(() => JSON.parse(Object.entries(sessionStorage).find(([key]) => key.startsWith("qrx one space") && location.pathname.endsWith(key.split(" ").pop()))[1]));
    return `${page.url().replace(/#.*/, "")}#${kept.token}.${kept.identity}`;
  }

  async shot(page, name) {
    if (!process.env.QRX_SHOTS) return;
    mkdirSync(process.env.QRX_SHOTS, { recursive: true });
    await page.screenshot({ path: join(process.env.QRX_SHOTS, `${name}.png`), fullPage: true });
  }

  // What a click downloads, as bytes and name.
  async download(page, act) {
    const [download] = await Promise.all([page.waitForEvent("download", { timeout: 60_000 }), act()]);
    const path = await download.path();
    return { name: download.suggestedFilename(), bytes: readFileSync(path) };
  }
}

// `flags` for Chromium may be added to t.flags before the first page.
export async function run(script) {
  if (!existsSync("/usr/bin/chromium")) skip("chromium is not installed (make deps)");
  let playwright;
  try {
    playwright = createRequire(import.meta.url)("playwright-core");
  } catch {
    skip("playwright-core is not installed: npm ci in tests/web (make test does it, where it reaches the npm registry)");
  }
  const directory = mkdtempSync(join(process.env.TMPDIR ?? tmpdir(), "qrx-web."));
  if (!process.env.QRX_TEST_MARK) {  // run by hand: keep away from the person's own files
    process.env.XDG_STATE_HOME = join(directory, "state");
    process.env.XDG_CONFIG_HOME = join(directory, "config");
    delete process.env.QRX_SERVER;
  }
  const test = new Test(() => playwright.chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--host-resolver-rules=MAP qrx.test 127.0.0.1", "--disable-background-networking", ...test.flags],
  }), directory);
  let status = 0;
  try {
    await script(test);
    check(test.problems.length === 0, test.problems.join("\n"));
  } catch (error) {
    const where = error.stack?.split("\n").filter((line) => line.includes("tests/web/") && !line.includes("browser.mjs")).map((line) => line.match(/:(\d+):/)?.[1]).join(" < ");
    console.log(`FAILED (line ${where}): ${error instanceof Failed ? error.message : error.stack}`);
    if (test.problems.length) console.log(test.problems.join("\n"));
    for (const context of test.browser?.contexts() ?? []) for (const page of context.pages()) {
      console.log(`--- ${page.url()}\n${await page.evaluate(() => (document.querySelector("main")?.innerText ?? "").slice(0, 600)).catch(() => "")}`);
      await test.shot(page, `failed-${Date.now()}`).catch(() => undefined);
    }
    status = 1;
  }
  await test.browser?.close().catch(() => undefined);
  for (const program of test.programs) if (program.status === null) program.child.kill("SIGKILL");
  await Promise.all(test.programs.map((program) => program.over));
  rmSync(directory, { recursive: true, force: true });
  process.exit(status);
}
