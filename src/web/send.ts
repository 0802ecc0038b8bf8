// The sender's page: choose, send, done.
import "./signs";
import { ask, ask_json, type DropInfo, Offline, Refused } from "./api";
import { Chooser, names_of } from "./choosing";
import { announce, badge, button, type Child, details, facts, fill, h, icon } from "./dom";
import { keep_delivery, kept_delivery, type KeptDelivery } from "./kept";
import { handed_over } from "./hand_over";
import { type Receipt, watch_receipt } from "./receipts";
import { at, fragment } from "./root";
import { seal } from "./seal_client";
import { SendingView } from "./sending_view";
import { count_files, load_texts, say, sentences } from "./texts";
import { Sending } from "./upload";
import { duration, seconds_until, shown, size } from "./words";

const main = document.querySelector("main")!;
const drop = JSON.parse(main.dataset["facts"]!) as DropInfo;
const guid = location.pathname.replace(/\/+$/, "").split("/").pop()!.toLowerCase();
const label = shown(drop.label);
const here = at(`u/${guid}`);

// From the QR code, never from the server: it must not choose who can read.
const after_hash = fragment().toLowerCase();
const key = drop.seal !== "off" && /^age1[02-9ac-hj-np-z]{58}$/.test(after_hash) ? after_hash : "";
const cut_off = after_hash !== "" && drop.seal !== "off" && key === "";

let chooser: Chooser;
let kept: KeptDelivery | null = null;
let words = "";
let current: Sending | null = null;

function key_broken(): boolean {
  return cut_off || (drop.seal === "require" && key === "");
}

// What the server will count: sealed files are a little larger, and their names are a file of their own.
function wire_size(one: { blob: Blob; name: string }): number {
  return key ? one.blob.size + 184 + 16 * Math.max(1, Math.ceil(one.blob.size / 65536)) + one.name.length + 120 : one.blob.size;
}

function trouble_over(): string {
  const { max_size, max_files } = drop.limits;
  const counted = chooser.files.reduce((sum, one) => sum + wire_size(one), key && chooser.files.length ? 300 : 0);
  if (max_size > 0 && counted > max_size) return say("over_size", { size: size(chooser.bytes), most: size(max_size) });
  if (max_files > 0 && chooser.files.length > max_files) return say("over_files", { n: chooser.files.length, most: max_files });
  return "";
}

// --- choosing
function open_for(): string {
  const time = duration(seconds_until(drop.expires));
  return time === say("hour") ? say("open_for_hour") : say("open_for", { time });
}

function heading(): Child[] {
  return [
    h("h1", {}, label ? say("send_to", { name: label }) : say("send_files")),
    facts(
      open_for(),
      drop.limits.max_size > 0 && say("up_to", { what: size(drop.limits.max_size) }),
      drop.limits.max_files > 0 && drop.limits.max_files <= 1000 && say("up_to", { what: count_files(drop.limits.max_files) }),
    ),
  ];
}

// One line, and more of it for those who ask.
function safety(): HTMLElement {
  if (key)
    return h("div", { class: "seal" }, icon("lock"), h("div", {}, h("b", {}, say("only_receiver")), details(say("what_means"),
      h("p", {}, say("what_sealed")),
      h("p", {}, say("same_words"), " ", h("span", { class: "words", translate: "no" }, words)),
      isSecureContext ? null : h("p", {}, say("plain_http_sealed")))));
  return h("div", { class: "seal open" }, icon("open_lock"), h("div", {}, h("b", {}, isSecureContext ? say("server_can_read") : say("all_can_read")),
    details(say("what_means"), h("p", {}, isSecureContext ? say("what_open") : say("what_open_http")))));
}

const over_text = h("p", { class: "warn bad", role: "alert", hidden: true });
const send_button = h("button", { type: "button", class: "main", onclick: () => void start() });

function update_send(): void {
  const over = trouble_over();
  over_text.hidden = over === "";
  over_text.textContent = over;
  send_button.disabled = (chooser.files.length === 0 && chooser.text === "") || over !== "";
  send_button.textContent = chooser.files.length > 0 ? say("send_these", chooser.counts())
    : chooser.text !== "" ? say("send_note") : say("send");
}

function unfinished(): Child {
  return kept && h("div", { class: "warn" }, h("p", {}, say("unfinished", { files: names_of(kept.files) })),
    button(say("forget"), () => {
      void new Sending(guid, drop, [], "", kept!.key, kept, () => undefined).give_up();
      keep_delivery(guid, null);
      kept = null;
      show_choosing();
    }, { class: "small" }));
}

function show_choosing(): void {
  document.title = label ? say("send_to", { name: label }) : say("send_files");
  fill(main, ...heading(), unfinished(), chooser.element, over_text, chooser.note_field(), send_button, safety(),
    h("p", { class: "note" }, say("code_here"), " ", h("a", { href: at("scan") }, say("scan_one"))));
  update_send();
}

// --- sending
async function start(): Promise<void> {
  let view: SendingView | undefined;
  current = new Sending(guid, drop, chooser.files, chooser.text, key, kept, () => view?.changed());
  view = new SendingView(main, current, {
    sent: () => show_sent(),
    failed: () => void show_failed(),
    given_up: () => {
      current = null;
      kept = null;
      show_choosing();
    },
  });
  await view.run();
}

