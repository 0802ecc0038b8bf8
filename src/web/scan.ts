// Points the camera at a receiver's code, and goes to the sender's page that it names.
import { announce, badge, button, fill, h, icon } from "./dom";
import { asset } from "./root";
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

// --- the page
let stream: MediaStream | null = null;

function stop(): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
}

function found(texts: string[]): boolean {
  for (const text of texts) {
    const link = drop_link_in(text);
    if (!link) continue;
    stop();
    announce(say("code_found"));
    if (link.host === location.host) location.assign(link);
    else ask_first(link);
    return true;
  }
  return false;
}

function ask_first(link: URL): void {
  fill(main, badge("wait"), h("h1", {}, say("other_server")), h("p", { class: "lead" }, say("other_server_lead")),
    h("p", { class: "host", translate: "no" }, link.host),
    link.protocol === "http:" ? h("p", { class: "warn" }, say("other_server_http")) : null,
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
    if (found(texts)) return;
    line.textContent = texts.length > 0 ? say("other_code", { text: shown(texts[0]!.slice(0, 80)) }) : say("no_code");
  } catch {
    line.textContent = say("no_picture");
  }
}

async function look(): Promise<void> {
  line.textContent = "";
  const video = h("video", { muted: true, playsinline: true, autoplay: true, "aria-label": say("camera_picture") });
  video.muted = true;
  const frame = h("div", { class: "camera" }, video);
  fill(main, h("h1", {}, say("scan_heading")), h("p", { class: "lead" }, say("scan_lead")), frame, line, h("div", { class: "actions" }, from_picture()));
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
  video.srcObject = mine;
  await video.play().catch(() => undefined);
  line.textContent = say("looking");
  while (stream === mine) {
    try {
      const texts = await decode(video);
      if (found(texts)) return;
      if (texts.length > 0) line.textContent = say("other_code", { text: shown(texts[0]!.slice(0, 80)) });
    } catch {
      line.textContent = say("no_decoder");
    }
    await new Promise((resolve) => setTimeout(resolve, 120));
  }
}

async function begin(): Promise<void> {
  await load_texts();
  addEventListener("pagehide", stop);
  addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (file) void read_picture(file);
  });
  await look();
}

void begin();
