// Where the server is: beside the script, whatever path a proxy puts in front.
const here = new URL(".", import.meta.url);
export const root = new URL("..", here);  // ends with "/"

export function at(path: string): string {
  return new URL(path, root).href;
}

export function asset(file: string): string {
  return new URL(file, here).href;
}

// What stands behind the # of the address. What messengers hang on to a link is taken off; what cannot be read is nothing.
export function fragment(): string {
  try {
    return decodeURIComponent(location.hash.slice(1)).replace(/[\s.,;:!?)\]>"']+$/, "");
  } catch {
    return "";
  }
}

// At the root, for it is of the whole site, and always under the same name, so that a browser finds its next version.
const app_worker = at("app_worker.js");

interface ScriptPolicy {
  createScriptURL(text: string): string;
}
interface PolicyFactory {
  createPolicy(name: string, rules: { createScriptURL(text: string): string }): ScriptPolicy;
}
// Where the browser guards script addresses (Trusted Types), ours is the one policy: our own files.
const factory = (globalThis as unknown as { trustedTypes?: PolicyFactory }).trustedTypes;
const policy = factory?.createPolicy("qrx", {
  createScriptURL(text) {
    if (!text.startsWith(here.href) && text !== app_worker) throw new TypeError("not a script of this server");
    return text;
  },
});

function trusted(address: string): string {
  return policy ? policy.createScriptURL(address) : address;
}

export const script_address = (file: string): string => trusted(asset(file));
export const app_worker_address = (): string => trusted(app_worker);
