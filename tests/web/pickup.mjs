#!/usr/bin/env node
// Passing a space on, and the recipient's page: sealed links carry the key from page to page and never to the server; looking
// counts nothing; a limited link is used up by what was saved; receipts arrive at the owner's page.
import { chmodSync } from "node:fs";
import { check, equal, noise, run, wait_for } from "./browser.mjs";

await run(async (t) => {
  // The server's own transport is a command that keeps what it is told.
  const tell = t.file("tell.sh", `#!/bin/sh\ncat >>${t.path("told")}; echo >>${t.path("told")}\n`);
  chmodSync(tell, 0o755);
  const server = await t.server("--config", t.file("serve.toml", `[notify.exec.tell]\ncommand = ["${tell}"]\n`));
  const asked = [];
  const owner = await t.page();
  await owner.goto(`${server.url}/?now`);
  await owner.waitForSelector("svg.code");
  await owner.screenshot({ path: t.path("picture.png"), clip: { x: 0, y: 0, width: 320, height: 200 } });
  const drop = await owner.getAttribute("a.link", "href");
  const send = t.tool("qrx-send", "-l", drop, t.path("picture.png"), t.file("report.bin", noise(500_000, 9)));
  await send.ended();
  await owner.click("summary:has-text('Pass it on')");
  await owner.fill("#to", "alice@example.org\nlink:Bob");
  await owner.fill("#message", "as promised");
  await owner.click("text=Pass on >> nth=-1");
  await owner.waitForSelector(".share >> nth=1");
  equal(["alice@example.org", "Bob"], await owner.locator(".share .name").allTextContents(), "recipients");
  check((await owner.getAttribute('.share a[href^="mailto:"]', "href")).includes("AGE-SECRET-KEY-1"), "the own mail program takes link and key");
  await t.shot(owner, "passed-on-desktop");
  const kept = await owner.evaluate(() => JSON.parse(Object.entries(sessionStorage).find(([key]) => key.startsWith("qrx space"))[1]));
  const shares = async (guid, token) => (await (await fetch(`${server.url}/api/v1/spaces/${guid}/shares`, { headers: { Authorization: `Bearer ${token}` } })).json()).shares;
  const link = (await shares(kept.guid, kept.token)).find((share) => share.to.includes("Bob")).link;

  const bob = await t.page({ phone: true });
  bob.on("request", (request) => asked.push(`${request.method()} ${request.url()} ${JSON.stringify(request.headers())} ${request.postData() ?? ""}`));
  await bob.goto(link);
  await bob.waitForSelector("text=key is missing");
  await bob.goto("about:blank");
  await bob.goto(`${link}#${kept.identity}`);
  await bob.waitForSelector(".pictures img");
  equal("as promised", await bob.textContent("main > blockquote"), "the message");
  equal(["picture.png", "report.bin"], (await bob.locator(".items .rows .name").allTextContents()).sort(), "names");
  await t.shot(bob, "pickup-phone");
  for (const name of ["picture.png", "report.bin"]) {
    const saved = await t.download(bob, () => bob.click(`button[aria-label="Save ${name}"]`));
    check(saved.bytes.equals(t.read(name)), `${name} is what was sent`);
  }
  await owner.waitForFunction(() => [...document.querySelectorAll(".share")].some((row) => row.textContent.includes("Bob") && row.textContent.includes("downloaded")));
  check(!asked.some((text) => text.includes("AGE-SECRET") || text.includes(kept.token)), "no request carries a key or the owner's token");
  await owner.locator(".share", { hasText: "Bob" }).getByText("Revoke").click();
  await owner.waitForSelector(".share.revoked");
  await bob.reload();
  await bob.waitForSelector(".badge.bad");

  // --- limited and sealed: the list of names is a file, too, so it is opened when it is asked for, and once
  const sealed_once = await fetch(`${server.url}/api/v1/spaces/${kept.guid}/shares`, { method: "POST", headers: { Authorization: `Bearer ${kept.token}` }, body: JSON.stringify({ recipients: ["link:once"], downloads: 1 }) });
  // --- the server tells a recipient, with the key when the owner chose that; not where it cannot
  await owner.fill("#to", "carol@example.org");
  await owner.selectOption("#how", "server");
  await owner.click("text=Pass on >> nth=-1");
  const row = (name) => owner.locator(".share", { hasText: name });
  await row("carol").getByText("this server sends no e-mail").waitFor();
  await row("carol").getByText("Copy link").click();
  await row("carol").getByText("sent").waitFor();
  await owner.fill("#to", "exec:tell:dave");
  await owner.selectOption("#how", "server");
  await owner.click("text=Pass on >> nth=-1");
  await owner.locator(".share.sent", { hasText: "dave" }).waitFor();
  check(t.read("told").toString().includes(kept.identity), "the notice has the key");

  const cat = await t.page({ phone: true });
  await cat.goto(`${(await sealed_once.json()).shares[0].link}#${kept.identity}`);
  await cat.waitForSelector("button.main");
  equal(0, await cat.locator(".items").count(), "what is listed before it is opened");
  await cat.click("button.main");
  await cat.waitForSelector(".items .rows li");
  await cat.reload();
  await cat.waitForSelector(".items .rows li");
  const once = await t.download(cat, () => cat.click('button[aria-label="Save report.bin"]'));
  check(once.bytes.equals(t.read("report.bin")), "report.bin by the limited link");
  await cat.waitForSelector("text=Decrypted and saved");
  equal(0, await cat.locator('button[aria-label="Save report.bin"]').count(), "buttons for what was downloaded as often as allowed");
  // The picture may still be had once; the other file not, also after a reload, and the page says so.
  await cat.reload();
  await cat.waitForSelector(".items .rows li");
  await cat.click('button[aria-label="Save report.bin"]');
  await cat.waitForSelector("text=reached its download limit");
  await t.shot(cat, "used-up-phone");

  // --- limited, as it is: looking takes nothing, one may save once
  const space = await server.space({ label: "Ann" });
  await fetch(`${space.upload_url}/a.txt`, { method: "PUT", body: "hello" });
  await fetch(`${space.upload_url}/b.png`, { method: "PUT", body: t.read("picture.png") });
  const make = async (wish) => (await (await fetch(`${server.url}/api/v1/spaces/${space.guid}/shares`, { method: "POST", headers: { Authorization: `Bearer ${space.token}` }, body: JSON.stringify(wish) })).json()).shares[0];
  const one = await make({ recipients: ["link:once"], downloads: 1 });
  const page = await t.page();
  for (let i = 0; i < 3; ++i) {
    await page.goto("about:blank");
    await page.goto(one.link);
    await page.waitForSelector(".items .rows li");
  }
  equal("Files from Ann", await page.textContent("h1"), "heading");
  await t.shot(page, "limited-desktop");
  const first = await t.download(page, () => page.click('button[aria-label="Save a.txt"]'));
  equal("hello", first.bytes.toString(), "the limited file");
  await wait_for(10, async () => (await shares(space.guid, space.token))[0].state === "opened" || (await shares(space.guid, space.token))[0].downloads === 0, "it is told");

  // --- without script each file is a form, and all are one zip with it
  const plain = await t.page({ script: false });
  const two = await make({ recipients: ["link:many"] });
  await plain.goto(two.link);
  const by_form = await t.download(plain, () => plain.click("text=Download >> nth=0"));
  equal(["a.txt", "hello"], [by_form.name, by_form.bytes.toString()], "a download without script");
  await page.goto(two.link);
  await page.waitForSelector(".pictures img");
  const zip = await t.download(page, () => page.click("text=Download all as zip"));
  equal("PK", zip.bytes.subarray(0, 2).toString(), "all as one zip");
});
