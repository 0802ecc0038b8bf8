// The sentences of the pages in the language that the server chose.
import type english from "./texts/en.json";
export type Key = keyof (typeof english)["page"];
type Filling = Record<string, string | number>;

let table: Record<string, string> = {};

export const language = document.documentElement.lang;

export async function load_texts(): Promise<void> {
  const file = new URL(document.documentElement.dataset["texts"]!, location.href).href;
  table = ((await import(file)) as { default: Record<string, string> }).default;
}

export function say(key: Key, filling: Filling = {}): string {
  return (table[key] ?? key).replace(/\{(\w+)\}/g, (_, name: string) => String(filling[name] ?? ""));
}

// One after the other: Chinese has no space between them.
export function sentences(...all: (string | false)[]): string {
  return all.filter(Boolean).join(language.startsWith("zh") ? "" : " ");
}

// "1 file", "3 files"
export function count_files(n: number): string {
  return say(n === 1 ? "file" : "files", { n });
}
