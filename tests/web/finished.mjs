#!/usr/bin/env node
// A receiver that has what it waited for ends, and its server with it: the sender's page says so, and does not wait for ever.
import { check, equal, noise, run, wait_for } from "./browser.mjs";

await run(async (t) => {
  const heading = (page, text) => page.waitForFunction((want) => document.querySelector("h1").textContent === want, text);
  const choose = (page, size = 1000) => page.setInputFiles("input[type=file][multiple]", [{ name: "a.bin", mimeType: "", buffer: noise(size, 1) }]);

  // --- a server of the receiver's own, gone with it
  const own = t.tool("qrx-recv", "--json", "--no-qr", "-b", "127.0.0.1:0", "-o", t.path("in") + "/");
  const space = await own.event("space");
  t.allowed.add(new URL(space.drop).host);
  const sender = await t.page({ phone: true });
  await sender.goto(space.drop);
  await choose(sender);
  await sender.click("button.main:not(label)");
  await sender.waitForSelector(".badge.good");
  await own.ended();
  await sender.click("text=Send more");
  await heading(sender, "The receiver has finished");
  await t.shot(sender, "finished-phone");

  // --- a server that stays, a space that does not
  const server = await t.server();
  const other = await server.space();
  const page = await t.page();
  await page.goto(`${server.url}/u/${other.guid}`);
  await choose(page);
  await page.click("button.main:not(label)");
  await page.waitForSelector(".badge.good");
  await page.click("text=Send more");
  await choose(page, 2000);
  await fetch(`${server.url}/api/v1/spaces/${other.guid}`, { method: "DELETE", headers: { Authorization: `Bearer ${other.token}` } });
  await page.click("button.main:not(label)");
  await heading(page, "The receiver has finished");
  equal(0, await page.locator("main button").count(), "what is offered when it is over");

  // --- gone in the middle: after a while it is more than a lost connection, and it still goes on when the server is back
  const third = await server.space();
  const slow = await t.page();
  await slow.clock.install();
  await slow.goto(`${server.url}/u/${third.guid}`);
  const line = await slow.context().newCDPSession(slow);
  await line.send("Network.enable");
  await line.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 1_000_000 });
  await choose(slow, 3_000_000);
  await slow.clock.runFor(500);
  await slow.click("button.main:not(label)");
  await wait_for(20, async () => {
    await slow.clock.runFor(200);
    return slow.evaluate(() => document.querySelector(".total progress")?.value > 0.1);
  }, "it is under way");
  await server.stop("SIGKILL");
  await wait_for(20, async () => {
    await slow.clock.runFor(200);
    return slow.evaluate(() => document.querySelector("h1").textContent.startsWith("Connection lost"));
  }, "the connection is lost");
  await wait_for(20, async () => {
    await slow.clock.runFor(20_000);
    return slow.evaluate(() => document.querySelector("h1").textContent === "The receiver cannot be reached");
  }, "it says that the receiver may have finished");
  await line.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  await server.restart();
  await wait_for(30, async () => {
    await slow.clock.runFor(5_000);
    return slow.evaluate(() => document.querySelector(".badge.good") !== null);
  }, "it goes on once the server is back");
  check((await third.state()).deliveries.length === 1, "one delivery");
});
