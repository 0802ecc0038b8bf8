#!/usr/bin/env node
// A space whose room is held by what somebody else has not delivered yet: the sender's page says what the server says, and sends when
// there is room. It does not say that the connection was lost.
import { check, equal, noise, run } from "./browser.mjs";

const room = 1_000_000;

await run(async (t) => {
  const server = await t.server();
  const tus = { "Tus-Resumable": "1.0.0" };
  const holder = async (space) => {
    const made = await fetch(`${space.upload_url}/uploads`, { method: "POST", headers: { ...tus, "Upload-Length": room - 100, "Upload-Metadata": "filename aGVsZA==" } });
    equal(201, made.status, "an upload that holds the room");
    const url = new URL(made.headers.get("location"), server.url);
    const sent = await fetch(url, { method: "PATCH", body: noise(room - 200, 1), headers: { ...tus, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream" } });
    equal(204, sent.status, "its bytes");
    return url;
  };
  for (const [language, title] of [["en-US", "The server asks to wait; trying again automatically"], ["zh-CN", "服务器要求稍候，正在自动重试"]]) {
    const space = await server.space({ max_size: room });
    const url = await holder(space);
    const page = await t.page({ language });
    await page.goto(space.drop);
    await page.setInputFiles("input[type=file][multiple]", t.file("wanted.bin", noise(500_000, 2)));
    await page.click("button.main:not(label)");
    await page.waitForFunction((want) => document.querySelector("h1").textContent === want, title);
    check((await page.textContent("main")).includes("try again in a minute"), "why");
    await t.shot(page, `told-to-wait-${language}`);
    equal(204, (await fetch(url, { method: "DELETE", headers: tus })).status, "who held the room goes");
    await page.waitForSelector(".badge.good");
    equal(["wanted.bin"], (await space.state()).deliveries.flatMap(({ files }) => files.map(({ name }) => name)), "what was delivered");
    await page.close();
  }
});
