// What the receiver may do with a space. Each press is answered in words, where it was pressed.
import { ask, ask_json, Refused, type SpaceInfo } from "./api";
import { announce, button, copy_button, h, refill } from "./dom";
import { reason } from "./items_view";
import { keep_interval, kept_interval, type KeptSpace } from "./kept";
import { say } from "./texts";
import { clock, seconds_until } from "./words";

export interface Wishes {
  link(): string;     // to this page, with its secrets
  look(): void;       // the space is another now: ask the server at once
  removing(): void;   // a deletion was asked for
  not_removed(): void;
  removed(): void;
  leave(): void;
}

export class OwnerControls {
  readonly element: HTMLElement;
  private readonly buttons = h("div", { class: "actions" });
  private readonly answer = h("p", { class: "note answer", role: "status" });
  private state = "";

  constructor(private readonly url: string, private readonly space: KeptSpace, private readonly wishes: Wishes) {
    const every = h("select", { id: "every", onchange: () => {
      keep_interval(Number(every.value));
      this.wishes.look();
    } }, ...[0, 2, 5, 15, 60].map((n) => h("option", { value: n, selected: n === kept_interval() }, n === 0 ? say("at_once") : say("every_seconds", { n }))));
    this.element = h("details", { class: "options" }, h("summary", {}, say("this_space")),
      this.buttons, this.answer,
      h("label", { class: "field", for: "every" }, h("span", {}, say("look_for_files")), every),
      h("p", { class: "note" }, say("keep_address")),
      copy_button(say("copy_owner_link"), () => this.wishes.link(), say("copied"), { class: "small" }));
  }

  show(info: SpaceInfo): void {
    if (info.state === this.state) return;
    this.state = info.state;
    refill(this.buttons,
      button(say("one_hour_more"), () => this.change({ expire: Math.max(3600, Math.round(seconds_until(this.space.expires) + 3600)) }), { icon: "clock" }),
      info.state === "open" ? button(say("close_space"), () => this.change({ state: "closed" }), { icon: "cross" }) : null,
      button(say("delete_now"), () => void this.remove(), { icon: "trash", class: "danger" }),
      button(say("new_space"), () => {
        if (confirm(say("leave_space"))) this.wishes.leave();
      }, { icon: "code" }));
    // Never onto what deletes: the next press may come by itself.
    if (document.activeElement?.matches(".danger")) this.buttons.querySelector("button")?.focus();
  }

  private say(text: string, bad = false): void {
    this.answer.className = `note answer state ${bad ? "bad" : "good"}`;
    this.answer.textContent = text;
    announce(text);
  }

  private async change(wish: { expire?: number; state?: string }): Promise<void> {
    const before = this.space.expires;
    try {
      await ask(this.url, { method: "PATCH", token: this.space.token, json: wish });
      const now = await ask_json<SpaceInfo>(this.url, { token: this.space.token });
      if (wish.state) this.say(say("closed_answer", { time: clock(now.expires) }));
      else if (Date.parse(now.expires) > Date.parse(before) + 60_000) this.say(say("longer_answer", { time: clock(now.expires) }));
      else this.say(say("not_longer", { time: clock(now.expires) }), true);
      this.wishes.look();
    } catch (error) {
      this.say(reason(error), true);
    }
  }

  private async remove(): Promise<void> {
    if (!confirm(say("delete_sure"))) return;
    this.wishes.removing();
    try {
      await ask(this.url, { method: "DELETE", token: this.space.token });
    } catch (error) {
      if (!(error instanceof Refused && (error.status === 404 || error.status === 410))) {
        this.wishes.not_removed();
        return this.say(reason(error), true);
      }
    }
    this.wishes.removed();
  }
}
