// The service worker of the whole site, on secure origins. It keeps no page, no data and no answer of the API: there is nothing
// to go stale. It does three things: says in words that the server cannot be reached, takes what another app shares, and brings
// the page forward when its notification is pressed.
import { keep_shared } from "./shared_files";

interface Client {
  url: string;
  focus(): Promise<unknown>;
}
interface Scope {
  registration: { scope: string };
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void>; matchAll(options: { type: "window" }): Promise<Client[]> };
  addEventListener(name: "install" | "activate", act: (event: { waitUntil(p: Promise<unknown>): void }) => void): void;
  addEventListener(name: "fetch", act: (event: { request: Request; respondWith(answer: Promise<Response>): void }) => void): void;
  addEventListener(name: "notificationclick", act: (event: { notification: { data: unknown; close(): void }; waitUntil(p: Promise<unknown>): void }) => void): void;
}
const scope = self as unknown as Scope;
const root = new URL(scope.registration.scope);

scope.addEventListener("install", (event) => event.waitUntil(scope.skipWaiting()));
scope.addEventListener("activate", (event) => event.waitUntil(scope.clients.claim()));

scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method === "POST" && url.pathname === `${root.pathname}share`) event.respondWith(take_shared(request));
  else if (request.method === "GET" && request.mode === "navigate" && url.origin === root.origin) event.respondWith(fetch(request).catch(() => unreached()));
});

async function take_shared(request: Request): Promise<Response> {
  try {
    const form = await request.formData();
    const files = form.getAll("files").filter((part): part is File => part instanceof File && (part.size > 0 || part.name !== ""));
    const note = ["title", "text", "url"].map((name) => form.get(name)).filter((part) => typeof part === "string" && part.trim() !== "").join("\n");
    return Response.redirect(new URL(`scan?shared=${await keep_shared(files, note)}`, root).href, 303);
  } catch {
    return Response.redirect(new URL("scan?shared=lost", root).href, 303);
  }
}

// As plain as can be: no part of the site is at hand. Asking again is asking for the same address.
function unreached(): Response {
  const [title, lead, again] = navigator.language.startsWith("zh") ? UNREACHED.zh : UNREACHED.en;
  const body = `<!doctype html><html lang="${navigator.language.startsWith("zh") ? "zh-Hans" : "en"}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<meta name="color-scheme" content="light dark"><title>${title}</title><main><h1>${title}</h1><p>${lead}</p><form><button>${again}</button></form></main>`;
  return new Response(body, { status: 503, headers: { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": "default-src 'none'; form-action 'self'", "Cache-Control": "no-store" } });
}

scope.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(scope.clients.matchAll({ type: "window" }).then((clients) => clients.find(({ url }) => url === event.notification.data)?.focus()));
});
