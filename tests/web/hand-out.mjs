#!/usr/bin/env node
// What qrx-share --file hands out, opened on a phone by what its code says: saved once, whole, and then it is over.
import { check, equal, noise, run, wait_for } from "./browser.mjs";
import { existsSync } from "node:fs";

await run(async (t) => {
  const photo = noise(1_500_000, 4);
  const share = t.tool("qrx-share", "--json", "-b", "127.0.0.1:0", "-f", t.file("photo.bin", photo), "--qr-file", t.path("code.png"));
  await share.event("share");
  await wait_for(20, () => existsSync(t.path("code.png")), "the picture of the code");
  const scan = t.tool("qrx-send", "--scan-only", "--any", "-i", t.path("code.png"));
  await scan.ended();
  const link = scan.lines[0];
  check(/^HTTP:\/\/127\.0\.0\.1:\d+\/D\/[A-Z2-7]{32}#AGE-SECRET-KEY-1[0-9A-Z]{58}$/.test(link), link);
  t.allowed.add(new URL(link).host);

  const phone = await t.page({ phone: true });
  await phone.goto(link);
  await phone.click("button.main");
  await phone.waitForSelector(".items .rows li");
  await t.shot(phone, "handed-out-phone");
  const saved = await t.download(phone, () => phone.click('button[aria-label="Save photo.bin"]'));
  equal("photo.bin", saved.name, "name");
  check(saved.bytes.equals(photo), "what was saved is what was handed out");
  await share.ended(0);
});
