#!/usr/bin/python3
"""Figures of src/ and cmd/ that may not get worse. Better ones are written down here by whoever reaches them."""
import collections
import os
import re
import sys

from layers import ROOT, SRC, sources, strip_comments

# What stands today. A larger figure is a fault; one that was made smaller is written down here.
HELD = {
    "sources without a header of their own": 1,  # one that only a linker names
    "cycles between x.h/x.cpp pairs": 0,
    "functions over 60 lines": 0,
    "functions over 60 lines in space": 0,
    "base names that stand twice": 0,
    "files over 400 lines": 0,
}
LONGEST_FUNCTION = 60
LONGEST_FILE = 400

DIRECTIVE = re.compile(r"^[ \t]*#(.*\\\n)*.*$", re.M)
OPENS_SCOPE = re.compile(r"^(inline )?namespace\b|^(template ?<.*> ?)?(enum |class|struct|union)\b(?!.*\) ?\{$)|^extern\b")


def name_of(path):
    return os.path.relpath(path, ROOT)


def unit_of(path):
    """x.h and x.cpp are one."""
    return os.path.splitext(os.path.relpath(path, SRC))[0]


def cycles(texts):
    """The groups of units that include each other in a ring (Tarjan's strongly connected components)."""
    units = {unit_of(path) for path in texts}
    uses = {unit: set() for unit in units}
    for path, text in texts.items():
        included = {os.path.splitext(name)[0] for name in re.findall(r'^#include "([^"]+)"', text, re.M)}
        uses[unit_of(path)] |= (included & units) - {unit_of(path)}
    number, low, stack, found = {}, {}, [], []

    def visit(unit):
        number[unit] = low[unit] = len(number)
        stack.append(unit)
        for other in sorted(uses[unit]):
            if other not in number:
                visit(other)
            if other in stack:
                low[unit] = min(low[unit], low[other])
        if low[unit] == number[unit]:
            at = stack.index(unit)
            if len(stack) > at + 1:
                found.append(" ".join(sorted(stack[at:])))
            del stack[at:]

    for unit in sorted(units):
        if unit not in number:
            visit(unit)
    return found


def functions(text):
    """(line, length) of each function: a block with parentheses before it, inside of nothing but namespaces and types."""
    open_blocks, head, head_line, line = [], "", 1, 1
    for char in DIRECTIVE.sub(lambda m: "\n" * m[0].count("\n"), strip_comments(text)):
        if char == "{":
            words = head.strip()
            outside = all(kind == "scope" for kind, _ in open_blocks)
            # Without a blank before it, as in a_{1}, it is part of what comes before a body (layout.py sees to the blanks).
            body = outside and "(" in words and head[-1].isspace()
            kind = "scope" if outside and OPENS_SCOPE.match(words) else "function" if body else "block"
            open_blocks.append((kind, head_line))
            if kind != "block" or not outside:
                head = ""
        elif char == "}":
            kind, start = open_blocks.pop() if open_blocks else ("block", line)
            if kind == "function":
                yield start, line - start + 1
            if kind != "block":
                head = ""
        elif char == ";":
            head = ""
        else:
            if not head.strip() and not char.isspace():
                head, head_line = "", line
            head += char
        line += char == "\n"


def measure(texts):
    found = {what: [] for what in HELD}
    found["cycles between x.h/x.cpp pairs"] = cycles(texts)
    names = collections.Counter(os.path.basename(path) for path in texts)
    found["base names that stand twice"] = [name for name, count in names.items() if count > 1]
    for path, text in texts.items():
        if path.startswith(SRC) and path.endswith(".cpp") and path[:-4] + ".h" not in texts:
            found["sources without a header of their own"].append(name_of(path))
        if text.count("\n") > LONGEST_FILE:
            found["files over 400 lines"].append(f"{name_of(path)}: {text.count(chr(10))}")
        for line, length in functions(text):
            if length > LONGEST_FUNCTION:
                found["functions over 60 lines"].append(f"{name_of(path)}:{line}: {length}")
                if unit_of(path).startswith("space/"):
                    found["functions over 60 lines in space"].append(f"{name_of(path)}:{line}: {length}")
    return found


def main():
    texts = {}
    for top in (SRC, os.path.join(ROOT, "cmd")):
        for path in sources(top):
            with open(path, encoding="utf-8") as file:
                texts[path] = file.read()
    worse = False
    for what, items in measure(texts).items():
        if len(items) > HELD[what]:
            worse = True
            print(f"{what}: {len(items)}, and there were {HELD[what]}:", *sorted(items), sep="\n  ")
        elif len(items) < HELD[what]:
            print(f"{what}: {len(items)}, better than the {HELD[what]} in {name_of(os.path.abspath(__file__))}: lower it there")
    return worse


if __name__ == "__main__":
    sys.exit(main())
