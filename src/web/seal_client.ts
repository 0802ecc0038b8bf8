// The page's side of the seal worker, which is started when it is first asked.
import { Offline, Refused } from "./api";
import { script_address } from "./root";
import type { Calls, Op, Place, Reply } from "./seal_messages";

export class NotOurs extends Error {}  // not sealed to this key
export class Broken extends Error {}   // not the bytes that were sealed

let worker: Worker | undefined;
let number = 0;
const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();

function start(): Worker {
  const made = new Worker(script_address(SEAL_WORKER));
  made.onmessage = ({ data }: MessageEvent<Reply>) => {
    const call = waiting.get(data.number);
    waiting.delete(data.number);
    if (data.error) call?.reject(error_of(data.error));
    else call?.resolve(data.value as never);
  };
  made.onerror = () => {
    worker = undefined;
    for (const call of waiting.values()) call.reject(new Offline());
    waiting.clear();
  };
  return made;
}

function error_of(error: NonNullable<Reply["error"]>): Error {
  if (error.name === "NotOurs") return new NotOurs(error.message);
  if (error.name === "Broken") return new Broken(error.message);
  if (error.name === "Offline") return new Offline();
  if (error.name === "Refused") return new Refused(error.status ?? 0, "", 0);
  return new Error(error.message);
}

export function seal<K extends Op>(op: K, ...args: Calls[K]["in"]): Promise<Calls[K]["out"]> {
  worker ??= start();
  const mine = ++number;
  return new Promise((resolve, reject) => {
    waiting.set(mine, { resolve, reject });
    worker!.postMessage({ number: mine, op, args });
  });
}

export function new_number(): number {
  return ++number;
}

// The plain bytes of a sealed file, pulled as they are wanted. `tag`: what the manifest says of it; another is Broken, before
// the first byte, and so is what is no file for this key.
export function opened(place: Place, identity: string, tag: string | undefined): ReadableStream<Uint8Array<ArrayBuffer>> {
  const stream = ++number;
  let first = true;
  return new ReadableStream({
    async start() {
      await seal("open", stream, place, identity);
    },
    async pull(controller) {
      try {
        const { bytes, tag: own } = await seal("read", stream);
        if (first && tag !== undefined && own !== tag) throw new Broken("the manifest names another file");
        first = false;
        if (bytes) controller.enqueue(new Uint8Array(bytes));
        else controller.close();
        if (!bytes) await seal("close", stream);
      } catch (error) {
        await seal("close", stream);
        controller.error(tag !== undefined && error instanceof NotOurs ? new Broken(error.message) : error);
      }
    },
    async cancel() {
      await seal("close", stream);
    },
  }, { highWaterMark: 2 });
}

export async function all_of(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
