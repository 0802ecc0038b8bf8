#!/usr/bin/env node
// What strangers send runs nowhere: names, labels, notes, HTML, SVG and files that are two things at once, on every page,
// with script and without. No script of theirs, no request to elsewhere, no element that they name.
import { check, equal, run, wait_for } from "./browser.mjs";

const marks = [
  `<img src=x onerror=alert(1)>.png`, `"><script>alert(1)</script>.txt`, `'-alert(1)-'.svg`, `</title><svg onload=alert(1)>.html`,
  `{{heading}} \${alert(1)} {n}.txt`, "\u202egnp.exe.txt", "a\u200bb\u2066c.txt", "javascript:alert(1)", "%3Cscript%3E.txt", "&lt;b&gt;.txt",
  "x".repeat(240) + ".txt", "-rf.txt", ".hidden", "con.txt", "a&b=c#d?e.txt", "\ud83d\ude00.png",
];
const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
const script = "<script>alert(document.domain);fetch('https://elsewhere.example/')</script>";
const files = {
  "page.html": `<!doctype html>${script}<img src=https://elsewhere.example/x.png>`,
  "picture.svg": `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script><image href="https://elsewhere.example/x.png"/></svg>`,
  "html-as.png": `<!doctype html>${script}`,
  "svg-as.jpg": `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`,
  "gif-and.js.gif": "GIF89a=1;alert(1)//",
  "png-and-html.png": Buffer.concat([png, Buffer.from(script)]),
  "page.xhtml": `<html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>`,
  "good.png": png,
};

async function untouched(page, where) {
  const found = await page.evaluate(() => ({
    elements: document.querySelectorAll("main img:not(.pictures img), main script, main iframe, main object, main embed, main [onload], main [onerror], main base, main meta").length,
    pictures: [...document.querySelectorAll(".pictures img")].map((img) => img.alt),
    unseen: /[\u202a-\u202e\u2066-\u2069\u200b]/.test(document.body.textContent),
  }));
  equal(0, found.elements, `elements made of names in ${where}`);
  equal(false, found.unseen, `text that turns text around in ${where}`);
  return found.pictures;
}

await run(async (t) => {
  const server = await t.server();
  const label = `<img src=x onerror=alert(1)>\u202e`;
  const space = await server.space({ label });
  for (const name of marks) {
    const answer = await fetch(`${space.upload_url}/${encodeURIComponent(name)}`, { method: "PUT", body: "x" });
    equal(201, answer.status, `PUT of ${JSON.stringify(name)}`);
  }
  for (const [name, body] of Object.entries(files)) await fetch(`${space.upload_url}/${name}`, { method: "PUT", body });
  const delivery = await (await fetch(`${space.upload_url}/deliveries`, { method: "POST", body: JSON.stringify({ message: `${script}\u202e` }) })).json();
  await fetch(`${space.upload_url}/deliveries/${delivery.delivery}/files/dir/${encodeURIComponent(marks[0])}`, { method: "PUT", body: "x" });
  await fetch(`${space.upload_url}/deliveries/${delivery.delivery}/commit`, { method: "POST", body: "{}" });

  const receiver = await t.page();
  await receiver.goto(space.owner);
  await wait_for(10, async () => (await receiver.locator("section.items").count()) === marks.length + Object.keys(files).length + 1, "everything is listed");
  await receiver.waitForFunction(() => !document.querySelector(".loading"));
  const pictures = await untouched(receiver, "the receiver's page");
  equal(["gif-and.js.gif", "good.png", "png-and-html.png"], pictures.sort(), "only pictures are shown, by content");
  await t.shot(receiver, "hostile-desktop");
  // A picture opened by itself is a picture, whatever follows in its file.
  const [alone] = await Promise.all([receiver.waitForEvent("popup"), receiver.click('.pictures img[alt="png-and-html.png"]')]);
  await alone.waitForLoadState();
  equal("image/png", await alone.evaluate(() => document.contentType), "type of the picture opened by itself");
  await alone.close();
  const saved = await t.download(receiver, () => receiver.click('button[aria-label="Save page.html"]'));
  equal(["page.html", files["page.html"]], [saved.name, saved.bytes.toString()], "HTML is saved, not shown");

  for (const script_on of [true, false]) {
    const sender = await t.page({ phone: true, script: script_on });
    await sender.goto(`${server.url}/u/${space.guid}`);
    if (script_on) await sender.waitForSelector(".zone");
    check((await sender.textContent("h1")).includes("<img src=x onerror=alert(1)>"), "the label is text");
    if (script_on) await untouched(sender, "the sender's page");
    const field = script_on ? "input[type=file][multiple]" : "input[type=file]";
    await sender.setInputFiles(field, marks.filter((name) => !/[\\/]/.test(name)).slice(0, 9).map((name) => ({ name, mimeType: "text/html", buffer: Buffer.from(script) })));
    await sender.click(script_on ? "button.main:not(label)" : "button[type=submit]");
    await sender.waitForSelector(".badge.good");
    if (script_on) await untouched(sender, "the sent page");
    check((await sender.textContent("ul.files")).includes("<img src=x onerror=alert(1)>.png"), "names are text on the sent page");
  }

  // Links that were made up: none opens anything.
  const page = await t.page();
  for (const path of [`s/${space.guid}#<img src=x onerror=alert(1)>`, `s/${space.guid}#${"a".repeat(32)}`, `s/${"a".repeat(26)}#${space.token}`, `u/${space.guid}#age1<script>`, `scan#javascript:alert(1)`, `?now=<script>#x`]) {
    await page.goto("about:blank");
    await page.goto(`${server.url}/${path}`);
    await page.waitForSelector("h1");
    await untouched(page, path);
  }

  // A server that exchanges two sealed files is caught: neither is saved.
  const victim = await t.page();
  await victim.goto(`${server.url}/?new&now`);
  const drop = await victim.getAttribute("a.link", "href");
  const other = await t.page();
  await other.goto(drop);
  await other.setInputFiles("input[type=file][multiple]", [{ name: "one.txt", mimeType: "", buffer: Buffer.from("11111") }, { name: "two.txt", mimeType: "", buffer: Buffer.from("22222") }]);
  // Before the receiver looks: what it asks for as one file is answered with the other.
  const swap = {};
  await victim.context().route(/\/files\/[a-z2-7]{26}$/, async (route) => {
    const url = route.request().url();
    const answer = await route.fetch({ url: swap[url] ?? url });
    await route.fulfill({ response: answer });
  });
  await other.click("button.main:not(label)");
  await other.waitForSelector(".badge.good");
  await victim.waitForSelector(".items .rows li");
  const state = await victim.evaluate(async () => {
    const kept = JSON.parse(Object.entries(sessionStorage).find(([key]) => key.startsWith("qrx space"))[1]);
    const answer = await fetch(`/api/v1/spaces/${kept.guid}`, { headers: { Authorization: `Bearer ${kept.token}` } });
    return { guid: kept.guid, ...(await answer.json()) };
  });
  const items = state.deliveries[0].files.filter((file) => file.name !== "qrx-manifest.age").map((file) => `${server.url}/api/v1/spaces/${state.guid}/files/${file.file}`);
  [swap[items[0]], swap[items[1]]] = [items[1], items[0]];
  await victim.click('button[aria-label="Save one.txt"]');
  await victim.waitForFunction(() => [...document.querySelectorAll(".rows li .note")].some((note) => note.textContent.includes("not what the sender encrypted")));
  await t.shot(victim, "exchanged-desktop");
});
