// The service worker through which a file that is opened in the page becomes an ordinary download, as it is opened. It
// answers for assets/save/ only. The page hands over a port, and a piece goes through it for each one that is asked for.
interface Offer {
  id: string;
  name: string;
  size: number | null;
}
interface Waiting extends Offer {
  port: MessagePort;
}
interface Scope {
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  addEventListener(name: "install" | "activate", act: (event: { waitUntil(p: Promise<unknown>): void }) => void): void;
  addEventListener(name: "message", act: (event: MessageEvent<Offer | "stay">) => void): void;
  addEventListener(name: "fetch", act: (event: { request: Request; respondWith(answer: Response): void }) => void): void;
}
const scope = self as unknown as Scope;
const offers = new Map<string, Waiting>();

scope.addEventListener("install", (event) => event.waitUntil(scope.skipWaiting()));
scope.addEventListener("activate", (event) => event.waitUntil(scope.clients.claim()));
scope.addEventListener("message", (event) => {
  if (event.data === "stay") return;
  offers.set(event.data.id, { ...event.data, port: event.ports[0]! });
  event.ports[0]!.postMessage("ready");
});

scope.addEventListener("fetch", (event) => {
  const id = new URL(event.request.url).pathname.split("/").pop()!;
  const offer = offers.get(id);
  offers.delete(id);
  if (!offer) return;
  const headers = new Headers({
    "Content-Type": "application/octet-stream",
    "Content-Disposition": `attachment; filename*=UTF-8''${encodeURIComponent(offer.name).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)}`,
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
  });
  if (offer.size !== null) headers.set("Content-Length", String(offer.size));
  event.respondWith(new Response(body_of(offer.port), { headers }));
});

function body_of(port: MessagePort): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      port.onmessage = ({ data }: MessageEvent<Uint8Array | "end" | "broken">) => {
        if (data === "end") controller.close();
        else if (data === "broken") controller.error(new Error("broken"));
        else controller.enqueue(data);
      };
    },
    pull() {
      port.postMessage("more");
    },
    cancel() {
      port.postMessage("cancel");
    },
  });
}
