// The home page, where one receives or sends, and the receiver's page of a space.
import "./signs";
import { register_app } from "./app";
import { ask_json, Refused, type SpaceCreated } from "./api";
import { badge, details, fill, h, icon } from "./dom";
import { reason } from "./items_view";
import { keep_space, kept_space, type KeptSpace } from "./kept";
import { owner_address, Space } from "./owner_space";
import { at, fragment } from "./root";
import { seal } from "./seal_client";
import { load_texts, say } from "./texts";
import { duration, seconds_until } from "./words";

const main = document.querySelector("main")!;
const told = JSON.parse(main.dataset["facts"] ?? "{}") as { max_expire?: number; token?: boolean };

// --- opening
const wishes = { label: "", expire: 3600, only_sealed: false, create_token: "" };

function entry(words: string, note: string): HTMLElement {
  return h("span", {}, h("b", {}, words), h("small", {}, note));
}

function show_start(trouble = ""): void {
  document.title = "qrx";
  const most = told.max_expire || (told.max_expire === 0 ? Infinity : 86400); // 0: no limit
  const times = [900, 3600, 21600, 86400, 604800].filter((seconds) => seconds <= most);
  if (!times.includes(wishes.expire)) wishes.expire = times.at(-1) ?? most;
  const label: HTMLInputElement = h("input", { id: "label", type: "text", maxlength: 60, autocomplete: "off", placeholder: say("label_hint"), value: wishes.label, oninput: () => (wishes.label = label.value.trim()) });
  const expire: HTMLSelectElement = h("select", { id: "expire", onchange: () => (wishes.expire = Number(expire.value)) },
    ...times.map((value) => h("option", { value, selected: value === wishes.expire }, duration(value))));
  const token: HTMLInputElement = h("input", { id: "create", type: "password", autocomplete: "off", value: wishes.create_token, oninput: () => (wishes.create_token = token.value.trim()) });
  const only: HTMLInputElement = h("input", { type: "checkbox", checked: wishes.only_sealed, onchange: () => (wishes.only_sealed = only.checked) });
  fill(main,
    h("h1", {}, say("home_heading")),
    h("p", { class: "lead" }, say("home_lead")),
    kept_space() && seconds_until(kept_space()!.expires) > 0 && h("p", {}, h("a", { href: at(`s/${kept_space()!.guid}`) }, say("back_to_yours"))),
    trouble && h("p", { class: "warn bad", role: "alert" }, trouble),
    h("div", { class: "entries" },
      h("button", { type: "button", class: "main", onclick: () => void open_space() }, icon("receive"), entry(say("receive"), say("receive_note"))),
      h("a", { class: "button main", href: at("scan?send") }, icon("send"), entry(say("send"), say("send_by_scan")))),
    told.token && h("label", { class: "field", for: "create" }, h("span", {}, say("create_token")), token),
    h("details", { class: "options" }, h("summary", {}, say("options")),
      h("label", { class: "field", for: "label" }, h("span", {}, say("label")), label),
      h("label", { class: "field", for: "expire" }, h("span", {}, say("open_how_long")), expire),
      h("label", { class: "check" }, only, h("span", {}, say("only_sealed")))),
    details(say("is_it_safe"), h("ul", { class: "how" },
      h("li", {}, icon("lock"), h("span", {}, say("how_sealed"))),
      h("li", {}, icon("up"), h("span", {}, say("how_upload_only"))),
      h("li", {}, icon("clock"), h("span", {}, say("how_expires"))))));
}

async function open_space(): Promise<void> {
  fill(main, badge("wait"), h("h1", {}, say("opening")));
  try {
    const { identity, recipient } = await seal("identity");
    const body = { expire: wishes.expire, label: wishes.label, seal: wishes.only_sealed ? "require" : "offer", key: recipient };
    const made = await ask_json<SpaceCreated>(at("api/v1/spaces"), { method: "POST", json: body, token: wishes.create_token || undefined });
    const space = { guid: made.guid, token: made.token, identity, expires: made.expires };
    keep_out_of_address(space);
    await watch(space, made.interval);
  } catch (error) {
    if (error instanceof Refused && (error.status === 401 || error.status === 403)) {
      told.token = true;
      return show_start(error.status === 403 ? say("wrong_create_token") : "");
    }
    if (error instanceof Refused && error.status === 429) return show_start(say("too_many", { time: duration(error.retry_after || 60) }));
    show_start(reason(error));
  }
}

// The address bar is written into history, and from there to other devices: the secrets stand there only where the browser
// keeps nothing for the tab.
function keep_out_of_address(space: KeptSpace): void {
  history.replaceState(null, "", keep_space(space) ? at(`s/${space.guid}`) : owner_address(space));
}

function watch(space: KeptSpace, interval: number): Promise<void> {
  // Home is where one may also send; the space stays at its own address.
  document.querySelector("header a")?.setAttribute("href", at("?new"));
  return new Space(space, interval, show_start).run();
}

// --- start
function space_of_address(): KeptSpace | null | "cut" {
  const found = location.pathname.match(/\/s\/([a-z2-7]{26})\/?$/i);
  if (!found) return null;
  const guid = found[1]!.toLowerCase();
  const [token, identity] = fragment().split(".");
  const kept = kept_space(guid);
  if (token && /^[a-z2-7]{32}$/.test(token)) return { guid, token, identity: identity?.toUpperCase() ?? kept?.identity ?? "", expires: "" };
  return kept ?? "cut";
}

async function begin(): Promise<void> {
  await load_texts();
  setTimeout(() => void register_app(), 1000);  // after the first view
  const named = space_of_address();
  if (named === "cut") return fill(main, badge("bad"), h("h1", {}, say("link_cut_off")), h("p", { class: "lead" }, say("link_cut_off_lead")));
  const query = new URLSearchParams(location.search);
  const space = named ?? (query.has("new") ? null : kept_space());
  if (space && (named || seconds_until(space.expires) > 0)) {
    keep_out_of_address(space);
    return watch(space, 5);
  }
  if (query.has("now")) return open_space();
  show_start();
}

addEventListener("hashchange", () => location.reload());
void begin();
