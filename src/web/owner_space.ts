// The receiver's space: its code while it waits, what is coming, what arrived.
import { tell_arrival } from "./arrival";
import { ask_json, Offline, pause, Refused, with_all_pages, type DeliveryInfo, type SpaceInfo } from "./api";
import { code_card, drop_link } from "./code_card";
import { contents_of, type Contents, is_all_saved } from "./contents";
import { announce, badge, button, facts, fill, h } from "./dom";
import { Incoming } from "./incoming";
import { ItemsView, reason, type Rights } from "./items_view";
import { keep_space, kept_interval, type KeptSpace, leave_space } from "./kept";
import { OwnerControls } from "./owner_controls";
import { PassOn } from "./pass_on";
import { Receipts } from "./receipts";
import { at } from "./root";
import { seal } from "./seal_client";
import { count_files, say } from "./texts";
import { clock, leaf, shown, size } from "./words";

const main = document.querySelector("main")!;
const long_lost_ms = 60_000;  // after it the page says since when, and that the server may be gone for good

export function owner_address(space: KeptSpace): string {
  return `${at(`s/${space.guid}`)}#${space.token}${space.identity ? `.${space.identity}` : ""}`;
}

export class Space {
  private readonly status = h("div", { class: "status" });
  private readonly card = h("section", { class: "card" });
  private readonly incoming = new Incoming();
  private readonly arrived = h("div", { class: "arrived" });
  private readonly passing = h("div", {});
  private readonly line = h("p", { class: "note line", role: "status" });
  private readonly words = h("span", { class: "words", translate: "no" });
  private readonly contents = new Map<string, Contents>();  // by delivery; what is shown
  private readonly stop = new AbortController();
  private readonly controls: OwnerControls;
  private readonly receipts: Receipts;
  private pass_on: PassOn | undefined;
  private recipient = "";
  private info: SpaceInfo | undefined;
  private seq = 0;
  private wait_failures = 0;
  private removing = false;
  private wake: (() => void) | undefined;

  // `start`: shows the page where a new space is opened.
  constructor(private readonly space: KeptSpace, private readonly interval: number, private readonly start: () => void) {
    this.receipts = new Receipts(this.url, space.token);
    this.controls = new OwnerControls(this.url, space, {
      link: () => owner_address(this.space),
      look: () => {
        this.seq = 0;
        this.wait_failures = 0;
        this.wake?.();
      },
      removing: () => (this.removing = true),
      not_removed: () => (this.removing = false),
      removed: () => this.end_removed(),
      leave: () => this.leave(),
    });
  }

  private get url(): string {
    return at(`api/v1/spaces/${this.space.guid}`);
  }

  async run(): Promise<void> {
    if (this.space.identity) this.recipient = await seal("recipient_of", this.space.identity).catch(() => "");
    fill(this.status, h("h1", {}, say("opening")));
    fill(main, this.status, this.line, this.incoming.element, this.card, this.arrived, this.passing);
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
      info = await with_all_pages(info, this.url, { token: this.space.token, signal: this.stop.signal });
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
    const fresh = info.deliveries.filter((delivery) => !this.contents.has(delivery.delivery));
    for (const delivery of fresh) await this.show_delivery(delivery);
    this.incoming.show(info.uploads);
    this.show_status(info, !first && fresh.length > 0);
    const has_some = this.contents.size > 0;
    const focused = document.activeElement;
    // Once something came, that is what the page is for; the code goes below it.
    if (has_some) this.passing.after(this.card);
    const state = `${info.state} ${has_some}`;
    if (this.card.dataset["state"] !== state) {
      this.card.dataset["state"] = state;
      this.show_card(info, has_some);
      // What was moved has lost it.
      if (focused instanceof HTMLElement && this.card.contains(focused)) focused.focus({ preventScroll: true });
    }
    this.controls.show(info);
    if (has_some) {
      this.pass_on ??= new PassOn(this.url, this.space, this.passing);
      this.pass_on.look(info.deliveries.some((delivery) => delivery.files.some((file) => file.sealed)));
    }
  }

  // What arrived, by name while it is little: "photo.jpg", "3 files", "a message".
  private what_arrived(): { title: string; bytes: number } {
    const all = [...this.contents.values()];
    const items = all.flatMap((one) => one.items);
    const bytes = items.reduce((sum, item) => sum + item.size, 0);
    const first = items[0];
    if (!first) return { title: say("message_arrived"), bytes };
    return { title: say("arrived", { what: items.length === 1 ? shown(leaf(first.name)) : count_files(items.length) }), bytes };
  }

