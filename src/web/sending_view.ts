// A delivery under way, as its sender sees it: how far, how fast, how long still; pause, resume, cancel.
import { announce, Bar, button, fill, h, refill } from "./dom";
import { Rate } from "./rate";
import { say } from "./texts";
import type { Sending } from "./upload";
import { shown, size } from "./words";
import { stay_awake } from "./wake";

const long_lost_ms = 60_000;  // after it the page says that the receiver may have finished
const most_rows = 200;

interface Row {
  bar: Bar;
  note: HTMLElement;
  element: HTMLElement;
}
export interface Ends {
  sent(): void;
  failed(): void;
  given_up(): void;
}

function stay(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

export class SendingView {
  private readonly title = h("h1", { tabindex: -1 });
  private readonly lead = h("p", { class: "lead" });
  private readonly total = new Bar(say("all_together"));
  private readonly total_text = h("span", { class: "size" });
  private readonly controls = h("div", { class: "actions" });
  private readonly rows: Row[];
  private readonly rate = new Rate();
  private standing = "";
  private over = false;
  private scheduled = false;

  constructor(main: Element, private readonly sending: Sending, private readonly ends: Ends) {
    this.rows = sending.files.map((file) => {
      const bar = new Bar(shown(file.name));
      const note = h("span", { class: "size" });
      return { bar, note, element: h("li", {}, h("span", { class: "name", dir: "auto" }, shown(file.name)), note, bar.element) };
    });
    fill(main, this.title, this.lead, h("div", { class: "total" }, this.total.element, this.total_text), this.controls,
      h("ul", { class: "rows progress" }, ...this.rows.slice(0, most_rows).map((row) => row.element)));
    scrollTo(0, 0);
    this.title.focus();
  }

  // Until it is sent, failed or given up, or paused.
  async run(): Promise<void> {
    addEventListener("beforeunload", stay);
    stay_awake(true);
    this.rate.restart(this.sending.sent);
    this.update();
    await this.sending.run();
    if (this.sending.standing !== "paused" || this.over) this.leave();
    stay_awake(false);
    this.update();
  }

  // Called often.
  changed(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setTimeout(() => {
      this.scheduled = false;
      this.update();
    }, 80);
  }

  private leave(): void {
    removeEventListener("beforeunload", stay);
  }

  private update(): void {
    if (this.over) return;
    const { standing, sent, size: all } = this.sending;
    if (standing === "sent" || standing === "failed") {
      this.over = true;
      this.leave();
      return standing === "sent" ? this.ends.sent() : this.ends.failed();
    }
    this.rate.look(sent);
    this.total.set(all === 0 ? null : sent / all);
    this.total_text.textContent = this.rate.text(sent, all, standing === "sending");
    this.rows.forEach((row, index) => {
      const file = this.sending.files[index]!;
      row.bar.set(file.size === 0 ? (file.done ? 1 : 0) : file.sent / file.size);
      row.note.textContent = file.done ? "✓" : size(file.size);
      row.element.classList.toggle("done", file.done);
    });
    this.show_standing();
  }

  private show_standing(): void {
    const { standing, waiting_since } = this.sending;
    const why = standing === "waiting" ? this.sending.told_to_wait : "";
    if (standing === "sent" || standing === "failed") return;
    const lost = !why && waiting_since > 0 && Date.now() - waiting_since > long_lost_ms;
    const now = lost ? "lost" : standing + why;
    if (now === this.standing) return;
    this.standing = now;
    const title = lost ? say("lost_title") : { sending: say("sending"), paused: say("paused"), waiting: why ? say("told_to_wait") : say("waiting"), finishing: say("finishing") }[standing];
    this.title.textContent = title;
    this.lead.textContent = lost ? say("lost") : why || say("keep_open");
    document.title = title;
    announce(title);
    refill(this.controls,
      standing === "paused" ? button(say("go_on"), () => void this.run(), { icon: "play", class: "main" }) : button(say("pause"), () => this.sending.pause(), { icon: "pause" }),
      button(say("give_up"), () => this.cancel(), { icon: "cross" }));
  }

  private cancel(): void {
    if (this.over || !confirm(say("give_up_sure"))) return;
    if (this.over) return;  // it was sent meanwhile
    this.over = true;
    this.leave();
    stay_awake(false);
    void this.sending.give_up();
    this.ends.given_up();
  }
}
