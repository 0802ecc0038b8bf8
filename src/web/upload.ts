// One delivery on its way to the server: opened, its files by tus or in one request, committed. It goes on by itself after
// a lost connection, and after a reload when the same files are chosen again.
import type { FileSource, HttpResponse } from "tus-js-client";
import { ask, ask_json, type DeliveryState, type DropInfo, Offline, pause, Refused, sentence } from "./api";
import type { Chosen } from "./choosing";
import { head_of, keep_delivery, type KeptDelivery, type KeptFile, kept_head } from "./kept";
import { at } from "./root";
import { new_number, seal } from "./seal_client";

// Loaded when something is sent: the first view does without.
const print_of = async (blob: Blob) => (await import("./file_print")).print_of(blob);

export interface Progress {
  name: string;
  size: number;
  sent: number;  // of the plain bytes
  done: boolean;
  sum: string;   // XXH3-128 by the server, or SHA-256 of what was sealed; once done
}
export type Standing = "sending" | "paused" | "waiting" | "finishing" | "sent" | "failed";

const most_small_bytes = 256 * 1024;
const plain_step = 64 * 1024 * 1024;
const sealed_step = 8 * 1024 * 1024;
const manifest_name = "qrx-manifest.age";
const at_once = 3;

class Stopped extends Error {}

// Why a tus server refuses, in plain text; a proxy's page is none.
const said_in = (answer: HttpResponse | null | undefined): string => (answer?.getHeader("Tus-Resumable") ? sentence(answer.getBody().trim()) : "");

function random_id(): string {
  const letters = "abcdefghijklmnopqrstuvwxyz234567";
  let bits = "";
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) bits += byte.toString(2).padStart(8, "0");
  return (bits + "00").match(/.{5}/g)!.map((five) => letters[parseInt(five, 2)]).join("");
}

export class Sending {
  readonly files: Progress[];
  standing: Standing = "sending";
  delivery = "";      // once it is sent
  waiting_since = 0;  // when the server was first not reached, Date.now(); 0: it answers
  told_to_wait = "";  // why, in the words of a server that answers
  error: unknown;
  private kept: KeptDelivery | null;
  private stop = new AbortController();  // of the attempt that runs
  private keeping: ReturnType<typeof setTimeout> | undefined;
  private conflicts = 0;  // an offset that another connection moved on is asked for again

  // `key`: the receiver's, "" to send files as they are. `changed` is called often.
  constructor(private readonly guid: string, drop: DropInfo, private readonly chosen: Chosen[], private readonly message: string,
              private readonly key: string, kept: KeptDelivery | null, private readonly changed: () => void) {
    this.kept = kept?.key === key ? kept : null;
    this.files = chosen.map(({ name, blob }) => ({ name, size: blob.size, sent: 0, done: false, sum: "" }));
    this.expires = drop.expires;
  }
  private readonly expires: string;

  get sent(): number {
    return this.files.reduce((sum, file) => sum + file.sent, 0);
  }
  get size(): number {
    return this.files.reduce((sum, file) => sum + file.size, 0);
  }

  private set(standing: Standing): void {
    this.standing = standing;
    if (standing !== "waiting" && standing !== "sending") this.waiting_since = 0;
    this.changed();
  }

  // Until it is sent, paused or failed. Call it again to go on.
  async run(): Promise<void> {
    for (let failures = 0; ; ) {
      const mine = (this.stop = new AbortController());
      const before = this.sent;
      if (this.standing !== "waiting") this.set("sending");  // else when the server has answered
      try {
        await this.attempt(mine.signal);
        this.delivery = this.kept?.delivery ?? "";
        this.kept = null;
        this.keep();
        return this.set("sent");
      } catch (error) {
        if (mine.signal.aborted) return;
        mine.abort(new Stopped());  // what else of it is under way
        if (!(error instanceof Offline) && !(error instanceof Refused && error.passing)) {
          this.error = error;
          return this.set("failed");
        }
        failures = this.sent > before ? 0 : failures + 1;
        if (failures === 0 || this.waiting_since === 0) this.waiting_since = Date.now();
        this.told_to_wait = error instanceof Refused ? error.message : "";
        this.set("waiting");
        const asked = error instanceof Refused ? error.retry_after * 1000 : 0;
        this.stop = new AbortController();
        try {
          await pause(Math.max(asked, Math.min(15_000, 500 * 2 ** failures)), this.stop.signal);
        } catch {
          return;
        }
      }
    }
  }

  pause(): void {
    this.stop.abort(new Stopped());
    this.set("paused");
  }

  async give_up(): Promise<void> {
    this.pause();
    await this.cancel();
  }

  private async cancel(): Promise<void> {
    const delivery = this.kept?.delivery;
    this.kept = null;
    this.keep();
    if (delivery) await ask(this.place(`deliveries/${delivery}`), { method: "DELETE" }).catch(() => undefined);
  }

  private place(path: string): string {
    return at(`u/${this.guid}/${path}`);
  }

