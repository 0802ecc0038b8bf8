#!/usr/bin/python3
"""What stands on disk is built, run and listed: sources in CMakeLists.txt, scripts executable, the top level as fixed."""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOP = {"CMakeLists.txt", "LICENSE", "Makefile", "README.md", "cmd", "completions", "man", "src", "tests"}
SCRIPT_FOLDERS = ["tree", "cli", "tus", "web", "cluster", "faults"]

problems = []


def files(folder, *ends):
    for directory, names, found in os.walk(os.path.join(ROOT, folder)):
        names[:] = sorted(name for name in names if name not in ("node_modules", "__pycache__"))
        for name in sorted(found):
            if name.endswith(ends):
                yield os.path.relpath(os.path.join(directory, name), ROOT)


def built_sources():
    """Every source that CMakeLists.txt names, as a path from the top."""
    with open(os.path.join(ROOT, "CMakeLists.txt"), encoding="utf-8") as file:
        text = re.sub(r"#[^\n]*", "", file.read())
    built = set()
    for call, arguments in re.findall(r"(\w+)\s*\(([^()]*)\)", text):
        words = arguments.split()
        if not words:
            continue
        named = []
        for word in words[words.index("SOURCES") + 1:] if "SOURCES" in words else []:
            if word == "LINK":
                break
            if word != "JSON":
                named.append(word)
        if call == "qrx_folder":
            built.update(f"src/{words[0]}/{name}" for name in named)
        elif call == "qrx_unit":
            built.update(f"tests/unit/{name}" for name in named)
        elif call == "qrx_tool":
            built.add(f"cmd/{words[0]}.cpp")
        elif call == "qrx_fuzzer":
            built.add(f"tests/fuzz/{words[0]}.cpp")
        built.update(word for word in words if re.fullmatch(r"(src|cmd|tests)/[\w./-]+\.cpp", word))
    return built


def check_built():
    built = built_sources()
    disk = set(files("src", ".cpp")) | set(files("cmd", ".cpp")) | set(files("tests", ".cpp"))
    for path in sorted(disk - built):
        problems.append(f"{path} is not named in CMakeLists.txt")
    for path in sorted(built - disk):
        problems.append(f"CMakeLists.txt names {path}, which is not there")
    including = set()
    for path in sorted(disk | set(files("src", ".h")) | set(files("tests", ".h"))):
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            including.update(re.findall(r'^\s*#\s*include\s+"([^"]+)"', file.read(), re.M))
    for path in files("src", ".h"):
        if os.path.relpath(path, "src") not in including:
            problems.append(f"{path} is included by nothing")


def check_web():
    """Each file of the pages makes qrx-serve be built anew."""
    with open(os.path.join(ROOT, "CMakeLists.txt"), encoding="utf-8") as file:
        named = re.search(r"set\(QRX_WEB ([^)]*)\)", file.read())[1].split()
    disk = [os.path.relpath(path, "src/web") for path in files("src/web", ".ts", ".mjs", ".css", ".svg", ".json")]
    for name in sorted(set(disk) ^ set(named)):
        if name not in ("constants.d.ts", "package.json", "tsconfig.json"):
            problems.append(f"src/web/{name} is either not in QRX_WEB of CMakeLists.txt, or not there")


def check_scripts():
    for folder in SCRIPT_FOLDERS:
        directory = os.path.join(ROOT, "tests", folder)
        for name in sorted(os.listdir(directory)) if os.path.isdir(directory) else []:
            path = os.path.join(directory, name)
            if not os.path.isfile(path):
                continue
            with open(path, "rb") as file:
                is_script = file.read(2) == b"#!"
            if is_script != os.access(path, os.X_OK):
                problems.append(f"tests/{folder}/{name}: a test begins with #! and is executable; other files are neither")
    listed = subprocess.run([os.path.join(ROOT, "tests", "run"), "-l", "-a"], capture_output=True, text=True, check=True,
                            stdin=subprocess.DEVNULL).stdout.split()
    for folder in SCRIPT_FOLDERS:
        directory = os.path.join(ROOT, "tests", folder)
        for name in os.listdir(directory) if os.path.isdir(directory) else []:
            if os.access(os.path.join(directory, name), os.X_OK) and os.path.isfile(os.path.join(directory, name)) \
                    and f"{folder}/{name}" not in listed:
                problems.append(f"tests/{folder}/{name} is not run by tests/run")


def check_top():
    for name in sorted(os.listdir(ROOT)):
        if name not in TOP and not name.startswith((".", "build")):
            problems.append(f"{name} does not belong to the top level")
    for name in sorted(TOP):
        if not os.path.exists(os.path.join(ROOT, name)):
            problems.append(f"{name} is missing at the top level")


def check_units_built():
    """Each program of unit tests that CMakeLists.txt names was built where the tests run."""
    qrx_bin = os.environ.get("QRX_BIN") or os.path.join(ROOT, "build", "bin")
    with open(os.path.join(ROOT, "CMakeLists.txt"), encoding="utf-8") as file:
        names = re.findall(r"^\s*qrx_unit\((\w+)", file.read(), re.M)
    for name in names:
        if name != "folder" and not os.access(os.path.join(qrx_bin, "qrx-unit-" + name), os.X_OK):
            problems.append(f"qrx-unit-{name} was not built")


def check_unfinished():
    words = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX\\b"]))
    for folder in ("cmd", "src", "tests", "man", "completions"):
        for path in files(folder, ".cpp", ".h", ".py", ".sh", ".1", ".5", ".7", ".html"):
            with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
                for number, line in enumerate(file, 1):
                    if words.search(line) and "mkdtemp" not in line and "mktemp" not in line and "XXXXXX" not in line:
                        problems.append(f"{path}:{number}: unfinished: {line.strip()}")


def main():
    check_built()
    check_web()
    check_scripts()
    check_top()
    check_units_built()
    check_unfinished()
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
