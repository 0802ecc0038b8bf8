// Phones sleep in the middle of long transfers: the screen stays on while one runs. Browsers give this up whenever the page is
// hidden, and have it on secure origins only.
interface Lock {
  release(): Promise<void>;
}

let wanted = false;
let lock: Lock | null = null;

async function take_lock(): Promise<void> {
  const api = (navigator as unknown as { wakeLock?: { request(kind: "screen"): Promise<Lock> } }).wakeLock;
  if (!api || !wanted || document.hidden) return;
  try {
    const mine = await api.request("screen");
    if (wanted && !lock) lock = mine;
    else void mine.release();
  } catch {
    // low battery, or not allowed
  }
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) lock = null;
  else void take_lock();
});

export function stay_awake(on: boolean): void {
  if (on === wanted) return;
  wanted = on;
  if (on) void take_lock();
  else void lock?.release().catch(() => undefined);
  if (!on) lock = null;
}
