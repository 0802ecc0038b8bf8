// Files as people see them: pictures at once, each to be saved, or all as one zip. For the receiver and for recipients.
import { Offline, Refused } from "./api";
import { bytes_of, type Contents, type Item } from "./contents";
import { add, announce, Bar, button, details, fill, h, icon } from "./dom";
import { may_be_picture, most_picture_bytes, picture_type } from "./pictures";
import { Given_up, save_by_form, save_stream } from "./save";
import { Broken, NotOurs } from "./seal_client";
import type { Place } from "./seal_messages";
import { as_text, may_be_text, most_text_bytes, text_view } from "./text_view";
import { count_files, say } from "./texts";
import { folder, leaf, safe_name, shown, size, unique_name } from "./words";

export interface Rights {
  identity: string;
  place(item: Item): Place;
  form(item: Item): Record<string, string> | null;  // fields for a download by the browser; null: it is fetched
  previews: boolean;                                // pictures and texts are fetched unasked
  zip: boolean;                                     // all of them may be saved as one
  saved?(item: Item, how: "page" | "browser"): void;  // browser: its download has begun
  once?: boolean;                                   // one download of each: the button is quiet after it
}

export function reason(error: unknown): string {
  if (error instanceof Broken) return say("not_what_was_sealed");
  if (error instanceof NotOurs) return say("other_key");
  if (error instanceof Offline) return say("no_answer");
  if (error instanceof Refused) {
    if (error.status === 404) return say("file_gone");
    if (error.status === 410) return say("used_up");
    if (error.status === 423) return say("busy");
    return error.message ? shown(error.message) : say("refused", { status: error.status });
  }
  return shown(String(error instanceof Error ? error.message : error));
}

// The dates that an entry of a zip can have go from 1980 to 2107.
function date_in_zip(date = new Date()): Date {
  return new Date(Math.min(Math.max(date.getTime(), new Date(1980, 0).getTime()), new Date(2107, 11, 31).getTime()));
}

export class ItemsView {
  readonly element = h("section", { class: "items" });
  private readonly texts = h("div", {});
  private readonly pictures = h("div", { class: "pictures" });
  private readonly list = h("ul", { class: "rows" });

  constructor(private readonly contents: Contents, private readonly rights: Rights, title: string) {
    const { items, message, trouble } = contents;
    fill(this.element,
      h("h2", {}, title),
      ...(!message ? [] : items.length > 0 ? text_view(message) : [h("section", { class: "text" }, ...text_view(message))]),
      trouble === "manifest" && h("p", { class: "warn bad", role: "alert" }, say("not_what_was_sealed")),
      trouble === "no_key" && h("p", { class: "warn" }, say("no_key_here")),
      this.texts, this.pictures, this.list,
      rights.zip && items.length > 1 && h("div", { class: "actions" }, this.all_button()),
      items.some(({ sum }) => sum) && details(say("sums_heading"), h("p", { class: "note" }, say("sums_xxh128")),
        h("ul", { class: "files sums" }, ...items.filter(({ sum }) => sum).slice(0, 500).map((item) => h("li", {}, h("b", { dir: "auto" }, shown(item.name)), h("code", {}, item.sum))))));
    for (const item of items.slice(0, 500)) this.list.append(this.row(item));
    if (items.length > 500) this.list.append(h("li", {}, say("and_more", { n: items.length - 500 })));
    if (rights.previews) void this.show_texts().then(() => this.show_pictures());
  }

  private row(item: Item): HTMLElement {
    const state = h("span", { class: "note" });
    const bar = new Bar(shown(item.name));
    bar.element.hidden = true;
    const save = button(say("save"), () => this.save(item, save, state, bar), { icon: "down", class: "small" });
    save.setAttribute("aria-label", say("save_this", { name: shown(item.name) }));
    return h("li", {}, icon(item.sealed || item.locked ? "lock" : may_be_picture(item.name, item.type) ? "picture" : "file"),
      h("div", { class: "what" },
        h("span", { class: "name", dir: "auto" }, h("small", {}, shown(folder(item.name))), shown(leaf(item.name))),
        h("span", { class: "size" }, size(item.size))),
      save, bar.element, state);
  }

