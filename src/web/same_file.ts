// Is a file that was chosen now the one that was chosen before? Name, size and date do not say: phones call every picture
// image.jpg, and copies keep their dates.
const whole_bytes = 256 * 1024;  // a file up to this size is read in full
const samples = 64;
const sample_bytes = 4096;

// All that a small blob holds; of a larger one pieces from its whole length.
export async function* pieces_of(blob: Blob): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (blob.size <= whole_bytes) return yield new Uint8Array(await blob.arrayBuffer());
  for (let i = 0; i < samples; ++i) {
    const at = Math.floor(((blob.size - sample_bytes) * i) / (samples - 1));
    yield new Uint8Array(await blob.slice(at, at + sample_bytes).arrayBuffer());
  }
}

export async function seems_same(one: Blob, other: Blob): Promise<boolean> {
  if (one.size !== other.size) return false;
  const others = pieces_of(other);
  for await (const piece of pieces_of(one)) {
    const with_it = (await others.next()).value as Uint8Array;
    if (!piece.every((byte, i) => byte === with_it[i])) return false;
  }
  return true;
}
