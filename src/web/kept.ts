// What stays in this browser. Where storage is off, nothing does.
import { root } from "./root";
import type { Head } from "./sealing";

function read<T>(storage: () => Storage, key: string): T | null {
  try {
    const text = storage().getItem(key);
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null;
  }
}

function write(storage: () => Storage, key: string, value: unknown): void {
  try {
    if (value === null) storage().removeItem(key);
    else storage().setItem(key, JSON.stringify(value));
  } catch {
    // full, or off
  }
}

const tab = () => sessionStorage;
const browser = () => localStorage;

// --- the receiver's space, for as long as the tab
export interface KeptSpace {
  guid: string;
  token: string;
  identity: string;
  expires: string;
}
const space_key = `qrx space ${root}`;
const one_space_key = (guid: string) => `qrx one space ${root} ${guid}`;

// The one that was looked at last, or the one of that GUID: going back leads to earlier ones.
export function kept_space(guid?: string): KeptSpace | null {
  return read<KeptSpace>(tab, guid ? one_space_key(guid) : space_key);
}
// Whether it is kept now: where storage is off it is not.
export function keep_space(space: KeptSpace): boolean {
  write(tab, space_key, space);
  write(tab, one_space_key(space.guid), space);
  return kept_space(space.guid)?.token === space.token;
}
// A page without an address of its own no longer leads to it; the page of that GUID does, unless it is over.
export function leave_space(over?: string): void {
  write(tab, space_key, null);
  if (over) write(tab, one_space_key(over), null);
}

// --- names of sealed files that a recipient has opened, for as long as the tab
export const kept_names = {
  get: (file: string) => read<string>(tab, `qrx names ${file}`),
  put: (file: string, text: string) => write(tab, `qrx names ${file}`, text),
};

// --- how often the receiver asks; 0: the server answers at once
const interval_key = "qrx interval";
export const kept_interval = () => read<number>(browser, interval_key) ?? 0;
export const keep_interval = (seconds: number) => write(browser, interval_key, seconds);

// --- whether arrivals are told aloud
const alerts_key = "qrx alerts";
export const kept_alerts = () => read<boolean>(browser, alerts_key) ?? false;
export const keep_alerts = (on: boolean) => write(browser, alerts_key, on ? true : null);

// --- a delivery that is not complete
export interface KeptFile {
  name: string;
  size: number;
  modified: number;
  print: string;          // of its bytes (file_print.ts)
  wire: string;           // its name on the wire
  head?: { front: string; key: string; tag: string };  // base64
  upload?: string;        // its address
  done?: boolean;
  sum?: string;
}
export interface KeptDelivery {
  delivery: string;
  key: string;
  message: string;
  expires: string;
  files: KeptFile[];
}
const delivery_prefix = "qrx sending ";
const delivery_key = (guid: string) => `${delivery_prefix}${root} ${guid}`;

export function kept_delivery(guid: string): KeptDelivery | null {
  forget_expired();
  return read<KeptDelivery>(browser, delivery_key(guid));
}
export const keep_delivery = (guid: string, delivery: KeptDelivery | null) => write(browser, delivery_key(guid), delivery);

function forget_expired(): void {
  try {
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(delivery_prefix)) continue;
      const kept = read<KeptDelivery>(browser, key);
      if (!kept || !(Date.parse(kept.expires) > Date.now())) localStorage.removeItem(key);
    }
  } catch {
    // off
  }
}

const to_text = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));
const from_text = (text: string) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
export const kept_head = (head: Head) => ({ front: to_text(head.front), key: to_text(head.key), tag: head.tag });
export const head_of = (kept: NonNullable<KeptFile["head"]>): Head => ({ front: from_text(kept.front), key: from_text(kept.key), tag: kept.tag });