  private async save(item: Item, control: HTMLButtonElement, state: HTMLElement, bar: Bar): Promise<void> {
    control.disabled = true;
    state.textContent = "";
    state.className = "note";
    try {
      await this.save_one(item, (bytes) => {
        bar.element.hidden = false;
        bar.set(item.size ? bytes / item.size : null);
      });
      state.textContent = item.sealed ? say("saved_opened") : say("download_began");
      announce(`${shown(leaf(item.name))}: ${state.textContent}`);
      this.rights.saved?.(item, this.by_browser(item) ? "browser" : "page");
      if (this.rights.once) return this.quiet(control, state, bar);
    } catch (error) {
      if (error instanceof Refused && error.status === 410) {
        state.textContent = reason(error);
        return this.quiet(control, state, bar);
      }
      if (!(error instanceof Given_up)) {
        state.textContent = reason(error);
        state.className = "note state bad";
        announce(state.textContent);
      }
    }
    bar.element.hidden = true;
    control.disabled = false;
  }

  // There is nothing more to press.
  private quiet(control: HTMLButtonElement, state: HTMLElement, bar: Bar): void {
    bar.element.hidden = true;
    state.className = "note";
    announce(state.textContent);
    control.remove();
  }

  private by_browser(item: Item): Record<string, string> | null {
    return item.sealed ? null : this.rights.form(item);
  }

  private async save_one(item: Item, progress: (bytes: number) => void): Promise<void> {
    const fields = this.by_browser(item);
    if (fields) return save_by_form(item.url, fields);
    const stream = await bytes_of(item, this.rights.place(item), this.rights.identity);
    try {
      await save_stream(stream, item.name, item.size, progress);
    } catch (error) {
      if (!(error instanceof NotOurs)) throw error;
      // Sealed to somebody else: it is saved as it is.
      const raw = { ...item, sealed: false, name: `${item.name}.age` };
      await save_stream(await bytes_of(raw, this.rights.place(item), ""), raw.name, null, progress);
    }
  }

  private all_button(): HTMLButtonElement {
    const items = this.contents.items.filter((item) => !item.locked);
    const made = button(say("save_all", { files: count_files(items.length) }), async () => {
      made.disabled = true;
      const bar = new Bar(say("all_together"));
      made.after(bar.element);
      try {
        const { makeZip, predictLength } = await import("client-zip");
        const names = new Map<string, number>();
        const entries = items.map((item) => ({ item, name: unique_name(safe_name(item.name), names) }));
        const length = Number(predictLength(entries.map(({ item, name }) => ({ name, size: item.size }))));
        const rights = this.rights;
        async function* inputs() {
          for (const { item, name } of entries) {
            yield { name, input: await bytes_of(item, rights.place(item), rights.identity), size: item.size, lastModified: date_in_zip(item.modified), mode: item.executable ? 0o755 : 0o644 };
          }
        }
        await save_stream(makeZip(inputs()) as ReadableStream<Uint8Array<ArrayBuffer>>, "qrx.zip", length, (bytes) => bar.set(bytes / length));
        for (const item of items) this.rights.saved?.(item, "page");
        announce(say("saved"));
      } catch (error) {
        if (!(error instanceof Given_up)) made.after(h("p", { class: "warn bad", role: "alert" }, reason(error)));
      }
      bar.element.remove();
      made.disabled = false;
    }, { icon: "down" });
    return made;
  }

  private async show_texts(): Promise<void> {
    let left = 8;
    for (const item of this.contents.items) {
      if (left === 0) return;
      if (item.locked || item.size > most_text_bytes || item.size === 0 || !may_be_text(item.name, item.type)) continue;
      --left;
      try {
        const text = as_text(new Uint8Array(await new Response(await bytes_of(item, this.rights.place(item), this.rights.identity)).arrayBuffer()));
        if (text === null) continue;
        add(this.texts, h("section", { class: "text" }, this.contents.items.length > 1 && h("p", { class: "note", dir: "auto" }, shown(item.name)), ...text_view(text)));
      } catch {
        // it stays on the list
      }
    }
  }

  // One after the other, so that a slow line shows the first soon.
  private async show_pictures(): Promise<void> {
    let left = 24;
    for (const item of this.contents.items) {
      if (left === 0) return;
      if (item.locked || item.size > most_picture_bytes || !may_be_picture(item.name, item.type)) continue;
      --left;
      const frame = h("figure", {}, h("div", { class: "loading" }));
      this.pictures.append(frame);
      try {
        const stream = await bytes_of(item, this.rights.place(item), this.rights.identity);
        const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
        const type = picture_type(bytes);
        if (!type) throw new NotOurs("no picture");
        const address = URL.createObjectURL(new Blob([bytes], { type }));
        const picture = h("img", { src: address, alt: shown(leaf(item.name)) });
        await picture.decode();
        fill(frame, h("a", { href: address, target: "_blank", rel: "noopener" }, picture), h("figcaption", { dir: "auto" }, shown(leaf(item.name))));
      } catch {
        frame.remove();
      }
    }
  }
}
