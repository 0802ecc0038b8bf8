#!/usr/bin/env node
// What became of it: the sender's page says what the receiver saved or declined, whether that is qrx-recv or another page; and a
// message alone is a text, received when it is shown.
import { equal, run, wait_for } from "./browser.mjs";

await run(async (t) => {
  const server = await t.server();
  const news = (page) => page.textContent('p.lead[role="status"]');
  const says = (page, text) => wait_for(20, async () => (await news(page)) === text, `the page says: ${text}`);
  const file = (name, size = 1000) => ({ name, mimeType: "", buffer: Buffer.alloc(size, name.charCodeAt(0)) });
  const send = async (link, files, note = "") => {
    const page = await t.page({ phone: true });
    await page.goto(link);
    await page.waitForSelector(".zone");
    if (files.length > 0) await page.setInputFiles("input[type=file][multiple]", files);
    await page.fill("#note", note);
    await page.click("button.main:not(label)");
    await page.waitForSelector(".badge.good");
    return page;
  };

  // --- qrx-recv, sealed
  const tool = t.tool("qrx-recv", "--json", "--no-qr", "-s", server.url, "-n", "2", "-o", t.path("in") + "/");
  const space = await tool.event("space");
  const first = await send(space.drop, [file("a.bin"), file("b.bin", 400_000)]);
  await says(first, "The receiver has saved everything.");
  await t.shot(first, "receipt-saved-phone");
  const words = await send(space.drop, [], "see you at 8");
  equal("see you at 8", (await tool.event("text")).text, "the message is a text");
  await says(words, "The receiver has saved everything.");
  equal("Your message arrived in full. Only the receiver can decrypt it.", await words.textContent("p.lead"), "what was sent");
  equal(0, await words.locator("text=Checksums").count(), "sums of nothing");
  await t.shot(words, "receipt-text-phone");
  await tool.ended();

  // --- another page, sealed: what is saved there, one after the other
  const receiver = await t.page();
  await receiver.goto(`${server.url}/`);
  await receiver.click("button.main");
  await receiver.waitForSelector("svg.code");
  const link = await receiver.getAttribute("a.link", "href");
  const sender = await send(link, [file("c.bin"), file("d.bin")]);
  await receiver.waitForSelector(".items .rows li");
  equal("", await news(sender), "before anything was saved");
  await t.download(receiver, () => receiver.click('button[aria-label="Save c.bin"]'));
  await says(sender, "The receiver has saved 1 of 2 files so far.");
  await t.download(receiver, () => receiver.click('button[aria-label="Save d.bin"]'));
  await says(sender, "The receiver has saved everything.");
  const texter = await send(link, [], "hello <b>there</b>");
  await receiver.waitForSelector("text=hello <b>there</b>");
  await says(texter, "The receiver has saved everything.");
  await t.shot(receiver, "receipt-text-desktop");

  // --- declined, all of it and in part; not sealed
  const plain = await server.space();
  const headers = { Authorization: `Bearer ${plain.token}`, "Content-Type": "application/json" };
  const tell = async (number, state, names) => {
    const { delivery, files } = (await plain.state()).deliveries[number];
    const body = { state, ...(names ? { files: files.filter(({ name }) => names.includes(name)).map((one) => one.file) } : {}) };
    const answer = await fetch(`${server.url}/api/v1/spaces/${plain.guid}/deliveries/${delivery}/receipt`, { method: "POST", headers, body: JSON.stringify(body) });
    equal(204, answer.status, "the receipt");
  };
  const address = `${server.url}/u/${plain.guid}`;
  const unwanted = await send(address, [file("e.bin")]);
  await tell(0, "declined");
  await says(unwanted, "The receiver declined.");
  const some = await send(address, [file("f.bin"), file("g.bin")]);
  await tell(1, "declined", ["g.bin"]);
  await tell(1, "saved", ["f.bin"]);
  await says(some, "The receiver has saved 1 of 2 files so far. Declined: 1.");
  const kept = await send(address, [file("h.bin")]);
  await tell(2, "kept");
  await says(kept, "The receiver could not save it yet; it is kept there.");
  await tell(2, "saved");
  await says(kept, "The receiver has saved everything.");
});
