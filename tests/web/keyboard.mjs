#!/usr/bin/env node
// By keyboard alone: whatever can be pressed is reached by Tab, in the order in which it is read, is in sight then, and shows that it
// has the focus.
import { check, equal, noise, run } from "./browser.mjs";

// The element that has the focus; for a file field its label, which is what is seen.
const focused = () => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const seen = e.matches("input.unseen, .check input") ? e.closest("label") : e;
  const box = seen.getBoundingClientRect();
  const look = getComputedStyle(seen);
  globalThis.stops ??= [];
  const last = globalThis.stops.at(-1);
  globalThis.stops.push(e);
  return {
    name: `${e.tagName} ${(e.getAttribute("aria-label") ?? seen.textContent ?? "").trim().slice(0, 40)}`,
    ring: (look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2) || parseFloat(getComputedStyle(e).outlineWidth) >= 2,
    in_sight: box.bottom > 0 && box.top < innerHeight && box.width > 0,
    in_order: !last || Boolean(last.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING),
  };
};
const pressable = () => [...document.querySelectorAll("button:not(:disabled), a[href], summary, select, textarea, input:not([type=hidden]):not(:disabled), [tabindex=\"0\"]")].filter((e) => e.checkVisibility() && e.getClientRects().length > 0).length;

await run(async (t) => {
  const server = await t.server();
  const walk = async (page, state) => {
    await page.evaluate(() => {
      globalThis.stops = [];
      document.activeElement?.blur();
      scrollTo(0, 0);
      // From the top of the page, wherever the last press was.
      document.body.tabIndex = -1;
      document.body.focus();
      document.body.removeAttribute("tabindex");
    });
    const all = await page.evaluate(pressable);
    let stops = 0;
    const names = [];
    for (; stops <= all; ++stops) {
      await page.keyboard.press("Tab");
      const now = await page.evaluate(focused);
      if (!now) break;
      names.push(now.name);
      check(now.ring, `no ring around ${now.name} in ${state}`);
      check(now.in_sight, `${now.name} is out of sight in ${state}`);
      check(now.in_order, `${now.name} is out of order in ${state}`);
    }
    equal(all, stops, `stops of Tab in ${state} (${names.join(", ")})`);
  };
  const page = await t.page();
  await page.goto(`${server.url}/`);
  await page.waitForSelector(".entries");
  await page.evaluate(() => document.querySelectorAll("details").forEach((e) => (e.open = true)));
  await walk(page, "home");
  await page.goto(`${server.url}/?now`);
  await page.waitForFunction(() => document.querySelector(".words")?.textContent);
  const drop = await page.getAttribute("a.link", "href");
  await walk(page, "waiting");

  const sender = await t.page();
  await sender.goto(drop);
  await sender.waitForSelector(".zone");
  await sender.setInputFiles("input[type=file][multiple]", [1, 2].map((n) => ({ name: `${n}.txt`, mimeType: "text/plain", buffer: Buffer.from(`see https://example.org/${n}`) })));
  await sender.waitForSelector(".rows li");
  await walk(sender, "chosen");
  // What is removed leaves the focus where one goes on, not at the top of the page.
  await sender.focus('button[aria-label="Remove 1.txt"]');
  await sender.keyboard.press("Enter");
  equal("Remove 2.txt", await sender.evaluate(() => document.activeElement.getAttribute("aria-label")), "the focus after one was removed");
  await sender.keyboard.press("Enter");
  equal("INPUT", await sender.evaluate(() => document.activeElement.tagName), "the focus after the last one was removed");
  await sender.setInputFiles("input[type=file][multiple]", [{ name: "1.txt", mimeType: "text/plain", buffer: Buffer.from("see https://example.org/1") }, { name: "2.bin", mimeType: "", buffer: noise(2_000_000) }]);
  await sender.waitForSelector(".rows li");
  equal("INPUT", await sender.evaluate(() => document.activeElement.tagName), "the focus after files were chosen");
  const line = await sender.context().newCDPSession(sender);
  await line.send("Network.enable");
  const slow = (bytes) => line.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytes });
  await slow(50_000);
  await sender.focus("button.main:not(label)");
  await sender.keyboard.press("Enter");
  await sender.waitForSelector("text=Pause");
  equal("H1", await sender.evaluate(() => document.activeElement.tagName), "the focus when it is being sent");
  await sender.keyboard.press("Tab");
  await sender.keyboard.press("Enter");
  await sender.waitForSelector("text=Resume");
  equal("Resume", await sender.evaluate(() => document.activeElement.textContent), "the focus when it is paused");
  await slow(-1);
  await sender.keyboard.press("Enter");
  await sender.waitForSelector(".badge.good");
  equal("H1", await sender.evaluate(() => document.activeElement.tagName), "the focus when it was sent");
  await walk(sender, "sent");

  await page.waitForSelector(".pass");
  await page.waitForSelector(".text");
  await page.evaluate(() => document.querySelectorAll("details").forEach((e) => (e.open = true)));
  await walk(page, "received");
  await page.getByRole("button", { name: "Close", exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector(".answer")?.textContent.startsWith("Closed"));
  equal("One hour more", await page.evaluate(() => document.activeElement.textContent), "the focus after the space was closed: nothing that deletes");
  await sender.goto(`${server.url}/scan?send`);
  await sender.waitForSelector(".zone");
  await walk(sender, "choosing before scanning");
});
