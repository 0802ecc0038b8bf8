// What build.mjs fills in: the names of files beside the script.
declare const SEAL_WORKER: string;
declare const SAVE_WORKER: string;
declare const ICON_192: string;
declare const UNREACHED: Record<"en" | "zh", [title: string, lead: string, again: string]>;
declare const ZXING_WASM: string;
declare module "qrx-words" {
  const words: string[];
  export default words;
}
