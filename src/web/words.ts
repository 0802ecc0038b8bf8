// Sizes, times and names for people.
import { language, say } from "./texts";

// No line breaks in it.
export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes}\u00a0B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let unit = -1;
  let value = bytes;
  do {
    value /= 1024;
    ++unit;
  } while (value >= 1023.95 && unit < 3);
  return `${value.toFixed(1)}\u00a0${units[unit]}`;
}

// "10 minutes", "about 2 hours", "6 hours", "7 days": whole where it is whole, else about.
export function duration(seconds: number): string {
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 55) return minutes === 1 ? say("minute") : say("minutes", { n: minutes });
  const [unit, one, many] = minutes < 2880 - 30 ? [60, "hour", "hours"] as const : [1440, "day", "days"] as const;
  if (unit === 60 && minutes > 65 && minutes < 105) return say("minutes", { n: minutes });
  const n = Math.round(minutes / unit);
  const text = n === 1 ? say(one) : say(many, { n });
  return minutes === n * unit ? text : say("about", { time: text });
}

// Of what is under way: "8 s", "3 min", "2 h".
export function brief(seconds: number): string {
  if (seconds < 90) return say("seconds_brief", { n: Math.max(1, Math.round(seconds)) });
  return seconds < 5400 ? say("minutes_brief", { n: Math.round(seconds / 60) }) : say("hours_brief", { n: Math.round(seconds / 3600) });
}

export function seconds_until(time: string): number {
  return (Date.parse(time) - Date.now()) / 1000;
}

export function clock(time: string | Date): string {
  const date = new Date(time);
  const today = date.toDateString() === new Date().toDateString();
  return new Intl.DateTimeFormat(language, today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" }).format(date);
}

// What cannot be seen, or turns text around, is written out.
const unseen = /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f\u205f-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]|[\u{e0000}-\u{e0fff}]|\p{Surrogate}/gu;
export function shown(text: string): string {
  return text.replace(unseen, (c) => {
    const code = c.codePointAt(0)!;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

export function leaf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function folder(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

const encoder = new TextEncoder();
const bytes_of = (text: string) => encoder.encode(text).length;

function shortened(part: string): string {
  if (bytes_of(part) <= 255) return part;
  const dot = part.lastIndexOf(".");
  const ending = dot > 0 && part.length - dot <= 16 ? part.slice(dot) : "";
  let stem = part.slice(0, part.length - ending.length);
  while (bytes_of(stem + ending) > 255) stem = [...stem].slice(0, -1).join("");
  return stem + ending;
}

// A name as the protocol takes it (qrx-protocol(7), "Names of things"): whatever it was, something safe comes out.
export function safe_name(name: string): string {
  const parts = name.replace(unseen, "_").replace(/\\/g, "_").split("/").filter((part) => part && part !== "." && part !== "..")
    .map(shortened).slice(-16);
  const joined = parts.join("/").replace(/^([A-Za-z]):/, "$1_");
  return joined || "file";
}

// The second photo.jpg becomes "photo (1).jpg". `taken`: each name with the last number that was tried for it, so that a
// hundred thousand of one name take no longer than others.
export function unique_name(name: string, taken: Map<string, number>): string {
  let n = taken.get(name) ?? 0;
  let other = name;
  while (taken.has(other)) other = name.replace(/(?<=[^/])(\.[^./]*)?$/, ` (${++n})$1`);
  taken.set(other, 0).set(name, n);
  return other;
}
