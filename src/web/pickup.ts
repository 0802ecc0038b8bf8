// A recipient's page: what there is, from whom, until when. Looking changes and counts nothing.
import { ask, ask_json, type FileInfo, type SharedSpace } from "./api";
import { contents_of, type Item } from "./contents";
import { badge, facts, fill, h } from "./dom";
import { ItemsView, type Rights } from "./items_view";
import { at } from "./root";
import { count_files, load_texts, say } from "./texts";
import { clock, duration, seconds_until, shown } from "./words";

const main = document.querySelector("main")!;
let shared = JSON.parse(main.dataset["facts"]!) as SharedSpace;
const token = location.pathname.replace(/\/+$/, "").split("/").pop()!;
const here = at(`d/${token}`);

const fragment = decodeURIComponent(location.hash.slice(1)).toUpperCase();
const identity = /^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/.test(fragment) ? fragment : "";

const url_of = (file: string) => `${here}/files/${file}`;

function opened(): void {
  void ask(`${here}/opened`, { method: "POST" }).catch(() => undefined);
}

async function show(): Promise<void> {
  const limited = shared.downloads_left > 0;
  const files = shared.deliveries.flatMap((delivery) => delivery.files);
  const title = shared.label ? say("files_from", { name: shown(shared.label) }) : say("files_for_you");
  document.title = title;
  const sealed = files.some((file) => file.sealed);
  const body: HTMLElement[] = [];
  for (const delivery of shared.deliveries) {
    // The manifest of a sealed delivery is no download that counts: it tells the names.
    const place = (file: string) => ({ url: url_of(file), method: limited ? "POST" : "GET", headers: {} });
    const contents = await contents_of(delivery, {
      identity, url: (file: FileInfo) => url_of(file.file),
      place: (file: FileInfo) => place(file.file),
    });
    const rights: Rights = {
      identity, previews: !limited, place: (item: Item) => place(item.id), form: () => ({}),
      saved: limited ? () => void again() : () => undefined,
    };
    body.push(new ItemsView(contents, rights, `${count_files(contents.items.length)} · ${clock(delivery.committed)}`).element);
  }
  fill(main, h("h1", {}, title),
    facts(say("there_for", { time: duration(seconds_until(shared.expires)) }),
      limited && (shared.downloads_left === 1 ? say("once") : say("times", { n: shared.downloads_left }))),
    shared.message && h("blockquote", { dir: "auto" }, shown(shared.message)),
    sealed && !identity && h("p", { class: "warn bad", role: "alert" }, say("key_missing")),
    files.length === 0 && h("p", { class: "lead" }, say("nothing_yet")),
    !sealed && !limited && files.length > 1 && h("p", {}, h("a", { class: "button", href: `${here}/all.zip`, download: true }, say("all_as_zip"))),
    h("div", { class: "arrived" }, ...body));
}

// What is left of a limited link, once something was taken.
async function again(): Promise<void> {
  try {
    shared = await ask_json<SharedSpace>(here);
  } catch {
    // used up: what is on the page stays
  }
}

async function begin(): Promise<void> {
  await load_texts();
  try {
    await show();
    opened();
  } catch (error) {
    fill(main, badge("bad"), h("h1", {}, say("not_allowed")), h("p", { class: "lead" }, shown(String(error instanceof Error ? error.message : error))));
  }
}

void begin();
