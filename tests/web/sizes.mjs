#!/usr/bin/env node
// The pages in windows from a small phone to a large screen, upright and on their side: nothing sticks out or is torn, what can be
// pressed is large enough for a finger, what is alike is of one size, and what is said of a connection that is lost is in sight.
import { check, equal, noise, run, wait_for } from "./browser.mjs";
import { overflowing } from "./layout.mjs";

const windows = [[320, 568], [375, 812], [812, 375], [1280, 800], [3840, 2160]];

// Smaller than a finger: but for links in the middle of a sentence.
const small = () => [...document.querySelectorAll("main button, main a, main summary, main select, main textarea, main label.check, main label.button, header a, footer a")]
  .filter((e) => e.getClientRects().length > 0 && !e.closest("blockquote")).map((e) => [e, e.getBoundingClientRect()])
  .filter(([, box]) => box.height < 43.5 || box.width < 43.5).map(([e, box]) => `${e.tagName} ${e.textContent.trim().slice(0, 30)} ${Math.round(box.width)}x${Math.round(box.height)}`);

// Buttons whose words take more than one line although they stand beside others.
const torn = () => [...document.querySelectorAll(".actions > *, .zone > .button")].filter((e) => {
  const words = e.querySelector("span")?.getClientRects()[0];
  const line = parseFloat(getComputedStyle(e).lineHeight);
  return words && words.height > line * 1.5 && e.getBoundingClientRect().width < e.parentElement.clientWidth - 1;
}).map((e) => e.textContent);

const boxes = (page, selector) => page.evaluate((which) => [...document.querySelectorAll(which)].map((e) => e.getBoundingClientRect()).map(({ x, y, width, height }) => ({ x, y, width, height })), selector);
const one_size = (sizes, about) => {
  check(sizes.length > 1, `${about}: ${sizes.length} of them`);
  for (const box of sizes) check(Math.abs(box.height - sizes[0].height) <= 1 && Math.abs(box.width - sizes[0].width) <= 1, `${about}: ${JSON.stringify(sizes)}`);
};

