// The age v1 format as qrx uses it (qrx-protocol(7), "Sealed deliveries"). Stanzas, headers and keys are age-encryption's; the
// payload is sealed and opened here, by number of chunk, so that an upload can go on anywhere.
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { scrypt } from "@noble/hashes/scrypt.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import words from "qrx-words";

const chunk_bytes = 65536;
const tag_bytes = 16;
const sealed_chunk_bytes = chunk_bytes + tag_bytes;
const nonce_bytes = 16;
const most_header_bytes = 65536;

const text = (t: string) => new TextEncoder().encode(t);
export const hex = (bytes: Uint8Array) => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");

// Plain http: age-encryption falls back to its own arithmetic only when it is told that WebCrypto cannot do it.
if (globalThis.crypto && !crypto.subtle) {
  const no = () => Promise.reject(new DOMException("", "NotSupportedError"));
  Object.defineProperty(crypto, "subtle", { value: { importKey: no, deriveBits: no, generateKey: no } });
}

// All that sealing one file needs. Whoever has it can open the file.
export interface Head {
  front: Uint8Array;  // header and nonce: the first bytes of the sealed file
  key: Uint8Array;    // of the payload
  tag: string;        // for the manifest
}

function head_of(front: Uint8Array, file_key: Uint8Array): Head {
  const nonce = front.subarray(front.length - nonce_bytes);
  const key = hkdf(sha256, file_key, nonce, text("payload"), 32);
  return { front, key, tag: hex(hmac(sha256, key, text("qrx item v1")).subarray(0, 16)) };
}

export async function make_head(recipient: string): Promise<Head> {
  const encrypter = new Encrypter();
  let file_key: Uint8Array | undefined;
  encrypter.addRecipient(recipient);
  encrypter.addRecipient({
    wrapFileKey(key: Uint8Array) {
      file_key = key.slice();
      return [];
    },
  });
  const empty = await encrypter.encrypt(new Uint8Array(0));
  return head_of(empty.slice(0, empty.length - tag_bytes), file_key!);
}

export function sealed_size(front: number, plain: number): number {
  return front + plain + tag_bytes * Math.max(1, Math.ceil(plain / chunk_bytes));
}

function chunk_nonce(number: number, last: boolean): Uint8Array {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setUint32(3, Math.floor(number / 0x100000000));
  view.setUint32(7, number >>> 0);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

// Bytes [start, end) of the sealed file. Reads plain bytes of whole chunks only; each() sees the chunks that are read.
export async function seal_range(head: Head, plain: Blob, start: number, end: number, each: (number: number, bytes: Uint8Array) => void): Promise<Uint8Array<ArrayBuffer>> {
  const front = head.front.length;
  const out = new Uint8Array(end - start);
  if (start < front) out.set(head.front.subarray(start, Math.min(front, end)));
  if (end <= front) return out;
  const last = Math.max(1, Math.ceil(plain.size / chunk_bytes)) - 1;
  for (let n = Math.floor(Math.max(0, start - front) / sealed_chunk_bytes); n <= last; ++n) {
    const at = front + n * sealed_chunk_bytes;
    if (at >= end) break;
    const bytes = new Uint8Array(await plain.slice(n * chunk_bytes, Math.min(plain.size, (n + 1) * chunk_bytes)).arrayBuffer());
    each(n, bytes);
    const sealed = chacha20poly1305(head.key, chunk_nonce(n, n === last)).encrypt(bytes);
    const from = Math.max(0, start - at);
    out.set(sealed.subarray(from, Math.min(sealed.length, end - at)), at + from - start);
  }
  return out;
}

export class NotOurs extends Error {}   // no age file, or for somebody else
export class Broken extends Error {}    // not the bytes that were sealed

const magic = text("age-encryption.org/v1\n");

// Opens what comes in order. push() and end() give plain bytes that were authenticated.
export class Opener {
  head: Head | undefined;
  private waiting: Uint8Array = new Uint8Array(0);
  private number = 0;

  constructor(private readonly identity: string) {}

  async push(bytes: Uint8Array): Promise<Uint8Array[]> {
    this.waiting = joined(this.waiting, bytes);
    if (!this.head && !(await this.read_front(false))) return [];
    const out: Uint8Array[] = [];
    let at = 0;
    // The last chunk is told by the end, so one byte more than a chunk must be there.
    while (this.waiting.length - at > sealed_chunk_bytes) {
      out.push(this.open(this.waiting.subarray(at, at + sealed_chunk_bytes), false));
      at += sealed_chunk_bytes;
    }
    this.waiting = this.waiting.slice(at);
    return out;
  }

  async end(): Promise<Uint8Array> {
    if (!this.head && !(await this.read_front(true))) throw new Broken("it is cut off");
    const plain = this.open(this.waiting, true);
    if (plain.length === 0 && this.number > 1) throw new Broken("it ends with an empty chunk");
    return plain;
  }

  private open(sealed: Uint8Array, last: boolean): Uint8Array {
    try {
      return chacha20poly1305(this.head!.key, chunk_nonce(this.number++, last)).decrypt(sealed);
    } catch {
      throw new Broken(last ? "it is cut off, or changed" : "it was changed");
    }
  }

  private async read_front(ended: boolean): Promise<boolean> {
    const begin = this.waiting.subarray(0, magic.length);
    if (begin.some((b, i) => b !== magic[i]) || ended && begin.length < magic.length) throw new NotOurs("it is no age file");
    const end = end_of_header(this.waiting);
    if (end < 0 && this.waiting.length > most_header_bytes) throw new Broken("its header does not end");
    if (end < 0 || this.waiting.length < end + nonce_bytes) return false;
    const decrypter = new Decrypter();
    decrypter.addIdentity(this.identity);
    let file_key: Uint8Array;
    try {
      file_key = await decrypter.decryptHeader(this.waiting.slice(0, end));
    } catch (error) {
      if (String(error).includes("no identity matched")) throw new NotOurs("it is sealed to another key");
      throw new Broken("its header is malformed");
    }
    this.head = head_of(this.waiting.slice(0, end + nonce_bytes), file_key);
    this.waiting = this.waiting.slice(end + nonce_bytes);
    return true;
  }
}

// Behind the line that begins with "---", or -1.
function end_of_header(bytes: Uint8Array): number {
  const dash = 45;
  for (let i = bytes.indexOf(10); i >= 0 && i + 3 < bytes.length; i = bytes.indexOf(10, i + 1)) {
    if (bytes[i + 1] !== dash || bytes[i + 2] !== dash || bytes[i + 3] !== dash) continue;
    const end = bytes.indexOf(10, i + 1);
    return end < 0 ? -1 : end + 1;
  }
  return -1;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

export async function make_identity(): Promise<{ identity: string; recipient: string }> {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

export { identityToRecipient as recipient_of };

// The four words of a drop link: src/seal/fingerprint.h.
export function fingerprint(authority: string, guid: string, recipient: string): string {
  const link = `${authority}\n${guid}\n${recipient}`.toLowerCase();
  const bits = scrypt(text(link), text("qrx fingerprint v1"), { N: 1 << 14, r: 8, p: 1, dkLen: 8 });
  let value = new DataView(bits.buffer, bits.byteOffset).getBigUint64(0);
  const chosen: string[] = [];
  for (let i = 0; i < 4; ++i) {
    chosen.push(words[Number(value >> 54n)]!);
    value = BigInt.asUintN(64, value << 10n);
  }
  return chosen.join("-");
}
