#!/usr/bin/env node
// Makes the pictures of the pages in this directory from the built programs: man/images/make-pages.mjs
import { fileURLToPath } from "node:url";
import { run } from "../../tests/web/browser.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
await run(async (t) => {
  const server = await t.server();
  const shown = "http://qrx.example.org";
  t.flags.push(`--host-resolver-rules=MAP qrx.example.org 127.0.0.1:${server.port}`, `--unsafely-treat-insecure-origin-as-secure=${shown}`);
  t.allowed.add("qrx.example.org");
  const page = await t.page();
  await page.setViewportSize({ width: 960, height: 600 });
  await page.goto(`${shown}/?now`);
  await page.waitForFunction(() => document.querySelector(".words")?.textContent);
  await page.screenshot({ path: `${here}page-receiver.png` });
});
