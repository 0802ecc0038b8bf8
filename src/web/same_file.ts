// Is a file that was chosen now the one that was chosen before? Name, size and date do not say: phones call every picture
// image.jpg, and copies keep their dates.
import { sha256 } from "@noble/hashes/sha2.js";

const whole_bytes = 256 * 1024;  // a file up to this size is read in full
const samples = 64;
const sample_bytes = 4096;

// A sum of what the blob holds: of all of it when it is small, else of pieces from its whole length.
export async function print_of(blob: Blob): Promise<string> {
  const sum = sha256.create().update(new TextEncoder().encode(`${blob.size} `));
  if (blob.size <= whole_bytes) sum.update(new Uint8Array(await blob.arrayBuffer()));
  else
    for (let i = 0; i < samples; ++i) {
      const at = Math.floor(((blob.size - sample_bytes) * i) / (samples - 1));
      sum.update(new Uint8Array(await blob.slice(at, at + sample_bytes).arrayBuffer()));
    }
  return [...sum.digest().subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
