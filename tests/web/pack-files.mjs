#!/usr/bin/env node
// Small files that were sealed together: each is shown, opened and saved by itself, and what they came in is fetched once for all of
// them, by the owner's page and by links, of which a limited one gives it once.
import { execFileSync } from "node:child_process";
import { check, equal, noise, run, wait_for } from "./browser.mjs";
import { item, pack, sealed_space } from "./sealed.mjs";

const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
const mixed = [
  ["trip/dot.png", png], ["trip/words.txt", Buffer.from("read me: 你好")], ["empty.bin", Buffer.alloc(0)],
  ["trip/x.bin", noise(3001, 5), { modified: "2001-09-09T01:46:40Z", executable: true }],
];
const many = Array.from({ length: 200 }, (_, n) => [`many/${String(n).padStart(3, "0")}.bin`, noise(1000 + n, n + 10)]);
const large = noise(300_000, 3);

const shown_rows = (page) => page.evaluate(() => Object.fromEntries([...document.querySelectorAll(".items .rows li")].map((li) => [li.querySelector(".name").textContent, li.querySelector(".size").textContent])));
const save = (t, page, name) => t.download(page, () => page.click(`button[aria-label="Save ${name}"]`));

// What a page asks of the server for that item.
function watched(page, id) {
  const asked = [];
  page.on("request", (request) => request.url().endsWith(id) && asked.push(request.method()));
  return asked;
}

function check_zip(t, zip, want) {
  t.file("all.zip", zip);
  const script = `import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
z.extractall(sys.argv[2])
print(json.dumps([[i.filename, i.external_attr >> 16 & 0o111, i.date_time[0]] for i in z.infolist()]))`;
  const listed = JSON.parse(execFileSync("python3", ["-c", script, t.path("all.zip"), t.path("unzipped")], { encoding: "utf8" }));
  equal(want.map(([name]) => name).sort(), listed.map(([name]) => name).sort(), "names in the zip");
  for (const [name, bytes] of want) check(t.read(`unzipped/${name}`).equals(bytes), `${name} in the zip is what was sealed`);
  const [, mode, year] = listed.find(([name]) => name === "trip/x.bin");
  equal([0o111, 2001], [mode, year], "mode and date in the zip");
}

await run(async (t) => {
  const server = await t.server();
  const space = await sealed_space(server);
  const { recipient } = space;
  const sent = [await pack(recipient, mixed), await item(recipient, large, { name: "large.bin" }), await pack(recipient, many)];
  const delivery = await space.deliver(sent);
  const all = [...mixed, ["large.bin", large], ...many];
  const ids = await Promise.all(sent.map(({ name }) => space.id_of(name)));
  const receipt = async () => (await (await fetch(delivery)).json()).receipt;

  // --- the owner
  const owner = await t.page();
  const asked = ids.map((id) => watched(owner, id));
  await owner.goto(space.owner);
  await owner.waitForSelector(".items .rows li");
  const rows = await shown_rows(owner);
  equal(all.map(([name]) => name).sort(), Object.keys(rows).sort(), "names");
  equal(["2.9\u00a0KiB", "0\u00a0B", "293.0\u00a0KiB", "1.2\u00a0KiB"], [rows["trip/x.bin"], rows["empty.bin"], rows["large.bin"], rows["many/199.bin"]], "sizes");
  check((await owner.textContent("h1")).includes("205 files"), "how many files are told");
  await owner.waitForFunction(() => document.querySelector(".pictures img")?.naturalWidth === 1);
  await owner.waitForSelector("text=read me: 你好");
  equal(0, await owner.locator(".arrived .warn").count(), "warnings");
  await t.shot(owner, "packs-desktop");
  for (const name of ["trip/x.bin", "empty.bin", "trip/dot.png", "many/100.bin", "large.bin"]) {
    const got = await save(t, owner, name);
    equal(name.split("/").pop(), got.name, "the name it is saved under");
    check(got.bytes.equals(all.find(([one]) => one === name)[1]), `${name} is what was sealed`);
  }
  equal([["GET"], ["GET"], ["GET"]], asked, "what was asked for: a picture, a text and four files out of two packs, and one by itself");
  // Of an item the receiver tells once all of it is saved.
  await wait_for(10, async () => (await receipt()).saved === 1, "the receipt of what came by itself");
  check_zip(t, (await t.download(owner, () => owner.click(".items .actions button"))).bytes, all);
  equal([["GET"], ["GET", "GET"], ["GET"]], asked, "a zip asks once for each");
  await wait_for(10, async () => (await receipt()).missing === 0, "the receipt of all");
  await owner.close();

  // --- a link
  const bob = await t.page({ phone: true });
  const bobs = ids.map((id) => watched(bob, id));
  await bob.goto(await space.link());
  await bob.waitForSelector(".pictures img");
  equal(rows, await shown_rows(bob), "names and sizes by a link");
  check((await save(t, bob, "many/007.bin")).bytes.equals(many[7][1]), "a file of a pack by a link");
  check_zip(t, (await t.download(bob, () => bob.click(".items .actions button"))).bytes, all);
  equal([["GET"], ["GET"], ["GET"]], bobs, "what a link was asked for");
  await bob.close();

  // --- a link for one download: what one file took is there for all that came with it
  const cat = await t.page();
  const cats = ids.map((id) => watched(cat, id));
  await cat.goto(await space.link({ downloads: 1 }));
  await cat.click("button.main");
  await cat.waitForSelector(".items .rows li");
  equal([[], [], []], cats, "looking takes nothing of a limited link");
  for (const [name, bytes] of [...mixed, ["large.bin", large]]) {
    check((await save(t, cat, name)).bytes.equals(bytes), `${name} by a limited link`);
    await cat.waitForFunction((label) => !document.querySelector(`button[aria-label="${label}"]`), `Save ${name}`);
  }
  equal([["POST"], ["POST"], []], cats, "what a limited link was asked for");
  await cat.reload();
  await cat.waitForSelector(".items .rows li");
  await cat.click('button[aria-label="Save trip/x.bin"]');
  await cat.waitForSelector("text=reached its download limit");

  // --- more packs than stay open: each is fetched again when it is wanted again
  const other = await sealed_space(server);
  const packs = await Promise.all(Array.from({ length: 20 }, (_, n) => pack(other.recipient, [[`${n}/a.bin`, noise(50, n + 1)], [`${n}/b.bin`, noise(60, n + 41)]])));
  await other.deliver(packs);
  const again = await t.page();
  await again.goto(other.owner);
  await again.waitForSelector(".items .rows li");
  const first = watched(again, await other.id_of(packs[0].name));
  const one = async () => check((await save(t, again, "0/b.bin")).bytes.equals(noise(60, 41)), "0/b.bin is what was sealed");
  await one();
  await t.download(again, () => again.click(".items .actions button"));
  await one();
  equal(["GET", "GET"], first, "what was put away is asked for again, and only then");

  // --- as qrx-send makes them, for a space that says that it takes packs
  const real = await sealed_space(server, { packs: true });
  for (const [name, bytes] of many) t.file(`sent/${name}`, bytes);
  await t.tool("qrx-send", "-q", "-l", real.drop, t.path("sent")).ended();
  const dora = await t.page();
  await dora.goto(real.owner);
  await dora.waitForSelector(".items .rows li");
  equal(many.map(([name]) => `sent/${name}`).sort(), Object.keys(await shown_rows(dora)).sort(), "names by qrx-send");
  check((await save(t, dora, "sent/many/150.bin")).bytes.equals(many[150][1]), "a file that qrx-send packed");
});
