// The worker that seals and opens: nothing of it needs the page, and the page stays quick.
import { sha256 } from "@noble/hashes/sha2.js";
import type { Calls, Op, Place, Reply, Request } from "./seal_messages";
import { Broken, fingerprint, type Head, hex, make_head, make_identity, NotOurs, Opener, recipient_of, seal_range, sealed_size } from "./sealing";

const read_bytes = 1 << 20;

// A file to seal. Its sum follows the slices as long as they come in order, and reads again what it missed.
class Source {
  private readonly running = sha256.create();
  private summed = 0;
  constructor(readonly head: Head, readonly plain: Blob) {}

  get size(): number {
    return sealed_size(this.head.front.length, this.plain.size);
  }
  async slice(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    return seal_range(this.head, this.plain, start, Math.min(end, this.size), (number, bytes) => {
      if (number * 65536 !== this.summed) return;
      this.running.update(bytes);
      this.summed += bytes.length;
    });
  }
  async sum(): Promise<string> {
    while (this.summed < this.plain.size) {
      const bytes = new Uint8Array(await this.plain.slice(this.summed, this.summed + read_bytes).arrayBuffer());
      this.running.update(bytes);
      this.summed += bytes.length;
    }
    return hex(this.running.clone().digest());
  }
}

class Trouble extends Error {
  constructor(override readonly name: "Offline" | "Refused", readonly status = 0) {
    super(name);
  }
}

// A sealed file that is fetched and opened as it is asked for. A connection that is lost is taken up where it was.
class Stream {
  private readonly opener: Opener;
  private readonly abort = new AbortController();
  private reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  private taken = 0;
  private size = -1;
  private etag = "";
  private ready: Uint8Array[] = [];
  private ended = false;

  constructor(private readonly place: Place, identity: string) {
    this.opener = new Opener(identity);
  }

  get tag(): string {
    return this.opener.head?.tag ?? "";
  }

  async read(): Promise<Uint8Array | null> {
    while (this.ready.length === 0 && !this.ended) {
      const bytes = await this.next();
      if (bytes) {
        this.ready = await this.opener.push(bytes);
      } else {
        this.ended = true;
        const last = await this.opener.end();
        if (last.length) this.ready.push(last);
      }
    }
    if (this.ready.length === 0) return null;
    const all = this.ready;
    this.ready = [];
    if (all.length === 1) return all[0]!;
    const out = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of all) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  close(): void {
    this.abort.abort();
  }

  private async next(): Promise<Uint8Array | null> {
    for (let failures = 0; ; ++failures) {
      try {
        if (!this.reader) {
          if (this.taken === this.size) return null;
          await this.connect();
        }
        const { value, done } = await this.reader!.read();
        if (value) {
          this.taken += value.length;
          return value;
        }
        if (done && (this.size < 0 || this.taken === this.size)) return null;
      } catch (error) {
        if (error instanceof Trouble && error.status < 500 || this.abort.signal.aborted) throw error;
      }
      this.reader = undefined;
      if (failures >= 8 || !this.etag) throw new Trouble("Offline");
      await new Promise((resolve) => setTimeout(resolve, Math.min(10_000, 300 * 2 ** failures)));
    }
  }

  private async connect(): Promise<void> {
    const headers = { ...this.place.headers };
    if (this.taken > 0) {
      headers["Range"] = `bytes=${this.taken}-`;
      headers["If-Range"] = this.etag;
    }
    const answer = await fetch(this.place.url, { method: this.place.method, headers, signal: this.abort.signal, cache: "no-store" });
    if (!answer.ok) throw new Trouble("Refused", answer.status);
    if (this.taken > 0 && answer.status !== 206) throw new Broken("the server has another file now");
    if (this.taken === 0) {
      this.size = Number(answer.headers.get("Content-Length") ?? -1);
      this.etag = answer.headers.get("ETag") ?? "";
    }
    this.reader = answer.body!.getReader();
  }
}

const sources = new Map<number, Source>();
const streams = new Map<number, Stream>();

function source(number: number): Source {
  const found = sources.get(number);
  if (!found) throw new Error("no such source");
  return found;
}

const operations: { [K in Op]: (...args: Calls[K]["in"]) => Promise<Calls[K]["out"]> } = {
  identity: () => make_identity(),
  recipient_of: (identity) => recipient_of(identity),
  fingerprint: async (authority, guid, recipient) => fingerprint(authority, guid, recipient),
  head: (recipient) => make_head(recipient),
  async source(number, head, plain) {
    const made = new Source(head, plain);
    sources.set(number, made);
    return made.size;
  },
  slice: async (number, start, end) => (await source(number).slice(start, end)).buffer,
  sum: (number) => source(number).sum(),
  async drop(number) {
    sources.delete(number);
    return null;
  },
  async open(number, place, identity) {
    streams.set(number, new Stream(place, identity));
    return null;
  },
  async read(number) {
    const stream = streams.get(number);
    if (!stream) throw new Error("no such stream");
    const bytes = await stream.read();
    return { bytes: bytes ? exact(bytes) : null, tag: stream.tag };
  },
  async close(number) {
    streams.get(number)?.close();
    streams.delete(number);
    return null;
  },
};

function exact(bytes: Uint8Array): ArrayBuffer {
  return (bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()).buffer as ArrayBuffer;
}

function told(error: unknown): NonNullable<Reply["error"]> {
  if (error instanceof NotOurs) return { name: "NotOurs", message: error.message };
  if (error instanceof Broken) return { name: "Broken", message: error.message };
  if (error instanceof Trouble) return { name: error.name, message: error.message, status: error.status };
  return { name: "Error", message: String(error) };
}

const port = self as unknown as { postMessage(message: Reply, transfer: Transferable[]): void; onmessage: ((event: MessageEvent<Request>) => void) | null };
port.onmessage = async ({ data }) => {
  try {
    const run = operations[data.op] as (...args: unknown[]) => Promise<unknown>;
    const value = await run(...data.args);
    const bytes = value instanceof ArrayBuffer ? value : (value as { bytes?: unknown } | null)?.bytes;
    port.postMessage({ number: data.number, value }, bytes instanceof ArrayBuffer ? [bytes] : []);
  } catch (error) {
    port.postMessage({ number: data.number, error: told(error) }, []);
  }
};
