#!/usr/bin/env node
/*
# run: alone
*/
// How much each page loads, and how soon it stands: 120 KiB (gzip) for pages that seal, 25 KiB for the others, 30 KiB and
// 300 ms on loopback for the first view. What is kept is not asked for again.
import { cpus } from "node:os";
import { gzipSync } from "node:zlib";
import { check, equal, run, sleep } from "./browser.mjs";

const KiB = 1024;

// The share of the processors that nobody uses right now.
async function idle() {
  const sum = () => cpus().reduce(([free, all], { times }) => [free + times.idle, all + Object.values(times).reduce((a, b) => a + b)], [0, 0]);
  const [free, all] = sum();
  await sleep(300);
  const [later, end] = sum();
  return (later - free) / (end - all);
}

await run(async (t) => {
  const server = await t.server();
  const space = await server.space({ label: "Ann" });
  await fetch(`${space.upload_url}/a.txt`, { method: "PUT", body: "hello" });
  const shared = await fetch(`${server.url}/api/v1/spaces/${space.guid}/shares`, { method: "POST", headers: { Authorization: `Bearer ${space.token}` }, body: JSON.stringify({ recipients: ["link:a"] }) });
  const link = (await shared.json()).shares[0].link;

  const fetched = async (url) => {
    const answer = await fetch(url, { headers: { Accept: "text/html", "Accept-Encoding": "gzip" } });
    const text = await answer.text();
    equal("gzip", url.includes("/assets/") ? answer.headers.get("content-encoding") : "gzip", `coding of ${url}`);
    return { text, bytes: gzipSync(text, { level: 9 }).length };
  };
  // Everything that a page can come to load, along static and dynamic imports and workers.
  const all = new Map();
  const load = async (url) => {
    if (all.has(url)) return 0;
    const got = await fetched(url);
    all.set(url, got.bytes);
    let sum = got.bytes;
    for (const [, file] of got.text.matchAll(/["'](?:\.\/)?([\w-]+\.[\w-]+\.(?:js|css))["']/g)) {
      sum += await load(new URL(file, `${server.url}/assets/`).href);
    }
    for (const [, path] of url.includes("/assets/") ? [] : got.text.matchAll(/(?:href|src)="(\/assets\/[^"]+\.(?:js|css))"/g)) sum += await load(server.url + path);
    return sum;
  };
  const pages = [["/", 120], [`/u/${space.guid}`, 120], [new URL(link).pathname, 120], ["/scan", 25]];
  for (const [path, most] of pages) {
    all.clear();
    const bytes = await load(server.url + path);
    console.log(`${path.slice(0, 12)}: ${(bytes / KiB).toFixed(1)} KiB in all`);
    check(bytes < most * KiB, `${path} comes to load ${bytes} bytes: ${JSON.stringify([...all])}`);
  }

  const page = await t.page();
  await sleep(500);
  const quiet = (await idle()) > 0.6;
  for (const [path] of pages) {
    let best = Infinity;
    let bytes = 0;
    for (let round = 0; round < 8 && (round < 2 || best >= 300); ++round) {
      const sizes = [];
      const seen = (response) => sizes.push(response.request().sizes().then((s) => s.responseBodySize + s.responseHeadersSize).catch(() => 0));
      const context = await page.context().browser().newContext();
      const fresh = await context.newPage();
      fresh.on("response", seen);
      await fresh.goto(server.url + path);
      await fresh.waitForFunction(() => document.querySelector("main button, main .camera, main .button"));
      const time = await fresh.evaluate(() => performance.now());
      bytes = (await Promise.all(sizes)).reduce((a, b) => a + b, 0);
      best = Math.min(best, time);
      await context.close();
    }
    console.log(`${path.slice(0, 12)}: ${(bytes / KiB).toFixed(1)} KiB and ${best.toFixed(0)} ms to the first view`);
    // The seal worker follows by itself; the scanner's decoder, too.
    check(bytes < 30 * KiB || path === "/scan", `the first view of ${path} takes ${bytes} bytes`);
    // Where others use the processors, too, it says little.
    check(best < (quiet ? 300 : 1500), `the first view of ${path} takes ${best.toFixed(0)} ms`);
  }

  // A recipient's page without a key loads no sealing.
  const asked = [];
  const recipient = await t.page();
  recipient.on("request", (request) => asked.push(request.url()));
  await recipient.goto(link);
  await recipient.waitForSelector(".items .rows li");
  check(!asked.some((url) => url.includes("seal_worker")), "a page without a key loads no sealing");
  await recipient.reload();
  const again = asked.filter((url) => url.includes("/assets/")).length;
  await recipient.waitForSelector(".items .rows li");
  check(again > 0, "assets are named");
  for (const url of new Set(asked.filter((url) => url.includes("/assets/")))) {
    const answer = await fetch(url, { headers: { "Accept-Encoding": "br" } });
    equal(["br", true, "nosniff"], [answer.headers.get("content-encoding"), answer.headers.get("cache-control").includes("immutable"), answer.headers.get("x-content-type-options")], url);
    equal(304, (await fetch(url, { headers: { "Accept-Encoding": "br", "If-None-Match": answer.headers.get("etag") } })).status, "asked for again");
  }
});
