// Which pictures are shown: by their first bytes, never by name or by what somebody says they are.
const starts: [string, number[]][] = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/gif", [0x47, 0x49, 0x46, 0x38]],
];

function text_at(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

// One of the five types that are shown, or "".
export function picture_type(bytes: Uint8Array): string {
  for (const [type, start] of starts) if (start.every((byte, i) => bytes[i] === byte)) return type;
  if (text_at(bytes, 0, 4) === "RIFF" && text_at(bytes, 8, 4) === "WEBP") return "image/webp";
  if (text_at(bytes, 4, 4) === "ftyp" && ["avif", "avis"].includes(text_at(bytes, 8, 4))) return "image/avif";
  return "";
}

const endings = /\.(png|jpe?g|gif|webp|avif)$/i;
export const may_be_picture = (name: string, type: string) => endings.test(name) || /^image\/(png|jpeg|gif|webp|avif)$/.test(type);
export const most_picture_bytes = 32 * 1024 * 1024;
