// A sum of what a file holds, by which an upload that is resumed knows it again (same_file.ts).
import { sha256 } from "@noble/hashes/sha2.js";
import { pieces_of } from "./same_file";

export async function print_of(blob: Blob): Promise<string> {
  const sum = sha256.create().update(new TextEncoder().encode(`${blob.size} `));
  for await (const piece of pieces_of(blob)) sum.update(piece);
  return [...sum.digest().subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
