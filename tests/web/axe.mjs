#!/usr/bin/env node
/*
# run: timeout=300
*/
// axe-core finds nothing to object to in any state of any page, in light and dark; what is pressed is at least 44 pixels in each
// direction; nothing overflows from 320 pixels to 4K; the whole code is on the screen of a phone on its side.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { check, equal, noise, run, skip } from "./browser.mjs";
import { overflowing } from "./layout.mjs";

let axe;
try {
  axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
} catch {
  skip("axe-core is not installed: npm ci in tests/web (make test does it, where it reaches the npm registry)");
}

const widths = [[320, 640], [844, 390], [3840, 2160]];

// A link in a sentence may be as high as its line.
const too_small = () => [...document.querySelectorAll("button, a, summary, select, input:not([type=hidden]):not(.unseen), textarea, .button, label.check")]
  .filter((e) => e.getClientRects().length > 0 && !e.closest("label.check input"))
  .map((e) => [e, e.getBoundingClientRect()]).filter(([, box]) => box.width < 43.5 || box.height < 43.5)
  .map(([e, box]) => `${e.outerHTML.slice(0, 80)}: ${Math.round(box.width)}x${Math.round(box.height)}`);

async function fits(page, state) {
  const view = page.viewportSize();
  for (const [width, height] of widths) {
    await page.setViewportSize({ width, height });
    equal([], await page.evaluate(overflowing), `what sticks out in ${state} at ${width}x${height}`);
    equal([], await page.evaluate(too_small), `what is too small to press in ${state} at ${width}x${height}`);
  }
  await page.setViewportSize(view);
}

// What axe passes over: the hints in empty fields, as the browser mixes them (WCAG 2.2, 1.4.3).
const faint_hints = () => [...document.querySelectorAll("[placeholder]")].filter((e) => e.getClientRects().length > 0).map((e) => {
  const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
  const look = getComputedStyle(e, "::placeholder");
  const [ground, ink] = [parts(getComputedStyle(e).backgroundColor), parts(look.color)];
  const mixed = ink.slice(0, 3).map((c, i) => c * look.opacity + ground[i] * (1 - look.opacity));
  const light = (colour) => colour.slice(0, 3).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const [dark, bright] = [light(mixed), light(ground)].sort((a, b) => a - b);
  return [e.placeholder, (bright + 0.05) / (dark + 0.05)];
}).filter(([, contrast]) => contrast < 4.5);

