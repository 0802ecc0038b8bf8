// Passing a space on: recipients, what became of each, links to copy.
import { all_shares, ask, ask_json, type ShareInfo, type Shares, Refused } from "./api";
import { announce, button, copy_button, fill, h, icon } from "./dom";
import { reason } from "./items_view";
import type { KeptSpace } from "./kept";
import { at } from "./root";
import { say, sentences, type Key } from "./texts";
import { clock, shown } from "./words";

const told: Record<string, Key> = {
  queued: "share_queued", sending: "share_sending", sent: "share_sent", failed: "share_failed", unknown: "share_unknown",
  opened: "share_opened", downloaded: "share_downloaded", revoked: "share_revoked",
};

export class PassOn {
  private readonly list = h("ul", { class: "rows shares" });
  private readonly trouble = h("p", { class: "warn bad", role: "alert", hidden: true });
  private readonly field = h("textarea", { id: "to", rows: 2, autocomplete: "off", autocapitalize: "off", spellcheck: false, placeholder: say("to_hint") });
  private readonly message = h("input", { id: "message", type: "text", maxlength: 300, autocomplete: "off" });
  private readonly limit = h("select", { id: "limit" }, ...[0, 1, 3, 10].map((n) => h("option", { value: n }, n === 0 ? say("no_limit") : n === 1 ? say("once") : say("times", { n }))));
  private readonly how = h("select", { id: "how", onchange: () => this.show_how() },
    h("option", { value: "server" }, say("how_server")), h("option", { value: "self" }, say("how_self")));
  private readonly key_goes = h("p", { class: "note", role: "status" });  // what the choice means for the key
  private how_was = "";
  private readonly lead = h("p", { class: "note" });
  private sealed = false;
  private states = new Map<string, string>();
  private offered = false;

  constructor(private readonly url: string, private readonly space: KeptSpace, private readonly place: HTMLElement) {}

  stop(): void {
    this.place.replaceChildren();
  }

  // The server's answer shows whether it has shares at all; the states come with each change of the space.
  look(sealed: boolean): void {
    this.sealed = sealed && this.space.identity !== "";
    // What the person chose stays, unless it becomes a choice about the key.
    const usual = this.sealed ? "self" : "server";
    if (this.how_was !== usual) this.how.value = this.how_was = usual;
    this.show_how();
    this.lead.textContent = this.sealed ? say("pass_on_sealed") : say("pass_on_lead");
    all_shares(`${this.url}/shares`, { token: this.space.token }).then((shares) => {
      this.show(shares);
      if (!this.offered) this.offer();
    }).catch(() => undefined);
  }

  private show_how(): void {
    this.key_goes.textContent = this.sealed && this.how.value === "server" ? say("how_server_sealed") : "";
  }

  private offer(): void {
    this.offered = true;
    fill(this.place, h("details", { class: "items pass", open: this.states.size > 0 },
      h("summary", {}, icon("share"), say("pass_on")),
      this.lead,
      this.list,
      h("form", { onsubmit: (event: SubmitEvent) => {
        event.preventDefault();
        void this.send();
      } },
        h("label", { class: "field", for: "to" }, h("span", {}, say("to")), this.field),
        h("label", { class: "field", for: "message" }, h("span", {}, say("note"), " ", h("small", {}, say("optional"))), this.message),
        h("label", { class: "field", for: "limit" }, h("span", {}, say("downloads")), this.limit),
        h("label", { class: "field", for: "how" }, h("span", {}, say("how_told")), this.how), this.key_goes,
        this.trouble,
        h("div", { class: "actions" },
          h("button", { class: "main" }, icon("share"), h("span", {}, say("pass_on_do"))),
          button(say("only_link"), () => void this.create([`link:${say("link_name")} ${this.states.size + 1}`.replace(/ /g, "-")]), { icon: "copy" })))));
  }

  private async send(): Promise<void> {
    const recipients = this.field.value.split(/[\n,;]+/).map((line) => line.trim()).filter(Boolean);
    if (recipients.length === 0) return this.field.focus();
    if (await this.create(recipients)) this.field.value = "";
  }

