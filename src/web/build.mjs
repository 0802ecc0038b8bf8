// node build.mjs OUT WORDS: bundles the pages into OUT/web.bin and OUT/web_data.cpp, which embeds it.
// WORDS is src/seal/words.cpp: both ends show the same four words.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { icon_png } from "./icons.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const [out, wordsFile] = process.argv.slice(2);

function give_up(sentence) {
  console.error(`src/web: ${sentence}`);
  process.exit(1);
}

if (!out || !wordsFile) give_up("usage: node build.mjs OUT WORDS");
// Without the libraries (no way to an npm registry) the pages stand as they do in a browser without script.
const scripted = existsSync(join(here, "node_modules", "esbuild", "package.json"));
if (!scripted)
  console.error("src/web: WARNING: the libraries of the pages are not installed: they are built WITHOUT their scripts. `npm ci --ignore-scripts` in src/web (`make` does it) needs a way to an npm registry.");
const { build } = scripted
  ? await import("esbuild").catch((error) => give_up(`esbuild does not start (${error.message}); run \`npm ci --ignore-scripts\` in src/web again`))
  : {};

const types = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".txt": "text/plain; charset=utf-8",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
};
const target = ["chrome111", "firefox114", "safari16.4"];
const assets = []; // {name, file, bytes}
const packages = new Set();

function hash_of(bytes) {
  return createHash("sha256").update(bytes).digest("base64url").replaceAll(/[-_]/g, "").slice(0, 10).toLowerCase();
}

function add(name, bytes, file) {
  const ending = extname(name);
  assets.push({ name, file: file ?? `${basename(name, ending)}.${hash_of(bytes)}${ending}`, bytes: Buffer.from(bytes) });
  return assets.at(-1).file;
}

// What of node_modules went into a bundle, for the licences.
function note_packages(metafile) {
  for (const input of Object.keys(metafile.inputs)) {
    const found = input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//);
    if (found) packages.add(found[1]);
  }
}

async function bundle(options) {
  const result = await build({
    absWorkingDir: here, bundle: true, minify: true, write: false, metafile: true, target, charset: "utf8", legalComments: "none",
    outdir: "/", logLevel: "warning", ...options,
  }).catch(() => process.exit(1));
  note_packages(result.metafile);
  return result;
}

// --- texts: both languages have the same keys and the same places to fill in
const languages = ["en", "zh"];
const texts = Object.fromEntries(languages.map((l) => [l, JSON.parse(readFileSync(join(here, "texts", `${l}.json`), "utf8"))]));
const places = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort().join();
for (const part of ["server", "page"]) {
  for (const one of languages)
    for (const other of languages)
      for (const [key, text] of Object.entries(texts[one][part])) {
        const same = texts[other][part][key];
        if (same === undefined) give_up(`texts/${other}.json has no ${part}.${key}`);
        if (places(same) !== places(text)) give_up(`${part}.${key} has other {places} in texts/${other}.json than in texts/${one}.json`);
      }
}

async function add_scripts() {
  // --- workers first: the pages know them by name
  const words = [...readFileSync(wordsFile, "utf8").split("words = {")[1].matchAll(/"([a-z]+)"/g)].map((m) => m[1]);
  if (words.length !== 1024) give_up(`${wordsFile} has ${words.length} words instead of 1024`);
  const wordList = {
    name: "words",
    setup(b) {
      b.onResolve({ filter: /^qrx-words$/ }, () => ({ path: "qrx-words", namespace: "words" }));
      b.onLoad({ filter: /.*/, namespace: "words" }, () => ({ contents: `export default ${JSON.stringify(words.join(" "))}.split(" ");` }));
    },
  };
  const unreached = (l) => ["unreached", "unreached_lead", "try_again"].map((key) => texts[l].page[key]);
  const define = { ICON_192: JSON.stringify(icons[192]), UNREACHED: JSON.stringify({ en: unreached("en"), zh: unreached("zh") }) };
  for (const worker of ["seal_worker", "save_worker", "app_worker"]) {
    const result = await bundle({ entryPoints: [`${worker}.ts`], format: "iife", plugins: [wordList], define });
    define[worker.toUpperCase()] = JSON.stringify(add(`${worker}.js`, result.outputFiles[0].contents));
  }
  const wasm = join(here, "node_modules/zxing-wasm/dist/reader/zxing_reader.wasm");
  define.ZXING_WASM = JSON.stringify(add("zxing.wasm", readFileSync(wasm)));

  // --- pages: each is one script, so that little is asked for before it stands; what it needs later comes in parts
  for (const page of ["receive", "send", "pickup", "scan"]) {
    const { outputFiles, metafile } = await bundle({
      entryPoints: [`${page}.ts`], format: "esm", splitting: true, define, entryNames: "[name].[hash]", chunkNames: "part.[hash]",
    });
    for (const { path, contents } of outputFiles) {
      const file = basename(path);
      const is_page = file.startsWith(`${page}.`);
      if (!assets.some((asset) => asset.file === file)) add(is_page ? `${page}.js` : file, contents, file);
    }
    // The sentences that are left in it: what esbuild dropped says nothing.
    const own = new Set(Object.entries(metafile.outputs).filter(([, { inputs }]) => Object.keys(inputs).some((input) => !input.startsWith("node_modules/"))).map(([path]) => basename(path)));
    const script = outputFiles.filter(({ path }) => own.has(basename(path))).map(({ text }) => text).join("\n");
    for (const l of languages) {
      const said = Object.entries(texts[l].page).filter(([key]) => script.includes(`"${key}"`));
      add(`texts-${l}-${page}.js`, `export default ${JSON.stringify(Object.fromEntries(said))};\n`);
    }
  }
  const style = await bundle({ entryPoints: ["style.css"] });
  add("style.css", style.outputFiles[0].contents);
  const licence = (name) => {
    const folder = join(here, "node_modules", name);
    const found = readdirSync(folder).filter((f) => /^licen[cs]e/i.test(f)).sort();
    const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const body = found.length ? readFileSync(join(folder, found[0]), "utf8").trim() : `Licence: ${about.license}`;
    return `${name} ${about.version}\n\n${body}\n`;
  };
  packages.add("zxing-wasm");
  add("licences.txt", [...packages].sort().map(licence).join("\n----\n\n"));
}

