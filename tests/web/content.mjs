#!/usr/bin/env node
// What both ends read: text is text, to copy, with links to look at first; the headline names what arrived; presses are answered;
// a note alone is sent, with script and without; sums are there for who asks; arrivals are told when that was wanted.
import { check, equal, run, wait_for } from "./browser.mjs";

const text = "see you at 8 <b>not bold</b>\nhttps://example.org/a?b=c. and http://user:pw@evil.example/ javascript:alert(1)";

await run(async (t) => {
  const server = await t.server();
  const receiver = await t.page();
  await receiver.addInitScript(() => {
    globalThis.tones = 0;
    globalThis.told = [];
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...at) {
      ++globalThis.tones;
      return start.apply(this, at);
    };
    ServiceWorkerRegistration.prototype.showNotification = async (title, { body }) => void globalThis.told.push(`${title}: ${body}`);
    Object.defineProperty(document, "hidden", { get: () => globalThis.away === true });
  });
  await receiver.context().grantPermissions(["notifications", "clipboard-read", "clipboard-write"], { origin: server.url });
  await receiver.goto(`${server.url}/`);
  await receiver.click("button.main");
  await receiver.waitForSelector("svg.code");
  const link = await receiver.getAttribute("a.link", "href");
  equal(link, await receiver.textContent("a.link"), "the link that is shown is the whole one");
  await receiver.click("text=Notify me");
  equal("true", await receiver.getAttribute("[aria-pressed]", "aria-pressed"), "the button is pressed");
  await receiver.evaluate(() => (globalThis.away = true));
  const tones = await receiver.evaluate(() => globalThis.tones);

  // --- a note alone; pasted text goes there
  const sender = await t.page({ phone: true });
  await sender.goto(link);
  await sender.waitForSelector(".zone");
  await sender.evaluate((words) => {
    const data = new DataTransfer();
    data.setData("text/plain", words);
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
  }, text);
  equal(text, await sender.inputValue("#note"), "pasted text is the message");
  equal("Send message", await sender.textContent("button.main:not(label)"), "the button");
  await sender.click("button.main:not(label)");
  await sender.waitForSelector(".badge.good");
  equal(0, await sender.locator("text=Checksums").count(), "sums of a text");

  await receiver.waitForSelector(".text");
  equal(`${text}`, (await receiver.evaluate(() => document.querySelector(".text blockquote").textContent)), "the text as text");
  equal(0, await receiver.locator(".text b").count() - (await receiver.locator(".links b").count()), "markup in it");
  equal(0, await receiver.locator(".text blockquote a").count(), "links in the text itself");
  equal(false, await receiver.isVisible(".links a"), "links before a look");
  await receiver.click("text=1 link in this text");
  equal(["https://example.org/a?b=c"], await receiver.locator(".links a").evaluateAll((all) => all.map((a) => a.href)), "the links");
  equal("noopener noreferrer", await receiver.getAttribute(".links a", "rel"), "and what they tell");
  await receiver.click(".text button");
  equal(text, await receiver.evaluate(() => navigator.clipboard.readText()), "copied");
  equal("Message received", await receiver.textContent("h1"), "the headline");
  equal("Upload successful", await receiver.textContent(".notice"), "the notice");
  check((await receiver.evaluate(() => globalThis.tones)) > tones, "it is heard");
  equal(["Upload successful: Message received"], await receiver.evaluate(() => globalThis.told), "it is told");
  await t.shot(receiver, "text-desktop");

  // --- several files: how many, how much
  await sender.click("text=Send more");
  await sender.setInputFiles("input[type=file][multiple]", [1, 2].map((n) => ({ name: `${n}.bin`, mimeType: "", buffer: Buffer.alloc(1024, n) })));
  await sender.waitForSelector(".rows li");
  await sender.click("button.main:not(label)");
  await sender.waitForSelector(".badge.good");
  check((await sender.locator("code:visible").count()) === 0, "no sum is in sight");
  await sender.click("text=Checksums");
  equal(2, await sender.locator(".files code:visible").count(), "the sums are there when asked for");
  await receiver.waitForFunction(() => document.querySelector("h1").textContent === "2 files received");
  check((await receiver.textContent(".status .facts")).includes("KiB in all"), "the total");

  // --- what is pressed answers
  await receiver.click("text=Manage");
  await receiver.click("text=One hour more");
  await receiver.waitForFunction(() => document.querySelector(".answer").textContent.startsWith("Now open until"));
  await receiver.click("text=Close");
  await receiver.waitForFunction(() => document.querySelector(".answer").textContent.startsWith("Closed"));
  equal(0, await receiver.locator("svg.code").count(), "the code of a closed space");
  await sender.click("text=Send more");
  await sender.waitForFunction(() => document.querySelector("h1").textContent === "No longer accepting files");

  // --- cancel is asked about; the screen stays on meanwhile
  const space = await server.space();
  const careful = await t.page();
  await careful.addInitScript(() => {
    globalThis.locks = 0;
    const request = async () => {
      ++globalThis.locks;
      return { release: async () => void --globalThis.locks };
    };
    Object.defineProperty(navigator, "wakeLock", { value: { request } });
  });
  careful.removeAllListeners("dialog");
  const asked = [];
  careful.on("dialog", (dialog) => {
    asked.push(dialog.message());
    return asked.length === 1 ? dialog.dismiss() : dialog.accept();
  });
  await careful.goto(`${server.url}/u/${space.guid}`);
  const line = await careful.context().newCDPSession(careful);
  await line.send("Network.enable");
  await line.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 200_000 });
  await careful.setInputFiles("input[type=file][multiple]", [{ name: "large.bin", mimeType: "", buffer: Buffer.alloc(4_000_000, 1) }]);
  await careful.waitForSelector(".rows li");
  await careful.click("button.main:not(label)");
  await careful.waitForFunction(() => /\/s/.test(document.querySelector(".total .size")?.textContent ?? ""));
  check(/^\d+\s%\s· .+\s\/\s3\.8\sMiB\s· .+\/s\s· .+\sleft$/.test(await careful.textContent(".total .size")), `speed and time: ${await careful.textContent(".total .size")}`);
  equal(1, await careful.evaluate(() => globalThis.locks), "wake locks while it is sending");
  await careful.click("text=Cancel");
  equal(1, asked.length, "it asks");
  equal("Sending…", await careful.textContent("h1"), "no is no");
  await careful.click("text=Cancel");
  await careful.waitForSelector(".zone");
  equal(0, await careful.evaluate(() => globalThis.locks), "wake locks once it was cancelled");
  await wait_for(10, async () => (await space.state()).uploads.length === 0, "what was sent is gone");

  // --- a note alone without script
  const bare = await t.page({ script: false });
  await bare.goto(`${server.url}/u/${space.guid}`);
  await bare.click("button[type=submit]");
  check((await bare.textContent("main")).includes("No file was chosen and no message was written"), "nothing at all");
  await bare.goto(`${server.url}/u/${space.guid}`);
  await bare.fill("textarea", "only words");
  await bare.click("button[type=submit]");
  equal("Sent successfully", await bare.textContent("h1"), "without script");
  const [delivery] = (await space.state()).deliveries;
  equal(["only words", []], [delivery.message, delivery.files], "what arrived");

  // --- logo and home
  await bare.click(".mark");
  equal("/", new URL(bare.url()).pathname, "the logo leads home");
  await receiver.click(".mark");
  await receiver.waitForSelector(".entries");
  equal(["Receive", "Send"], await receiver.locator(".entries b").allTextContents(), "two entries");
  const [one, other] = await receiver.locator(".entries > *").evaluateAll((all) => all.map((e) => [Math.round(e.getBoundingClientRect().width), Math.round(e.getBoundingClientRect().height), getComputedStyle(e).backgroundColor].join()));
  equal(one, other, "of equal weight");
  await receiver.click("text=Back to your open page");
  await receiver.waitForSelector(".items");
});
