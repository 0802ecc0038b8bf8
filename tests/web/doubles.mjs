#!/usr/bin/env node
// Phones call every picture image.jpg, and name, size and date say nothing about what is in a file: two different ones are two,
// the same one twice is asked about, and no upload goes on with the bytes of another file.
import { check, equal, run } from "./browser.mjs";

// As a picker gives them: same name, size and date, other bytes.
const give = (page, seeds, size) => page.evaluate(([seeds, size]) => {
  const data = new DataTransfer();
  for (const seed of seeds) {
    const bytes = new Uint8Array(size).map((_, i) => (i * seed) & 255);
    data.items.add(new File([bytes], "image.jpg", { type: "image/jpeg", lastModified: 86400000 }));
  }
  const field = document.querySelector("input[type=file][multiple]");
  field.files = data.files;
  field.dispatchEvent(new Event("change"));
}, [seeds, size]);

await run(async (t) => {
  const server = await t.server();
  for (const size of [1000, 600_000]) {
    const space = await server.space();
    const page = await t.page({ phone: true });
    await page.goto(`${server.url}/u/${space.guid}`);
    await page.waitForSelector(".zone");
    await give(page, [3, 5], size);
    await page.waitForFunction(() => document.querySelectorAll(".rows li").length === 2);
    await give(page, [7], size);
    await page.waitForFunction(() => document.querySelectorAll(".rows li").length === 3);
    equal(0, await page.locator("text=Already on the list").count(), "three different ones are not asked about");
    // The same one again: asked about, and added when that is wanted.
    await give(page, [5], size);
    await page.waitForSelector("text=Already on the list: image.jpg");
    equal(3, await page.locator(".rows li").count(), "what is on the list");
    await page.click("text=Add it again");
    equal(4, await page.locator(".rows li").count(), "what is on the list then");
    await t.shot(page, "doubles-phone");
    await page.click("button.main:not(label)");
    await page.waitForSelector(".badge.good");
    const [delivery] = (await space.state()).deliveries;
    equal(["image (1).jpg", "image (2).jpg", "image (3).jpg", "image.jpg"], delivery.files.map((file) => file.name).sort(), "what was sent");
    equal(3, new Set(delivery.files.map((file) => file.xxh128)).size, "how many of them differ");
  }

  // An interrupted upload goes on with the same file only.
  const space = await server.space();
  const page = await t.page();
  await page.goto(`${server.url}/u/${space.guid}`);
  await page.waitForSelector(".zone");
  const line = await page.context().newCDPSession(page);
  await line.send("Network.enable");
  const slow = (bytes) => line.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytes });
  await slow(1_000_000);
  await give(page, [3], 4_000_000);
  await page.waitForSelector(".rows li");
  await page.click("button.main:not(label)");
  await page.waitForFunction(() => document.querySelector(".total progress")?.value > 0.3);
  await page.reload();
  await page.waitForSelector(".warn");
  await slow(-1);
  await give(page, [5], 4_000_000);
  await page.waitForSelector(".rows li");
  await page.click("button.main:not(label)");
  await page.waitForSelector(".badge.good");
  const [delivery] = (await space.state()).deliveries;
  const bytes = await space.content(delivery.files[0]);
  check(bytes.every((byte, i) => byte === ((i * 5) & 255)), "what arrived is the file that was chosen last, from its first byte");
});
