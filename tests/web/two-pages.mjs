#!/usr/bin/env node
// Two pages talk through a real server: one opens a space and shows its code, the other sends to it, sealed.
import { check, equal, noise, run, wait_for } from "./browser.mjs";

await run(async (t) => {
  const server = await t.server();
  for (const base of [server.url, server.named]) {
    const receiver = await t.page();
    await receiver.goto(`${base}/`);
    await t.shot(receiver, "home-desktop");
    await receiver.click("button.main");
    await receiver.waitForSelector("svg.code");
    const drop = await receiver.getAttribute("a.link", "href");
    check(drop.startsWith(base.toUpperCase() + "/U/") && drop.includes("#AGE1"), `the link is for a small code: ${drop}`);
    await receiver.waitForFunction(() => document.querySelector(".words")?.textContent);
    await t.shot(receiver, "waiting-desktop");

    const sender = await t.page({ phone: true });
    await sender.goto(drop);
    await sender.waitForFunction(() => document.querySelector(".words")?.textContent);
    equal(await receiver.textContent(".words"), await sender.textContent(".words"), "the four words of both ends");
    await t.shot(sender, "choosing-phone");
    const big = noise(3_000_000, 7);
    await sender.setInputFiles("input[type=file][multiple]", [
      { name: "big.bin", mimeType: "application/octet-stream", buffer: big },
      { name: "ä note.txt", mimeType: "text/plain", buffer: Buffer.from("hello\n") },
      { name: "empty", mimeType: "text/plain", buffer: Buffer.alloc(0) },
    ]);
    await sender.fill("#note", "from my phone");
    await t.shot(sender, "chosen-phone");
    // Slowly, so that both ends can be watched.
    const line = await sender.context().newCDPSession(sender);
    await line.send("Network.enable");
    await line.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 2_000_000 });
    await sender.click("button.main:not(label)");
    await receiver.waitForFunction(() => document.querySelector(".rows.progress progress")?.value > 0.1);
    equal("encrypted file", await receiver.textContent(".rows.progress .name"), "what the receiver sees of it");
    await t.shot(receiver, "receiving-desktop");
    await sender.waitForSelector(".badge.good");
    await wait_for(10, async () => (await receiver.locator(".rows.progress li").count()) === 0, "the progress goes once everything is there");
    equal("Sent successfully", await sender.textContent("h1"), "the sender's heading");
    await t.shot(sender, "sent-phone");

    await receiver.waitForSelector(".items .rows li");
    equal("3 files received", await receiver.textContent("h1"), "the receiver's heading");
    equal(["big.bin", "ä note.txt", "empty"].sort(), (await receiver.locator(".items .rows .name").allTextContents()).sort(), "the names");
    equal("from my phone", await receiver.textContent("blockquote"), "the note");
    await t.shot(receiver, "arrived-desktop");
    const saved = await t.download(receiver, () => receiver.click('button[aria-label="Save big.bin"]'));
    equal("big.bin", saved.name, "name of the download");
    check(saved.bytes.equals(big), "the bytes are those that were sent");

    // Reload and back keep the space.
    await receiver.reload();
    await receiver.waitForSelector(".items .rows li");
    await receiver.goto("about:blank");
    await receiver.goBack();
    await receiver.waitForSelector(".items .rows li");
    await receiver.goto(`${base}/`);
    await receiver.waitForSelector(".items .rows li");
    await wait_for(5, async () => (await receiver.locator(".items").count()) >= 1, "the space is kept");
    await receiver.context().close();
    await sender.context().close();
  }
});
