#!/usr/bin/env bash
# The scripts of the pages have sound types, and no sentence that no page says.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root/src/web"
[ -x node_modules/.bin/tsc ] || { echo "the libraries of the pages are not installed: npm ci --ignore-scripts in src/web"; exit 1; }
node_modules/.bin/tsc --noEmit -p .
python3 - <<'PYTHON'
import glob, json, re, sys
english, chinese = (json.load(open(f"texts/{language}.json", encoding="utf-8")) for language in ("en", "zh"))
scripts = "".join(open(name, encoding="utf-8").read() for name in [*glob.glob("*.ts"), "build.mjs"])
pages = open("../serve/pages/pages.cpp", encoding="utf-8").read()
unsaid = [f"page.{key}" for key in english["page"] if f'"{key}"' not in scripts] + [f"server.{key}" for key in english["server"] if f'"{key}"' not in pages]
same = [key for part in english for key in english[part] if english[part][key] == chinese[part][key] and re.search("[a-z]{3}", english[part][key]) and "@" not in english[part][key]]
if unsaid or same:
    sys.exit(f"said by no page: {unsaid}; not translated: {same}")
PYTHON

# Without its libraries the pages are built without their scripts, and the build says what to do.
bare=$(mktemp -d)
trap 'rm -rf "$bare"' EXIT
cp -r build.mjs icons.mjs texts style.css icon.svg "$bare"
said=$(node "$bare/build.mjs" "$bare/out" "$root/src/seal/words.cpp" 2>&1) || { echo "$said"; exit 1; }
grep -q 'npm ci --ignore-scripts' <<<"$said" || { echo "the build said: $said"; exit 1; }
grep -q '"style.css"' "$bare/out/web_data.cpp"
if grep -q 'receive[.]' "$bare/out/web_data.cpp"; then echo 'a script without its libraries'; exit 1; fi
