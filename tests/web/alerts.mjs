#!/usr/bin/env node
// What a page asks of the device, with Chromium's own parts: the screen stays on while something is sent, and only then; arrivals are
// told by a sound and a notification where that is allowed, and where it is not the page says so.
import { check, equal, noise, run, wait_for } from "./browser.mjs";

// Keeps each wake lock; what is hidden is told, as a window without a screen is never hidden.
const watched = () => {
  globalThis.locks = [];
  globalThis.away = false;
  const wake = globalThis.WakeLock?.prototype;  // plain http has none
  if (wake) {
    const request = wake.request;
    wake.request = async function (kind) {
      const lock = await request.call(this, kind);
      globalThis.locks.push(lock);
      return lock;
    };
  }
  Object.defineProperty(document, "hidden", { get: () => globalThis.away });
  globalThis.look_away = async (away) => {
    globalThis.away = away;
    if (away) for (const lock of globalThis.locks) await lock.release();  // as browsers do
    document.dispatchEvent(new Event("visibilitychange"));
  };
  globalThis.tones = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...at) {
    ++globalThis.tones;
    return start.apply(this, at);
  };
};

await run(async (t) => {
  const server = await t.server();
  const page_with = async (permissions) => {
    const page = await t.page();
    await page.context().grantPermissions(permissions, { origin: server.url });  // and no others
    await page.addInitScript(watched);
    return page;
  };
  const held = (page) => page.evaluate(() => globalThis.locks.map((lock) => !lock.released));

  // --- the screen stays on
  const space = await server.space();
  const sender = await page_with(["screen-wake-lock"]);
  await sender.goto(`${server.url}/u/${space.guid}`);
  await sender.waitForSelector(".zone");
  equal([], await held(sender), "before anything is sent");
  await sender.setInputFiles("input[type=file][multiple]", [{ name: "a.bin", mimeType: "", buffer: noise(2_000_000) }]);
  await sender.waitForSelector(".rows li");
  const line = await sender.context().newCDPSession(sender);
  await line.send("Network.enable");
  const slow = (bytes) => line.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytes });
  await slow(50_000);
  await sender.click("button.main:not(label)");
  await wait_for(20, async () => JSON.stringify(await held(sender)) === "[true]", "the screen is kept on");
  await sender.evaluate(() => globalThis.look_away(true));
  equal([false], await held(sender), "looked away from");
  await sender.evaluate(() => globalThis.look_away(false));
  await wait_for(20, async () => JSON.stringify(await held(sender)) === "[false,true]", "looked at again");
  await sender.click("text=Pause");
  await wait_for(20, async () => JSON.stringify(await held(sender)) === "[false,false]", "paused");
  await sender.evaluate(() => globalThis.look_away(true).then(() => globalThis.look_away(false)));
  equal([false, false], await held(sender), "looked at while it is paused");
  await sender.click("text=Resume");
  await wait_for(20, async () => JSON.stringify(await held(sender)) === "[false,false,true]", "resumed");
  await slow(-1);
  await sender.waitForSelector(".badge.good");
  equal([false, false, false], await held(sender), "when it was sent");

  // --- arrivals
  const send = async (drop) => {
    const { pathname } = new URL(drop);
    equal(201, (await fetch(`${server.url}${pathname.toLowerCase()}/note.txt`, { method: "PUT", body: "hello" })).status, "sent");
  };
  const notices = (page) => page.evaluate(async () => (await (await navigator.serviceWorker.ready).getNotifications()).map(({ title, body }) => `${title}: ${body}`));
  for (const [permissions, answer, told] of [
    [["notifications"], "and get a notification when you look elsewhere", ["Upload successful: note.txt received"]],
    [[], "Notifications are blocked", []],
  ]) {
    const receiver = await page_with(permissions);
    await receiver.goto(`${server.url}/?now`);
    await receiver.waitForSelector("svg.code");
    await receiver.click("text=Notify me");
    await receiver.waitForSelector(`text=${answer}`);
    await wait_for(20, () => receiver.evaluate(() => globalThis.tones > 0), "it sounds as an example");
    equal("true", await receiver.getAttribute("[aria-pressed]", "aria-pressed"), "the button");
    await t.shot(receiver, `alerts-${permissions.length ? "allowed" : "blocked"}`);
    const tones = await receiver.evaluate(() => globalThis.tones);
    await receiver.evaluate(() => globalThis.look_away(true));
    await send(await receiver.getAttribute("a.link", "href"));
    await receiver.waitForSelector(".items .rows li");
    await wait_for(20, () => receiver.evaluate((before) => globalThis.tones > before, tones), "it is heard");
    await wait_for(20, async () => JSON.stringify(await notices(receiver)) === JSON.stringify(told), `the notifications: ${JSON.stringify(told)}`);
    // Off again: nothing more is told.
    await receiver.locator("summary", { hasText: "show the code" }).click();
    await receiver.click("text=Notify me");
    equal("false", await receiver.getAttribute("[aria-pressed]", "aria-pressed"), "the button, pressed again");
    equal(0, await receiver.locator("text=You will hear").count(), "and what it said");
    const before = await receiver.evaluate(() => globalThis.tones);
    await send(await receiver.getAttribute("a.link", "href"));
    await receiver.waitForFunction(() => document.querySelector("h1").textContent === "2 files received");
    equal(before, await receiver.evaluate(() => globalThis.tones), "a sound that was switched off");
    check((await notices(receiver)).length === told.length, "a notification that was switched off");
    await receiver.context().close();
  }

  // --- plain http has no notifications: a sound, and no word of what cannot be
  const plain = await page_with([]);
  await plain.goto(`${server.named}/?now`);
  await plain.waitForSelector("svg.code");
  await plain.click("text=Notify me");
  await plain.waitForSelector("text=You will hear a sound when something arrives.");
});
