// What a space holds, as its reader sees it: sealed deliveries by the names in their manifest.
import { ask, type DeliveryInfo, type FileInfo } from "./api";
import { all_of, Broken, NotOurs, opened } from "./seal_client";
import type { Bytes } from "./save";
import type { Place } from "./seal_messages";
import { safe_name, unique_name } from "./words";

export interface Item {
  id: string;
  name: string;
  size: number;         // of what it holds
  sealed: boolean;      // and can be opened here
  locked: boolean;      // sealed, and cannot
  type: string;
  sum: string;          // XXH3-128 of what the server has; "" when that is not what is saved
  url: string;          // at this server, as the page was reached
  tag: string | undefined;
  modified: Date | undefined;
  executable: boolean;
  pack: Pack | undefined;
  at: number;           // in its pack
}
// Small files that were sealed as one item. It is fetched and opened once for all of them.
export interface Pack {
  size: number;         // of its files together
  files: number;
  saved: Set<Item>;
  stays: boolean;       // for the page's life, once it is opened
  bytes?: Promise<Uint8Array<ArrayBuffer>> | undefined;
}
export interface Contents {
  message: string;
  items: Item[];
  trouble: "" | "no_key" | "manifest";  // manifest: it is not what was sealed
}

// How the reader gets at files: its right goes along.
export interface Reader {
  place(file: FileInfo): Place;
  url(file: FileInfo): string;
  identity: string;  // "": none
  limited?: boolean; // what was taken may not be given once more
  // Where a manifest is kept once it was opened, so that looking again takes no download of a limited link.
  keep?: { get(file: string): string | null; put(file: string, text: string): void };
}

const manifest_name = "qrx-manifest.age";
const most_manifest_bytes = 64 * 1024 * 1024;
const most_pack_bytes = 256 * 1024;
const most_open_packs = 16;  // but for those that stay
const front = 184;
const sealed_chunk = 65552;

// Of a file with one X25519 recipient, which others may not be.
export function plain_size(sealed: number): number {
  const rest = Math.max(0, sealed - front);
  return Math.max(0, rest - 16 * Math.max(1, Math.ceil(rest / sealed_chunk)));
}

interface Named {
  name: string;
  size?: unknown;  // in a pack: a whole number from 0
  modified?: unknown;
  executable?: unknown;
}
interface Sealed {
  tag: string;
  files: Named[];
  packed: boolean;
}
interface Manifest {
  message: string;
  names: Map<string, Sealed>;
}

// A date that cannot be read is none: it costs no file.
function date_of(modified: unknown): Date | undefined {
  const date = typeof modified === "string" ? new Date(modified) : undefined;
  return date && !Number.isNaN(date.getTime()) ? date : undefined;
}

function read_manifest(text: string): Manifest {
  const json = JSON.parse(text) as { v?: unknown; message?: unknown; files?: unknown };
  if (json.v !== 1 || !Array.isArray(json.files)) throw new Broken("no manifest");
  const names = new Map<string, Sealed>();
  for (const entry of json.files as (Named & { item?: unknown; tag?: unknown; files?: unknown })[]) {
    const packed = entry.files !== undefined;
    const files = packed ? (entry.files as Named[]) : [entry];
    if (typeof entry.item !== "string" || names.has(entry.item) || typeof entry.tag !== "string" || !/^[0-9a-f]{32}$/.test(entry.tag) ||
        !Array.isArray(files) || files.length === 0 ||
        !files.every(({ name, size }) => typeof name === "string" && (!packed || Number.isSafeInteger(size) && (size as number) >= 0))) throw new Broken("no manifest");
    names.set(entry.item, { tag: entry.tag, files, packed });
  }
  return { message: typeof json.message === "string" ? json.message : "", names };
}

