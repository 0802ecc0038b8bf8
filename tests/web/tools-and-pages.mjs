#!/usr/bin/env node
// Tools and pages talk to each other, sealed: a screenshot of the receiver's page is read by qrx-send, whose picture then
// appears; a page opens qrx-recv's code and sends. What age and curl send is opened, too; what is not sealed is shown as such.
import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, statSync, utimesSync } from "node:fs";
import { check, equal, noise, run, wait_for } from "./browser.mjs";

const then = 1_000_000_000;  // 2001-09-09T01:46:40Z, a second that DOS can write

await run(async (t) => {
  const server = await t.server();

  // --- qrx-send to a page
  const receiver = await t.page();
  await receiver.goto(`${server.url}/?now`);
  await receiver.waitForSelector("svg.code");
  await receiver.screenshot({ path: t.path("screen.png") });
  await receiver.screenshot({ path: t.path("photo.png"), clip: { x: 300, y: 100, width: 500, height: 320 } });
  const drop = await receiver.getAttribute("a.link", "href");
  const text = t.file("tree/a/über.txt", "hello\n");
  const large = t.file("tree/large.bin", noise(1_200_000, 3));
  utimesSync(text, then, then);
  chmodSync(text, 0o755);
  const send = t.tool("qrx-send", "-p", "-i", t.path("screen.png"), "-m", "look", t.path("photo.png"), t.path("tree"));
  await send.ended();
  await receiver.waitForSelector(".pictures img");
  const shown = await receiver.evaluate(() => document.querySelector(".pictures img").naturalWidth);
  equal(500, shown, "width of the picture that appeared");
  equal("look", await receiver.textContent("blockquote"), "the note");
  equal(["photo.png", "tree/a/über.txt", "tree/large.bin"], (await receiver.locator(".items .rows .name").allTextContents()).sort(), "names");
  await t.shot(receiver, "picture-desktop");
  for (const [name, path] of [["photo.png", t.path("photo.png")], ["tree/large.bin", large], ["tree/a/über.txt", text]]) {
    const saved = await t.download(receiver, () => receiver.click(`button[aria-label="Save ${name}"]`));
    check(saved.bytes.equals(t.read(path.slice(t.directory.length + 1))), `${name} is what was sent`);
  }
  const zip = await t.download(receiver, () => receiver.click(".items .actions button"));
  t.file("all.zip", zip.bytes);
  const listed = execFileSync("python3", ["-c", "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print('\\n'.join(sorted(z.namelist())))", t.path("all.zip")]).toString();
  equal("photo.png\ntree/a/über.txt\ntree/large.bin\n", listed, "names in the zip");

  const dated = execFileSync("python3", ["-c", "import sys, time, zipfile; e = zipfile.ZipFile(sys.argv[1]).getinfo('tree/a/über.txt'); print(int(time.mktime((*e.date_time, 0, 0, -1))), oct(e.external_attr >> 16 & 0o777))", t.path("all.zip")]).toString();
  equal(`${then} 0o755\n`, dated, "date and mode in the zip");

  // The link to the page is all that qrx-recv needs to fetch the same.
  await t.tool("qrx-recv", "-s", server.url, "-o", t.path("fetched") + "/", "--seal", "require", await t.owner_link(receiver)).ended();
  for (const name of ["photo.png", "tree/large.bin", "tree/a/über.txt"]) check(t.read(`fetched/${name}`).equals(t.read(name)), `qrx-recv fetched ${name}`);

  // --- a large one is opened while it is written to disk: by a service worker, and through memory where there is none
  const movie = t.file("movie.bin", noise(40 * 1024 * 1024, 21));
  await t.tool("qrx-send", "-l", drop, movie).ended();
  const watched = await t.page();
  await watched.goto((await t.owner_link(receiver)).replace(server.url, server.named));
  for (const page of [receiver, watched]) {
    await page.waitForSelector('button[aria-label="Save movie.bin"]');
    const [download] = await Promise.all([page.waitForEvent("download"), page.click('button[aria-label="Save movie.bin"]')]);
    equal("movie.bin", download.suggestedFilename(), "the name");
    check(download.url().includes("/assets/save/") === (page === receiver), `the way to disk: ${download.url()}`);
    check(readFileSync(await download.path()).equals(t.read("movie.bin")), "the large file");
  }

  // --- age and curl, and curl alone
  const key = drop.split("#")[1].toLowerCase();
  const url = drop.split("#")[0];
  execFileSync("sh", ["-c", `printf secret | age -r ${key} | curl -sS -T - ${url}/by-age.txt.age`]);
  execFileSync("sh", ["-c", `printf plain | curl -sS -T - ${url}/by-curl.txt`]);
  for (const [name, bytes] of [["by-age.txt", "secret"], ["by-curl.txt", "plain"]]) {
    await receiver.waitForSelector(`button[aria-label="Save ${name}"]`);
    const saved = await t.download(receiver, () => receiver.click(`button[aria-label="Save ${name}"]`));
    equal([name, bytes], [saved.name, saved.bytes.toString()], "what was saved");
  }

  // --- a page to qrx-recv
  const recv = t.tool("qrx-recv", "--json", "--no-qr", "-s", server.url, "-o", t.path("in") + "/", "--seal", "require", "--sha256");
  const space = await recv.event("space");
  const sender = await t.page({ phone: true });
  await sender.goto(space.drop);
  const sent = noise(900_000, 5);
  const chosen = [t.file("from page.bin", sent), t.file("small.txt", "small")];
  for (const path of chosen) utimesSync(path, then, then);
  await sender.setInputFiles("input[type=file][multiple]", chosen);
  await sender.fill("#note", "a note");
  await sender.click("button.main:not(label)");
  await sender.waitForSelector(".badge.good");
  await recv.ended();
  check(t.read("in/from page.bin").equals(sent), "what qrx-recv saved is what the page sent");
  equal("small", t.read("in/small.txt").toString(), "the small file");
  for (const name of ["from page.bin", "small.txt"]) equal(then, statSync(t.path("in", name)).mtimeMs / 1000, `the date of ${name}`);
  const sums = await sender.locator(".files code").allTextContents();
  const saved = recv.lines.map((line) => JSON.parse(line)).filter((event) => event.event === "saved");
  equal(saved.map((event) => event.sha256).sort(), sums.sort(), "SHA-256 at both ends");
  check(saved.every((event) => event.sealed), "everything came sealed");

  // --- a page that has no key must not send to a space that takes only sealed files
  const strict = await server.space({ seal: "require", key });
  await sender.goto(`${server.url}/u/${strict.guid}`);
  await sender.waitForSelector(".badge.bad");
  equal("This link is incomplete", await sender.textContent("h1"), "heading without the key");

  // --- a folder, what is dropped, what is pasted
  const many = await server.space();
  await sender.goto(`${server.url}/u/${many.guid}`);
  const desktop = await t.page();
  await desktop.goto(`${server.url}/u/${many.guid}`);
  utimesSync(large, then, then);
  await desktop.setInputFiles("input[webkitdirectory]", t.path("tree"));
  await desktop.evaluate(() => {
    const give = (name, kind, text) => {
      const data = new DataTransfer();
      data.items.add(new File([text], name, { type: "text/plain", lastModified: 1 }));
      return kind === "drop" ? new DragEvent("drop", { dataTransfer: data, bubbles: true }) : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
    };
    document.body.dispatchEvent(give("dropped.txt", "drop", "dropped"));
    document.body.dispatchEvent(give("pasted.txt", "paste", "pasted"));
    document.body.dispatchEvent(give("pasted.txt", "paste", "pasted again"));
  });
  await desktop.click('button[aria-label="Remove tree/large.bin"]');
  await desktop.click("button.main:not(label)");
  await desktop.waitForSelector(".badge.good");
  const [all] = (await many.state()).deliveries;
  equal(["dropped.txt", "pasted (1).txt", "pasted.txt", "tree/a/über.txt"], all.files.map((file) => file.name).sort(), "what came of a folder, drop and paste");

  // --- a note alone, and files as they are where there is no key
  const plain = await server.space({ label: "Ann" });
  await sender.goto(`${server.url}/u/${plain.guid}`);
  await sender.waitForSelector(".seal.open");
  equal("Send to Ann", await sender.textContent("h1"), "heading with a label");
  await sender.fill("#note", "only words");
  await sender.click("button.main:not(label)");
  await sender.waitForSelector(".badge.good");
  const state = await wait_for(5, async () => {
    const now = await plain.state();
    return now.deliveries.length ? now : null;
  }, "the note arrives");
  equal("only words", state.deliveries[0].message, "the note as a text");
  equal(0, state.deliveries[0].files.length, "files beside the note");
  equal(0, await sender.locator(".files code").count(), "sums of no file");
});
