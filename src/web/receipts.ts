// Receipts: the receiver's page tells what it saved, the sender's page shows it.
import { ask, ask_json, pause, Refused } from "./api";

export interface Receipt {
  saved: number;
  declined: number;
  kept: number;
  missing: number;
}
interface DeliveryStatus {
  seq?: number;
  receipt?: Receipt;
}

const gather_ms = 300;      // files that are saved one after the other are told together
const most_files = 5_000;   // of one request
const most_failures = 6;

// Tells the senders of a space what was saved here. Nobody waits for it, so trouble is passed over.
export class Receipts {
  private readonly waiting = new Map<string, Set<string>>();  // by delivery
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly url: string, private readonly token: string) {}

  saved(delivery: string, file: string): void {
    const files = this.waiting.get(delivery) ?? new Set();
    this.waiting.set(delivery, files.add(file));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.tell(), gather_ms);
  }

  // A text is received when it is shown.
  shown(delivery: string): void {
    void this.post(delivery, { state: "saved" });
  }

  private async tell(): Promise<void> {
    const all = [...this.waiting];
    this.waiting.clear();
    for (const [delivery, files] of all) {
      const ids = [...files];
      for (let at = 0; at < ids.length; at += most_files) await this.post(delivery, { state: "saved", files: ids.slice(at, at + most_files) });
    }
  }

  private async post(delivery: string, receipt: { state: "saved"; files?: string[] }): Promise<void> {
    await ask(`${this.url}/deliveries/${delivery}/receipt`, { method: "POST", token: this.token, json: receipt }).catch(() => undefined);
  }
}

// Shows each receipt of a delivery until nothing more can come, or nobody answers.
export async function watch_receipt(delivery_url: string, show: (receipt: Receipt) => void): Promise<void> {
  let seq = 0;
  for (let failures = 0; failures < most_failures; ) {
    try {
      const status = await ask_json<DeliveryStatus>(`${delivery_url}?after=${seq}&wait=25`);
      if (!status.receipt) return;
      if (status.seq !== seq) show(status.receipt);
      seq = status.seq ?? 0;
      if (status.receipt.missing + status.receipt.kept === 0) return;
      failures = 0;
    } catch (error) {
      if (error instanceof Refused && !error.passing) return;
      await pause(1000 * 2 ** failures++);
    }
  }
}
