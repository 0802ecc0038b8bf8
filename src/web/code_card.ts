// The code that senders scan, and what goes with it: the link, the words of both ends, who can read.
import { type Alerts, alerts_wanted, want_alerts } from "./arrival";
import { code_of } from "./code";
import { button, type Child, copy_button, details, h, icon } from "./dom";
import { root } from "./root";
import { type Key, say } from "./texts";

// Upper case, so that the code is small: but for a prefix, which a proxy may tell apart by case.
export function drop_link(guid: string, recipient: string): string {
  const address = new URL(root);
  const prefix = address.pathname.replace(/\/$/, "");
  return `${address.origin.toUpperCase()}${prefix ? `${prefix}/u/` : "/U/"}${guid.toUpperCase()}${recipient ? `#${recipient.toUpperCase()}` : ""}`;
}

function share_button(link: string): HTMLElement | null {
  if (!("share" in navigator) || !matchMedia("(pointer: coarse)").matches) return null;
  return button(say("share"), () => void navigator.share({ url: link }).catch(() => undefined), { icon: "share" });
}

const alerts_answers: Record<Alerts, Key | null> = { off: null, sound: "alerts_sound", notification: "alerts_notification", blocked: "alerts_blocked" };

function alerts_button(answer: HTMLElement): HTMLElement {
  const show = (on: boolean) => {
    made.setAttribute("aria-pressed", String(on));
    made.classList.toggle("pressed", on);
  };
  const made = button(say("alerts"), async () => {
    const wish = !alerts_wanted();
    show(wish);
    // The browser's own question may stand unanswered.
    answer.textContent = wish ? say("alerts_sound") : "";
    const words = alerts_answers[await want_alerts(wish)];
    if (words && alerts_wanted()) answer.textContent = say(words);
  }, { icon: "bell" });
  show(alerts_wanted());
  return made;
}

// `words`: where the words of both ends come to stand.
export function code_card(link: string, sealed: boolean, words: HTMLElement): Child[] {
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  const answer = h("p", { class: "note", role: "status" });
  return [
    h("div", { class: "code-frame" }, code_of(link, say("code_label"))),
    h("div", { class: "beside" },
      h("p", {}, say("scan_this")),
      h("a", { class: "link", href: link, target: "_blank", rel: "noopener" }, link),
      h("div", { class: "actions" }, copy_button(say("copy_link"), () => link, say("copied")), share_button(link), alerts_button(answer)),
      answer,
      local ? h("p", { class: "warn" }, say("only_here")) : null,
      h("div", { class: `seal${sealed ? "" : " open"}` }, icon(sealed ? "lock" : "open_lock"), h("div", {}, h("b", {}, sealed ? say("code_sealed") : say("code_open")),
        details(say("what_means"), h("p", {}, sealed ? say("what_code_sealed") : say("what_code_open")),
          h("p", {}, say("same_words_there"), " ", words),
          !isSecureContext && sealed ? h("p", {}, say("plain_http_sealed")) : null)))),
  ];
}
