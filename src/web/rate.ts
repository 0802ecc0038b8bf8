// How far a transfer is, how fast it goes, and how long it will still take.
import { say } from "./texts";
import { brief, size } from "./words";

const step_ms = 700;       // between two looks at the speed
const least_rate = 1000;   // bytes a second; below it nothing is promised
const stalled_ms = 10_000;

export class Rate {
  private at = performance.now();
  private bytes = 0;
  private speed = 0;  // bytes a second, smoothed
  private moved = performance.now();

  // Begins anew at so many bytes.
  restart(bytes: number): void {
    this.at = this.moved = performance.now();
    this.bytes = bytes;
    this.speed = 0;
  }

  look(bytes: number): void {
    const now = performance.now();
    if (bytes < this.bytes) return this.restart(bytes);
    if (bytes > this.bytes) this.moved = now;
    if (now - this.at < step_ms) return;
    const speed = ((bytes - this.bytes) / (now - this.at)) * 1000;
    this.speed = this.speed ? this.speed * 0.7 + speed * 0.3 : speed;
    this.at = now;
    this.bytes = bytes;
  }

  // Nothing came for a while.
  get stalled(): boolean {
    return performance.now() - this.moved > stalled_ms;
  }

  // "45 % · 12 MiB / 30 MiB · 2.3 MiB/s · 8 s left"; with an unknown size only what is there.
  text(bytes: number, all: number | null, running: boolean): string {
    const parts = all === null ? [size(bytes)] : [`${all ? Math.floor((100 * bytes) / all) : 0} %`, `${size(bytes)} / ${size(all)}`];
    if (running && this.speed > least_rate) {
      parts.push(`${size(this.speed)}/s`);
      if (all !== null && bytes < all) parts.push(say("left", { time: brief((all - bytes) / this.speed) }));
    }
    // A line breaks between the parts only, and never begins with what parts them.
    return parts.map((part) => part.replaceAll(" ", "\u00a0")).join("\u00a0· ");
  }
}
