#!/usr/bin/env node
/*
# run: timeout=600
*/
// Every state of every page in Chinese, in the window of a phone: nothing sticks out, and no word of it stayed English.
import { equal, noise, run, wait_for } from "./browser.mjs";
import { overflowing } from "./layout.mjs";

// Words that Chinese readers know as they are; names, links, sums and what the person wrote are not words of the page.
const known = /^(qrx(-recv|-send)?|JavaScript|HTTPS?|QR|zip|SHA-256|XXH3-128|sha256sum|xxh128sum|localhost|KiB|MiB|GiB|curl|age|B|s|PDF|alice@example\.org|[a-z2-7]{13})$/;  // the last: the id of a request
const english = () => {
  const found = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const look = (text) => (text ?? "").replace(/https?:\/\/\S+|\S+\.(txt|png|bin)/gi, "").split(/[^A-Za-z0-9@.'-]+/).filter((word) => /[A-Za-z]{2}/.test(word)).forEach((word) => found.add(word.replace(/^[.-]+|[.-]+$/g, "")));
  while (walk.nextNode()) {
    const parent = walk.currentNode.parentElement;
    if (!parent.closest("script, style, code, pre, blockquote, .name, .words, .link, .links, .host, .files b, figcaption, [data-own]")) look(walk.currentNode.textContent);
  }
  for (const e of document.querySelectorAll("[aria-label], [title], [placeholder], [alt]"))
    if (!e.closest("[data-own]")) for (const name of ["aria-label", "title", "placeholder", "alt"]) look(e.getAttribute(name));
  look(document.title);
  return [...found];
};

await run(async (t) => {
  t.flags.push("--blink-settings=primaryHoverType=1,availableHoverTypes=1,primaryPointerType=2,availablePointerTypes=2");  // a finger
  const server = await t.server();
  let number = 0;
  const state = async (page, name) => {
    await t.shot(page, `zh-${String(++number).padStart(2, "0")}-${name}`);
    equal([], await page.evaluate(overflowing), `what sticks out: ${name}`);
    equal([], await page.evaluate(() => [...document.querySelectorAll("p, li, span")].map((e) => e.textContent).filter((text) => /[。，] +[^ -~]/.test(text))), `a space between Chinese sentences: ${name}`);
    equal([], (await page.evaluate(english)).filter((word) => !known.test(word)), `words that are not Chinese: ${name}`);
  };
  const open_all = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((e) => (e.open = true)));
  const opened = [];
  const phone = async (more = {}) => {
    opened.push(await t.page({ phone: true, language: "zh-CN", ...more }));
    return opened.at(-1);
  };

  // --- home, and choosing before scanning
  const home = await phone();
  await home.goto(`${server.url}/`);
  await home.waitForSelector(".entries");
  await state(home, "home");
  await open_all(home);
  await state(home, "home-open");
  await home.goto(`${server.url}/scan?send`);
  await home.waitForSelector(".zone");
  await state(home, "choose-first");
  await home.setInputFiles("input[type=file][multiple]", [{ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("a") }]);
  await home.waitForSelector(".rows li");
  await state(home, "chosen-first");
  await home.click("button.main");
  await home.waitForFunction(() => document.querySelector(".line")?.textContent);
  await state(home, "no-camera");
  await home.goto(`${server.url}/scan?shared=lost`);
  await home.waitForSelector(".warn");
  await state(home, "shared-lost");

  // --- a receiver and a sender
  const receiver = await phone();
  await receiver.goto(`${server.url}/?now`);
  await receiver.waitForFunction(() => document.querySelector(".words")?.textContent);
  await state(receiver, "waiting");
  await open_all(receiver);
  await state(receiver, "waiting-open");
  const drop = await receiver.getAttribute("a.link", "href");
  const sender = await phone();
  await sender.goto(drop);
  await sender.waitForFunction(() => document.querySelector(".words")?.textContent);
  await state(sender, "sender");
  await open_all(sender);
  await state(sender, "sender-open");
  const picture = await sender.screenshot();
  await sender.setInputFiles("input[type=file][multiple]", [{ name: "holiday.png", mimeType: "image/png", buffer: picture }, { name: "larger.bin", mimeType: "", buffer: noise(3_000_000, 4) }, { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("笔记 https://example.org/a") }]);
  await sender.waitForSelector(".rows li");
  await sender.fill("#note", "周末的照片 https://example.org/");
  await state(sender, "chosen");
  const line = await sender.context().newCDPSession(sender);
  await line.send("Network.enable");
  const slow = (bytes, offline = false) => line.send("Network.emulateNetworkConditions", { offline, latency: 0, downloadThroughput: -1, uploadThroughput: bytes });
  await slow(60_000);
  await sender.click("button.main:not(label)");
  await receiver.waitForSelector(".incoming:not([hidden])");
  await receiver.waitForFunction(() => document.querySelector(".incoming progress")?.value > 0);
  await sender.waitForFunction(() => document.querySelector(".total .size").textContent.includes("剩余"));
  await state(sender, "sending");
  await state(receiver, "receiving");
  await sender.click("text=暂停");
  await sender.waitForFunction(() => document.querySelector("h1").textContent === "已暂停");
  await state(sender, "paused");
  await sender.click("text=继续");
  await sender.waitForSelector("text=正在发送");
  await slow(60_000, true);
  await sender.waitForSelector("text=连接中断");
  await state(sender, "sender-offline");
  // However often it tries meanwhile, the heading stays: it is also what a screen reader says.
  await sender.evaluate(() => {
    globalThis.headings = new Set();
    new MutationObserver(() => globalThis.headings.add(document.querySelector("h1").textContent)).observe(document.querySelector("h1"), { childList: true, characterData: true, subtree: true });
  });
  let tries = 0;
  sender.on("requestfailed", () => ++tries);
  await wait_for(60, () => tries >= 2, "two more tries");
  equal([], await sender.evaluate(() => [...globalThis.headings]), "headings while the connection is lost");
  await slow(-1);
  await sender.waitForSelector(".badge.good");
  await state(sender, "sent");
  await open_all(sender);
  await state(sender, "sent-open");
  await receiver.waitForSelector(".pictures img");
  await receiver.waitForSelector(".text");
  await receiver.waitForSelector(".pass");
  await state(receiver, "received");
  await open_all(receiver);
  await receiver.click("text=创建链接");
  await receiver.waitForSelector(".share");
  await state(receiver, "received-open");
  await receiver.click("text=延长一小时");
  await receiver.waitForFunction(() => document.querySelector(".answer")?.textContent);
  await state(receiver, "longer");
  await receiver.click("text=停止接收");
  await receiver.waitForFunction(() => document.querySelector(".answer")?.textContent.startsWith("已停止接收"));
  await state(receiver, "closed");
  await sender.click("text=继续发送");
  await sender.waitForFunction(() => document.querySelector("h1").textContent === "已停止接收");
  await state(sender, "sender-closed");
  await receiver.click("button.danger");
  await receiver.waitForFunction(() => document.querySelector("h1").textContent === "已删除");
  await state(receiver, "deleted");
  await sender.goto("about:blank");
  await sender.goto(drop);
  await state(sender, "nothing-here");

  // --- a message alone; no name in the link, limits, a link that is cut
  const space = await server.space({ label: "小安", max_size: 1_000_000, max_files: 1 });
  const plain = await phone();
  await plain.goto(`${server.url}/u/${space.guid}`);
  await plain.waitForSelector(".zone");
  await open_all(plain);
  await state(plain, "sender-not-sealed");
  await plain.setInputFiles("input[type=file][multiple]", [{ name: "large.bin", mimeType: "", buffer: Buffer.alloc(1_100_000) }]);
  await plain.waitForSelector(".warn.bad:not([hidden])");
  await state(plain, "too-large");
  await plain.setInputFiles("input[type=file][multiple]", [{ name: "b.txt", mimeType: "", buffer: Buffer.from("b") }]);
  await plain.click("button[aria-label*='large.bin']");
  await plain.fill("#note", "晚上八点见");
  await plain.click("button[aria-label*='b.txt']");
  await plain.waitForFunction(() => document.querySelector("button.main:not(label)").textContent === "发送留言");
  await state(plain, "note-alone");
  await plain.click("button.main:not(label)");
  await plain.waitForSelector(".badge.good");
  await state(plain, "note-sent");
  const owner = await phone();
  await owner.goto(space.owner);
  await owner.waitForSelector(".text");
  await state(owner, "note-arrived");
  await owner.goto("about:blank");
  const strange = await phone();
  await strange.goto(`${server.url}/s/${space.guid}`);
  await strange.waitForSelector(".badge.bad");
  await state(strange, "no-owner-key");
  await strange.goto(`${server.url}/u/${space.guid}#AGE1CUT`);
  await strange.waitForSelector(".badge.bad");
  await state(strange, "link-cut-off");

  // --- recipients
  const given = await server.space({ label: "小安" });
  await fetch(`${given.upload_url}/a.txt`, { method: "PUT", body: "hello" });
  await fetch(`${given.upload_url}/b.png`, { method: "PUT", body: picture });
  const headers = { Authorization: `Bearer ${given.token}` };
  const share = async (wish) => (await (await fetch(`${server.url}/api/v1/spaces/${given.guid}/shares`, { method: "POST", headers, body: JSON.stringify(wish) })).json()).shares[0];
  const many = await share({ recipients: ["link:many"], message: "请看" });
  const once = await share({ recipients: ["link:once"], downloads: 1 });
  const pickup = await phone();
  await pickup.goto(many.link);
  await pickup.waitForSelector(".pictures img");
  await state(pickup, "pickup");
  await pickup.goto(once.link);
  await pickup.waitForSelector(".items .rows li");
  await state(pickup, "pickup-once");
  await t.download(pickup, () => pickup.click('button[aria-label="保存 a.txt"]'));
  await pickup.waitForFunction(() => !document.querySelector('button[aria-label="保存 a.txt"]'));
  await state(pickup, "picked-up");
  await fetch(`${server.url}/api/v1/spaces/${given.guid}/shares/${many.share}`, { method: "DELETE", headers });
  await pickup.goto(many.link);
  await state(pickup, "withdrawn");

  // --- without script
  const bare = await phone({ script: false });
  for (const path of ["", "scan", `s/${space.guid}`, `u/${given.guid}`, new URL(once.link).pathname.slice(1), "nowhere"]) {
    await bare.goto(`${server.url}/${path}`);
    await t.shot(bare, `zh-bare-${path.slice(0, 2).replace("/", "") || "home"}`);
  }
  await bare.goto(`${server.url}/u/${given.guid}`);
  await bare.setInputFiles("input[type=file]", [{ name: "one.txt", mimeType: "text/plain", buffer: Buffer.from("1") }]);
  await bare.click("button[type=submit]");
  await t.shot(bare, "zh-bare-sent");
  equal("发送成功", await bare.textContent("h1"), "without script");

  // --- the server is away
  // Its worker may be looked for just then; those of the others are not to be.
  for (const page of opened) await page.close();
  const lonely = await phone({ may_fail: ["when fetching the script"] });
  await lonely.goto(`${server.url}/?now`);
  await lonely.waitForSelector("svg.code");
  await server.stop("SIGKILL");
  await lonely.waitForSelector("text=连接中断");
  await state(lonely, "receiver-line-lost");
});
