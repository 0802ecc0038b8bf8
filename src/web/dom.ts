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

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag: string, attributes: Record<string, string | number> = {}, ...children: Node[]): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

// Drawn for a field of 24 by 24, with lines.
const drawings = {
  file: "M7 3h7l4 4v14H7zM14 3v4h4",
  files: "M8 7h7l3 3v11H8zM5 17V3h8",
  folder: "M3 6h6l2 2h10v11H3z",
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  open_lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 6.8-1.2",
  down: "M12 4v11m0 0 4.5-4.5M12 15l-4.5-4.5M5 20h14",
  up: "M12 20V9m0 0 4.5 4.5M12 9l-4.5 4.5M5 4h14",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "m5 12.5 4.5 4.5L19 7",
  cross: "M6 6l12 12M18 6 6 18",
  pause: "M9 6v12M15 6v12",
  play: "M8 5l11 7-11 7z",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16m0 4v4l3 2",
  picture: "M4 5h16v14H4zm0 10 5-5 5 5 2-2 4 4M15.5 8.5v.01",
  note: "M5 4h14v12l-4 4H5zM15 20v-4h4M9 9h6m-6 4h4",
  warning: "M12 4 3 20h18zM12 10v4m0 3v.01",
  share: "M6 12v8h12v-8M12 15V4m0 0L8 8m4-4 4 4",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  code: "M4 4h6v6H4zm10 0h6v6h-6zM4 14h6v6H4zm10 0h2v2h-2zm4 4h2v2h-2z",
  bell: "M6 17V11a6 6 0 0 1 12 0v6l2 1H4zM10 21h4",
  receive: "M4 4h6v6H4zm10 0h6v6h-6zM4 14h6v6H4zM17 13v7m0 0 3-3m-3 3-3-3",
  send: "M21 4 10 15M21 4l-7 17-4-6-6-4z",
  mail: "M3 6h18v12H3zm0 0 9 7 9-7",
} as const;
export type Drawing = keyof typeof drawings;

export function icon(name: Drawing): SVGElement {
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, svg("path", { d: drawings[name] }));
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
