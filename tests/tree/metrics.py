#!/usr/bin/python3
"""Every metric that the server counts is in the manual, and the manual, its sample alerts too, names no other."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NAME = re.compile(r"\bqrx_[a-z0-9_]+\b")
# Names of the same form that are no metrics: what a module has for the program that loads it.
OTHERS = {"qrx_catalog_module", "qrx_blobs_module"}


def text_of(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def counted():
    names = set()
    for directory, _, files in os.walk(os.path.join(ROOT, "src")):
        if "node_modules" in directory:
            continue
        for file in files:
            if file.endswith(".cpp"):
                names |= set(re.findall(r'"(qrx_[a-z0-9_]+)"', text_of(os.path.join(directory, file))))
    return names - OTHERS


source = counted()
manual = set(NAME.findall(text_of("man", "qrx-serve.1"))) | set(NAME.findall(text_of("man", "qrx-cluster.7")))
assert len(source) > 20, f"only {sorted(source)}"
problems = [f"{name} is counted, but in no manual" for name in sorted(source - manual)]
problems += [f"{name} is in the manual, but counted nowhere" for name in sorted(manual - source)]
print("\n".join(problems) or f"{len(source)} metrics")
sys.exit(bool(problems))
