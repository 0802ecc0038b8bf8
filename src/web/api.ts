// Requests to the server, and the messages of qrx-protocol(7) as far as the pages read them.
export interface Limits {
  max_size: number;  // bytes; 0: no limit
  max_files: number;
}
export interface FileInfo {
  file: string;
  name: string;
  size: number;
  type: string;
  xxh128: string;
  sealed: boolean;
  url: string;
  modified?: string;
  executable?: boolean;
}
export interface DeliveryInfo {
  delivery: string;
  committed: string;
  message: string;
  files: FileInfo[];
}
export interface UploadInfo {
  upload: string;
  delivery: string;
  name: string;
  offset: number;
  length?: number;
}
export interface SpaceInfo {
  guid: string;
  label: string;
  state: "open" | "closed";
  seq: number;
  expires: string;
  limits: Limits;
  seal: string;
  deliveries: DeliveryInfo[];
  uploads: UploadInfo[];
  next?: string;
}
export interface SpaceCreated {
  guid: string;
  token: string;
  expires: string;
  interval: number;
  limits: Limits;
}
export interface DropInfo {
  label: string;
  key: string;
  seal: "offer" | "require" | "off";
  state: "open" | "closed";
  expires: string;
  limits: Limits;
}
export interface ReceivedFile {
  name: string;
  size: number;
  xxh128: string;
}
export interface DeliveryState {
  delivery: string;
  committed: boolean;
  files: ReceivedFile[];
}
export interface ShareEvent {
  state: string;
  at: string;
  reason?: string;
}
export interface ShareInfo {
  share: string;
  to: string;
  link: string;
  state: string;
  reason?: string;
  history?: ShareEvent[];
  downloads: number;
  limit: number;
  expires: string;
}
export interface Shares {
  seq: number;
  shares: ShareInfo[];
  next?: string;
}
export interface SharedSpace {
  label: string;
  message: string;
  expires: string;
  downloads_left: number;
  deliveries: DeliveryInfo[];
  next?: string;
}

// The server said no.
export class Refused extends Error {
  constructor(readonly status: number, detail: string, readonly retry_after: number) {
    super(detail);
  }
  // Trying again later may help.
  get passing(): boolean {
    return this.status === 429 || this.status >= 500 && this.status !== 507 || this.status === 423 || this.status === 408;
  }
}
// No answer came.
export class Offline extends Error {}

export interface Ask {
  method?: string;
  token?: string | undefined;
  json?: unknown;
  body?: BodyInit;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

export async function ask(url: string, how: Ask = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json", ...how.headers };
  if (how.token) headers["Authorization"] = `Bearer ${how.token}`;
  const init: RequestInit = { method: how.method ?? "GET", headers, cache: "no-store" };
  if (how.json !== undefined) {
    init.body = JSON.stringify(how.json);
    headers["Content-Type"] = "application/json";
  } else if (how.body !== undefined) {
    init.body = how.body;
  }
  if (how.signal) init.signal = how.signal;
  let answer: Response;
  try {
    answer = await fetch(url, init);
  } catch (error) {
    if (how.signal?.aborted) throw error;
    throw new Offline();
  }
  if (answer.ok) return answer;
  throw await refusal(answer);
}

export const sentence = (text: string): string => text && `${text[0]!.toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

// What a problem says (RFC 9457), as a sentence; "" when it is none of ours, but a proxy's.
export function detail_in(problem: string): string {
  try {
    return sentence(String((JSON.parse(problem) as { detail?: unknown }).detail ?? ""));
  } catch {
    return "";
  }
}

export async function refusal(answer: Response): Promise<Refused> {
  return new Refused(answer.status, detail_in(await answer.text().catch(() => "")), Number(answer.headers.get("Retry-After")) || 0);
}

export async function ask_json<T>(url: string, how: Ask = {}): Promise<T> {
  const answer = await ask(url, how);
  try {
    return (await answer.json()) as T;
  } catch (error) {
    if (how.signal?.aborted) throw error;
    throw new Offline();
  }
}

// What a space holds comes in pages: the rest of them, from the url without its query.
export async function with_all_pages<T extends { deliveries: DeliveryInfo[]; next?: string }>(first: T, url: string, how: Ask = {}): Promise<T> {
  for (let next = first.next; next !== undefined; ) {
    const page = await ask_json<T>(`${url}?from=${encodeURIComponent(next)}`, how);
    for (const delivery of page.deliveries) {
      const last = first.deliveries[first.deliveries.length - 1];
      if (last !== undefined && last.delivery === delivery.delivery) last.files.push(...delivery.files);
      else first.deliveries.push(delivery);
    }
    next = page.next;
  }
  delete first.next;
  return first;
}

// All shares of a space; they come in pages, too.
export async function all_shares(url: string, how: Ask): Promise<ShareInfo[]> {
  const first = await ask_json<Shares>(url, how);
  for (let next = first.next; next !== undefined; ) {
    const page = await ask_json<Shares>(`${url}?from=${encodeURIComponent(next)}`, how);
    first.shares.push(...page.shares);
    next = page.next;
  }
  return first.shares;
}

// Resolves after that time, at once when the network comes back, never when aborted first.
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      signal?.removeEventListener("abort", stop);
      resolve();
    };
    const stop = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      reject(signal!.reason);
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
