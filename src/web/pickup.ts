// A recipient's page: what there is, from whom, until when. Looking changes and counts nothing.
import "./signs";
import { ask, ask_json, pause, with_all_pages, type FileInfo, type SharedSpace } from "./api";
import { contents_of, type Item } from "./contents";
import { badge, button, facts, fill, h } from "./dom";
import { ItemsView, reason, type Rights } from "./items_view";
import { kept_names } from "./kept";
import { at, fragment } from "./root";
import { save_by_form } from "./save";
import { text_view } from "./text_view";
import { count_files, load_texts, say } from "./texts";
import { clock, duration, seconds_until, shown } from "./words";

const main = document.querySelector("main")!;
let shared = JSON.parse(main.dataset["facts"]!) as SharedSpace;
const token = location.pathname.replace(/\/+$/, "").split("/").pop()!;
const here = at(`d/${token}`);

const after_hash = fragment().toUpperCase();
const identity = /^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/.test(after_hash) ? after_hash : "";

const url_of = (file: string) => `${here}/files/${file}`;

function opened(): void {
  void ask(`${here}/opened`, { method: "POST" }).catch(() => undefined);
}

// A limited link gives each file so many times, the list of names of sealed ones too: it is opened when it is asked for.
let may_open = shared.downloads_left === 0;

function known(file: FileInfo): boolean {
  return !file.sealed || kept_names.get(file.file) !== null;
}

async function show(): Promise<void> {
  const limited = shared.downloads_left > 0;
  const files = shared.deliveries.flatMap((delivery) => delivery.files);
  const title = shared.label ? say("files_from", { name: shown(shared.label) }) : say("files_for_you");
  document.title = title;
  const sealed = files.some((file) => file.sealed);
  const no_key = sealed && identity === "";
  const ask_first = sealed && identity !== "" && !may_open && !files.filter((file) => file.name === "qrx-manifest.age").every(known);
  const body: HTMLElement[] = [];
  // Without the key nobody can open what is sealed: it is not offered.
  const there = no_key ? shared.deliveries.map((delivery) => ({ ...delivery, files: delivery.files.filter((file) => !file.sealed) })) : shared.deliveries;
  for (const delivery of ask_first ? [] : there.filter((one) => one.files.length > 0)) {
    const place = (file: string) => ({ url: url_of(file), method: limited ? "POST" : "GET", headers: {} });
    const contents = await contents_of(delivery, {
      identity, url: (file: FileInfo) => url_of(file.file), place: (file: FileInfo) => place(file.file), keep: kept_names, limited,
    });
    const rights: Rights = {
      identity, previews: !limited, zip: sealed && !limited, place: (item: Item) => place(item.id), form: () => ({}),
      saved: limited ? () => void again() : () => undefined,
      once: shared.downloads_left === 1,
    };
    body.push(new ItemsView(contents, rights, `${count_files(contents.items.length)} · ${clock(delivery.committed)}`).element);
  }
  fill(main, h("h1", {}, title),
    standing(),
    ...(shared.message ? text_view(shared.message) : []),
    no_key && h("p", { class: "warn bad", role: "alert" }, say("key_missing")),
    files.length === 0 && h("p", { class: "lead" }, say("nothing_yet")),
    ask_first && h("p", { class: "lead" }, say("open_sealed_lead")),
    ask_first && button(say("open_sealed"), () => {
      may_open = true;
      void begin_showing();
    }, { icon: "open_lock", class: "main" }),
    !sealed && files.length > 1 && button(say("all_as_zip"), () => save_by_form(`${here}/all.zip`, {}), { icon: "down", class: "main" }),
    h("div", { class: "arrived" }, ...body));
}

function standing(): HTMLElement {
  const left = shared.downloads_left;
  return facts(say("there_for", { time: duration(seconds_until(shared.expires)) }),
    left > 0 && (left === 1 ? say("download_left") : say("downloads_left", { n: left })));
}

// What is left of a limited link, once something was taken. A download by the browser takes a moment to count.
async function again(): Promise<void> {
  await pause(1500);
  try {
    shared = await with_all_pages(await ask_json<SharedSpace>(here), here);
    main.querySelector(".facts")?.replaceWith(standing());
  } catch {
    // used up: what is on the page stays
  }
}

async function begin_showing(): Promise<void> {
  try {
    shared = await with_all_pages(shared, here);
    await show();
  } catch (error) {
    fill(main, badge("bad"), h("h1", {}, say("not_allowed")), h("p", { class: "lead" }, reason(error)));
  }
}

async function begin(): Promise<void> {
  await load_texts();
  await begin_showing();
  if (identity !== "" || !shared.deliveries.some((delivery) => delivery.files.some((file) => file.sealed))) opened();
}

void begin();
