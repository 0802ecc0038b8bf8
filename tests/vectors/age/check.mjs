// Runs every test vector of the package cctv-age through seal-driver: check.mjs DRIVER.
// What qrx opens (X25519, not armored) must give the result and the released bytes that the vector says; what it does not
// open must be refused as what it is. The format of the vectors is described in the package's README.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { inflateSync } from "node:zlib";
import * as vectors from "cctv-age";

const driver = process.argv[2];

// The words of seal-driver for each expectation of the vectors.
const words = {
  "success": [""],
  "no match": ["no_match"],
  "HMAC failure": ["changed_header"],
  "header failure": ["not_age", "other_version", "malformed_header"],
  "payload failure": ["changed_payload", "truncated", "trailing"],
};

function parse(vector) {
  const bytes = Buffer.from(vector);
  const end = bytes.indexOf("\n\n");
  const fields = { identity: [] };
  for (const line of bytes.subarray(0, end).toString("latin1").split("\n")) {
    const [key, value] = [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)];
    if (key === "identity") fields.identity.push(value);
    else fields[key] = value;
  }
  const body = bytes.subarray(end + 2);
  return { ...fields, file: fields.compressed === "zlib" ? inflateSync(body) : body };
}

function run(args, input, identity = "") {
  const { status, stdout, stderr } = spawnSync(driver, args, {
    input, env: { ...process.env, SEAL_IDENTITY: identity }, maxBuffer: 1 << 28 });
  return { status, stdout, word: stderr.toString().trim() };
}

const hybrid = (identity) => identity.startsWith("AGE-SECRET-KEY-PQ-");

function check(name, vector) {
  const wrong = [];
  const want = (what, got, expected) => {
    if (!expected.includes(got)) wrong.push(`${what} is "${got}", not ${expected.map((e) => `"${e}"`).join(" or ")}`);
  };
  const natives = vector.identity.filter((identity) => !hybrid(identity));
  for (const identity of vector.identity.filter(hybrid)) {
    want("a hybrid identity", run(["open"], vector.file, identity).word, ["the identity is not an X25519 key of age v1"]);
  }
  // A passphrase vector has no identity: any must be told that the file is not for a key, or what is wrong with the header.
  const identities = natives.length > 0 ? natives : [stranger];
  const pieces = vector.file.length > 1 << 20 ? ["65536"] : ["1", "1000", "65552", "1000000"];
  for (const piece of pieces) {
    const results = identities.map((identity) => run(["open", piece], vector.file, identity));
    const result = results.find(({ word }) => word !== "no_match") ?? results[0];
    if (vector.armored === "yes") {
      // Whatever is before the armor makes it no age file either.
      want("the refusal", result.word, ["armored", "not_age"]);
      if (result.stdout.length > 0) wrong.push("plain bytes of an armored file");
    } else if (natives.length === 0 && vector.passphrase === undefined) {
      want("the refusal", result.word, ["no_match", "malformed_header", "not_age"]);
    } else if (natives.length === 0) {
      const alone = vector.file.toString("latin1").startsWith("age-encryption.org/v1\n-> scrypt ");
      const expected = vector.expect === "header failure" ? ["passphrase", "malformed_header"] : ["passphrase"];
      want("the refusal", result.word, alone ? expected : ["no_match", "malformed_header"]);
    } else {
      want(`the result in pieces of ${piece}`, result.word, words[vector.expect]);
      want("the exit status", result.status, vector.expect === "success" ? [0] : [6]);
      const released = createHash("sha256").update(result.stdout).digest("hex");
      const nothing = createHash("sha256").digest("hex");
      want("the SHA-256 of what was released", released, [vector.payload ?? nothing]);
      counted.native += piece === pieces[0];
    }
  }
  if (vector.armored !== "yes" && vector.expect !== "header failure") {
    const again = run(["rewrite"], vector.file);
    if (!again.stdout.equals(vector.file)) wrong.push("the header, read and written, is not the same");
    counted.rewritten += 1;
  }
  return wrong;
}

const counted = { native: 0, rewritten: 0 };
const stranger = run(["keygen"], "").stdout.toString().split("\n")[0];
let bad = 0;
const names = Object.keys(vectors).sort();
for (const name of names) {
  const wrong = check(name, parse(vectors[name]));
  for (const text of wrong) console.log(`${name}: ${text}`);
  bad += wrong.length > 0;
}
console.log(`${names.length} vectors, ${counted.native} of them opened or refused in full, ` +
  `${counted.rewritten} headers rewritten, ${bad} wrong`);
process.exit(bad > 0 || names.length < 140 || counted.native < 60 ? 1 : 0);