// --- as an app: addresses in the manifest are relative to its own, which is at the root
const icons = {};
function add_manifest() {
  for (const side of [192, 512]) icons[side] = add(`icon-${side}.png`, icon_png(side, 0.8));
  icons.maskable = add("icon-maskable.png", icon_png(512, 0.55));
  const picture = (file, sizes, purpose) => ({ src: `assets/${file}`, sizes: `${sizes}x${sizes}`, type: "image/png", purpose });
  add("app.webmanifest", `${JSON.stringify({
    name: "qrx", short_name: "qrx", description: texts.en.page.home_lead, id: "./", start_url: "./", scope: "./", display: "standalone",
    background_color: "#f3f5f9", theme_color: "#f3f5f9",
    icons: [picture(icons[192], 192, "any"), picture(icons[512], 512, "any"), picture(icons.maskable, 512, "maskable")],
    share_target: {
      action: "share", method: "POST", enctype: "multipart/form-data",
      params: { title: "title", text: "text", url: "url", files: [{ name: "files", accept: ["*/*"] }] },
    },
  })}\n`);
}

add_manifest();
if (scripted) {
  await add_scripts();
} else {
  add("style.css", readFileSync(join(here, "style.css")));
  add("licences.txt", "No library is part of these pages.\n");
}
add("icon.svg", readFileSync(join(here, "icon.svg")));

// --- one file of bytes, one table
mkdirSync(out, { recursive: true });
const pieces = [];
let at = 0;
function put(bytes) {
  const place = `{${at}, ${bytes.length}}`;
  pieces.push(bytes);
  at += bytes.length;
  return place;
}
const rows = assets.sort((a, b) => (a.file < b.file ? -1 : 1)).map(({ name, file, bytes }) => {
  const gzip = gzipSync(bytes, { level: 9 });
  const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } });
  return `    {"${name}", "${file}", "${types[extname(name)]}", ${put(bytes)}, ${put(gzip)}, ${put(brotli)}},`;
});
const text_rows = languages.flatMap((l, index) => Object.entries(texts[l].server).map(([key, text]) =>
  `    {${index}, "${key}", R"~text~(${text})~text~"},`));
const blob = join(out, "web.bin");
writeFileSync(blob, Buffer.concat(pieces));
writeFileSync(join(out, "web_data.cpp"), `// Made from src/web by build.mjs: the bytes ${hash_of(Buffer.concat(pieces))}, and where in them each file is.
#include "serve/pages/web_data.h"

__asm__(".pushsection .rodata\\n.balign 16\\n.hidden qrx_web_bytes\\n.global qrx_web_bytes\\nqrx_web_bytes:\\n.incbin ${JSON.stringify(blob).replaceAll('"', '\\"')}\\n.popsection\\n");
extern "C" const char qrx_web_bytes[];

namespace qrx::serve {
namespace {

const WebFile files[] = {
${rows.join("\n")}
};
const WebText texts[] = {
${text_rows.join("\n")}
};

}  // namespace

std::span<const WebFile> web_files() { return files; }
std::span<const WebText> web_texts() { return texts; }
std::string_view web_bytes(const WebPlace& place) { return {qrx_web_bytes + place.at, place.size}; }

}  // namespace qrx::serve
`);