  // At once; of thousands of files, once a second.
  private keep(): void {
    if (this.kept && this.kept.files.length > 200) {
      this.keeping ??= setTimeout(() => {
        this.keeping = undefined;
        keep_delivery(this.guid, this.kept);
      }, 1000);
      return;
    }
    keep_delivery(this.guid, this.kept);
  }

  private async attempt(signal: AbortSignal): Promise<void> {
    await this.open(signal);
    const kept = this.kept!;
    const queue = this.chosen.map((_, index) => index);
    const work = async () => {
      for (let index = queue.shift(); index !== undefined; index = queue.shift()) await this.one(index, signal);
    };
    await Promise.all(Array.from({ length: at_once }, work));
    this.set("finishing");
    if (this.key) await this.send_manifest(signal);
    const state = await this.commit(kept, signal);
    if (this.key) return;
    for (const file of state.files) {
      const index = kept.files.findIndex(({ wire }) => wire === file.name);
      const shown = this.files.find(({ name }) => name === kept.files[index]?.name);
      if (shown) shown.sum = file.xxh128;
    }
  }

  private async commit(kept: KeptDelivery, signal: AbortSignal): Promise<DeliveryState> {
    try {
      return await ask_json<DeliveryState>(this.place(`deliveries/${kept.delivery}/commit`),
        { method: "POST", json: { files: kept.files.length + (this.key ? 1 : 0) }, signal });
    } catch (error) {
      if (!(error instanceof Refused && error.status === 409 && ++this.conflicts < 4)) throw error;
      // The server has other files than we remember: begin anew.
      await this.cancel();
      throw new Offline();
    }
  }

  // The delivery of an earlier try when the server still has it, else a new one.
  private async open(signal: AbortSignal): Promise<void> {
    // Another file of the same name: the delivery of before is another one.
    if (this.kept && !(await this.goes_on(this.kept))) this.kept = null;
    signal.throwIfAborted();
    if (this.kept) {
      try {
        const there = await ask_json<DeliveryState>(this.place(`deliveries/${this.kept.delivery}`), { signal });
        const names = new Set(there.files.map((file) => file.name));
        for (const file of this.kept.files) file.done = names.has(file.wire);
        if (!there.committed) return this.adopt();
      } catch (error) {
        if (!(error instanceof Refused) || error.passing) throw error;
      }
    }
    const message = this.key ? "" : this.message;
    const { delivery } = await ask_json<DeliveryState>(this.place("deliveries"), { method: "POST", json: { message }, signal });
    this.kept = { delivery, key: this.key, message: this.message, expires: this.expires, files: [] };
    for (const file of this.files) Object.assign(file, { sent: 0, done: false });
    this.adopt();
  }

  // Only the same bytes are ever sent as the rest of a file, or sealed with the same key.
  private async goes_on(kept: KeptDelivery): Promise<boolean> {
    for (const file of kept.files) {
      const one = this.chosen.find(({ name }) => name === file.name);
      if (one && !(same(one, file) && (await print_of(one.blob)) === file.print)) return false;
    }
    return true;
  }

  // Files of an earlier try that were not chosen again stay as they are when they are complete, and are dropped when not.
  private adopt(): void {
    const kept = this.kept!;
    kept.files = kept.files.filter((file) => file.done || this.chosen.some((one) => same(one, file)));
    for (const one of this.chosen)
      if (!kept.files.some((file) => same(one, file)))
        kept.files.push({ name: one.name, size: one.blob.size, modified: one.modified, print: "", wire: this.key ? `${random_id()}.age` : one.name });
    this.waiting_since = 0;
    if (this.standing === "waiting") this.set("sending");
    this.keep();
  }

  private async one(index: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const chosen = this.chosen[index]!;
    const shown = this.files[index]!;
    const kept = this.kept!.files.find((file) => same(chosen, file))!;
    if (kept.done) {
      Object.assign(shown, { sent: shown.size, done: true, sum: kept.sum ?? shown.sum });
      return this.changed();
    }
    if (!kept.print) {
      kept.print = await print_of(chosen.blob);
      this.keep();
    }
    let sum = "";
    if (this.key) sum = await this.send_sealed(chosen, kept, shown, signal);
    else sum = await this.send_blob(chosen.blob, kept, (sent) => this.tell(shown, sent), signal);
    signal.throwIfAborted();
    kept.done = true;
    kept.sum = sum;
    delete kept.upload;
    this.keep();
    Object.assign(shown, { sent: shown.size, done: true, sum });
    this.changed();
  }

  private tell(shown: Progress, sent: number): void {
    shown.sent = Math.min(sent, shown.size);
    this.changed();
  }

  private async send_sealed(chosen: Chosen, kept: KeptFile, shown: Progress, signal: AbortSignal): Promise<string> {
    const head = kept.head ? head_of(kept.head) : await seal("head", this.key);
    kept.head = kept_head(head);
    this.keep();
    const number = new_number();
    const size = await seal("source", number, head, chosen.blob);
    try {
      const share = chosen.blob.size / size;
      if (size <= most_small_bytes) {
        const bytes = await seal("slice", number, 0, size);
        await this.put(kept, new Blob([bytes]), signal);
      } else {
        await this.send_source(sealed_source(number, size), sealed_step, kept, (sent) => this.tell(shown, Math.floor(sent * share)), signal);
      }
      return await seal("sum", number);
    } finally {
      void seal("drop", number);
    }
  }