function show_sent(): void {
  const { files, size: bytes, delivery } = current!;
  current = null;
  kept = null;
  const title = say("sent");
  const news = h("p", { class: "lead", role: "status" });
  document.title = title;
  fill(main, badge("good"), h("h1", { tabindex: -1 }, title),
    h("p", { class: "lead" }, sentences(files.length === 0 ? say("sent_text") : say("sent_lead", { files: count_files(files.length), size: size(bytes) }),
      key !== "" && (files.length === 0 ? say("sent_text_sealed") : say("sent_sealed")))),
    news,
    h("ul", { class: "files" }, ...files.slice(0, 500).map((file) => h("li", {}, h("b", { dir: "auto" }, shown(file.name)), h("span", {}, size(file.size))))),
    h("div", { class: "actions" }, button(say("send_more"), () => void send_more())),
    files.length > 0 && details(say("sums_heading"), h("p", { class: "note" }, key ? say("sums_sha256") : say("sums_xxh128")),
      h("ul", { class: "files sums" }, ...files.slice(0, 500).map((file) => h("li", {}, h("b", { dir: "auto" }, shown(file.name)), h("code", {}, file.sum))))));
  announce(title);
  scrollTo(0, 0);
  main.querySelector("h1")!.focus();
  if (delivery) void watch_receipt(`${here}/deliveries/${delivery}`, (receipt) => show_receipt(news, receipt));
}

function show_receipt(news: HTMLElement, { saved, declined, kept: at_receiver, missing }: Receipt): void {
  const all = saved + declined + at_receiver + missing;
  if (saved === all) news.textContent = say("receipt_saved");
  else if (declined === all) news.textContent = say("receipt_declined");
  else if (saved + declined > 0) news.textContent = sentences(say("receipt_some", { n: saved, all }), declined > 0 && say("receipt_some_declined", { n: declined }));
  else if (at_receiver > 0) news.textContent = say("receipt_kept");
}

// A receiver that waited for one delivery is gone now, and so may its server be.
async function send_more(): Promise<void> {
  chooser.clear();
  try {
    const { state } = await ask_json<DropInfo>(here);
    if (state === "closed") return show_end(say("space_closed_title"), say("space_closed"));
  } catch (error) {
    if (error instanceof Offline) return show_end(say("finished_title"), say("finished_or_lost"), button(say("try_again"), () => void send_more(), { class: "main" }));
    if (error instanceof Refused && (error.status === 404 || error.status === 410)) return show_over();
  }
  show_choosing();
}

function reason(error: unknown): string {
  if (error instanceof Refused) {
    if (error.status === 413) return say("too_large");
    if (error.status === 507) return say("no_room");
    return error.message || say("refused", { status: error.status });
  }
  if (error instanceof Offline) return say("no_answer");
  if (error instanceof DOMException && error.name === "NotReadableError") return say("file_changed");
  return String(error instanceof Error ? error.message : error);
}

// 404 and 410 may also be about one delivery: the space itself is asked.
async function is_over(error: unknown): Promise<boolean> {
  if (!(error instanceof Refused && (error.status === 404 || error.status === 410))) return false;
  return ask(here).then(() => false, (now) => now instanceof Refused && (now.status === 404 || now.status === 410));
}

// So may 403 be a proxy's.
async function is_closed(error: unknown): Promise<boolean> {
  if (!(error instanceof Refused && error.status === 403)) return false;
  return ask_json<DropInfo>(here).then(({ state }) => state === "closed", () => false);
}

async function show_failed(): Promise<void> {
  const error = current!.error;
  current = null;
  if (await is_over(error)) return show_over();
  if (await is_closed(error)) {
    show_end(say("space_closed_title"), say("space_closed"));
    return main.querySelector("h1")!.focus();
  }
  document.title = say("not_sent");
  kept = kept_delivery(guid);
  fill(main, badge("bad"), h("h1", { tabindex: -1 }, say("not_sent")), h("p", { class: "lead", role: "alert" }, shown(reason(error))),
    h("div", { class: "actions" }, button(say("try_again"), () => void start(), { class: "main" }), button(say("choose_again"), show_choosing)));
  main.querySelector("h1")!.focus();
}

// --- start
function show_end(title: string, text: string, ...actions: HTMLElement[]): void {
  document.title = title;
  announce(title);
  fill(main, badge("wait"), h("h1", { tabindex: -1 }, title), h("p", { class: "lead" }, text), actions.length > 0 && h("div", { class: "actions" }, ...actions));
}

function show_over(): void {
  show_end(say("finished_title"), say("finished"));
}

async function begin(): Promise<void> {
  await load_texts();
  if (drop.state === "closed") return show_end(say("space_closed_title"), say("space_closed"));
  if (key_broken()) return fill(main, badge("bad"), h("h1", {}, say("code_cut_off")), h("p", { class: "lead" }, say("code_cut_off_lead")));
  kept = kept_delivery(guid);
  if (kept && kept.key !== key) kept = null;
  chooser = new Chooser(() => {
    if (chooser.files.length) void import("tus-js-client");  // it is wanted soon
    update_send();
  }, () => current !== null);
  const brought = handed_over();
  if (brought) {
    chooser.note.value = brought.note;
    await chooser.take(brought.files);
  }
  show_choosing();
  const left = seconds_until(drop.expires);
  if (left < 86400) setTimeout(() => {
    if (!current) show_over();
  }, left * 1000);
  if (!key) return;
  // After the first view: it takes a moment, and 60 KiB.
  setTimeout(async () => {
    words = await seal("fingerprint", location.host, guid, key).catch(() => "");
    for (const there of main.querySelectorAll(".seal .words")) there.textContent = words;
  }, 300);
}

void begin();