await run(async (t) => {
  const server = await t.server();
  const at_all = async (page, name, also = async () => undefined) => {
    for (const [width, height] of windows) {
      await page.setViewportSize({ width, height });
      const where = `${name} at ${width}x${height}`;
      equal(0, await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), `pixels too wide: ${where}`);
      equal([], await page.evaluate(overflowing), `what sticks out: ${where}`);
      equal([], await page.evaluate(small), `too small to press: ${where}`);
      equal([], await page.evaluate(torn), `torn words: ${where}`);
      const [[mark], [main]] = [await boxes(page, ".mark"), await boxes(page, "main")];
      check(mark.x >= main.x - 1 && mark.x < main.x + 8, `the name does not stand above the page: ${where}: ${mark.x}, ${main.x}`);
      await also(width, height, where);
      await t.shot(page, `size-${name}-${width}`);
    }
    await page.setViewportSize({ width: 375, height: 812 });
  };
  const open_all = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((e) => (e.open = true)));
  const close_all = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((e) => (e.open = false)));

  const page = await t.page();
  await page.goto(server.url);
  await page.waitForSelector(".entries");
  await open_all(page);
  await at_all(page, "home", async (width, height, where) => one_size(await boxes(page, ".entries > .main"), `the entries: ${where}`));
  await page.goto(`${server.named}/?now`);
  await page.waitForFunction(() => document.querySelector(".words")?.textContent);
  await at_all(page, "waiting", async (width, height, where) => {
    const [code] = await boxes(page, ".code-frame");
    // On a phone in either hand it is in sight as a whole, and on a screen at the wall it can be read from afar.
    check(code.y >= 0 && code.y + code.height <= height, `the code is not in sight: ${where}: ${JSON.stringify(code)}`);
    check(code.width >= Math.min(width, height) * (width > 3000 ? 0.4 : 0.45), `a small code: ${where}: ${code.width}`);
  });
  const where_code_is = async () => (await page.evaluate(() => scrollTo(0, 0)), await boxes(page, ".code-frame"))[0];
  await page.setViewportSize({ width: 1440, height: 900 });
  const was = await where_code_is();
  await open_all(page);
  equal(was, await where_code_is(), "the code when what stands beside it is opened");
  await at_all(page, "waiting-open");
  await close_all(page);

  const sender = await t.page();
  await sender.goto(await page.getAttribute("a.link", "href"));
  await sender.waitForSelector(".zone");
  await at_all(sender, "sender");
  const picture = (width, height) => sender.evaluate(([w, h]) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: w, height: h });
    canvas.getContext("2d").fillRect(0, 0, w, h / 2);
    return canvas.toDataURL("image/png").split(",")[1];
  }, [width, height]).then((text) => Buffer.from(text, "base64"));
  const files = [["wide.png", await picture(800, 500)], ["tall.png", await picture(300, 900)], ["notes.txt", Buffer.from("notes")],
    ["a.bin", noise(3000)], ["a-name-as-long-as-those-that-offices-give-final-v2.docx", noise(2_000_000)],
    ["全家福-all-of-us-at-the-lake-in-the-last-summer-before-school.png", await picture(400, 400)]].map(([name, buffer]) => ({ name, mimeType: "", buffer }));
  await sender.setInputFiles("input[type=file][multiple]", files);
  await sender.waitForSelector(".rows li");
  await at_all(sender, "chosen", async (width, height, where) => one_size((await boxes(sender, ".chosen li")).slice(0, 4), `entries of the list: ${where}`));
  const line = await sender.context().newCDPSession(sender);
  await line.send("Network.enable");
  const slow = (bytes) => line.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytes });
  await slow(40_000);
  await sender.click("button.main:not(label)");
  await page.waitForFunction(() => document.querySelector(".incoming progress")?.value > 0);
  await at_all(sender, "sending");
  await at_all(page, "receiving");
  await slow(-1);
  await sender.waitForSelector(".badge.good");
  await open_all(sender);
  await at_all(sender, "sent");
  await page.waitForFunction(() => document.querySelectorAll(".pictures img").length === 3);
  await at_all(page, "received", async (width, height, where) => {
    one_size(await boxes(page, "figure a"), `tiles of pictures: ${where}`);
    // Also beside a name of several lines a tile ends where its frame does.
    const ends = async (selector) => (await boxes(page, selector)).map((box) => Math.round(box.y + box.height));
    equal(await ends("figure"), await ends("figcaption"), `ends of the tiles: ${where}`);
    one_size(await boxes(page, ".items .rows li:not(:has([aria-label*='-a']))"), `entries of the list: ${where}`);
  });
  await open_all(page);
  await page.click("text=Create link");
  await page.waitForSelector(".share");
  await page.fill("#to", "a.person.with.a.long.name@mail.example.org\n+8613800138000");
  await page.selectOption("#how", "self");
  await page.click(".pass button.main");
  await wait_for(10, async () => (await page.locator(".share").count()) === 3, "three links");
  // What it means that the server sends a link with a key is said in full.
  await page.selectOption("#how", "server");
  check(await page.isVisible("text=The server then has the key"), "nobody says that the server gets the key");
  await at_all(page, "received-open");

  // --- the connection is lost: said where one looks, at the top
  await close_all(page);
  await server.stop("SIGKILL");
  await page.waitForSelector("text=Connection lost");
  await at_all(page, "lost", async (width, height, where) => {
    await page.evaluate(() => scrollTo(0, 0));
    const [said] = await boxes(page, ".line");
    check(said.y + said.height <= height, `below the window: ${where}: ${said.y}`);
  });
  await server.restart();

  // --- ends, and what stands there without script
  const space = await server.space({ label: "Ann" });
  await sender.goto(`${server.url}/u/${space.guid}`);
  await sender.waitForSelector(".zone");
  await sender.setInputFiles("input[type=file][multiple]", files.slice(0, 1));
  await fetch(`${server.url}/api/v1/spaces/${space.guid}`, { method: "PATCH", headers: { Authorization: `Bearer ${space.token}` }, body: JSON.stringify({ state: "closed" }) });
  await sender.click("button.main:not(label)");
  // Nothing is offered that cannot help.
  await sender.waitForSelector(".badge.wait");
  equal(["No longer accepting files", 0], [await sender.textContent("h1"), await sender.locator("main button").count()], "closed meanwhile");
  const bare = await t.page({ script: false });
  const named = await server.space({ label: "Ann" });
  for (const path of ["", "scan", `s/${space.guid}`, `u/${space.guid}`, `u/${"a".repeat(26)}`, `u/${(await server.space()).guid}`]) {
    await bare.goto(`${server.url}/${path}`);
    await at_all(bare, `bare-${path.slice(0, 4).replace("/", "-")}`);
  }
  // A short name is not torn for what stands beside it.
  for (const [name, body] of [["wide.png", files[0].buffer], ["holiday.jpeg", "x".repeat(2000)]]) equal(201, (await fetch(`${named.upload_url}/${name}`, { method: "PUT", body })).status, "PUT");
  const shared = await fetch(`${server.url}/api/v1/spaces/${named.guid}/shares`, { method: "POST", headers: { Authorization: `Bearer ${named.token}` }, body: JSON.stringify({ recipients: ["link:a"] }) });
  await bare.goto((await shared.json()).shares[0].link);
  await at_all(bare, "bare-share", async (width, height, where) => equal([1, 1], (await bare.evaluate(() => [...document.querySelectorAll(".files b")].map((e) => {
    const range = document.createRange();
    range.selectNodeContents(e);
    return new Set([...range.getClientRects()].map(({ y }) => y)).size;
  }))), `lines of a short name: ${where}`));
  await bare.goto(`${server.url}/u/${named.guid}`);
  await bare.click("button[type=submit]");
  check((await bare.textContent("main")).includes("Go back"), "what to do when nothing was chosen");
});
