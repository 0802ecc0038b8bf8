#!/usr/bin/env node
// Manifests that lie about what stands in a pack: the page says so, goes on working, and saves nothing under a name that is not its own.
import { check, equal, noise, run } from "./browser.mjs";
import { item, pack, sealed_space, seal } from "./sealed.mjs";

const wrong = "not what the sender encrypted";
const ten = [["one", noise(4, 1)], ["two", noise(6, 2)]];

await run(async (t) => {
  const server = await t.server();
  const page = await t.page();
  const downloads = [];
  page.on("download", (download) => downloads.push(download.suggestedFilename()));
  const names = () => page.locator(".items .rows .name").allTextContents();
  const open = async (space) => {
    await page.goto("about:blank");
    await page.goto(space.owner);
    await page.waitForSelector(".items .rows li");
  };
  const warned = () => page.locator(".items > .warn.bad", { hasText: wrong }).count();

  // --- seen before anything is opened: files() makes the entries of a pack of "one" and "two"; what is there is listed as what it is
  const bad_sizes = (...sizes) => (entry) => [{ ...entry, files: entry.files.map((file, i) => ({ ...file, size: sizes[i] })) }];
  const lies = {
    "more than it holds": bad_sizes(4, 7), "far more than it holds": bad_sizes(4, 2 ** 52), "a negative size": bad_sizes(-6, 16), "a fraction": bad_sizes(4.5, 5.5),
    "a text as size": bad_sizes("4", 6), "a huge size": bad_sizes(4, 1e300), "a size beyond whole numbers": bad_sizes(4, 2 ** 53), "no size": bad_sizes(undefined, 6),
    "null": bad_sizes(null, 6), "an array": bad_sizes([4], 6),
    "no files": (entry) => [{ ...entry, files: [] }], "files that are none": (entry) => [{ ...entry, files: [null, 3, "x"] }],
    "a file without a name": (entry) => [{ ...entry, files: [{ size: 10 }] }], "a name that is a number": (entry) => [{ ...entry, files: [{ name: 1, size: 10 }] }],
    "a pack within": (entry) => [{ ...entry, files: [{ files: entry.files, size: 10 }] }],
    "twice": (entry) => [entry, entry], "a pack and a file": (entry) => [entry, { item: entry.item, tag: entry.tag, name: "whole" }],
    "files that are no list": (entry) => [{ ...entry, files: { length: 2 } }], "a name and files that are none": (entry) => [{ ...entry, name: "whole", files: null }],
    "no tag": ({ item: of, files }) => [{ item: of, files }],
  };
  for (const [lie, entries] of Object.entries(lies)) {
    const space = await sealed_space(server);
    const sent = await pack(space.recipient, ten);
    await space.deliver([sent], entries(sent.entry));
    await open(space);
    equal([1, [sent.name.slice(0, -4)]], [await warned(), await names()], `the manifest with ${lie}`);
    const got = await t.download(page, () => page.click(".items .rows button"));
    equal([sent.name.slice(0, -4), true], [got.name, got.bytes.equals(Buffer.concat(ten.map(([, bytes]) => bytes)))], `what can be saved in spite of ${lie}`);
  }

  // --- a pack that is too large, one that is not there, and a good one beside them
  const space = await sealed_space(server);
  const large = await pack(space.recipient, [["a", noise(200_000, 1)], ["b", noise(62_000, 2)]]);
  const good = await pack(space.recipient, [["good", noise(262_144 - 184 - 16 * 4, 7)]]);
  await space.deliver([large, good], [large.entry, good.entry, { item: `${"a".repeat(26)}.age`, tag: "0".repeat(32), files: [{ name: "away", size: 1 }] }]);
  await open(space);
  equal([1, [large.name.slice(0, -4), "good"].sort()], [await warned(), (await names()).sort()], "a pack over its size");
  equal(262_144 - 248, (await t.download(page, () => page.click('button[aria-label="Save good"]'))).bytes.length, "a pack of just its size");

  // --- seen when it is opened: nothing of it is saved, now and when it is asked for again
  const opened = {
    "less than it holds": async (sent) => [{ ...sent, entry: bad_sizes(4, 5)(sent.entry)[0] }],
    "nothing of what it holds": async (sent) => [{ ...sent, entry: bad_sizes(0, 0)(sent.entry)[0] }],
    "another tag": async (sent) => [{ ...sent, entry: { ...sent.entry, tag: "0".repeat(32) } }],
    "an item for another key": async (sent, key) => [{ ...sent, ...(await seal(key, noise(10))) }],
    "an item that is not sealed": async (sent) => [{ ...sent, sealed: noise(210, 1) }],
    "an item that was cut": async (sent) => [{ ...sent, sealed: Buffer.concat([sent.sealed.subarray(0, -1), Buffer.alloc(1)]) }],
  };
  const other = await sealed_space(server);
  for (const [lie, make] of Object.entries(opened)) {
    const one = await sealed_space(server);
    const sent = await make(await pack(one.recipient, ten), other.recipient);
    await one.deliver(sent);
    await open(one);
    equal(["one", "two"], await names(), `names of ${lie}`);
    downloads.length = 0;
    for (const name of ["one", "two", "one"]) {
      await page.click(`button[aria-label="Save ${name}"]`);
      await page.locator(".rows li", { hasText: name }).locator(".note", { hasText: wrong }).waitFor();
    }
    await page.click(".items .actions button");
    await page.waitForSelector(".items .actions .warn.bad");
    equal([], downloads, `what was saved of ${lie}`);
  }
  // The same of a file that came by itself: no server decides that it was not sealed.
  const single = await sealed_space(server);
  const plain = await item(single.recipient, Buffer.from("x"), { name: "report.pdf" });
  await single.deliver([{ ...plain, sealed: Buffer.from("somebody else's report") }]);
  await open(single);
  await page.click('button[aria-label="Save report.pdf"]');
  await page.locator(".rows .note", { hasText: wrong }).waitFor();
  equal([], downloads, "what was saved of a report that is none");

  // --- names lead nowhere
  const marks = ["../../etc/passwd", "/root/.profile", "..", "", "a\u0000\n\u001b[31mb", "\u202egnp.exe", "C:\\x", "same", "same", `${"x".repeat(300)}.txt`];
  const named = await sealed_space(server);
  await named.deliver([await pack(named.recipient, marks.map((name, i) => [name, Buffer.from([i])]))]);
  await open(named);
  const safe = ["etc/passwd", "root/.profile", "file", "file (1)", "a___[31mb", "_gnp.exe", "C__x", "same", "same (1)", `${"x".repeat(251)}.txt`];
  equal(safe, await names(), "names that are shown");
  for (const [i, name] of safe.entries()) {
    const got = await t.download(page, () => page.click(`button[aria-label="Save ${name}"]`));
    // Chromium takes a dot off the front.
    equal([name.split("/").pop().replace(/^\./, ""), i], [got.name, got.bytes[0]], `what is saved of ${JSON.stringify(marks[i])}`);
  }

  // --- very many, all of one name: listed as far as anybody reads, and the page answers
  const crowd = await sealed_space(server);
  const empty = await pack(crowd.recipient, [["x", noise(8)], ...Array.from({ length: 300_000 }, () => ["x", Buffer.alloc(0)])]);
  await crowd.deliver([empty]);
  const began = Date.now();
  await open(crowd);
  console.log(`300,000 files of one name: ${Date.now() - began} ms`);
  await page.waitForSelector("text=and 299501 more");
  check((await t.download(page, () => page.click('button[aria-label="Save x"]'))).bytes.equals(noise(8)), "the first of very many");
});
