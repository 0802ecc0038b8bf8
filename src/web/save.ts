// From a stream to a file of the person's: by the browser's own means to write as it comes, else through memory.
import { h } from "./dom";
import { asset, script_address } from "./root";
import { say } from "./texts";
import { leaf, size as size_text } from "./words";

export type Bytes = ReadableStream<Uint8Array<ArrayBuffer>>;

const small_bytes = 32 * 1024 * 1024;       // below it memory is simplest
const large_bytes = 512 * 1024 * 1024;      // above it memory may not be enough

export class Given_up extends Error {}

// Saves what the stream gives under that name. A stream that fails leaves no whole file behind, and is thrown on.
export async function save_stream(stream: Bytes, name: string, size: number | null, progress: (bytes: number) => void): Promise<void> {
  const told = stream.pipeThrough(counted(progress));
  name = leaf(name);
  if (size !== null && size <= small_bytes) return save_by_memory(told, name);
  const worker = await save_worker().catch(() => null);
  if (worker) return save_by_worker(worker, told, name, size);
  const picker = (globalThis as unknown as Partial<Picker>).showSaveFilePicker;
  if (picker) return save_by_picker(picker, told, name);
  if ((size === null || size > large_bytes) && !confirm(say("memory_warning", { size: size === null ? "?" : size_text(size) }))) {
    await told.cancel();
    throw new Given_up();
  }
  return save_by_memory(told, name);
}

function counted(progress: (bytes: number) => void): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let bytes = 0;
  return new TransformStream({
    transform(piece, controller) {
      bytes += piece.length;
      controller.enqueue(piece);
      progress(bytes);
    },
  });
}

// --- memory. Pieces become blobs early: browsers put large blobs on disk.
async function save_by_memory(stream: Bytes, name: string): Promise<void> {
  const parts: Blob[] = [];
  let waiting: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const reader = stream.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (value) {
      waiting.push(value);
      bytes += value.length;
    }
    if (done || bytes > 8 * 1024 * 1024) {
      parts.push(new Blob(waiting));
      waiting = [];
      bytes = 0;
    }
    if (done) break;
  }
  const address = URL.createObjectURL(new Blob(parts, { type: "application/octet-stream" }));
  const link = h("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

// --- File System Access
interface Picker {
  showSaveFilePicker(options: { suggestedName: string }): Promise<{ createWritable(): Promise<WritableStream<Uint8Array>> }>;
}

async function save_by_picker(picker: Picker["showSaveFilePicker"], stream: Bytes, name: string): Promise<void> {
  let file;
  try {
    file = await picker.call(globalThis, { suggestedName: name });
  } catch {
    await stream.cancel();
    throw new Given_up();
  }
  await stream.pipeTo(await file.createWritable());
}

// --- service worker
let registered: Promise<ServiceWorker> | undefined;

function save_worker(): Promise<ServiceWorker> {
  registered ??= (async () => {
    if (!isSecureContext || !navigator.serviceWorker) throw new Error("no service worker");
    const registration = await navigator.serviceWorker.register(script_address(SAVE_WORKER), { scope: asset("save/") });
    const worker = registration.installing ?? registration.waiting ?? registration.active;
    if (!worker) throw new Error("no service worker");
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (worker.state === "activated") resolve();
        if (worker.state === "redundant") reject(new Error("no service worker"));
      };
      worker.addEventListener("statechange", look);
      look();
      setTimeout(() => reject(new Error("the service worker is slow")), 5000);
    });
    return worker;
  })();
  registered.catch(() => (registered = undefined));
  return registered;
}

async function save_by_worker(worker: ServiceWorker, stream: Bytes, name: string, size: number | null): Promise<void> {
  const { port1: port, port2 } = new MessageChannel();
  const id = crypto.randomUUID();
  const reader = stream.getReader();
  const frame = h("iframe", { class: "unseen", title: "download", "aria-hidden": "true" });
  // A worker that hears nothing for half a minute is ended, also in the middle of a download.
  const stay = setInterval(() => worker.postMessage("stay"), 10_000);
  try {
    await new Promise<void>((resolve, reject) => {
      port.onmessage = async ({ data }: MessageEvent<"ready" | "more" | "cancel">) => {
        if (data === "ready") {
          frame.src = asset(`save/${id}`);
          document.body.append(frame);
        } else if (data === "cancel") {
          await reader.cancel().catch(() => undefined);
          reject(new Given_up());
        } else {
          try {
            const { value, done } = await reader.read();
            if (done) {
              port.postMessage("end");
              resolve();
            } else {
              port.postMessage(value, [value.buffer]);
            }
          } catch (error) {
            port.postMessage("broken");
            reject(error);
          }
        }
      };
      worker.postMessage({ id, name, size }, [port2]);
    });
  } finally {
    clearInterval(stay);
    setTimeout(() => frame.remove(), 5000);
  }
}

// --- what the server may be asked for directly: the browser downloads it by itself
export function save_by_form(url: string, fields: Record<string, string>): void {
  const form = h("form", { method: "post", action: url, class: "unseen" },
    ...Object.entries(fields).map(([name, value]) => h("input", { type: "hidden", name, value })));
  document.body.append(form);
  form.submit();
  form.remove();
}
