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
  // Where a manifest is kept once it was opened, so that looking again takes no download of a limited link.
  keep?: { get(file: string): string | null; put(file: string, text: string): void };
}

const manifest_name = "qrx-manifest.age";
const most_manifest_bytes = 64 * 1024 * 1024;
const front = 184;
const sealed_chunk = 65552;

// Of a file with one X25519 recipient, which others may not be.
export function plain_size(sealed: number): number {
  const rest = Math.max(0, sealed - front);
  return Math.max(0, rest - 16 * Math.max(1, Math.ceil(rest / sealed_chunk)));
}

interface Named {
  name: string;
  tag: string;
  modified?: unknown;
  executable?: unknown;
}
interface Manifest {
  message: string;
  names: Map<string, Named>;
}

// A date that cannot be read is none: it costs no file.
function date_of(modified: unknown): Date | undefined {
  const date = typeof modified === "string" ? new Date(modified) : undefined;
  return date && !Number.isNaN(date.getTime()) ? date : undefined;
}

function read_manifest(text: string): Manifest {
  const json = JSON.parse(text) as { v?: unknown; message?: unknown; files?: unknown };
  if (json.v !== 1 || !Array.isArray(json.files)) throw new Broken("no manifest");
  const names = new Map<string, Named>();
  for (const file of json.files as { item?: unknown; name?: unknown; tag?: unknown; modified?: unknown; executable?: unknown }[]) {
    if (typeof file.item !== "string" || typeof file.name !== "string" || typeof file.tag !== "string") throw new Broken("no manifest");
    if (!/^[0-9a-f]{32}$/.test(file.tag) || names.has(file.item)) throw new Broken("no manifest");
    names.set(file.item, { name: file.name, tag: file.tag, modified: file.modified, executable: file.executable });
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
  const taken = new Set<string>();
  for (const file of delivery.files) {
    if (file === list && (manifest || !reader.identity || out.trouble)) continue;
    const named = manifest?.names.get(file.name);
    // An item that the manifest does not name is none of its sender's.
    if (manifest && !named && /^[a-z2-7]{26}\.age$/.test(file.name)) out.trouble = "manifest";
    if (file.sealed && !reader.identity) out.trouble = "no_key";
    const wanted = named ? named.name : file.sealed ? file.name.replace(/(.)\.age$/, "$1") : file.name;
    const name = unique_name(safe_name(wanted), taken);
    taken.add(name);
    out.items.push({
      id: file.file, name, size: file.sealed ? plain_size(file.size) : file.size,
      sealed: file.sealed && reader.identity !== "", locked: file.sealed && reader.identity === "",
      type: file.type, sum: file.sealed && reader.identity ? "" : file.xxh128, url: reader.url(file), tag: named?.tag,
      modified: date_of((named ?? file).modified), executable: (named ?? file).executable === true,
    });
  }
  if (manifest)
    for (const item of manifest.names.keys())
      if (!delivery.files.some((file) => file.name === item)) out.trouble = "manifest";
  return out;
}

// The bytes of an item as they were sent. Throws Broken, Offline and Refused as it is read.
export async function bytes_of(item: Item, place: Place, identity: string): Promise<Bytes> {
  if (item.sealed) return opened(place, identity, item.tag);
  const answer = await ask(place.url, { method: place.method, headers: place.headers });
  return answer.body as Bytes;
}
