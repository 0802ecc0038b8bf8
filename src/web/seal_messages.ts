// What page and seal worker say to each other: one Request, one Reply with its number.
import type { Head } from "./sealing";

export interface Place {  // where sealed bytes come from
  url: string;
  method: string;
  headers: Record<string, string>;
}
export interface Calls {
  identity: { in: []; out: { identity: string; recipient: string } };
  recipient_of: { in: [identity: string]; out: string };
  fingerprint: { in: [authority: string, guid: string, recipient: string]; out: string };
  head: { in: [recipient: string]; out: Head };
  // A source to seal from stays until it is dropped.
  source: { in: [source: number, head: Head, plain: Blob]; out: number };  // sealed size
  slice: { in: [source: number, start: number, end: number]; out: ArrayBuffer };
  sum: { in: [source: number]; out: string };  // SHA-256 of the plain bytes
  drop: { in: [source: number]; out: null };
  // A stream that is opened: its first plain bytes are asked for with read(), null is its end.
  open: { in: [stream: number, place: Place, identity: string]; out: null };
  read: { in: [stream: number]; out: { bytes: ArrayBuffer | null; tag: string } };
  close: { in: [stream: number]; out: null };
}
export type Op = keyof Calls;
export interface Request {
  number: number;
  op: Op;
  args: unknown[];
}
export interface Reply {
  number: number;
  value?: unknown;
  error?: { name: "NotOurs" | "Broken" | "Offline" | "Refused" | "Error"; message: string; status?: number };
}
