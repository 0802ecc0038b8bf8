#!/usr/bin/python3
"""Every C++ file is laid out as .clang-format says, and no line is longer than 120 characters.

clang-format changes its mind from release to release: the release of Debian 12 decides; with another one only the length
of lines is looked at.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RELEASE = "14"

files = sorted(os.path.join(directory, name)
               for top in ("cmd", "src", "tests")
               for directory, names, found in os.walk(os.path.join(ROOT, top))
               if "node_modules" not in directory
               for name in found if name.endswith((".cpp", ".h")))
assert len(files) > 400, f"only {len(files)} files found"

problems = []
for path in files:
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if len(line.rstrip("\n")) > 120:
                problems.append(f"{os.path.relpath(path, ROOT)}:{number}: {len(line) - 1} characters")

version = subprocess.run(["clang-format", "--version"], capture_output=True, text=True, check=True).stdout
if match := re.search(rf"version {RELEASE}\.", version):
    for at in range(0, len(files), 50):
        run = subprocess.run(["clang-format", "--dry-run", "-Werror", *files[at:at + 50]], capture_output=True, text=True)
        problems += sorted({os.path.relpath(line.split(":")[0], ROOT) + ": make format changes it"
                            for line in run.stderr.splitlines() if "-Wclang-format-violations" in line})
        assert run.returncode == 0 or problems, run.stderr

print("\n".join(problems) or f"{len(files)} files, {version.strip()}")
sys.exit(bool(problems))
