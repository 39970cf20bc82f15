#!/usr/bin/env python3
"""Check that the sources keep to their layers.

usage: check_layers.py [ROOT]

ROOT/src/LAYERS lists the layers, lowest first, one a line: a name, then directories (ending in a
slash) and files.  This fails if, under ROOT/src,

  - a file is in no layer or in two, or LAYERS names something that does not exist;
  - a file includes a file of a higher layer, or one that cannot be found;
  - a file includes a system header that a freestanding C implementation does not have
    (string.h is accepted: scripts/check_symbols sees to it that only mem* is used);
  - files of one layer include each other in a circle.

The checker is tested by test/scripts/test_check_layers.py.
"""

import pathlib
import re
import sys

FREESTANDING = {
    "float.h", "iso646.h", "limits.h", "stdalign.h", "stdarg.h", "stdatomic.h", "stdbool.h",
    "stddef.h", "stdint.h", "stdnoreturn.h", "string.h",
    # The compiler's own, where the target has the instructions.
    "emmintrin.h",
}
INCLUDE = re.compile(r'\s*#\s*include\s+([<"])([^>"]+)[>"]')


class Layers:
    """The contents of a LAYERS file."""

    def __init__(self, path):
        self.names = []  # of the layers, lowest first
        self.entries = []  # (file or directory/, rank)
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.split("#")[0].split()
            if words:
                self.entries += [(word, len(self.names)) for word in words[1:]]
                self.names.append(words[0])

    def ranks(self, file):
        """All layers that a file is in; `file` is relative to src/ or to an include path."""
        return [
            rank
            for entry, rank in self.entries
            if file == entry or (entry.endswith("/") and file.startswith(entry))
        ]


def includes(path):
    """The include lines of a file: (line number, is it in angle brackets, name)."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found[1] == "<", found[2]


def resolve(src, file, name):
    """What `#include "name"` in src/file means, relative to src if it is there."""
    beside = (src / file).parent / name
    for candidate in (beside, src / name):
        if candidate.is_file():
            return candidate.resolve().relative_to(src.resolve()).as_posix()
    return name


def find_cycles(edges):
    """Circles in a graph {file: set of files}, each once, as lists that end where they begin."""
    cycles = []
    done = set()

    def visit(file, path):
        if file in path:
            cycles.append(path[path.index(file):] + [file])
        elif file not in done:
            for target in sorted(edges.get(file, ())):
                visit(target, path + [file])
            done.add(file)

    for file in sorted(edges):
        visit(file, [])
    return cycles


def check_include(src, layers, file, line, problems):
    """Judge one include line.  Returns the file that it means if that is of the same layer."""
    number, is_system, name = line
    where = f"src/{file}:{number}"
    target = name if is_system else resolve(src, file, name)
    own_ranks, target_ranks = layers.ranks(file), layers.ranks(target)

    if is_system and not target_ranks:
        if name not in FREESTANDING:
            problems.append(f"{where}: <{name}> is not a header of a freestanding implementation")
        return None
    if not target_ranks:
        problems.append(f'{where}: "{name}" is neither in a layer nor found')
        return None
    if not own_ranks:
        return None  # reported already
    if target_ranks[0] > own_ranks[0]:
        problems.append(
            f"{where}: {layers.names[own_ranks[0]]} includes {target} "
            f"of the higher layer {layers.names[target_ranks[0]]}"
        )
    return target if target_ranks[0] == own_ranks[0] else None


def check(root):
    """All problems of a tree, one line each, and the number of files looked at."""
    src = root / "src"
    layers = Layers(src / "LAYERS")
    files = sorted(
        path.relative_to(src).as_posix() for path in src.rglob("*") if path.suffix in (".c", ".h")
    )
    problems = []
    edges = {}

    for entry, _ in layers.entries:
        in_src = (src / entry).exists()
        on_path = any((root / where / entry).is_file() for where in ("include", "port/bare"))
        if not in_src and not on_path:
            problems.append(f"src/LAYERS: {entry} does not exist")
    for file in files:
        ranks = layers.ranks(file)
        if len(ranks) != 1:
            problems.append(f"src/{file}: is in {len(ranks)} layers, not in one")
        edges[file] = set()
        for line in includes(src / file):
            target = check_include(src, layers, file, line, problems)
            if target is not None:
                edges[file].add(target)
    for cycle in find_cycles(edges):
        problems.append("circle of includes: src/" + " -> src/".join(cycle))
    return problems, len(files)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    problems, count = check(root)
    for problem in problems:
        print(problem, file=sys.stderr)
    if count == 0:
        print("no source file found", file=sys.stderr)
        return 1
    print(f"{count} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
