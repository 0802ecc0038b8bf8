#!/usr/bin/env node
// A page uploads to qrx-recv's space while the server is killed and started again; another is reloaded in the middle, and
// goes on when the same files are chosen again; pause stops, go on goes on.
import { createHash } from "node:crypto";
import { check, equal, noise, run, sleep, wait_for } from "./browser.mjs";

const big_bytes = Number(process.env.QRX_MIB ?? 64) * 1024 * 1024;  // QRX_MIB=200 tests/web/resume.mjs

await run(async (t) => {
  const server = await t.server();
  const path = t.file("big.bin", noise(big_bytes, 11));
  const want = createHash("sha256").update(t.read("big.bin")).digest("hex");

  // --- a kill in the middle, files as they are
  const recv = t.tool("qrx-recv", "--json", "--no-qr", "-s", server.url, "-o", t.path("in") + "/", "--seal", "off");
  const opened = await recv.event("space");
  const sender = await t.page();
  const line = await sender.context().newCDPSession(sender);
  await line.send("Network.enable");
  const slow = (bytes) => line.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytes });
  await slow(24 * 1024 * 1024);
  await sender.goto(opened.drop);
  await sender.setInputFiles("input[type=file][multiple]", path);
  await sender.click("button.main:not(label)");
  await sender.waitForFunction(() => document.querySelector(".total progress")?.value > 0.2);
  await server.stop("SIGKILL");
  await sender.waitForFunction(() => document.querySelector("h1").textContent.startsWith("Connection lost"));
  await t.shot(sender, "waiting-for-line-desktop");
  await server.restart();
  await sender.waitForSelector(".badge.good", { timeout: 60_000 });
  await recv.ended(0, 30);
  equal(want, createHash("sha256").update(t.read("in/big.bin")).digest("hex"), "what qrx-recv saved");

  // --- a reload in the middle, sealed: the same bytes are sealed again, and nothing is sent twice
  const again = t.tool("qrx-recv", "--json", "--no-qr", "-s", server.url, "-o", t.path("sealed") + "/", "--seal", "require");
  const space = await again.event("space");
  const half = t.file("half.bin", noise(24 * 1024 * 1024, 12));
  const offsets = [];
  sender.on("request", (request) => {
    if (request.method() === "PATCH") offsets.push(Number(request.headers()["upload-offset"]));
  });
  await sender.goto("about:blank");
  await sender.goto(space.drop);
  await sender.setInputFiles("input[type=file][multiple]", half);
  await slow(6 * 1024 * 1024);
  await sender.click("button.main:not(label)");
  await wait_for(30, () => offsets.some((offset) => offset > 0), "the second piece is on its way");
  await sender.click("button:has-text('Pause')");
  await sender.waitForFunction(() => document.querySelector("h1").textContent === "Paused");
  await t.shot(sender, "paused-desktop");
  const before = offsets.length;
  await sleep(400);
  equal(before, offsets.length, "requests while paused");
  await sender.click("button:has-text('Resume')");
  await wait_for(10, () => offsets.length > before, "it goes on");
  await slow(-1);
  await sender.reload();
  await sender.waitForSelector(".warn");
  check((await sender.textContent(".warn")).includes("half.bin"), "the interrupted file is named");
  await t.shot(sender, "unfinished-desktop");
  const reloaded = offsets.length;
  await sender.setInputFiles("input[type=file][multiple]", half);
  await sender.click("button.main:not(label)");
  await sender.waitForSelector(".badge.good");
  check(offsets[reloaded] >= 8 * 1024 * 1024, `after the reload it went on at ${offsets[reloaded]}`);
  equal(createHash("sha256").update(t.read("half.bin")).digest("hex"), await sender.textContent(".files code"), "the sum of the page");
  await again.ended(0, 30);
  check(t.read("sealed/half.bin").equals(t.read("half.bin")), "what qrx-recv opened");
  equal(0, await sender.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("qrx sending")).length), "what is kept once it is sent");
});
