// The receiver's page: opens a space, shows its code, waits, shows what arrives.
import { ask, ask_json, Offline, pause, Refused, type DeliveryInfo, type SpaceCreated, type SpaceInfo, type UploadInfo } from "./api";
import { code_of } from "./code";
import { contents_of } from "./contents";
import { announce, badge, Bar, button, copy_button, facts, fill, h, icon } from "./dom";
import { ItemsView, reason, type Rights } from "./items_view";
import { keep_interval, keep_space, kept_interval, kept_space, type KeptSpace, leave_space } from "./kept";
import { PassOn } from "./pass_on";
import { at, fragment, root } from "./root";
import { seal } from "./seal_client";
import { count_files, load_texts, say } from "./texts";
import { clock, duration, seconds_until, shown, size } from "./words";

const main = document.querySelector("main")!;
const told = JSON.parse(main.dataset["facts"] ?? "{}") as { max_expire?: number; token?: boolean };

// --- opening
const wishes = { label: "", expire: 3600, only_sealed: false, create_token: "" };

function choice(values: [number, string][], chosen: number, act: (value: number) => void, id: string): HTMLSelectElement {
  const field: HTMLSelectElement = h("select", { id, onchange: () => void act(Number(field.value)) }, ...values.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
  return field;
}

function show_start(trouble = ""): void {
  document.title = "qrx";
  const most = told.max_expire ?? 86400;
  const times = [900, 3600, 21600, 86400, 604800].filter((seconds) => seconds <= most).map((seconds): [number, string] => [seconds, duration(seconds)]);
  if (!times.some(([seconds]) => seconds === wishes.expire)) wishes.expire = times.at(-1)?.[0] ?? most;
  const label: HTMLInputElement = h("input", { id: "label", type: "text", maxlength: 60, autocomplete: "off", placeholder: say("label_hint"), value: wishes.label, oninput: () => (wishes.label = label.value.trim()) });
  const token: HTMLInputElement = h("input", { id: "create", type: "password", autocomplete: "off", value: wishes.create_token, oninput: () => (wishes.create_token = token.value.trim()) });
  const only: HTMLInputElement = h("input", { type: "checkbox", checked: wishes.only_sealed, onchange: () => (wishes.only_sealed = only.checked) });
  const open = button(say("show_code"), () => void open_space(), { icon: "code", class: "main" });
  fill(main,
    h("h1", {}, say("home_heading")),
    h("p", { class: "lead" }, say("home_lead")),
    trouble && h("p", { class: "warn bad", role: "alert" }, trouble),
    told.token && h("label", { class: "field", for: "create" }, h("span", {}, say("create_token")), token),
    open,
    h("details", { class: "options" }, h("summary", {}, say("options")),
      h("label", { class: "field", for: "label" }, h("span", {}, say("label")), label),
      h("label", { class: "field", for: "expire" }, h("span", {}, say("open_how_long")), choice(times, wishes.expire, (value) => (wishes.expire = value), "expire")),
      h("label", { class: "check" }, only, h("span", {}, say("only_sealed")))),
    h("ul", { class: "how" },
      h("li", {}, icon("lock"), h("span", {}, say("how_sealed"))),
      h("li", {}, icon("up"), h("span", {}, say("how_upload_only"))),
      h("li", {}, icon("clock"), h("span", {}, say("how_expires")))),
    h("p", { class: "note" }, h("a", { href: at("scan") }, say("to_scan"))));
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

function owner_address(space: KeptSpace): string {
  return `${at(`s/${space.guid}`)}#${space.token}${space.identity ? `.${space.identity}` : ""}`;
}

// Upper case, so that the code is small: but for a prefix, which a proxy may tell apart by case.
function drop_link(guid: string, recipient: string): string {
  const address = new URL(root);
  const prefix = address.pathname.replace(/\/$/, "");
  return `${address.origin.toUpperCase()}${prefix ? `${prefix}/u/` : "/U/"}${guid.toUpperCase()}${recipient ? `#${recipient.toUpperCase()}` : ""}`;
}

// --- watching
const long_lost_ms = 60_000;  // after it the page says since when, and that the server may be gone for good

class Space {
  private readonly status = h("div", { class: "status" });
  private readonly card = h("section", { class: "card" });
  private readonly live = h("ul", { class: "rows progress" });
  private readonly arrived = h("div", { class: "arrived" });
  private readonly passing = h("div", {});
  private readonly line = h("p", { class: "note line", role: "status" });
  private readonly shown_deliveries = new Map<string, HTMLElement>();
  private readonly bars = new Map<string, { bar: Bar; text: HTMLElement; element: HTMLElement }>();
  private readonly stop = new AbortController();
  private pass_on: PassOn | undefined;
  private recipient = "";
  private words = "";
  private info: SpaceInfo | undefined;
  private seq = 0;
  private wait_failures = 0;
  private removing = false;
  private wake: (() => void) | undefined;

  constructor(private readonly space: KeptSpace, private interval: number) {}

  private get url(): string {
    return at(`api/v1/spaces/${this.space.guid}`);
  }

  async run(): Promise<void> {
    if (this.space.identity) this.recipient = await seal("recipient_of", this.space.identity).catch(() => "");
    fill(this.status, h("h1", {}, say("opening")));
    fill(main, this.status, this.live, this.card, this.arrived, this.passing, this.line);
    let lost: number | null = null;
    for (let failures = 0; ; ) {
      try {
        await this.ask_once();
        failures = 0;
        lost = null;
      } catch (error) {
        if (this.stop.signal.aborted) return;
        if (error instanceof Refused && !error.passing) return this.ended(error);
        ++failures;
        lost ??= Date.now();
        this.line.textContent = Date.now() - lost < long_lost_ms ? say("line_lost") : say("line_lost_long", { time: clock(new Date(lost)) });
        await pause(Math.min(15_000, 500 * 2 ** failures));
        continue;
      }
      if (this.line.textContent) this.line.textContent = "";
      const every = kept_interval();
      if (every > 0 || this.wait_failures >= 2) {
        await Promise.race([pause((every || this.interval) * 1000), new Promise<void>((resolve) => (this.wake = resolve))]);
      }
    }
  }

  // One request; with 0 as interval it waits at the server. Where something between cuts waiting requests twice, it polls.
  private async ask_once(): Promise<void> {
    const waits = this.info && kept_interval() === 0 && this.wait_failures < 2;
    const began = Date.now();
    let info: SpaceInfo;
    try {
      info = await ask_json<SpaceInfo>(waits ? `${this.url}?after=${this.seq}&wait=25` : this.url, { token: this.space.token, signal: this.stop.signal });
      if (waits) this.wait_failures = 0;
    } catch (error) {
      const cut = error instanceof Offline || (error instanceof Refused && (error.status === 502 || error.status === 504 || error.status === 524));
      if (waits && cut && navigator.onLine && Date.now() - began > 3000) ++this.wait_failures;
      throw error;
    }
    const first = !this.info;
    const changed = first || info.seq !== this.seq;
    this.info = info;
    this.seq = info.seq;
    if (first || info.expires !== this.space.expires) {
      this.space.expires = info.expires;
      keep_space(this.space);
    }
    if (changed) await this.show(info, first);
  }

  private async show(info: SpaceInfo, first: boolean): Promise<void> {
    const fresh = info.deliveries.filter((delivery) => !this.shown_deliveries.has(delivery.delivery));
    for (const delivery of fresh) await this.show_delivery(delivery);
    this.show_uploads(info.uploads);
    const count = info.deliveries.length;
    const receiving = info.uploads.length > 0;
    const title = receiving ? say("receiving") : count > 0 ? say("upload_successful") : info.state === "closed" ? say("closed") : say("waiting_for");
    if (first || this.status.dataset["title"] !== title || fresh.length > 0) {
      this.status.dataset["title"] = title;
      fill(this.status, count > 0 && !receiving ? badge("good") : null, h("h1", {}, title),
        facts(info.state === "closed" ? say("closed") : say("open_until", { time: clock(info.expires) }), info.label && shown(info.label)));
      document.title = title;
      if (!first || count > 0) announce(title);
    }
    // Once something came, that is what the page is for; the code goes below it.
    if (count > 0) this.passing.after(this.card);
    if (first || this.card.dataset["state"] !== info.state + (count > 0)) {
      this.card.dataset["state"] = info.state + (count > 0);
      this.show_card(info, count > 0);
    }
    if (count > 0) {
      this.pass_on ??= new PassOn(this.url, this.space, this.passing);
      this.pass_on.look(info.deliveries.some((delivery) => delivery.files.some((file) => file.sealed)));
    }
  }

  private show_card(info: SpaceInfo, arrived: boolean): void {
    if (info.state === "closed") return fill(this.card, this.controls());
    const link = drop_link(this.space.guid, this.recipient);
    const code = h("div", { class: "code-frame" }, code_of(link, say("code_label")));
    const words = h("span", { class: "words", translate: "no" }, this.words);
    if (!this.words)
      setTimeout(() => void seal("fingerprint", location.host, this.space.guid, this.recipient).then((text) => (words.textContent = this.words = text)).catch(() => undefined), 200);
    const local = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
    const body = [
      code,
      h("div", { class: "beside" },
        h("p", {}, say("scan_this")),
        h("a", { class: "link", href: link, target: "_blank", rel: "noopener" }, link.replace(/#.*/, "")),
        h("div", { class: "actions" }, copy_button(say("copy_link"), () => link, say("copied")), this.share_button(link)),
        h("div", { class: "seal" }, icon(this.recipient ? "lock" : "open_lock"), h("div", {},
          this.recipient ? say("code_sealed") : say("code_open"), " ", h("span", {}, say("same_words_there"), " ", words),
          !isSecureContext && this.recipient ? h("p", { class: "note" }, say("plain_http_sealed")) : null)),
        local ? h("p", { class: "warn" }, say("only_here")) : null)];
    const inside = arrived ? h("details", {}, h("summary", {}, say("receive_more")), h("div", { class: "split" }, ...body)) : h("div", { class: "split" }, ...body);
    fill(this.card, inside, this.controls());
  }

  private share_button(link: string): HTMLElement | null {
    if (!("share" in navigator) || !matchMedia("(pointer: coarse)").matches) return null;
    return button(say("share"), () => void navigator.share({ url: link }).catch(() => undefined), { icon: "share" });
  }

  private controls(): HTMLElement {
    const every = choice([[0, say("at_once")], ...[2, 5, 15, 60].map((n): [number, string] => [n, say("every_seconds", { n })])], kept_interval(), (value) => {
      keep_interval(value);
      this.wait_failures = 0;
      this.wake?.();
    }, "every");
    return h("details", { class: "options" }, h("summary", {}, say("this_space")),
      h("label", { class: "field", for: "every" }, h("span", {}, say("look_for_files")), every),
      h("div", { class: "actions" },
        button(say("one_hour_more"), () => this.change({ expire: Math.max(3600, Math.round(seconds_until(this.space.expires) + 3600)) }), { icon: "clock" }),
        this.info?.state === "open" ? button(say("close_space"), () => this.change({ state: "closed" }), { icon: "cross" }) : null,
        button(say("delete_now"), () => void this.remove(), { icon: "trash", class: "danger" }),
        button(say("new_space"), () => {
          if (confirm(say("leave_space"))) this.leave();
        }, { icon: "code" })),
      copy_button(say("copy_owner_link"), () => owner_address(this.space), say("copied"), { class: "small" }),
      h("p", { class: "note" }, say("keep_address")));
  }

  private async change(wish: object): Promise<void> {
    try {
      await ask(this.url, { method: "PATCH", token: this.space.token, json: wish });
      this.seq = 0;
      this.wake?.();
    } catch (error) {
      this.line.textContent = reason(error);
    }
  }

  private async remove(): Promise<void> {
    if (!confirm(say("delete_sure"))) return;
    this.removing = true;
    try {
      await ask(this.url, { method: "DELETE", token: this.space.token });
    } catch (error) {
      if (!(error instanceof Refused && (error.status === 404 || error.status === 410))) {
        this.removing = false;
        this.line.textContent = reason(error);
        return;
      }
    }
    this.stop.abort();
    this.end_removed();
  }

  private leave(): void {
    this.stop.abort();
    this.pass_on?.stop();
    leave_space();
    history.replaceState(null, "", at(""));
    show_start();
  }

  private ended(error: Refused): void {
    this.pass_on?.stop();
    const gone = error.status === 404 || error.status === 410;
    if (gone && this.removing) this.end_removed();  // we heard of it before the answer to our own request
    else if (gone) this.end(say("space_gone_title"), say("owner_gone"));
    else this.end(say("not_allowed"), reason(error));
  }

  private end_removed(): void {
    this.end(say("deleted"), say("deleted_lead"));
  }

  private end(title: string, text: string): void {
    this.pass_on?.stop();
    leave_space(this.space.guid);
    document.title = title;
    announce(title);
    fill(main, badge("bad"), h("h1", {}, title), h("p", { class: "lead" }, text),
      h("div", { class: "actions" }, button(say("new_space"), () => {
        history.replaceState(null, "", at(""));
        show_start();
      }, { class: "main", icon: "code" })));
  }

  // --- what comes
  private show_uploads(uploads: UploadInfo[]): void {
    for (const [id, row] of this.bars)
      if (!uploads.some((upload) => upload.upload === id)) {
        row.element.remove();
        this.bars.delete(id);
      }
    for (const upload of uploads.slice(0, 50)) {
      if (upload.name === "qrx-manifest.age") continue;
      let row = this.bars.get(upload.upload);
      if (!row) {
        const name = /^[a-z2-7]{26}\.age$/.test(upload.name) ? say("sealed_file") : shown(upload.name);
        const bar = new Bar(name);
        const text = h("span", { class: "size" });
        row = { bar, text, element: h("li", {}, h("span", { class: "name", dir: "auto" }, name), text, bar.element) };
        this.bars.set(upload.upload, row);
        this.live.append(row.element);
      }
      row.bar.set(upload.length ? upload.offset / upload.length : null);
      row.text.textContent = upload.length ? `${size(upload.offset)} / ${size(upload.length)}` : size(upload.offset);
    }
  }

  private async show_delivery(delivery: DeliveryInfo): Promise<void> {
    const headers = { Authorization: `Bearer ${this.space.token}` };
    const url = (file: string) => at(`api/v1/spaces/${this.space.guid}/files/${file}`);
    const place = (file: string) => ({ url: url(file), method: "GET", headers });
    const contents = await contents_of(delivery, { identity: this.space.identity, url: (file) => url(file.file), place: (file) => place(file.file) });
    const rights: Rights = { identity: this.space.identity, previews: true, zip: true, place: (item) => place(item.id), form: () => ({ token: this.space.token }) };
    const view = new ItemsView(contents, rights, `${count_files(contents.items.length)} · ${clock(delivery.committed)}`);
    this.shown_deliveries.set(delivery.delivery, view.element);
    this.arrived.prepend(view.element);
  }
}

function watch(space: KeptSpace, interval: number): Promise<void> {
  return new Space(space, interval).run();
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
