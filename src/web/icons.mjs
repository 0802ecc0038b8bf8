// The icon as pixels, for where a vector will not do (manifests): drawn here, so that no picture without its source is kept.
// The same shapes as icon.svg: three squares and an arrow, in a field of 28 by 28.
import { deflateSync } from "node:zlib";

const ink = [0x3b, 0x7b, 0xea];
const paper = [0xff, 0xff, 0xff];
const half_stroke = 1.3;
const squares = [[3, 3], [16, 3], [3, 16]];  // 9 wide, corners of 2
const lines = [[20.5, 15.5, 20.5, 24.5], [20.5, 24.5, 24.5, 20.5], [20.5, 24.5, 16.5, 20.5]];

function to_square(x, y, [left, top]) {
  const dx = Math.abs(x - left - 4.5) - 2.5;
  const dy = Math.abs(y - top - 4.5) - 2.5;
  return Math.abs(Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - 2);
}
function to_line(x, y, [x1, y1, x2, y2]) {
  const along = ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / ((x2 - x1) ** 2 + (y2 - y1) ** 2);
  const at = Math.min(1, Math.max(0, along));
  return Math.hypot(x - x1 - at * (x2 - x1), y - y1 - at * (y2 - y1));
}

function chunk(name, bytes) {
  const body = Buffer.concat([Buffer.from(name, "latin1"), bytes]);
  let crc = ~0;
  for (const byte of body) {
    crc ^= byte;
    for (let bit = 0; bit < 8; ++bit) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(bytes.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(~crc >>> 0, body.length + 4);
  return out;
}

// A PNG of side by side pixels; the drawing takes that share of it (a maskable icon keeps a border that may be cut off).
export function icon_png(side, share) {
  const scale = 28 / (side * share);
  const rows = Buffer.alloc(side * (side * 3 + 1));
  for (let row = 0; row < side; ++row)
    for (let column = 0; column < side; ++column) {
      const x = (column + 0.5 - side / 2) * scale + 14;
      const y = (row + 0.5 - side / 2) * scale + 14;
      const distance = Math.min(...squares.map((square) => to_square(x, y, square)), ...lines.map((line) => to_line(x, y, line)));
      const cover = Math.min(1, Math.max(0, 0.5 - (distance - half_stroke) / scale));
      const at = row * (side * 3 + 1) + 1 + column * 3;
      for (let i = 0; i < 3; ++i) rows[at + i] = Math.round(paper[i] + (ink[i] - paper[i]) * cover);
    }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  head.set([8, 2, 0, 0, 0], 8);  // 8 bits, RGB
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", head), chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}
