// The pages as an app: the service worker of the site, where browsers have one.
import { app_worker_address, root } from "./root";

interface Registration {
  showNotification(title: string, options: { body: string; icon: string; tag: string; data: string }): Promise<void>;
}
let registered: Promise<Registration | null> | undefined;

export function register_app(): Promise<Registration | null> {
  registered ??= (async () => {
    if (!isSecureContext || !navigator.serviceWorker) return null;
    try {
      return (await navigator.serviceWorker.register(app_worker_address(), { scope: root.pathname, updateViaCache: "none" })) as unknown as Registration;
    } catch {
      return null;
    }
  })();
  return registered;
}
