#!/usr/bin/env node
// A new version of the service worker takes over while pages are open: none is reloaded, what is being sent goes on, and the next page
// has the new one. A server that lost it leaves nobody stuck.
import http from "node:http";
import { check, equal, noise, run, sleep, wait_for } from "./browser.mjs";

await run(async (t) => {
  const server = await t.server();
  let version = 1;
  // In front of the server, as a browser compares the worker by its bytes.
  const front = http.createServer((request, answer) => {
    const up = http.request({ host: "127.0.0.1", port: server.port, path: request.url, method: request.method, headers: request.url === "/app_worker.js" ? {} : request.headers }, (got) => {
      const is_worker = request.url === "/app_worker.js";
      const headers = { ...got.headers };
      if (is_worker) {
        delete headers["content-length"];
        delete headers.etag;
      }
      answer.writeHead(is_worker && version === 0 ? 404 : got.statusCode, headers);
      if (!is_worker) return got.pipe(answer);
      const parts = [];
      got.on("data", (part) => parts.push(part)).on("end", () => answer.end(`${Buffer.concat(parts)}\nself.version = ${version};`));
    });
    up.on("error", () => answer.destroy());
    request.pipe(up);
  });
  await new Promise((done) => front.listen(0, "127.0.0.1", done));
  const root = `http://127.0.0.1:${front.address().port}`;
  t.allowed.add(new URL(root).host);
  const space = await server.space();

  const first = await t.page();
  await first.goto(`${root}/`);
  await first.waitForFunction(() => navigator.serviceWorker.controller);
  const running = async () => {
    for (const worker of first.context().serviceWorkers()) {
      // One that is ending answers nothing.
      const found = await Promise.race([worker.evaluate(() => self.version).catch(() => 0), sleep(2_000)]);
      if (found === version) return true;
    }
    return false;
  };
  await wait_for(20, running, "the first version");

  const sender = await first.context().newPage();
  await sender.goto(`${root}/u/${space.guid}`);
  await sender.setInputFiles("input[type=file][multiple]", [{ name: "a.bin", mimeType: "", buffer: noise(1_500_000) }]);
  await sender.waitForSelector(".rows li");
  const line = await sender.context().newCDPSession(sender);
  await line.send("Network.enable");
  const slow = (bytes) => line.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytes });
  await slow(60_000);
  await sender.click("button.main:not(label)");
  await sender.waitForFunction(() => document.querySelector(".total progress")?.value > 0);
  await sender.evaluate(() => (globalThis.same_page = true));

  version = 2;
  await first.reload();
  await first.waitForSelector(".entries");
  // As the browser does by itself, at a time of its own.
  await first.evaluate(async () => void (await (await navigator.serviceWorker.ready).update()));
  await wait_for(30, running, "the new version");
  await slow(-1);
  await sender.waitForSelector(".badge.good");
  equal(true, await sender.evaluate(() => globalThis.same_page), "the page that was sending was not reloaded");
  const [delivery] = (await space.state()).deliveries;
  check((await space.content(delivery.files[0])).equals(noise(1_500_000)), "what was sent meanwhile");

  // --- gone from the server: pages still load, from the server as ever
  version = 0;
  await first.reload();
  await first.waitForSelector(".entries");
  await first.click("button.main");
  await first.waitForSelector("svg.code");
  front.closeAllConnections();
  front.close();
});
