// Tells a person who looks elsewhere that something arrived: by a discreet sound and, on secure origins, a notification. Both only
// when they asked for it.
import { pause } from "./api";
import { register_app } from "./app";
import { keep_alerts, kept_alerts } from "./kept";
import { asset } from "./root";

let sound: AudioContext | null = null;

export const alerts_wanted = () => kept_alerts();

// What an arrival does from now on. blocked: a sound only, as the browser's settings for this site forbid notifications.
export type Alerts = "off" | "sound" | "notification" | "blocked";

// Asked by a press, which is also what browsers want before a page may sound or notify.
export async function want_alerts(on: boolean): Promise<Alerts> {
  keep_alerts(on);
  if (!on) return "off";
  void play();
  if (!may_notify()) return "sound";
  const answer = Notification.permission === "default" ? await Notification.requestPermission().catch(() => "denied") : Notification.permission;
  return answer === "granted" ? "notification" : "blocked";
}

function may_notify(): boolean {
  return isSecureContext && "Notification" in globalThis;
}

// A page that was reloaded may not sound before it is pressed. What it could not say then is not said late.
async function audible(): Promise<AudioContext | null> {
  try {
    sound ??= new AudioContext();
    if (sound.state !== "running") await Promise.race([sound.resume(), pause(500)]);
    return sound.state === "running" ? sound : null;
  } catch {
    return null;  // no sound here
  }
}

// Two soft tones, a third of a second.
async function play(): Promise<void> {
  const here = await audible();
  if (!here) return;
  const now = here.currentTime;
  [659, 880].forEach((pitch, i) => {
    const tone = here.createOscillator();
    const loud = here.createGain();
    const from = now + i * 0.14;
    tone.frequency.value = pitch;
    loud.gain.setValueAtTime(0, from);
    loud.gain.linearRampToValueAtTime(0.08, from + 0.02);
    loud.gain.exponentialRampToValueAtTime(0.001, from + 0.2);
    tone.connect(loud).connect(here.destination);
    tone.start(from);
    tone.stop(from + 0.22);
  });
}

export async function tell_arrival(title: string, body: string): Promise<void> {
  if (!kept_alerts()) return;
  void play();
  if (!document.hidden || !may_notify() || Notification.permission !== "granted") return;
  const options = { body, icon: asset(ICON_192), tag: location.pathname, data: location.href };
  try {
    const app = await register_app();
    if (app) await app.showNotification(title, options);
    else new Notification(title, options);
  } catch {
    // the browser has its reasons
  }
}