  // The server's sum.
  private async send_blob(blob: Blob, kept: KeptFile, progress: (sent: number) => void, signal: AbortSignal): Promise<string> {
    if (blob.size <= most_small_bytes) return this.put(kept, blob, signal);
    return this.send_source(blob, plain_step, kept, progress, signal);
  }

  // The date of a file under the name that a way of sending has for it. What is sealed says it in the manifest alone.
  private open_properties(name: string, kept: KeptFile): Record<string, string> {
    return this.key || !(kept.modified >= 0) ? {} : { [name]: String(Math.floor(kept.modified / 1000)) };
  }

  private async put(kept: KeptFile, blob: Blob, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const path = kept.wire.split("/").map(encodeURIComponent).join("/");
    const answer = await ask(this.place(`deliveries/${this.kept!.delivery}/files/${path}`),
      { method: "PUT", body: blob, signal, headers: this.open_properties("X-OC-Mtime", kept) });
    return answer.headers.get("Qrx-Xxh128") ?? "";
  }

  private async send_source(input: Blob | FileSource, step: number, kept: KeptFile, progress: (sent: number) => void, signal: AbortSignal): Promise<string> {
    const tus = await import("tus-js-client");
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      let sum = "";
      const upload = new tus.Upload(input instanceof Blob ? input : new Blob([]), {
        endpoint: this.place("uploads"),
        uploadUrl: kept.upload ?? null,
        chunkSize: step,
        metadata: { filename: kept.wire, delivery: this.kept!.delivery, ...this.open_properties("mtime", kept) },
        storeFingerprintForResuming: false,
        retryDelays: null,  // run() goes on, so that the page can say what it waits for
        ...(input instanceof Blob ? {} : { fileReader: { openFile: () => Promise.resolve(input) } }),
        onUploadUrlAvailable: () => {
          if (upload.url) kept.upload = upload.url;
          this.keep();
        },
        onProgress: progress,
        onAfterResponse: (_, answer) => {
          sum = answer.getHeader("Qrx-Xxh128") ?? sum;
        },
        onSuccess: () => resolve(sum),
        onError: (error) => {
          const answer = "originalResponse" in error ? error.originalResponse : null;
          const status = answer?.getStatus() ?? 0;
          // The server lost the upload, or it is another's: begin it anew.
          if (kept.upload && (status === 404 || status === 410)) {
            delete kept.upload;
            this.keep();
            reject(new Offline());
          } else if (status === 0 || (status === 409 && ++this.conflicts < 4)) {
            reject(new Offline());
          } else {
            reject(new Refused(status, said_in(answer), Number(answer?.getHeader("Retry-After")) || 0));
          }
        },
      });
      signal.addEventListener("abort", () => {
        reject(signal.reason);
        upload.abort().catch(() => undefined);
      }, { once: true });
      upload.start();
    });
  }

  private async send_manifest(signal: AbortSignal): Promise<void> {
    const files = this.kept!.files.map((file) => ({ item: file.wire, name: file.name, tag: file.head!.tag, ...dated(file.modified) }));
    const plain = new Blob([JSON.stringify({ v: 1, message: this.message, files })]);
    const head = await seal("head", this.key);
    const number = new_number();
    const size = await seal("source", number, head, plain);
    const bytes = new Blob([await seal("slice", number, 0, size)]);
    void seal("drop", number);
    const kept = { name: "", size, modified: 0, print: "", wire: manifest_name };
    await this.send_blob(bytes, kept, () => undefined, signal);
  }
}

// As a manifest has it: whole seconds, within the years that its readers know.
function dated(ms: number): { modified?: string } {
  return ms >= 0 && ms < Date.UTC(10000, 0) ? { modified: new Date(ms).toISOString().replace(/\.\d+Z$/, "Z") } : {};
}

// As far as a browser tells without reading it.
export function same(chosen: Chosen, kept: KeptFile): boolean {
  return chosen.name === kept.name && chosen.blob.size === kept.size && chosen.modified === kept.modified;
}

// What tus-js-client reads: slices that are sealed as they are asked for, and the next one ahead.
function sealed_source(number: number, size: number): FileSource {
  let ahead: { start: number; bytes: Promise<ArrayBuffer> } | undefined;
  return {
    size,
    async slice(start: number, end: number) {
      end = Math.min(end, size);
      const bytes = ahead?.start === start ? ahead.bytes : seal("slice", number, start, end);
      const value = new Blob([await bytes]);
      ahead = end < size ? { start: end, bytes: seal("slice", number, end, Math.min(size, end + sealed_step)) } : undefined;
      ahead?.bytes.catch(() => undefined);
      return { value, done: end >= size };
    },
    close() {
      ahead = undefined;
    },
  } as FileSource;
}
