// The list of what is to be sent, and the ways onto it: chosen, dropped, pasted. For the sender's page and for the scanner, where
// files may be chosen before the code is there.
import { announce, button, type Child, h, icon, refill } from "./dom";
import { may_be_picture } from "./pictures";
import { seems_same } from "./same_file";
import { count_files, say } from "./texts";
import { folder, leaf, safe_name, shown, size, unique_name } from "./words";

export interface Chosen {
  name: string;    // safe, and no other has it
  wanted: string;  // before another had it
  blob: Blob;
  modified: number;
}
export type Offered = File | { file: File; name: string };

const most_rows = 200;
const most_thumbnail_bytes = 32 * 1024 * 1024;

interface Entry {
  isFile: boolean;
  fullPath: string;
  file(done: (file: File) => void, failed: () => void): void;
  createReader(): { readEntries(done: (entries: Entry[]) => void, failed: () => void): void };
}

async function files_of(data: DataTransfer): Promise<Offered[]> {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry() as unknown as Entry | null).filter((entry) => entry !== null);
  const files = [...data.files];
  const found: Offered[] = [];
  const walk = async (entry: Entry): Promise<void> => {
    if (entry.isFile) {
      await new Promise<void>((resolve) => entry.file((file) => {
        found.push({ file, name: entry.fullPath.replace(/^\//, "") });
        resolve();
      }, resolve));
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise<Entry[]>((resolve) => reader.readEntries(resolve, () => resolve([])));
      if (some.length === 0) return;
      for (const one of some) await walk(one);
    }
  };
  for (const entry of entries) await walk(entry);
  return entries.length === 0 ? files : found;
}

export class Chooser {
  files: Chosen[] = [];
  readonly element = h("div", { class: "chooser" });
  readonly note = h("textarea", { rows: 2, maxlength: 2000, id: "note", placeholder: say("note_hint"), oninput: () => this.changed() });
  private doubles: Chosen[] = [];  // files that seem to be on the list already: asked about, never left out silently
  private readonly thumbnails = new Map<Chosen, string>();
  private taking = Promise.resolve();
  private readonly stop = new AbortController();

  // `changed`: the list or the note is another. While `busy` says so nothing is taken.
  constructor(private readonly changed: () => void, private readonly busy: () => boolean) {
    const signal = this.stop.signal;
    addEventListener("dragover", (event) => {
      event.preventDefault();
      if (!this.busy()) document.body.classList.add("over");
    }, { signal });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) document.body.classList.remove("over");
    }, { signal });
    addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("over");
      if (!this.busy() && event.dataTransfer) void files_of(event.dataTransfer).then((files) => this.take(files));
    }, { signal });
    addEventListener("paste", (event) => this.paste(event), { signal });
    this.show();
  }

  // No more of the page's drops and pastes.
  end(): void {
    this.stop.abort();
    this.clear();
  }

  clear(): void {
    for (const address of this.thumbnails.values()) URL.revokeObjectURL(address);
    this.thumbnails.clear();
    this.files = [];
    this.doubles = [];
    this.note.value = "";
    this.show();
  }

  get text(): string {
    return this.note.value.trim();
  }
  get bytes(): number {
    return this.files.reduce((sum, one) => sum + one.blob.size, 0);
  }

  note_field(): HTMLElement {
    return h("label", { class: "field", for: "note" }, h("span", {}, say("note"), " ", h("small", {}, say("optional"))), this.note);
  }

  private paste(event: ClipboardEvent): void {
    if (this.busy() || !event.clipboardData || event.defaultPrevented) return;
    const files = [...event.clipboardData.files];
    const text = event.clipboardData.getData("text/plain");
    const into_field = event.target instanceof Element && event.target.matches("input, textarea");
    if (files.length > 0) {
      event.preventDefault();
      void this.take(files.map((file) => ({ file, name: file.name === "image.png" ? say("pasted_name") : file.name })));
    } else if (text && !into_field) {
      event.preventDefault();
      this.note.value = [this.note.value.trim(), text].filter(Boolean).join("\n").slice(0, this.note.maxLength);
      this.note.focus();
      this.changed();
    }
  }

  // One after the other: what is pasted while another is being read sees its name.
  take(files: Iterable<Offered>): Promise<void> {
    const these = [...files];
    this.taking = this.taking.then(() => this.add(these));
    return this.taking;
  }

  private async add(files: Offered[]): Promise<void> {
    const before = [...this.files];
    this.doubles = [];
    for (const item of files) {
      const file = item instanceof File ? item : item.file;
      const path = item instanceof File ? file.webkitRelativePath || file.name : item.name;
      const wanted = safe_name(path || say("pasted_name"));
      const one = { name: wanted, wanted, blob: file, modified: file.lastModified };
      if (await is_there(one, before)) this.doubles.push(one);
      else this.append(one);
    }
    this.show();
    this.changed();
    this.tell();
  }

  private tell(): void {
    announce(this.doubles.length ? this.doubles_text() : say("chosen", this.counts()));
  }

  // For texts that name both.
  counts(): { files: string; size: string } {
    return { files: count_files(this.files.length), size: size(this.bytes) };
  }

  private append(one: Chosen): void {
    one.name = unique_name(one.wanted, new Map(this.files.map(({ name }) => [name, 0])));
    this.files.push(one);
  }

  private doubles_text(): string {
    return say("already_chosen", { names: names_of(this.doubles) });
  }

  private remove(one: Chosen): void {
    const address = this.thumbnails.get(one);
    if (address) URL.revokeObjectURL(address);
    this.thumbnails.delete(one);
    this.files = this.files.filter((other) => other !== one);
    this.show();
    this.changed();
    this.tell();
  }

  private show(): void {
    const many = this.files.length;
    const phone = matchMedia("(pointer: coarse)").matches;
    const tree = "webkitdirectory" in HTMLInputElement.prototype && !phone;
    refill(this.element,
      h("div", { class: `zone${many ? " filled" : ""}` },
        this.picker(many ? say("more_files") : say("choose_files"), "files", { multiple: true }, many ? "" : "main"),
        tree && this.picker(say("choose_folder"), "folder", { webkitdirectory: true }, ""),
        phone && this.picker(say("take_photo"), "camera", { accept: "image/*", capture: "environment" }, ""),
        !phone && !many && h("p", { class: "note" }, say("or_drop"))),
      many > 0 && h("ul", { class: "rows chosen" }, ...this.files.slice(0, most_rows).map((one) => this.row(one)),
        many > most_rows ? h("li", {}, say("and_more", { n: many - most_rows })) : null),
      this.doubles.length > 0 && h("div", { class: "warn", role: "status" }, h("p", {}, this.doubles_text()),
        button(say("add_again"), () => {
          for (const one of this.doubles) this.append(one);
          this.doubles = [];
          this.show();
          this.changed();
        }, { class: "small" })));
  }

  private picker(text: string, drawing: Parameters<typeof icon>[0], attributes: Record<string, string | boolean>, look: string): HTMLElement {
    const field = h("input", { type: "file", class: "unseen", ...attributes, onchange: () => {
      void this.take([...field.files!]);
      field.value = "";
    } });
    return h("label", { class: `button ${look}` }, field, icon(drawing), h("span", {}, text));
  }

  private row(one: Chosen): HTMLElement {
    return h("li", {}, this.thumbnail(one), h("div", { class: "what" },
        h("span", { class: "name", dir: "auto" }, h("small", {}, shown(folder(one.name))), shown(leaf(one.name))),
        h("span", { class: "size" }, size(one.blob.size))),
      button("", () => this.remove(one), { icon: "cross", class: "bare", title: say("remove", { name: shown(one.name) }) }));
  }

  // What the browser draws of a picture; whatever else it is, a sign.
  private thumbnail(one: Chosen): Child {
    if (!may_be_picture(one.name, one.blob.type) || one.blob.size > most_thumbnail_bytes) return icon("file");
    const address = this.thumbnails.get(one) ?? URL.createObjectURL(one.blob);
    this.thumbnails.set(one, address);
    const picture: HTMLImageElement = h("img", { class: "thumb", src: address, alt: "", loading: "lazy", decoding: "async", onerror: () => picture.replaceWith(icon("file")) });
    return picture;
  }
}

// By its bytes where name, size and date are the same.
async function is_there(one: Chosen, before: Chosen[]): Promise<boolean> {
  const alike = before.filter((other) => other.wanted === one.wanted && other.blob.size === one.blob.size && other.modified === one.modified);
  if (alike.length === 0) return false;
  try {
    for (const other of alike) if (await seems_same(one.blob, other.blob)) return true;
  } catch {
    // it cannot be read: sending will say so
  }
  return false;
}

export function names_of(files: { name: string }[]): string {
  return files.map((file) => shown(leaf(file.name))).slice(0, 3).join(", ");
}
