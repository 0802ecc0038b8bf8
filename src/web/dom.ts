// Elements, made without markup: text from outside only ever becomes a text node.
export type Child = Node | string | null | undefined | false;
type Attribute = string | number | boolean | null | undefined | ((event: never) => unknown);

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Record<string, Attribute> = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  add(element, ...children);
  return element;
}

export function add(parent: Element, ...children: Child[]): void {
  for (const child of children) if (child) parent.append(child);
}

export function fill(parent: Element, ...children: Child[]): void {
  parent.replaceChildren();
  add(parent, ...children);
}

// The same where the focus may be in what goes: it stays in this part of the page, so that who goes by keyboard need not begin anew.
export function refill(parent: Element, ...children: Child[]): void {
  const fields = () => [...parent.querySelectorAll<HTMLElement>("button, input, a")];
  const at = fields().indexOf(document.activeElement as HTMLElement);
  fill(parent, ...children);
  if (at >= 0) (fields()[at] ?? fields().at(-1))?.focus();
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag: string, attributes: Record<string, string | number> = {}, ...children: Node[]): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

// Drawn for a field of 24 by 24, with lines. What only some pages draw stands in signs.ts, which they import.
const drawings = {
  file: "M7 3h7l4 4v14H7zM14 3v4h4",
  files: "M8 7h7l3 3v11H8zM5 17V3h8",
  folder: "M3 6h6l2 2h10v11H3z",
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7",
  cross: "M6 6l12 12M18 6 6 18",
  picture: "M4 5h16v14H4zm0 10 5-5 5 5 2-2 4 4M15.5 8.5v.01",
  code: "M4 4h6v6H4zm10 0h6v6h-6zM4 14h6v6H4zm10 0h2v2h-2zm4 4h2v2h-2z",
};
export type Drawing = keyof typeof drawings | keyof typeof import("./signs").signs;

export function add_drawings(more: Record<string, string>): void {
  Object.assign(drawings, more);
}

export function icon(name: Drawing): SVGElement {
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, svg("path", { d: (drawings as Record<string, string>)[name]! }));
}

export function button(label: string, act: (event: MouseEvent) => unknown, options: { icon?: Drawing; class?: string; title?: string } = {}): HTMLButtonElement {
  return h("button", { type: "button", class: options.class, title: options.title, "aria-label": options.title, onclick: act },
    options.icon && icon(options.icon), label && h("span", {}, label));
}

export function facts(...items: (Child | false)[]): HTMLUListElement {
  return h("ul", { class: "facts" }, ...items.filter(Boolean).map((item) => h("li", {}, item as Child)));
}

export function details(summary: string, ...children: Child[]): HTMLDetailsElement {
  return h("details", {}, h("summary", {}, summary), ...children);
}

// Said by screen readers when it changes.
const region = h("div", { class: "unseen", role: "status", "aria-live": "polite" });
export function announce(text: string): void {
  if (!region.isConnected) document.body.append(region);
  region.textContent = text;
}

export function badge(kind: "good" | "bad" | "wait"): SVGElement {
  const mark = { good: "m21 35 9 9 18-19", bad: "M34 19v19m0 10.5v.01", wait: "M34 20v15l9 6" }[kind];
  return svg("svg", { viewBox: "0 0 68 68", class: `badge ${kind}`, "aria-hidden": "true" },
    svg("circle", { cx: 34, cy: 34, r: 30 }), svg("path", { d: mark }));
}

// A bar whose value is a fraction; no fraction: it moves without end.
export class Bar {
  readonly element = h("progress", { max: 1 });
  constructor(label: string) {
    this.element.setAttribute("aria-label", label);
  }
  set(fraction: number | null): void {
    if (fraction === null) this.element.removeAttribute("value");
    else this.element.value = Math.min(1, Math.max(0, fraction));
  }
}

export function copy_button(label: string, text: () => string, done: string, options: { class?: string } = {}): HTMLButtonElement {
  const made = button(label, async () => {
    await copy_text(text());
    const words = made.querySelector("span")!;
    words.textContent = done;
    announce(done);
    setTimeout(() => (words.textContent = label), 2000);
  }, { icon: "copy", ...options });
  return made;
}

// Plain http has no clipboard of its own.
async function copy_text(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = h("textarea", { class: "unseen", readonly: true });
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}
