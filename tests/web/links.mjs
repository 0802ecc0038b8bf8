#!/usr/bin/env node
// Links as people get them: a # that became %23 on its way is one again, a link without its key says so and offers nothing that
// fails, and the receiver's secrets do not stay in the address bar.
import { check, equal, noise, run, wait_for } from "./browser.mjs";

await run(async (t) => {
  const server = await t.server();
  const receiver = await t.page();
  await receiver.goto(`${server.url}/?now`);
  await receiver.waitForSelector("svg.code");

  // --- the receiver's page: no secret in its address, and reload, back and its copied link keep it
  const bare = new URL(receiver.url());
  equal("", bare.hash, "what stands behind the # of the receiver's page");
  const drop = await receiver.getAttribute("a.link", "href");
  const link = await t.owner_link(receiver);
  await receiver.reload();
  await receiver.waitForSelector("svg.code");
  equal(drop, await receiver.getAttribute("a.link", "href"), "the same code after a reload");
  await receiver.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.url });
  await receiver.locator(".options > summary").click();
  await receiver.click("text=Copy the link to this page");
  await wait_for(5, async () => (await receiver.evaluate(() => navigator.clipboard.readText())) === link, "the copied link is the whole one");
  const elsewhere = await t.page();
  await elsewhere.goto(link.replace("#", "%23"));
  await elsewhere.waitForSelector("svg.code");
  equal([drop, ""], [await elsewhere.getAttribute("a.link", "href"), new URL(elsewhere.url()).hash], "the copied link elsewhere, its # written as %23");
  // A second space in the same tab does not lose the first.
  const first = receiver.url();
  await receiver.goto(`${server.url}/?new&now`);
  await receiver.waitForFunction((old) => document.querySelector("a.link") && document.querySelector("a.link").href !== old, drop);
  await receiver.goto(first);
  await receiver.waitForSelector("svg.code");
  equal(drop, await receiver.getAttribute("a.link", "href"), "the first space of the tab");

  // Where the browser keeps nothing, the address does.
  const forgetful = await t.page();
  await forgetful.addInitScript(() => {
    for (const name of ["sessionStorage", "localStorage"]) Object.defineProperty(window, name, { get: () => { throw new DOMException("off", "SecurityError"); } });
  });
  await forgetful.goto(`${server.url}/?now`);
  await forgetful.waitForSelector("svg.code");
  check(/#[a-z2-7]{32}\.AGE-SECRET-KEY-1/.test(forgetful.url()), "without storage the address has the key");
  await forgetful.reload();
  await forgetful.waitForSelector("svg.code");

  // --- the drop link
  const sender = await t.page({ phone: true });
  await sender.goto(drop.replace("#", "%23"));
  await sender.waitForSelector(".seal:not(.open)");
  check(sender.url().includes("#AGE1"), `the # is back: ${sender.url()}`);
  await sender.setInputFiles("input[type=file][multiple]", [{ name: "a.bin", mimeType: "", buffer: noise(1000, 1) }]);
  await sender.click("button.main:not(label)");
  await sender.waitForSelector(".badge.good");
  await receiver.waitForSelector(".items .rows li");
  // What messengers hang on to a link, and what is no text at all.
  for (const [end, sealed] of [[".", true], [")", true], ["%", false]]) {
    await sender.goto("about:blank");
    await sender.goto(drop + end);
    await sender.waitForSelector(sealed ? ".seal:not(.open)" : ".seal.open");
  }

  // --- the share link, whole, without its key, and with %23
  const [, guid, token, identity] = link.match(/\/s\/([a-z2-7]{26})#([a-z2-7]{32})\.(AGE-SECRET-KEY-1[A-Z0-9]+)$/);
  const made = await fetch(`${server.url}/api/v1/spaces/${guid}/shares`, { method: "POST", headers: { Authorization: `Bearer ${token}` }, body: JSON.stringify({ recipients: ["link:a"] }) });
  const share = (await made.json()).shares[0].link;
  const pickup = await t.page();
  for (const end of ["", "#", `#${identity.slice(0, -1)}`]) {
    await pickup.goto("about:blank");
    await pickup.goto(share + end);
    await pickup.waitForSelector("[role=alert]");
    check((await pickup.textContent("[role=alert]")).includes("key is missing"), "what it says");
    equal(0, await pickup.locator("main button, main .items, main a").count(), `what is offered with ${end || "no fragment"}`);
  }
  await pickup.goto(`${share}%23${identity}`);
  const saved = await t.download(pickup, () => pickup.click('button[aria-label="Save a.bin"]'));
  check(saved.bytes.equals(noise(1000, 1)), "with %23 it opens");
  // Files that nobody sealed are there without a key.
  await fetch(`${server.url}/u/${guid}/open.txt`, { method: "PUT", body: "hello" });
  await pickup.goto("about:blank");
  await pickup.goto(share);
  await pickup.waitForSelector(".items");
  equal(["open.txt"], await pickup.locator(".items .rows .name").allTextContents(), "what is listed without the key");
});
