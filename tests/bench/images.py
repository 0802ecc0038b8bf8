#!/usr/bin/env python3
"""Read rates of the scan helper on a directory of labelled pictures: images.py DIRECTORY [--budget MS] [--folder NAME]...

Each folder of DIRECTORY holds pictures and manifest.json: {"file": {"texts": [accepted texts], ...}}. A folder named fp-*
holds pictures in which nothing may be found. A hit is one accepted text of the picture; a text that no picture's label has is a misread.
Prints a table; exit 1 when there was a misread or a false find. With --min RATE (percent, folders named by --without
left out) also when the rate is below it. --list prints what was not read, --steps which step read how many.
"""
import argparse
import base64
import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".heic", ".avif"}


def scan(helper, path, budget):
    """The texts, the step and the processor seconds of one run of the helper."""
    with open(path, "rb") as picture:
        child = subprocess.Popen([helper, str(budget), "any"], stdin=picture, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL)
        out = child.stdout.read().decode()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = status
    lines = [line.split(" ") for line in out.splitlines()]
    texts = [settled(base64.b64decode(line[1]).decode("utf-8", "replace")) for line in lines if line[0] == "text"]
    end = lines[-1] if lines else ["end", f"died-{status}", "-", "0", "0"]
    return texts, end[1], end[2], usage.ru_utime + usage.ru_stime


def settled(text):
    """Readers disagree about line ends and blanks at the edges; the labels come from several of them."""
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").strip("\0 \r\n").split("\n"))


def labelled(directory, only):
    for folder in sorted(path for path in directory.iterdir() if path.is_dir()):
        manifest = folder / "manifest.json"
        if not manifest.exists() or (only and folder.name not in only):
            continue
        for name, facts in sorted(json.loads(manifest.read_text()).items()):
            if pathlib.Path(name).suffix.lower() in PICTURES and (folder / name).exists():
                yield folder.name, folder / name, [settled(text) for text in facts.get("texts", [])]


def main():
    default = pathlib.Path(os.environ.get("QRX_BIN", "build/bin")) / "qrx-scan"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--budget", type=int, default=1500, help="milliseconds of processor time a picture, 0 no limit")
    parser.add_argument("--folder", action="append", default=[])
    parser.add_argument("--without", action="append", default=["boof-high_version"])
    parser.add_argument("--min", type=float, default=0)
    parser.add_argument("--least", type=pathlib.Path, help='JSON {"folder": fewest hits}; exit 1 below one of them')
    parser.add_argument("--helper", default=str(default))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--steps", action="store_true")
    options = parser.parse_args()

    rows = collections.defaultdict(lambda: {"all": 0, "hit": 0, "bad": 0})
    steps = collections.Counter()
    seconds, bad, unread, unlabelled = [], [], [], []
    pictures = list(labelled(options.directory, options.folder))
    if not pictures:
        sys.exit(f"no labelled pictures in {options.directory}")
    # Labels name not every code in a picture: what another picture's label says was read right.
    known = {text for _, _, accepted in pictures for text in accepted}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        answers = pool.map(lambda item: scan(options.helper, item[1], options.budget), pictures)
        for (folder, path, accepted), (texts, status, step, used) in zip(pictures, answers):
            row = rows[folder]
            row["all"] += 1
            seconds.append(used)
            hit = any(text in accepted for text in texts)
            if not accepted and not folder.startswith("fp-") and folder not in options.without:
                unlabelled.append(texts)
            row["hit"] += hit
            if hit:
                steps[step] += 1
            elif not folder.startswith("fp-"):
                unread.append(f"{folder}/{path.name} {status}")
            negative = folder.startswith("fp-")
            wrong = [text for text in texts if negative or (accepted and text not in known)]
            if wrong:
                row["bad"] += 1
                bad.append(f"{folder}/{path.name}: {str(wrong)[:150]}, accepted {str(accepted)[:150]}")

    def rate(names):
        count = sum(rows[name]["all"] for name in names)
        return 100.0 * sum(rows[name]["hit"] for name in names) / count if count else 0.0, count

    for folder in sorted(rows):
        row = rows[folder]
        part = "" if folder.startswith("fp-") else f"{100.0 * row['hit'] / row['all']:6.1f}"
        print(f"{folder:28} {row['hit']:4} of {row['all']:4} {part:>6}{'  WRONG ' + str(row['bad']) if row['bad'] else ''}")
    positive = [name for name in rows if not name.startswith("fp-")]
    counted = [name for name in positive if name not in options.without]
    negatives = sum(rows[name]["all"] for name in rows if name.startswith("fp-"))
    seconds.sort()
    print("all %.1f %% of %d; without %s %.1f %% of %d; wrong %d; false finds among %d negatives %d" % (
        *rate(positive), " ".join(options.without), *rate(counted), len(bad), negatives,
        sum(rows[name]["bad"] for name in rows if name.startswith("fp-"))))
    if unlabelled:
        alike = sum(any(text in known for text in texts) for texts in unlabelled)
        hits = sum(rows[name]["hit"] for name in counted) + alike
        print("%d of these have no label, as no reader read them when they were labelled: they count as not read; read %d, of which %d "
              "say what another label says: with those %.1f %%" % (
                  len(unlabelled), sum(bool(texts) for texts in unlabelled), alike, 100.0 * hits / max(1, rate(counted)[1])))
    print("processor time a picture, with start: median %.0f ms, mean %.0f ms, p95 %.0f ms, most %.0f ms" % (
        1000 * seconds[len(seconds) // 2], 1000 * sum(seconds) / len(seconds),
        1000 * seconds[int(len(seconds) * 0.95)], 1000 * seconds[-1]))
    if options.steps:
        print("steps:", ", ".join(f"{name} {count}" for name, count in steps.most_common()))
    if options.list:
        print("\n".join(unread))
    for line in bad:
        print("WRONG", line)
    least = json.loads(options.least.read_text()) if options.least else {}
    fewer = [f"{name}: {rows[name]['hit']} of at least {count}" for name, count in least.items() if rows[name]["hit"] < count]
    if fewer:
        print("FEWER THAN BEFORE " + ", ".join(fewer))
    return 1 if bad or fewer or rate(counted)[0] < options.min else 0


if __name__ == "__main__":
    sys.exit(main())
