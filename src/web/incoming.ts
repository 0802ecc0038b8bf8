// What is on its way to the receiver: all of it as one bar, with speed and time left, and each file.
import type { UploadInfo } from "./api";
import { Bar, fill, h } from "./dom";
import { Rate } from "./rate";
import { say } from "./texts";
import { shown, size } from "./words";

const most_rows = 50;
const manifest_name = "qrx-manifest.age";

interface Row {
  bar: Bar;
  text: HTMLElement;
  element: HTMLElement;
}

export class Incoming {
  readonly element = h("section", { class: "incoming", hidden: true });
  private readonly total = new Bar(say("all_together"));
  private readonly total_text = h("span", { class: "size" });
  private readonly list = h("ul", { class: "rows progress" });
  private readonly rows = new Map<string, Row>();
  private readonly rate = new Rate();
  private readonly ended = new Map<string, number>();  // bytes of uploads that were seen to their end
  private bytes = 0;
  private all: number | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    fill(this.element, h("div", { class: "total" }, this.total.element, this.total_text), this.list);
  }

  // Uploads that are no longer there are complete, or were given up: their bytes count until nothing is on its way.
  show(uploads: UploadInfo[]): void {
    const files = uploads.filter((upload) => upload.name !== manifest_name);
    this.element.hidden = files.length === 0;
    for (const [id, row] of this.rows)
      if (!files.some((upload) => upload.upload === id)) {
        row.element.remove();
        this.rows.delete(id);
      }
    if (files.length === 0) return this.rest();
    for (const upload of files) this.ended.set(upload.upload, upload.length ?? upload.offset);
    const gone = [...this.ended].filter(([id]) => !files.some((upload) => upload.upload === id)).reduce((sum, [, bytes]) => sum + bytes, 0);
    this.bytes = gone + files.reduce((sum, upload) => sum + upload.offset, 0);
    this.all = files.some((upload) => upload.length === undefined) ? null : gone + files.reduce((sum, upload) => sum + upload.length!, 0);
    for (const upload of files.slice(0, most_rows)) this.show_row(upload);
    this.timer ??= setInterval(() => this.show_total(), 1000);
    this.show_total();
  }

  private rest(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.ended.clear();
    this.rate.restart(0);
  }

  private show_total(): void {
    this.rate.look(this.bytes);
    this.total.set(this.all === null ? null : this.bytes / Math.max(1, this.all));
    const stalled = this.rate.stalled;
    this.total_text.textContent = this.rate.text(this.bytes, this.all, !stalled) + (stalled ? ` · ${say("stalled")}` : "");
  }

  private show_row(upload: UploadInfo): void {
    let row = this.rows.get(upload.upload);
    if (!row) {
      const name = /^[a-z2-7]{26}\.age$/.test(upload.name) ? say("sealed_file") : shown(upload.name);
      const bar = new Bar(name);
      const text = h("span", { class: "size" });
      row = { bar, text, element: h("li", {}, h("span", { class: "name", dir: "auto" }, name), text, bar.element) };
      this.rows.set(upload.upload, row);
      this.list.append(row.element);
    }
    row.bar.set(upload.length ? upload.offset / upload.length : null);
    row.text.textContent = upload.length ? `${size(upload.offset)} / ${size(upload.length)}` : size(upload.offset);
  }

  stop(): void {
    this.rest();
    this.element.hidden = true;
  }
}
