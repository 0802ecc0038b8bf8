// Text that somebody sent, as text: to read and to copy, never as markup. Its links are not links until a person has looked at
// where they lead.
import { type Child, copy_button, details, h } from "./dom";
import { say } from "./texts";
import { shown } from "./words";

export const most_text_bytes = 64 * 1024;
const most_links = 20;

export const may_be_text = (name: string, type: string) => /\.(txt|md|csv|log|json|url)$/i.test(name) || /^text\/plain\b/.test(type);

// What can be read; null where it is no text.
export function as_text(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

// Only what a browser would open as a page, and only as far as everybody sees where it ends.
export function links_in(text: string): URL[] {
  const found = new Map<string, URL>();
  for (const [match] of text.matchAll(/https?:\/\/[^\s<>"'`{}|\\^\u007f-\uffff]+/gi)) {
    try {
      const url = new URL(match.replace(/[.,;:!?)\]]+$/, ""));
      if (!url.username && !url.password && url.hostname) found.set(url.href, url);
    } catch {
      // no address
    }
  }
  return [...found.values()].slice(0, most_links);
}

function link_row(url: URL): HTMLElement {
  return h("li", {}, h("a", { href: url.href, target: "_blank", rel: "noopener noreferrer" }, h("b", {}, url.host), shown(url.href.slice(url.origin.length))));
}

export function text_view(text: string): Child[] {
  // Line ends stay; all else that cannot be seen is written out.
  const lines = text.replace(/\r\n?/g, "\n").replace(/\n+$/, "").split("\n").map((line) => line.split("\t").map(shown).join("\t")).join("\n");
  const links = links_in(text);
  return [
    h("blockquote", { dir: "auto", tabindex: 0, "aria-label": say("text_sent") }, lines),
    h("div", { class: "copy" }, copy_button(say("copy"), () => text, say("copied"), { class: "small" })),
    links.length > 0 ? details(say(links.length === 1 ? "link_in_text" : "links_in_text", { n: links.length }), h("p", { class: "note" }, say("links_look")), h("ul", { class: "links", translate: "no" }, ...links.map(link_row))) : null,
  ];
}