async function examine(page, state) {
  await page.evaluate(`if (!globalThis.axe) { ${axe} }`);
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    // In the dark only colours differ.
    const options = scheme === "dark" ? { runOnly: ["color-contrast"] } : { rules: { "target-size": { enabled: true } } };
    const { violations } = await page.evaluate((wish) => globalThis.axe.run(document, { resultTypes: ["violations"], ...wish }), options);
    equal([], await page.evaluate(faint_hints), `faint hints in ${state}, ${scheme}`);
    equal([], violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, any }) => `${html.slice(0, 120)} (${any[0]?.message ?? ""})`).slice(0, 3).join(" | ")}`), `axe in ${state}, ${scheme}`);
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: null });
  await fits(page, state);
}

await run(async (t) => {
  const server = await t.server();
  const page = await t.page();
  await page.goto(`${server.url}/`);
  await page.waitForSelector(".entries");
  await page.evaluate(() => document.querySelectorAll("details").forEach((e) => (e.open = true)));
  await examine(page, "home");

  // --- the sender's way by scanning: choose, then look
  await page.goto(`${server.url}/scan?send`);
  await page.waitForSelector(".zone");
  await page.setInputFiles("input[type=file][multiple]", [{ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("a") }]);
  await page.waitForSelector(".rows li");
  await examine(page, "choosing before scanning");
  await page.click("button.main");
  await page.waitForFunction(() => document.querySelector(".line")?.textContent);
  await examine(page, "scanning without a camera");

  // --- a receiver
  const receiver = await t.page();
  await receiver.goto(`${server.url}/?now`);
  await receiver.waitForFunction(() => document.querySelector(".words")?.textContent);
  await receiver.evaluate(() => document.querySelectorAll("details").forEach((e) => (e.open = true)));
  await examine(receiver, "waiting");
  await receiver.evaluate(() => document.querySelectorAll("details").forEach((e) => (e.open = false)));
  for (const [width, height] of [[844, 390], [667, 375], [568, 320], [390, 844], [320, 568]]) {
    await receiver.setViewportSize({ width, height });
    const code = await receiver.evaluate(() => {
      scrollTo(0, 0);
      const box = document.querySelector("svg.code").getBoundingClientRect();
      return { left: box.left, top: box.top, right: box.right, bottom: box.bottom, width: box.width };
    });
    check(code.left >= 0 && code.top >= 0 && code.right <= width && code.bottom <= height, `the code at ${width}x${height}: ${JSON.stringify(code)}`);
    check(code.width > Math.min(width, height) * 0.55, `the code at ${width}x${height} is ${code.width} wide`);
  }
  await receiver.setViewportSize({ width: 1280, height: 800 });
  const drop = await receiver.getAttribute("a.link", "href");

  // --- a sender
  const sender = await t.page();
  await sender.goto(drop);
  await sender.waitForFunction(() => document.querySelector(".words")?.textContent);
  await sender.evaluate(() => document.querySelectorAll("details").forEach((e) => (e.open = true)));
  await examine(sender, "nothing chosen");
  const picture = await sender.screenshot();
  const give = [
    { name: "holiday.png", mimeType: "image/png", buffer: picture },
    { name: `${"very-long-name-without-any-place-to-break-".repeat(5)}.txt`, mimeType: "text/plain", buffer: Buffer.from("see https://example.org/a?b=c and more\nsecond line") },
    { name: "large.bin", mimeType: "", buffer: noise(3_000_000, 4) }];
  await sender.setInputFiles("input[type=file][multiple]", give);
  await sender.waitForSelector(".rows li");
  await sender.fill("#note", "hello https://example.org/");
  await examine(sender, "chosen");
  const line = await sender.context().newCDPSession(sender);
  await line.send("Network.enable");
  const slow = (bytes) => line.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytes });
  await slow(100_000);
  await sender.click("button.main:not(label)");
  await receiver.waitForSelector(".incoming:not([hidden])");
  await receiver.waitForFunction(() => document.querySelector(".incoming progress")?.value > 0);
  await examine(receiver, "receiving");
  await sender.click("text=Pause");
  await sender.waitForFunction(() => document.querySelector("h1").textContent === "Paused");
  await examine(sender, "paused");
  await slow(-1);
  await sender.click("text=Resume");
  await sender.waitForSelector(".badge.good");
  await sender.evaluate(() => document.querySelectorAll("details").forEach((e) => (e.open = true)));
  await examine(sender, "sent");

  await receiver.waitForSelector(".pictures img");
  await receiver.waitForSelector(".text");
  await receiver.waitForSelector(".pass");
  await receiver.evaluate(() => document.querySelectorAll("details").forEach((e) => (e.open = true)));
  await examine(receiver, "received");
  await receiver.click("text=Create link");
  await receiver.waitForSelector(".share");
  await examine(receiver, "passed on");
  await receiver.click("text=Close");
  await receiver.waitForFunction(() => document.querySelector(".answer")?.textContent.startsWith("Closed"));
  await examine(receiver, "closed");
  await sender.reload();
  await sender.waitForSelector("h1");
  await examine(sender, "a closed space");
  await receiver.click("button.danger");
  await receiver.waitForFunction(() => document.querySelector("h1").textContent === "Deleted");
  equal(0, await receiver.locator(".badge.bad").count(), "alarm over what was asked for");
  await examine(receiver, "deleted");

  // --- recipients
  const space = await server.space({ label: "Ann" });
  await fetch(`${space.upload_url}/a.txt`, { method: "PUT", body: "hello" });
  await fetch(`${space.upload_url}/b.png`, { method: "PUT", body: picture });
  const share = async (wish) => (await (await fetch(`${server.url}/api/v1/spaces/${space.guid}/shares`, { method: "POST", headers: { Authorization: `Bearer ${space.token}` }, body: JSON.stringify(wish) })).json()).shares[0];
  const many = await share({ recipients: ["link:many"], message: "look" });
  const once = await share({ recipients: ["link:once"], downloads: 1 });
  const pickup = await t.page();
  await pickup.goto(many.link);
  await pickup.waitForSelector(".pictures img");
  await examine(pickup, "picking up");
  await pickup.goto(once.link);
  await pickup.waitForSelector(".items .rows li");
  await t.download(pickup, () => pickup.click('button[aria-label="Save a.txt"]'));
  await pickup.waitForFunction(() => !document.querySelector('button[aria-label="Save a.txt"]'));
  await examine(pickup, "picked up");
  await fetch(`${server.url}/api/v1/spaces/${space.guid}/shares/${many.share}`, { method: "DELETE", headers: { Authorization: `Bearer ${space.token}` } });
  await pickup.goto(many.link);
  equal("Link withdrawn", await pickup.textContent("h1"), "the heading of a link that was taken back");
  await examine(pickup, "a link that was taken back");
  await pickup.goto(`${server.url}/nowhere`);
  await examine(pickup, "nothing here");
  await pickup.goto(`${server.url}/s/${space.guid}`);
  await pickup.waitForSelector(".badge.bad");
  await examine(pickup, "the receiver's page without its key");

  // --- without script, in the narrow window (axe itself is a script)
  const bare = await t.page({ script: false });
  for (const path of ["", "scan", `s/${space.guid}`, `u/${space.guid}`, new URL(once.link).pathname.slice(1)]) {
    await bare.goto(`${server.url}/${path}`);
    await fits(bare, `/${path.slice(0, 2)} without script`);
  }
});
