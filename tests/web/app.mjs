#!/usr/bin/env node
// The pages as an app: manifest and icons, a service worker that keeps nothing and says when the server is away, files shared from
// another app, and the order select, scan, upload: what is chosen before the code is scanned goes along, also on plain http.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { check, equal, noise, run } from "./browser.mjs";

const { encode } = createRequire(new URL("../../src/web/package.json", import.meta.url))("uqr");

await run(async (t) => {
  const server = await t.server();
  const code_of = (link) => {
    const rows = encode(link, { border: 4 }).data;
    const squares = rows.map((row, y) => row.map((dark, x) => (dark ? `<rect x="${x}" y="${y}" width="1" height="1"/>` : "")).join("")).join("");
    const svg = t.file("code.svg", `<svg xmlns="http://www.w3.org/2000/svg" shape-rendering="crispEdges" width="480" height="480" viewBox="0 0 ${rows.length} ${rows.length}"><rect width="200" height="200" fill="#fff"/>${squares}</svg>`);
    execFileSync("rsvg-convert", [svg, "-o", t.path("code.png")]);
    return t.path("code.png");
  };

  // --- what a browser needs to install it
  const answer = await fetch(`${server.url}/app.webmanifest`);
  equal(["application/manifest+json", "no-cache"], [answer.headers.get("content-type"), answer.headers.get("cache-control")], "the manifest");
  const manifest = await answer.json();
  for (const { src, sizes } of manifest.icons) {
    const picture = await fetch(new URL(src, `${server.url}/app.webmanifest`));
    equal("image/png", picture.headers.get("content-type"), src);
    const bytes = Buffer.from(await picture.arrayBuffer());
    equal(sizes, `${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`, `size of ${src}`);
    t.file("icon.png", bytes);
    execFileSync("python3", ["-c", "import sys,zlib;b=open(sys.argv[1],'rb').read();n=b.index(b'IDAT');l=int.from_bytes(b[n-4:n],'big');assert zlib.crc32(b[n:n+4+l])==int.from_bytes(b[n+4+l:n+8+l],'big');zlib.decompress(b[n+4:n+4+l])", t.path("icon.png")]);
  }
  equal(["share", "POST", "multipart/form-data"], [manifest.share_target.action, manifest.share_target.method, manifest.share_target.enctype], "the share target");

  // --- the service worker: on a secure origin only, and it keeps nothing
  const page = await t.page({ phone: true });
  await page.goto(`${server.url}/`);
  await page.evaluate(() => navigator.serviceWorker.ready);
  equal([`${server.url}/app_worker.js`, `${server.url}/`], await page.evaluate(async () => {
    const { active, scope } = await navigator.serviceWorker.ready;
    return [active.scriptURL, scope];
  }), "the worker and what it is for");
  const worker = await fetch(`${server.url}/app_worker.js`);
  equal("no-cache", worker.headers.get("cache-control"), "the next version is found");
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  await page.reload();
  await page.click("button.main");
  await page.waitForSelector("svg.code");
  const drop = await page.getAttribute("a.link", "href");
  equal([], await page.evaluate(() => caches.keys()), "what it has put away");
  const plain = await t.page({ phone: true });
  await plain.goto(`${server.named}/`);
  await plain.waitForSelector(".entries");
  equal(false, await plain.evaluate(() => "serviceWorker" in navigator && isSecureContext), "a service worker on plain http");

  // --- shared from another app: the worker takes it, the code is scanned, it is sent
  const phone = await page.context().newPage();
  await phone.goto(`${server.url}/scan`);
  const big = noise(2_000_000, 8);
  const shared_to = async () => {
    await phone.evaluate((size) => {
      const form = document.createElement("form");
      Object.assign(form, { method: "post", enctype: "multipart/form-data", action: "/share" });
      const add = (name, type, give) => {
        const field = document.createElement("input");
        Object.assign(field, { name, type });
        give(field);
        form.append(field);
      };
      add("title", "hidden", (field) => (field.value = ""));
      add("text", "hidden", (field) => (field.value = "from the gallery"));
      add("files", "file", (field) => {
        field.multiple = true;
        const data = new DataTransfer();
        let state = 8;
        const bytes = new Uint8Array(size).map(() => (state = (state * 1103515245 + 12345) & 0x7fffffff) >> 16);
        data.items.add(new File([bytes], "image.jpg", { type: "image/jpeg" }));
        data.items.add(new File([bytes.slice(0, 1000)], "image.jpg", { type: "image/jpeg" }));
        field.files = data.files;
      });
      document.body.append(form);
      form.submit();
    }, big.length);
    await phone.waitForURL(/scan\?shared=/);
  };
  await shared_to();
  await phone.waitForSelector("text=to send 2 files");
  await t.shot(phone, "shared-phone");
  await phone.waitForFunction(() => document.querySelector(".line")?.textContent);
  await phone.setInputFiles("input[type=file]", code_of(drop));
  await phone.waitForSelector(".chosen li >> nth=1");
  check(phone.url().startsWith(`${server.url}/u/`), `the address is the sender's page: ${phone.url()}`);
  equal(["image.jpg", "image (1).jpg"], await phone.locator(".chosen .name").allTextContents(), "what came along");
  equal("from the gallery", await phone.inputValue("#note"), "the text");
  await phone.waitForSelector(".seal:not(.open)");
  await t.shot(phone, "shared-chosen-phone");
  await phone.click("button.main:not(label)");
  await phone.waitForSelector(".badge.good");
  await page.waitForSelector('button[aria-label="Save image (1).jpg"]');
  const saved = await t.download(page, () => page.click('button[aria-label="Save image.jpg"]'));
  equal(big.length, saved.bytes.length, "the shared file");
  // A worker that has gone (its data were cleared): nothing is lost in silence.
  equal([303, "/scan?shared=lost"], await fetch(`${server.url}/share`, { method: "POST", body: new FormData(), redirect: "manual" }).then((got) => [got.status, got.headers.get("location")]), "without the worker");
  await phone.goto(`${server.url}/scan?shared=lost`);
  await phone.waitForSelector("text=could not be kept");

  // --- on plain http: select, scan, upload
  await plain.click(".entries a");
  await plain.waitForSelector(".zone");
  await plain.setInputFiles("input[type=file][multiple]", [{ name: "one.bin", mimeType: "", buffer: noise(700_000, 2) }]);
  await plain.click("text=Scan the code to send 1 file");
  await plain.waitForSelector("text=HTTPS");
  await plain.setInputFiles("input[type=file]", code_of(drop.replace(/^[^/]*\/\/[^/]*/, server.named)));
  await plain.waitForSelector(".chosen li");
  await plain.click("button.main:not(label)");
  await plain.waitForSelector(".badge.good");
  await page.waitForSelector('button[aria-label="Save one.bin"]');
  const one = await t.download(page, () => page.click('button[aria-label="Save one.bin"]'));
  check(one.bytes.equals(noise(700_000, 2)), "what was chosen before the code was scanned");
  // Back is the scanner again.
  await plain.goBack();
  await plain.waitForSelector(".zone, .line");
  check(plain.url().includes("/scan"), "back to the scanner");

  // --- the server is away
  await server.stop("SIGKILL");
  await phone.goto(`${server.url}/`).catch(() => undefined);
  equal("The server cannot be reached", await phone.textContent("h1"), "without the server");
  await server.restart();
  await phone.click("button");
  await phone.waitForSelector(".entries");
});
