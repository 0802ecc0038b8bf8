// Tells a person who looks elsewhere that something arrived: by a discreet sound and, on secure origins, a notification. Both only
// when they asked for it.
import { register_app } from "./app";
import { keep_alerts, kept_alerts } from "./kept";
import { asset } from "./root";

let sound: AudioContext | null = null;

export const alerts_wanted = () => kept_alerts();

// Asked by a press, which is also what browsers want before a page may sound or notify. What came of it.
export async function want_alerts(on: boolean): Promise<boolean> {
  keep_alerts(on);
  if (!on) return false;
  start_sound();
  play();
  if ("Notification" in globalThis && Notification.permission === "default") await Notification.requestPermission().catch(() => "denied");
  return true;
}

function start_sound(): void {
  try {
    sound ??= new AudioContext();
    if (sound.state === "suspended") void sound.resume().catch(() => undefined);
  } catch {
    // no sound here
  }
}

// Two soft tones, a third of a second.
function play(): void {
  if (!sound || sound.state === "closed") return;
  const now = sound.currentTime;
  [659, 880].forEach((pitch, i) => {
    const tone = sound!.createOscillator();
    const loud = sound!.createGain();
    const from = now + i * 0.14;
    tone.frequency.value = pitch;
    loud.gain.setValueAtTime(0, from);
    loud.gain.linearRampToValueAtTime(0.08, from + 0.02);
    loud.gain.exponentialRampToValueAtTime(0.001, from + 0.2);
    tone.connect(loud).connect(sound!.destination);
    tone.start(from);
    tone.stop(from + 0.22);
  });
}

export async function tell_arrival(title: string, body: string): Promise<void> {
  if (!kept_alerts()) return;
  start_sound();
  play();
  if (!document.hidden || !("Notification" in globalThis) || Notification.permission !== "granted") return;
  const options = { body, icon: asset(ICON_192), tag: location.pathname, data: location.href };
  try {
    const app = await register_app();
    if (app) await app.showNotification(title, options);
    else new Notification(title, options);
  } catch {
    // the browser has its reasons
  }
}