  private async create(recipients: string[]): Promise<boolean> {
    this.trouble.hidden = true;
    try {
      // A sealed space's links need its key. It goes through the server only when the person says so.
      const notify = this.how.value === "server";
      const wish = { recipients, message: this.message.value.trim(), downloads: Number(this.limit.value), notify, ...(this.sealed && notify ? { key: this.space.identity } : {}) };
      const made = await ask_json<Shares>(`${this.url}/shares`, { method: "POST", token: this.space.token, json: wish });
      this.show(await all_shares(`${this.url}/shares`, { token: this.space.token }).catch(() => made.shares));
      return true;
    } catch (error) {
      this.trouble.hidden = false;
      this.trouble.textContent = reason(error);
      if (error instanceof Refused && error.status === 403 && this.how.value === "server") {
        this.how.value = "self";
        this.show_how();
        this.trouble.textContent = sentences(reason(error), say("hand_over"));
      }
      return false;
    }
  }

  private link(share: ShareInfo): string {
    // At the address by which the server was reached here: it may not know it.
    const link = at(`d/${share.link.replace(/[#?].*/, "").split("/").pop()!}`);
    return this.sealed ? `${link}#${this.space.identity}` : link;
  }

  private show(shares: ShareInfo[]): void {
    for (const share of shares) {
      if (this.states.has(share.share) && this.states.get(share.share) !== share.state) announce(`${shown(share.to)}: ${say(told[share.state] ?? "share_unknown")}`);
      this.states.set(share.share, share.state);
    }
    fill(this.list, ...shares.map((share) => this.row(share)));
  }

  private row(share: ShareInfo): HTMLElement {
    const state = share.state === "queued" && this.how.value === "self" ? say("share_not_sent") : say(told[share.state] ?? "share_unknown");
    const when = share.history?.at(-1)?.at;
    const good = ["sent", "opened", "downloaded"].includes(share.state);
    const over = share.state === "revoked";
    return h("li", { class: `share ${share.state}` },
      h("span", { class: "name", dir: "auto" }, shown(share.to.replace(/^link:/, ""))),
      h("span", { class: `state${good ? " good" : ["failed", "unknown"].includes(share.state) ? " bad" : ""}` }, state, when ? ` · ${clock(when)}` : ""),
      share.reason && ["failed", "unknown"].includes(share.state) ? h("p", { class: "note" }, shown(share.reason)) : null,
      over ? null : h("div", { class: "actions" },
        copy_button(say("copy_link"), () => {
          void this.handed(share);
          return this.link(share);
        }, say("copied"), { class: "small" }),
        this.by_own_mail(share),
        button(say("revoke"), () => void this.revoke(share), { icon: "cross", class: "small" })));
  }

  // The person's own mail or message program takes the link: the server is not asked.
  private by_own_mail(share: ShareInfo): HTMLElement | null {
    const body = encodeURIComponent(`${say("mail_body")}\n\n${this.link(share)}\n`);
    const act = () => void this.handed(share);
    const mail = share.to.replace(/^mailto:/, "");
    const phone = share.to.replace(/^sms:/, "");
    if (/^[^@\s:]+@[^@\s]+$/.test(mail))
      return h("a", { class: "button small", onclick: act, href: `mailto:${encodeURIComponent(mail)}?subject=${encodeURIComponent(say("mail_subject"))}&body=${body}` }, icon("mail"), h("span", {}, say("by_own_mail")));
    if (/^\+[0-9]+$/.test(phone))
      return h("a", { class: "button small", onclick: act, href: `sms:${phone}?&body=${body}` }, icon("mail"), h("span", {}, say("by_own_sms")));
    return null;
  }

  // Whoever delivers a link themselves says so: nobody else sends it then, and the list shows it.
  private async handed(share: ShareInfo): Promise<void> {
    if (share.state !== "queued" && share.state !== "failed") return;
    const url = `${this.url}/shares/${share.share}`;
    try {
      for (const state of ["sending", "sent"]) await ask(url, { method: "PATCH", token: this.space.token, json: { state, reason: "" } });
    } catch {
      // somebody else has sent it meanwhile
    }
    this.look(this.sealed);
  }

  private async revoke(share: ShareInfo): Promise<void> {
    try {
      await ask(`${this.url}/shares/${share.share}`, { method: "DELETE", token: this.space.token });
    } catch (error) {
      if (!(error instanceof Refused && error.status === 404)) {
        this.trouble.hidden = false;
        this.trouble.textContent = reason(error);
      }
    }
    this.look(this.sealed);
  }
}
