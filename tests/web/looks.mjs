#!/usr/bin/env node
// Both languages, dark and light, phone and desktop; by keyboard alone; labels for everything; without script; behind a path
// prefix that a proxy keeps or strips; a space that ends while it is looked at.
import http from "node:http";
import { check, equal, run, wait_for } from "./browser.mjs";

async function labelled(page, where) {
  const bad = await page.evaluate(() => [...document.querySelectorAll("main button, main input:not([type=hidden]), main select, main textarea, main a, main img, main progress, main svg[role=img]")]
    .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length || e.alt || e.querySelector("img[alt], svg"))).map((e) => e.outerHTML.slice(0, 100)));
  equal([], bad, `things without a name in ${where}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check(wide <= 0, `${where} is ${wide} pixels too wide`);
}

// A proxy in front of the server: its part of the path is kept, or taken off.
function proxy(port, prefix, strip) {
  return new Promise((done) => {
    const made = http.createServer((request, answer) => {
      if (!request.url.startsWith(`${prefix}/`)) return answer.writeHead(404).end();
      const path = strip ? request.url.slice(prefix.length) : request.url;
      const up = http.request({ host: "127.0.0.1", port, path, method: request.method, headers: request.headers }, (got) => {
        answer.writeHead(got.statusCode, got.headers);
        got.pipe(answer);
      });
      up.on("error", () => answer.destroy());
      request.pipe(up);
    }).listen(0, "127.0.0.1", () => done(made));
  });
}

await run(async (t) => {
  const server = await t.server();
  const looks = [["zh-CN", true, true], ["en-GB", false, false]];
  if (process.env.QRX_SHOTS) looks.push(["zh-CN", false, false], ["en-GB", true, false], ["en-GB", false, true], ["en-GB", true, true]);
  for (const [language, phone, dark] of looks) {
    const look = `${language.slice(0, 2)}-${phone ? "phone" : "desktop"}-${dark ? "dark" : "light"}`;
    const chinese = language.startsWith("zh");
    const page = await t.page({ phone, dark, language });
    await page.goto(server.url);
    await page.waitForSelector("button.main");
    equal(chinese ? "接收" : "Receive", await page.textContent("button.main b"), "the button");
    equal(chinese ? "zh-Hans" : "en", await page.getAttribute("html", "lang"), "the language");
    await labelled(page, `home ${look}`);
    await t.shot(page, `home-${look}`);
    // By keyboard alone: the way home, then the button.
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    equal(true, await page.evaluate(() => document.activeElement.matches("button.main")), "the second stop of Tab");
    await page.keyboard.press("Enter");
    await page.waitForSelector("svg.code");
    await page.waitForFunction(() => document.querySelector(".words")?.textContent);
    await labelled(page, `waiting ${look}`);
    await t.shot(page, `waiting-${look}`);

    const drop = await page.getAttribute("a.link", "href");
    const sender = await t.page({ phone, dark, language });
    await sender.goto(drop);
    await sender.waitForFunction(() => document.querySelector(".words")?.textContent);
    await labelled(sender, `sender ${look}`);
    await t.shot(sender, `sender-${look}`);
    const picture = await sender.screenshot();
    await sender.setInputFiles("input[type=file][multiple]", [{ name: "holiday.png", mimeType: "image/png", buffer: picture }, { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("notes") }]);
    await sender.focus("#note");
    await sender.keyboard.type(chinese ? "周末的照片" : "from the weekend");
    await sender.keyboard.press("Tab");
    await sender.keyboard.press("Enter");
    await sender.waitForSelector(".badge.good");
    equal(chinese ? "发送成功" : "Sent successfully", await sender.textContent("h1"), "the end");
    equal("H1", await sender.evaluate(() => document.activeElement.tagName), "the focus tells the end");
    await labelled(sender, `sent ${look}`);
    await t.shot(sender, `sent-${look}`);
    await page.waitForSelector(".pictures img");
    equal(chinese ? "上传成功" : "Upload successful", await page.textContent(".notice"), "the receiver is told");
    equal(chinese ? "已收到 2 个文件" : "2 files received", await page.textContent("h1"), "what arrived");
    equal(chinese ? "上传成功: 已收到 2 个文件" : "Upload successful: 2 files received", await page.textContent("[aria-live]"), "and hears it");
    await labelled(page, `arrived ${look}`);
    await t.shot(page, `arrived-${look}`);
    await page.locator(".options > summary").click();
    await page.click("button.danger");
    await page.waitForFunction((want) => document.querySelector("h1").textContent === want, chinese ? "已删除" : "Deleted");
    equal(chinese ? "已删除" : "Deleted", await page.textContent("h1"), "deleted");
    await sender.context().close();
    await page.context().close();
  }

  // --- without script
  const space = await server.space({ label: "Ann", max_size: 1_000_000 });
  const bare = await t.page({ script: false, phone: true });
  await bare.goto(`${server.url}/u/${space.guid}`);
  await t.shot(bare, "no-script-phone");
  await bare.setInputFiles("input[type=file]", [{ name: "one.txt", mimeType: "text/plain", buffer: Buffer.from("1") }, { name: "one.txt", mimeType: "text/plain", buffer: Buffer.from("2") }]);
  await bare.fill("textarea", "a note");
  await bare.click("button[type=submit]");
  equal("Sent successfully", await bare.textContent("h1"), "without script");
  const [delivery] = (await space.state()).deliveries;
  equal(["a note", ["one (1).txt", "one.txt"]], [delivery.message, delivery.files.map((file) => file.name).sort()], "what arrived");
  await bare.goto(`${server.url}/`);
  check((await bare.textContent("main")).includes("qrx-recv"), "without script the receiver is told of qrx-recv");

  // --- limits are said before a byte goes, and a space that ends is a clear end
  const limited = await t.page();
  await limited.goto(`${server.url}/u/${space.guid}`);
  await limited.setInputFiles("input[type=file][multiple]", [{ name: "large.bin", mimeType: "", buffer: Buffer.alloc(1_100_000) }]);
  check((await limited.textContent("[role=alert]")).includes("is too large"), "over the limit");
  equal(true, await limited.isDisabled("button.main:not(label)"), "the button over the limit");
  await limited.goto(space.owner);
  await limited.waitForSelector(".items");
  await fetch(`${server.url}/api/v1/spaces/${space.guid}`, { method: "DELETE", headers: { Authorization: `Bearer ${space.token}` } });
  await limited.waitForSelector("text=This page has expired");
  await t.shot(limited, "gone-desktop");
  await bare.goto(`${server.url}/u/${space.guid}`);
  equal("Nothing here", await bare.textContent("h1"), "the sender's page of no space");
  const brief = await server.space({ expire: 3 });
  const watching = await t.page();
  await watching.goto(brief.owner);
  await watching.waitForSelector("svg.code");
  await watching.waitForSelector("text=This page has expired");
  await server.stop();

  // --- behind a prefix; asking at an interval where the person wants it
  for (const strip of [true, false]) {
    let front;
    const inner = await t.server("--public-url", "http://qrx.test/files/qrx", "--data", t.path(`prefixed-${strip}`));
    front = await proxy(inner.program.lines.length && (await inner_port(inner)), "/files/qrx", strip);
    const base = `http://127.0.0.1:${front.address().port}`;
    t.allowed.add(new URL(base).host);
    const page = await t.page();
    await page.addInitScript(() => localStorage.setItem("qrx interval", "2"));
    await page.goto(`${base}/files/qrx/?now`);
    await page.waitForSelector("svg.code");
    const drop = await page.getAttribute("a.link", "href");
    check(drop.toLowerCase().startsWith(`${base}/files/qrx/u/`), `the link has the prefix: ${drop}`);
    const sender = await t.page();
    await sender.goto(drop);
    await sender.setInputFiles("input[type=file][multiple]", [{ name: "x.bin", mimeType: "", buffer: Buffer.alloc(400_000, 7) }]);
    await sender.click("button.main:not(label)");
    await sender.waitForSelector(".badge.good");
    await page.waitForSelector(".items .rows li");
    const saved = await t.download(page, () => page.click('button[aria-label="Save x.bin"]'));
    equal(400_000, saved.bytes.length, "behind a prefix");
    front.closeAllConnections();
    front.close();
    await inner.stop();
  }
});

// With --public-url the server prints that, not where it listens.
async function inner_port(server) {
  const { readFileSync, readdirSync, readlinkSync } = await import("node:fs");
  const inodes = new Set(readdirSync(`/proc/${server.program.child.pid}/fd`).map((fd) => readlinkSync(`/proc/${server.program.child.pid}/fd/${fd}`).match(/socket:\[(\d+)\]/)?.[1]));
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const columns = line.trim().split(/\s+/);
    if (columns[3] === "0A" && inodes.has(columns[9])) return parseInt(columns[1].split(":")[1], 16);
  }
  throw new Error("the server listens nowhere");
}
