#!/usr/bin/python3
"""Options are the same in --help, the manual and the completions; the completions are those that the tools make."""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("QRX_BIN", os.path.join(ROOT, "build", "bin"))
PRIVATE = {"qrx-notify", "qrx-poster", "qrx-scan", "qrx-screen", "qrx-show"}  # run by tools, not by people
COMPLETIONS = {"bash": "{}.bash", "zsh": "_{}", "fish": "{}.fish"}

problems = []


def run(tool, *arguments):
    return subprocess.run([os.path.join(BIN, tool), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=True, env={"PATH": os.environ["PATH"]}).stdout


def of_help(text):
    found = set()
    for line in text.splitlines():
        match = re.match(r" {2,6}((?:-\w, )?--[a-z0-9-]+(?:, --[a-z0-9-]+)?)", line)
        if match:
            found.update(match.group(1).split(", "))
    return found


def of_manual(path):
    """The Fl arguments of the items of lists: .It Fl o , -output Ar path"""
    found = set()
    with open(path, encoding="utf-8") as file:
        for line in file:
            if not line.startswith(".It Fl"):
                continue
            in_flags = False
            for word in line.split()[1:]:
                if word == "Fl":
                    in_flags = True
                elif re.match(r"[A-Z][a-z]$", word):
                    in_flags = False
                elif in_flags and word != ",":
                    found.add("-" + word)
    return found


def of_completion(shell, text):
    if shell == "fish":
        long_names = {"--" + name for name in re.findall(r" -l ([a-z0-9-]+)", text)}
        return long_names | {"-" + name for name in re.findall(r" -s (\S)", text)}
    if shell == "zsh":
        return set(re.findall(r"^  '\*?(--?[A-Za-z0-9-]+?)[=+]?\[", text, re.M))
    return set(re.search(r"if \[\[ \$word == -\* \]\]; then\n\s+COMPREPLY=\(\$\(compgen -W '([^']*)'", text).group(1).split())


def compare(tool, where, found, wanted):
    for option in sorted(wanted - found):
        problems.append(f"{tool}: {option} is in --help, but not in {where}")
    for option in sorted(found - wanted):
        problems.append(f"{tool}: {option} is in {where}, but not in --help")


for source in sorted(os.listdir(os.path.join(ROOT, "cmd"))):
    tool = source.removesuffix(".cpp")
    if tool in PRIVATE or not source.endswith(".cpp"):
        continue
    if not os.path.exists(os.path.join(BIN, tool)):
        problems.append(f"{tool} is not built")
        continue
    wanted = of_help(run(tool, "--help"))
    if not {"--help", "--version", "-h", "-V"} <= wanted:
        problems.append(f"{tool} --help is not as this test reads it")
    manual = os.path.join(ROOT, "man", tool + ".1")
    if os.path.exists(manual):
        compare(tool, "the manual", of_manual(manual), wanted)
    else:
        problems.append(f"{tool} has no manual page")
    for shell, name in COMPLETIONS.items():
        path = os.path.join(ROOT, "completions", name.format(tool))
        made = run(tool, "--completion", shell)
        compare(tool, f"the {shell} completion", of_completion(shell, made), wanted)
        if "--write" in sys.argv:
            with open(path, "w", encoding="utf-8") as file:
                file.write(made)
        elif not os.path.exists(path) or open(path, encoding="utf-8").read() != made:
            problems.append(f"completions/{name.format(tool)} is not what {tool} --completion {shell} prints: tests/tree/options.py --write")

# One configuration file is read by all of these: what one tool knows, the others must not call a mistake.
with open(os.path.join(ROOT, "src", "cli", "config_keys.cpp"), encoding="utf-8") as file:
    shared_keys = set(re.findall(r'"([a-z0-9-]+)"', file.read()))
for tool in ("qrx-recv", "qrx-send", "qrx-share"):
    for option in of_help(run(tool, "--help")) - {"--help", "--version"}:
        if option.startswith("--") and option[2:] not in shared_keys:
            problems.append(f"{tool}: {option} is missing in src/cli/config_keys.cpp")

print("\n".join(problems) or "help, manual and completions agree")
sys.exit(1 if problems else 0)
