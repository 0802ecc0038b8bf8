#!/usr/bin/env node
// /scan with Chromium's fake camera: a clip in which a code comes into view, drawn turned and noisy, leads to the sender's
// page. A code of another host is asked about first; other codes and links go nowhere; a picture is read, too.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { check, equal, run, wait_for } from "./browser.mjs";

const { encode } = createRequire(new URL("../../src/web/package.json", import.meta.url))("uqr");

const width = 640;
const height = 480;

// The recipe of the clip: frames in Y4M, grey.
function frame(modules, turn, noise_seed) {
  const luma = Buffer.alloc(width * height, 150);
  const side = modules ? modules.length + 8 : 0;
  const scale = modules ? 300 / side : 1;
  let state = noise_seed;
  for (let y = 0; y < height; ++y)
    for (let x = 0; x < width; ++x) {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      const speck = (state >> 16) % 30;
      let value = 130;
      if (modules) {
        const dx = x - width / 2;
        const dy = y - height / 2;
        const u = Math.floor((dx * Math.cos(turn) + dy * Math.sin(turn)) / scale + side / 2) - 4;
        const v = Math.floor((-dx * Math.sin(turn) + dy * Math.cos(turn)) / scale + side / 2) - 4;
        if (u >= -4 && v >= -4 && u < side - 4 && v < side - 4) value = modules[v]?.[u] === "1" ? 40 : 210;
      }
      luma[y * width + x] = value + speck;
    }
  return Buffer.concat([Buffer.from("FRAME\n"), luma, Buffer.alloc((width * height) / 2, 128)]);
}

function clip(modules) {
  const frames = [frame(null, 0, 1), frame(null, 0, 2), ...[0.1, 0.12, 0.14, 0.16].map((turn, i) => frame(modules, turn, i + 3))];
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`), ...frames]);
}

await run(async (t) => {
  const server = await t.server();
  const draw = (link) => encode(link, { border: 0 }).data.map((row) => row.map((dark) => (dark ? "1" : "0")).join(""));
  const space = await server.space({ label: "Ann" });
  t.flags.push("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${t.file("clip.y4m", clip(draw(space.drop)))}`);
  const page = await t.page();
  await page.goto(`${server.url}/scan`);
  await page.waitForURL(`${server.url}/u/${space.guid}`, { timeout: 30_000 });
  await page.waitForSelector(".zone");
  equal("Send to Ann", await page.textContent("h1"), "the page that the code led to");

  // --- pictures of codes, and what they may not lead to
  const by_picture = await t.page({ phone: true });
  await by_picture.goto(`${server.named}/scan`);
  await by_picture.waitForSelector("text=HTTPS");
  await t.shot(by_picture, "scan-phone");
  const picture = (link) => t.file("code.svg", `<svg xmlns="http://www.w3.org/2000/svg" shape-rendering="crispEdges" width="480" height="480" viewBox="-4 -4 ${draw(link).length + 8} ${draw(link).length + 8}"><rect x="-4" y="-4" width="200" height="200" fill="#fff"/>${draw(link).map((row, y) => [...row].map((c, x) => (c === "1" ? `<rect x="${x}" y="${y}" width="1" height="1"/>` : "")).join("")).join("")}</svg>`);
  const read = async (link) => {
    execFileSync("rsvg-convert", [picture(link), "-o", t.path("code.png")]);
    await by_picture.setInputFiles("input[type=file]", t.path("code.png"));
  };
  for (const link of ["https://evil.example/pay", `https://user@evil.example/u/${space.guid}`, "javascript:alert(1)", `${space.drop}?x=1`, "WIFI:S:x;;"]) {
    await read(link);
    await by_picture.waitForFunction((start) => document.querySelector(".line").textContent.includes(start), link.slice(0, 20));
  }
  check(by_picture.url().endsWith("/scan"), "nothing was opened");
  await read(`HTTP://ELSEWHERE.EXAMPLE/QRX/U/${space.guid.toUpperCase()}`);
  await by_picture.waitForSelector(".host");
  equal("elsewhere.example", await by_picture.textContent(".host"), "the host that is asked about");
  await t.shot(by_picture, "other-host-phone");
  await by_picture.click("text=Scan again");
  await read(`${server.named}/U/${space.guid.toUpperCase()}`);
  await wait_for(10, () => by_picture.url() === `${server.named}/u/${space.guid}`, "the same host is opened at once");
});
