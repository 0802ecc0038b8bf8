#!/usr/bin/python3
"""src/LAYERS is the truth: who includes whom, which folder names which third-party header, who prints and who exits."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SRC = os.path.join(ROOT, "src")
ENDS = (".cpp", ".h")

# Headers of the C library and of Linux, which any folder may include.
SYSTEM = re.compile(r"^(sys|linux|net|netinet|arpa)/|^(dirent|dlfcn|endian|errno|fcntl|getopt|glob|grp|ifaddrs|limits|locale"
                    r"|mntent|netdb|poll|pthread|pwd|sched|signal|spawn|stddef|stdint|stdio|stdlib|string|strings|syslog|termios"
                    r"|time|unistd|utime|wchar)\.h$")

# What only cmd/ and cli/ do.
PRINTS = re.compile(r"\bstd::(cout|cerr|clog|puts|printf|fputs|putchar)\b|(?<![\w:])(printf|puts|putchar|perror|fprintf|fputs)\s*\("
                    r"|\bfmt::print\b|\bstd::fprintf\b")
EXITS = re.compile(r"\b(std::|::)?(_?exit|quick_exit|abort|terminate)\s*\(")
CHILD_EXIT = re.compile(r"\b_exit\((127|exit_no_exec)\)")  # a child that could not exec
# file → why it may
EXIT_ALLOWED = {
    "base/random.cpp": "there is nothing safe left to do without random bytes",
    "base/checksum.cpp": "no memory for 600 bytes, or an OpenSSL without SHA-256",
}

problems = []


def problem(path, text):
    problems.append(f"{os.path.relpath(path, ROOT)}: {text}")


def read_layers():
    folders, owners = {}, {}
    with open(os.path.join(SRC, "LAYERS"), encoding="utf-8") as file:
        for line in file:
            line = line.split("#")[0].strip()
            if not line:
                continue
            name, rest = line.split(":", 1)
            uses, _, headers = rest.partition("|")
            folders[name.strip()] = set(uses.split())
            for header in headers.split():
                owners.setdefault(header, set()).add(name.strip())
    return folders, owners


def strip_comments(text):
    text = re.sub(r'R"(\w*)\((.*?)\)\1"', lambda m: '""' + "\n" * m[0].count("\n"), text, flags=re.S)
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: '""' if m[0][0] == '"' else "' '" if m[0][0] == "'" else "\n" * m[0].count("\n"), text)


def sources(top):
    for directory, names, files in os.walk(top):
        names.sort()
        for name in sorted(files):
            if name.endswith(ENDS):
                yield os.path.join(directory, name)


def owners_of(header, owners):
    """The folders that may name this header; None when no line of LAYERS names it."""
    if header in owners:
        return owners[header]
    found = [names for prefix, names in owners.items() if prefix.endswith("/") and header.startswith(prefix)]
    return set().union(*found) if found else None


def check_third_party(path, folder, header, owners):
    if SYSTEM.match(header) or re.fullmatch(r"[a-z_]+", header):
        return
    allowed = owners_of(header, owners)
    if allowed is None:
        problem(path, f"<{header}> is named by no folder in src/LAYERS")
    elif folder not in allowed:
        problem(path, f"<{header}> belongs to {' and '.join(sorted(allowed))}")


def check_cycles(graph, what):
    state = {}

    def visit(node, trail):
        state[node] = 1
        for target in sorted(graph.get(node, ())):
            if state.get(target) == 1:
                problems.append(f"{what} go in a circle: {' → '.join(trail[trail.index(target):] + [target])}")
            elif target not in state:
                visit(target, trail + [target])
        state[node] = 2

    for node in sorted(graph):
        if node not in state:
            visit(node, [node])


def layer_of(name, folders):
    """The line of LAYERS that a file below src/ belongs to: of its folder, or of the room in it that has a line of its own."""
    parts = name.split("/")[:-1]
    while len(parts) > 1 and "/".join(parts) not in folders:
        parts.pop()
    return "/".join(parts)


def check_folder(folder, folders, owners, includes):
    for path in sources(os.path.join(SRC, folder)):
        name = os.path.relpath(path, SRC)
        if layer_of(name, folders) != folder:
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if path.endswith(".h") and not text.startswith("// "):
            problem(path, "a header's first line says what the file is for")
        for number, line in enumerate(text.splitlines(), 1):
            if match := re.match(r'\s*#\s*include\s+"([^"]+)"', line):
                target = match[1]
                other = layer_of(target, folders)
                if not os.path.isfile(os.path.join(SRC, target)):
                    problem(path, f'{number}: "{target}": includes are written from src/ on')
                elif other != folder and other not in folders[folder]:
                    problem(path, f'{number}: "{target}": {folder} may not see {other} (src/LAYERS)')
                includes.setdefault(name, set()).add(target)
            elif match := re.match(r"\s*#\s*include\s+<([^>]+)>", line):
                check_third_party(path, folder, match[1], owners)
        if folder.split("/")[0] == "cli":
            continue
        for number, line in enumerate(strip_comments(text).splitlines(), 1):
            if PRINTS.search(line):
                problem(path, f"{number}: only cmd/ and cli/ print: {line.strip()}")
            if EXITS.search(line) and name not in EXIT_ALLOWED and not CHILD_EXIT.search(line):
                problem(path, f"{number}: only cmd/ and cli/ end the process: {line.strip()}")


def main():
    folders, owners = read_layers()
    on_disk = {name for name in {*os.listdir(SRC), *folders} if os.path.isdir(os.path.join(SRC, name))}
    with_files = {name for name in on_disk if any(files for _, _, files in os.walk(os.path.join(SRC, name)))}
    for name in sorted(with_files - set(folders)):
        problems.append(f"src/{name} has no line in src/LAYERS")
    for name in sorted(set(folders) - on_disk):
        problems.append(f"src/LAYERS names {name}, which is no folder")
    for name, uses in folders.items():
        for used in sorted(uses - set(folders)):
            problems.append(f"src/LAYERS: {name} names {used}, which has no line")
    check_cycles(folders, "folders of src/LAYERS")
    includes = {}
    for folder in sorted(with_files & set(folders)):
        check_folder(folder, folders, owners, includes)
    check_cycles(includes, "includes")
    for path in sources(os.path.join(ROOT, "cmd")):
        with open(path, encoding="utf-8") as file:
            for header in re.findall(r"^\s*#\s*include\s+<([^>]+)>", file.read(), re.M):
                check_third_party(path, "cmd", header, owners)
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
