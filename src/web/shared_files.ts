// What another app shared with this one (Android's share sheet): the service worker puts it away, the scanner's page takes it. In
// IndexedDB, because a worker and a page have nothing else that holds files.
const database = "qrx shared";
const store = "shared";
const longest_ms = 60 * 60 * 1000;  // then it is forgotten

export interface Shared {
  files: File[];
  note: string;
  at: number;
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("no storage"));
  });
}

async function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(database, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(store);
  return done(request);
}

async function use<T>(mode: IDBTransactionMode, act: (rows: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const opened = await open();
  try {
    const transaction = opened.transaction(store, mode);
    const result = await done(act(transaction.objectStore(store)));
    if (mode === "readwrite") await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("no room"));
    });
    return result;
  } finally {
    opened.close();
  }
}

// The id by which the page finds it. What was shared before and not sent makes room.
export async function keep_shared(files: File[], note: string): Promise<string> {
  await forget_shared();
  const id = crypto.randomUUID();
  await use("readwrite", (rows) => rows.put({ files, note, at: Date.now() } satisfies Shared, id));
  return id;
}

// Null where it is no longer, or storage is off.
export async function shared_files(id: string): Promise<Shared | null> {
  try {
    const found = (await use("readonly", (rows) => rows.get(id))) as Shared | undefined;
    return found && Date.now() - found.at < longest_ms ? found : null;
  } catch {
    return null;
  }
}

export async function forget_shared(): Promise<void> {
  try {
    await use("readwrite", (rows) => rows.clear());
  } catch {
    // off
  }
}