  private show_status(info: SpaceInfo, fresh: boolean): void {
    const count = this.contents.size;
    const receiving = info.uploads.length > 0;
    const closed = info.state === "closed";
    const arrived = this.what_arrived();
    const title = receiving ? say("receiving") : count > 0 ? arrived.title : closed ? say("closed") : say("waiting_for");
    const now = JSON.stringify([title, info.expires, info.state, arrived.bytes, count]);
    if (this.status.dataset["now"] === now) return;
    this.status.dataset["now"] = now;
    const good = count > 0 && !receiving;
    fill(this.status, good && badge("good"), good && h("p", { class: "notice" }, say("upload_successful")), h("h1", {}, title),
      facts(good && arrived.bytes > 0 && say("in_all", { size: size(arrived.bytes) }),
        closed ? say("closed_until", { time: clock(info.expires) }) : say("open_until", { time: clock(info.expires) }), info.label && shown(info.label)));
    document.title = count > 0 ? `(${count}) ${title}` : title;
    if (count === 0 || receiving) return announce(title);
    announce(`${say("upload_successful")}: ${title}`);
    if (fresh) void tell_arrival(say("upload_successful"), title);
  }

  private show_card(info: SpaceInfo, has_some: boolean): void {
    if (info.state === "closed") return fill(this.card, this.controls.element);
    const link = drop_link(this.space.guid, this.recipient);
    const body = h("div", { class: "split" }, ...code_card(link, this.recipient !== "", this.words));
    if (!this.words.textContent)
      setTimeout(() => void seal("fingerprint", location.host, this.space.guid, this.recipient).then((text) => (this.words.textContent = text)).catch(() => undefined), 200);
    fill(this.card, has_some ? h("details", {}, h("summary", {}, say("receive_more")), body) : body, this.controls.element);
  }

  private async show_delivery(delivery: DeliveryInfo): Promise<void> {
    const headers = { Authorization: `Bearer ${this.space.token}` };
    const url = (file: string) => at(`api/v1/spaces/${this.space.guid}/files/${file}`);
    const place = (file: string) => ({ url: url(file), method: "GET", headers });
    const contents = await contents_of(delivery, { identity: this.space.identity, url: (file) => url(file.file), place: (file) => place(file.file) });
    const rights: Rights = { identity: this.space.identity, previews: true, zip: true, place: (item) => place(item.id), form: () => ({ token: this.space.token }),
      // Of what the browser downloads by itself the server knows when it has gone out.
      saved: (item, how) => how === "page" && is_all_saved(item) && this.receipts.saved(delivery.delivery, item.id) };
    const title = contents.items.length > 0 ? `${count_files(contents.items.length)} · ${clock(delivery.committed)}` : clock(delivery.committed);
    this.contents.set(delivery.delivery, contents);
    if (contents.items.length === 0 && contents.message) this.receipts.shown(delivery.delivery);
    this.arrived.prepend(new ItemsView(contents, rights, title).element);
  }

  // --- the end
  private leave(): void {
    this.rest();
    leave_space();
    history.replaceState(null, "", at(""));
    this.start();
  }

  private rest(): void {
    this.stop.abort();
    this.pass_on?.stop();
    this.incoming.stop();
  }

  private ended(error: Refused): void {
    const gone = error.status === 404 || error.status === 410;
    if (gone && this.removing) this.end_removed();  // we heard of it before the answer to our own request
    else if (gone) this.end("wait", say("space_gone_title"), say("owner_gone"));
    else this.end("bad", say("not_allowed"), reason(error));
  }

  private end_removed(): void {
    this.end("good", say("deleted"), say("deleted_lead"));
  }

  private end(kind: "good" | "wait" | "bad", title: string, text: string): void {
    this.rest();
    leave_space(this.space.guid);
    document.title = title;
    announce(title);
    fill(main, badge(kind), h("h1", {}, title), h("p", { class: "lead" }, text),
      h("div", { class: "actions" }, button(say("new_space"), () => {
        history.replaceState(null, "", at(""));
        this.start();
      }, { class: "main", icon: "code" })));
  }
}
