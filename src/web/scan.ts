// Points the camera at a receiver's code, and goes to the sender's page that it names. What is to be sent may be chosen before: it
// goes along.
import { Chooser } from "./choosing";
import { announce, badge, button, fill, h, icon } from "./dom";
import { hand_over } from "./hand_over";
import { asset, script_address } from "./root";
import { forget_shared, shared_files } from "./shared_files";
import { load_texts, say } from "./texts";
import { shown } from "./words";

const main = document.querySelector("main")!;

// Only the sender's page of a qrx server: http or https, no user, no query, /u/ and an id, perhaps a key.
export function drop_link_in(text: string): URL | null {
  if (text.length > 1000 || /[^\x21-\x7e]|[<>"\\`]/.test(text)) return null;
  const match = text.match(/^(https?):\/\/([^/?#@]+)((?:\/[^?#]*)?)\/u\/([a-z2-7]{26})\/?(?:#(age1[02-9ac-hj-np-z]{58}))?$/i);
  if (!match) return null;
  try {
    const [, scheme, authority, prefix, guid, key] = match;
    return new URL(`${scheme!.toLowerCase()}://${authority!.toLowerCase()}${prefix}/u/${guid!.toLowerCase()}${key ? `#${key.toUpperCase()}` : ""}`);
  } catch {
    return null;
  }
}

// --- decoding: the browser's own, or ZXing, which is loaded only then
interface Detector {
  detect(source: CanvasImageSource | Blob): Promise<{ rawValue: string }[]>;
}
type Decode = (picture: HTMLVideoElement | ImageBitmap) => Promise<string[]>;

async function own_decoder(): Promise<Decode | null> {
  const Made = (globalThis as unknown as { BarcodeDetector?: { new (options: { formats: string[] }): Detector; getSupportedFormats(): Promise<string[]> } }).BarcodeDetector;
  if (!Made || !(await Made.getSupportedFormats().catch((): string[] => [])).includes("qr_code")) return null;
  const detector = new Made({ formats: ["qr_code"] });
  return async (picture) => (await detector.detect(picture)).map((code) => code.rawValue);
}

async function zxing_decoder(): Promise<Decode> {
  const { prepareZXingModule, readBarcodes } = await import("zxing-wasm/reader");
  await prepareZXingModule({ overrides: { locateFile: () => asset(ZXING_WASM) }, fireImmediately: true });
  const canvas = document.createElement("canvas");
  const field = canvas.getContext("2d", { willReadFrequently: true })!;
  return async (picture) => {
    const [width, height] = picture instanceof HTMLVideoElement ? [picture.videoWidth, picture.videoHeight] : [picture.width, picture.height];
    const scale = Math.min(1, 1600 / Math.max(width, height));
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    if (canvas.width === 0) return [];
    field.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const codes = await readBarcodes(field.getImageData(0, 0, canvas.width, canvas.height), { formats: ["QRCode"], tryHarder: true, tryInvert: true, maxNumberOfSymbols: 4 });
    return codes.filter((code) => code.isValid).map((code) => code.text);
  };
}

let decoder: Promise<Decode> | undefined;
const decode: Decode = async (picture) => {
  decoder ??= own_decoder().then((own) => own ?? zxing_decoder());
  return (await decoder)(picture);
};

// --- choosing first
let chooser: Chooser;
let choosing = false;
let lost_files = false;

function show_choosing(): void {
  choosing = true;
  const next = button("", () => {
    choosing = false;
    void look();
  }, { icon: "code", class: "main" });
  const update = () => (next.replaceChildren(icon("code"), h("span", {}, has_something() ? say("scan_to_send", { what: what_is_chosen() }) : say("scan_first"))));
  chooser_changed = update;
  update();
  document.title = say("send_files");
  fill(main, h("h1", {}, say("send_files")), h("p", { class: "lead" }, say("choose_then_scan")),
    lost_files ? h("p", { class: "warn", role: "alert" }, say("shared_lost")) : null,
    chooser.element, chooser.note_field(), next);
}

let chooser_changed = (): void => undefined;
const has_something = () => chooser.files.length > 0 || chooser.text !== "";

function what_is_chosen(): string {
  return chooser.files.length > 0 ? say("files_size", chooser.counts()) : say("a_note");
}

// --- the code
let stream: MediaStream | null = null;

function stop(): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
}

async function found(texts: string[]): Promise<boolean> {
  for (const text of texts) {
    const link = drop_link_in(text);
    if (!link) continue;
    announce(say("code_found"));
    if (link.host !== location.host) {
      stop();
      ask_first(link);
      return true;
    }
    if (!has_something()) {
      stop();
      location.assign(link);
      return true;
    }
    const status = await become_sender(link);
    if (status === 200) return true;
    line.textContent = status === 404 || status === 410 ? say("code_over") : say("no_answer");
  }
  return false;
}

// The sender's page takes the place of this one, in the same document: what was chosen stays in hand. The server's status; 0: no
// answer, or none of ours.
async function become_sender(link: URL): Promise<number> {
  const answer = await fetch(link.href.replace(/#.*/, ""), { headers: { Accept: "text/html" }, cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return answer?.status ?? 0;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const script = page.querySelector("script[type=module]")?.getAttribute("src");
  const there = page.querySelector("main")?.dataset["facts"];
  const texts = page.documentElement.dataset["texts"];
  if (!script || !there || !texts) return 0;
  stop();
  hand_over({ files: chooser.files.map((one) => ({ file: new File([one.blob], one.name, { type: one.blob.type, lastModified: one.modified }), name: one.name })), note: chooser.note.value });
  chooser.end();
  void forget_shared();
  history.pushState(null, "", link);
  addEventListener("popstate", () => location.reload());
  main.dataset["facts"] = there;
  document.documentElement.dataset["texts"] = texts;
  await import(String(script_address(script.split("/").pop()!)));
  return 200;
}

function ask_first(link: URL): void {
  fill(main, badge("wait"), h("h1", {}, say("other_server")), h("p", { class: "lead" }, say("other_server_lead")),
    h("p", { class: "host", translate: "no" }, link.host),
    link.protocol === "http:" ? h("p", { class: "warn" }, say("other_server_http")) : null,
    has_something() ? h("p", { class: "warn" }, say("other_server_files")) : null,
    h("div", { class: "actions" }, button(say("go_there"), () => location.assign(link), { class: "main" }), button(say("scan_again"), () => void look())));
}

const line = h("p", { class: "note line", role: "status" });

function from_picture(): HTMLElement {
  const field = h("input", { type: "file", accept: "image/*", class: "unseen", onchange: async () => {
    const file = field.files![0];
    field.value = "";
    if (file) await read_picture(file);
  } });
  return h("label", { class: "button" }, field, icon("picture"), h("span", {}, say("code_from_picture")));
}

async function read_picture(file: Blob): Promise<void> {
  line.textContent = say("looking");
  try {
    const texts = await decode(await createImageBitmap(file));
    if (await found(texts) || texts.some(drop_link_in)) return;
    line.textContent = texts.length > 0 ? say("other_code", { text: shown(texts[0]!.slice(0, 80)) }) : say("no_code");
  } catch {
    line.textContent = say("no_picture");
  }
}

async function look(): Promise<void> {
  line.textContent = "";
  document.title = say("scan_heading");
  const video = h("video", { muted: true, playsinline: true, autoplay: true, "aria-label": say("camera_picture") });
  video.muted = true;
  const frame = h("div", { class: "camera" }, video);
  fill(main, h("h1", {}, say("scan_heading")), h("p", { class: "lead" }, has_something() ? say("scan_lead_with", { what: what_is_chosen() }) : say("scan_lead")), frame, line,
    h("div", { class: "actions" }, from_picture(), button(has_something() ? say("change_chosen") : say("choose_first"), () => {
      stop();
      show_choosing();
    }, { icon: "files" })));
  const media = navigator.mediaDevices as MediaDevices | undefined;
  if (!media?.getUserMedia) {
    frame.remove();
    line.textContent = isSecureContext ? say("no_camera") : say("camera_needs_https");
    return;
  }
  try {
    stream = await media.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
  } catch (error) {
    frame.remove();
    line.textContent = error instanceof DOMException && error.name === "NotAllowedError" ? say("camera_refused") : say("no_camera");
    return;
  }
  const mine = stream;
  if (choosing || !frame.isConnected) return stop();
  video.srcObject = mine;
  await video.play().catch(() => undefined);
  line.textContent = say("looking");
  while (stream === mine) {
    try {
      const texts = await decode(video);
      if (await found(texts)) return;
      if (texts.length > 0 && !texts.some(drop_link_in)) line.textContent = say("other_code", { text: shown(texts[0]!.slice(0, 80)) });
    } catch {
      line.textContent = say("no_decoder");
    }
    await new Promise((resolve) => setTimeout(resolve, 120));
  }
}

async function begin(): Promise<void> {
  await load_texts();
  addEventListener("pagehide", stop);
  chooser = new Chooser(() => chooser_changed(), () => !choosing);
  addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (file && !choosing) void read_picture(file);
  });
  const query = new URLSearchParams(location.search);
  const id = query.get("shared");
  const shared = id ? await shared_files(id) : null;
  lost_files = id !== null && shared === null;
  if (shared) {
    chooser.note.value = shared.note;
    await chooser.take(shared.files);
  }
  // What was shared is chosen already: the code is next.
  if (query.has("send") || lost_files) show_choosing();
  else await look();
}

void begin();
