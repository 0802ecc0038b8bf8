// What was chosen before the code was scanned, on its way from the scanner's page to the sender's, which takes its place without
// a new document: the files stay where they are, however large, and nothing is stored.
import type { Offered } from "./choosing";

export interface HandedOver {
  files: Offered[];
  note: string;
}
const place = globalThis as { qrx_handed_over?: HandedOver };

export function hand_over(what: HandedOver): void {
  place.qrx_handed_over = what;
}

// Once.
export function handed_over(): HandedOver | null {
  const what = place.qrx_handed_over ?? null;
  delete place.qrx_handed_over;
  return what;
}
