// Deliveries that a test seals by itself, with whatever manifest it likes, to a space whose key it has.
import { createHmac, hkdfSync } from "node:crypto";
import { join, resolve } from "node:path";
import { equal } from "./browser.mjs";

const source = process.env.QRX_SOURCE ?? resolve(import.meta.dirname, "../..");
const { Encrypter, generateX25519Identity, identityToRecipient } = await import(join(source, "src/web/node_modules/age-encryption/dist/index.js"));

// The age file of these bytes, and its tag (qrx-protocol(7), "Sealed deliveries").
export async function seal(recipient, bytes) {
  const encrypter = new Encrypter();
  let key;
  encrypter.addRecipient(recipient);
  encrypter.addRecipient({ wrapFileKey: (file_key) => ((key = file_key.slice()), []) });
  const sealed = Buffer.from(await encrypter.encrypt(bytes));
  const nonce = sealed.subarray(184 - 16, 184);  // behind a header with one X25519 stanza
  const payload_key = Buffer.from(hkdfSync("sha256", key, nonce, "payload", 32));
  return { sealed, tag: createHmac("sha256", payload_key).update("qrx item v1").digest("hex").slice(0, 32) };
}

// An item as its sender has it: `entry` is how a manifest names it.
const letters = "abcdefghijklmnopqrstuvwxyz234567";
let items = 0;
let links = 0;
export async function item(recipient, bytes, entry) {
  const { sealed, tag } = await seal(recipient, bytes);
  const name = `${[...createHmac("sha256", "item").update(String(++items)).digest()].slice(0, 26).map((b) => letters[b & 31]).join("")}.age`;
  return { name, sealed, entry: { item: name, tag, ...entry } };
}
// A pack of [name, bytes, properties] each.
export const pack = (recipient, files) => item(recipient, Buffer.concat(files.map(([, bytes]) => bytes)),
  { files: files.map(([name, bytes, properties]) => ({ name, size: bytes.length, ...properties })) });

// A space that its owner's page opens with a key: .owner is its link. deliver() sends items with a manifest of their entries, or
// of those that are given, and answers what the server calls the delivery.
export async function sealed_space(server, wish = {}) {
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const space = await server.space({ seal: "offer", key: recipient, ...wish });
  const headers = { Authorization: `Bearer ${space.token}`, "Content-Type": "application/json" };
  return Object.assign(space, {
    identity, recipient, owner: `${server.url}/s/${space.guid}#${space.token}.${identity}`,
    async deliver(sent, entries = sent.map(({ entry }) => entry)) {
      const { delivery } = await (await fetch(`${space.upload_url}/deliveries`, { method: "POST", body: "{}" })).json();
      const url = `${space.upload_url}/deliveries/${delivery}`;
      const manifest = await seal(recipient, Buffer.from(JSON.stringify({ v: 1, message: "", files: entries })));
      for (const { name, sealed } of [...sent, { name: "qrx-manifest.age", ...manifest }]) {
        const metadata = Object.entries({ filename: name, delivery }).map(([key, value]) => `${key} ${Buffer.from(value).toString("base64")}`).join(",");
        const answer = await fetch(`${space.upload_url}/uploads`, { method: "POST", body: sealed, headers: {
          "Tus-Resumable": "1.0.0", "Upload-Length": sealed.length, "Upload-Metadata": metadata, "Content-Type": "application/offset+octet-stream" } });
        equal(201, answer.status, `upload of ${name}`);
      }
      equal(200, (await fetch(`${url}/commit`, { method: "POST", body: "{}" })).status, "commit");
      return url;
    },
    // A recipient's link, with the key.
    async link(options = {}) {
      const answer = await fetch(`${server.url}/api/v1/spaces/${space.guid}/shares`, { method: "POST", headers, body: JSON.stringify({ recipients: [`link:${++links}`], ...options }) });
      return `${(await answer.json()).shares.at(-1).link}#${identity}`;
    },
    // What the server gives as this item.
    async id_of(name) {
      return (await space.state()).deliveries.flatMap(({ files }) => files).find((file) => file.name === name).file;
    },
  });
}
