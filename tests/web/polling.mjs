#!/usr/bin/env node
// Where something on the way cuts requests that wait, the receiver's page comes to ask at an interval; and a person may
// choose the interval. A server that goes away and comes back is found again.
import { check, run, wait_for } from "./browser.mjs";

await run(async (t) => {
  const server = await t.server();
  const page = await t.page();
  const asked = [];
  page.on("request", (request) => {
    if (/\/api\/v1\/spaces\/[a-z2-7]{26}(\?|$)/.test(request.url())) asked.push({ at: Date.now(), waits: request.url().includes("wait=") });
  });
  await page.route(/wait=/, (route) => setTimeout(() => route.abort("connectionreset").catch(() => undefined), 3200));
  await page.goto(`${server.url}/?now`);
  await page.waitForSelector("svg.code");
  await wait_for(20, () => asked.filter(({ waits }) => waits).length >= 2, "two requests that wait");
  await page.waitForFunction(() => document.querySelector(".line").textContent.includes("Connection lost"));
  await wait_for(20, () => asked.length > 3 && !asked.at(-1).waits && !asked.at(-2).waits, "it asks without waiting");
  const drop = await page.getAttribute("a.link", "href");
  const put = await fetch(`${drop.split("#")[0]}/polled.txt`, { method: "PUT", body: "polled" });
  check(put.ok, "the file is there");
  await page.waitForSelector('button[aria-label="Save polled.txt"]');

  // The person's own interval.
  await page.locator(".options > summary").click();
  await page.selectOption("#every", "2");
  const from = asked.length;
  await wait_for(15, () => asked.length >= from + 3, "it asks again and again");
  const times = asked.slice(from + 1).map(({ at }) => at);
  check(times.slice(1).every((at, i) => at - times[i] > 1500), `every two seconds: ${times}`);

  await server.stop("SIGKILL");
  await page.waitForFunction(() => document.querySelector(".line").textContent.includes("Connection lost"));
  await server.restart();
  await page.waitForFunction(() => !document.querySelector(".line").textContent);
});