// Throws Offline and Refused.
export async function contents_of(delivery: DeliveryInfo, reader: Reader): Promise<Contents> {
  const out: Contents = { message: delivery.message, items: [], trouble: "" };
  let manifest: Manifest | undefined;
  const list = delivery.files.find((file) => file.name === manifest_name && file.sealed);
  if (list && reader.identity && list.size <= most_manifest_bytes) {
    try {
      const text = reader.keep?.get(list.file) ?? new TextDecoder("utf-8", { fatal: true }).decode(await all_of(opened(reader.place(list), reader.identity, undefined)));
      manifest = read_manifest(text);
      reader.keep?.put(list.file, text);
      out.message = manifest.message;
    } catch (error) {
      if (error instanceof NotOurs) out.trouble = "no_key";
      else if (error instanceof Broken || error instanceof SyntaxError || error instanceof TypeError) out.trouble = "manifest";
      else throw error;
    }
  }
  const taken = new Map<string, number>();
  const there = new Set<string>();
  for (const file of delivery.files) {
    if (file === list && (manifest || !reader.identity || out.trouble)) continue;
    there.add(file.name);
    const named = manifest?.names.get(file.name);
    // An item that the manifest does not name is none of its sender's.
    if (manifest && !named && /^[a-z2-7]{26}\.age$/.test(file.name)) out.trouble = "manifest";
    if (file.sealed && !reader.identity) out.trouble = "no_key";
    // What the manifest names is sealed, whatever the server says of it.
    const sealed = file.sealed || named !== undefined;
    const size = sealed ? plain_size(file.size) : file.size;
    const pack = named?.packed ? pack_of(named, reader) : undefined;
    // It cannot hold them: their names stand for nothing in it.
    const wrong = pack && (pack.size > size || file.size > most_pack_bytes);
    if (wrong) out.trouble = "manifest";
    const unnamed: Named = { name: sealed ? file.name.replace(/(.)\.age$/, "$1") : file.name, modified: file.modified, executable: file.executable };
    let at = 0;
    for (const one of named && !wrong ? named.files : [unnamed]) {
      const part = pack && !wrong;
      out.items.push({
        id: file.file, name: unique_name(safe_name(one.name), taken), size: part ? one.size as number : size,
        sealed: sealed && reader.identity !== "", locked: sealed && reader.identity === "",
        type: file.type, sum: sealed && reader.identity ? "" : file.xxh128, url: reader.url(file), tag: named?.tag,
        modified: date_of(one.modified), executable: one.executable === true, pack: part ? pack : undefined, at,
      });
      if (part) at += one.size as number;
    }
  }
  if (manifest)
    for (const item of manifest.names.keys())
      if (!there.has(item)) out.trouble = "manifest";
  return out;
}

function pack_of({ files }: Sealed, { limited }: Reader): Pack {
  return { size: files.reduce((sum, { size }) => sum + (size as number), 0), files: files.length, saved: new Set(), stays: limited === true };
}

// Says that this file was saved; whether all that its item holds is saved now.
export function is_all_saved(item: Item): boolean {
  return !item.pack || item.pack.saved.add(item).size === item.pack.files;
}

// The bytes of an item as they were sent. Throws Broken, Offline and Refused as it is read.
export async function bytes_of(item: Item, place: Place, identity: string): Promise<Bytes> {
  if (item.pack) return new Response((await opened_pack(item.pack, item.tag, place, identity)).subarray(item.at, item.at + item.size)).body as Bytes;
  if (item.sealed) return opened(place, identity, item.tag);
  const answer = await ask(place.url, { method: place.method, headers: place.headers });
  return answer.body as Bytes;
}

const open_packs: Pack[] = [];

function opened_pack(pack: Pack, tag: string | undefined, place: Place, identity: string): Promise<Uint8Array<ArrayBuffer>> {
  if (!pack.bytes) {
    pack.bytes = bytes_of_pack(pack.size, opened(place, identity, tag));
    // What is broken stays so, and asking again would take one more download of a limited link.
    pack.bytes.catch((error) => {
      if (!(error instanceof Broken)) pack.bytes = undefined;
    });
    if (!pack.stays && open_packs.push(pack) > most_open_packs) open_packs.shift()!.bytes = undefined;
  }
  return pack.bytes;
}

// All that its files take, and nothing else, whatever the server sends.
async function bytes_of_pack(size: number, stream: Bytes): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size);
  let at = 0;
  await stream.pipeTo(new WritableStream({
    write(piece) {
      if (at + piece.length > size) throw new Broken("a pack holds more than its files");
      bytes.set(piece, at);
      at += piece.length;
    },
  }));
  if (at !== size) throw new Broken("a pack holds less than its files");
  return bytes;
}
