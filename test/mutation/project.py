"""What is mutated and how it is built and tested.

A project is a core of which mutants are made: compiled units that are linked into one shared library;
and programs, linked once, that load it.  A program that is made of units of its own which see a mutated
header is linked again with them, so that no test ever runs with half a change.
"""

import dataclasses
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess

TOKEN_NAME = re.compile(r"[A-Za-z_]\w*")
MACRO = re.compile(r"\s*#\s*define\s+(\w+)")


@dataclasses.dataclass
class Unit:
    """A file that is compiled: its command without output and input, and what it includes."""

    source: pathlib.Path
    output: pathlib.Path
    command: list
    includes: set
    variants: dict = dataclasses.field(default_factory=dict)  # {file of the sources: what it sees instead}


@dataclasses.dataclass
class Program:
    """An executable: the words that link it, which name its units' outputs and itself."""

    path: pathlib.Path
    link: list
    units: list
    has_core: bool = False  # it does not load the core, but is linked with the objects of it


@dataclasses.dataclass
class Test:
    """A command that succeeds without mutants."""

    name: str
    command: list
    directory: pathlib.Path
    environment: dict
    program: Program = None
    seconds: float = 0.0  # of the wall clock, and
    cpu: float = 0.0  # of the processor, without mutants


@dataclasses.dataclass
class Project:
    """All of it."""

    sources: pathlib.Path  # the directory whose files are mutated
    build: pathlib.Path  # where commands run
    library: str  # the core's file name
    link: list  # its link command; OUTPUT and the units' outputs are words of it
    units: list  # of the core
    programs: list
    tests: list
    headers: tuple = ()  # files elsewhere that declare enumerators
    reach: dict = dataclasses.field(default_factory=dict)

    def units_using(self, path, function):
        """The units, the programs' included, that a change of a file's function may change."""
        changed = self.sources / path
        units = self.units + [unit for program in self.programs for unit in program.units]
        return [
            unit for unit in units
            if unit.source in (changed, unit.variants.get(changed))
            or ((changed in unit.includes or changed in unit.variants) and self._reaches(unit, function))
        ]

    def _reaches(self, unit, function):
        """False only if a function of a header is one that a unit has no use for."""
        if unit.output not in self.reach:
            self.reach[unit.output] = _Reach(unit, self.sources)
        return self.reach[unit.output].may_use(function)


class _Reach:
    """The names that a unit may use: its own, and those that the functions and macros it uses do."""

    def __init__(self, unit, sources):
        import source as source_module  # here, for the tests of this file alone

        bodies = {}
        for path in unit.includes:
            is_known = path.is_relative_to(sources) or path in unit.variants.values()
            if path == unit.source or not is_known:
                continue
            text = path.read_text(encoding="utf-8")
            read = source_module.Source(text)
            for function in read.functions:
                tokens = read.tokens[function.first:function.end]
                bodies.setdefault(function.name, set()).update(t.text for t in tokens)
            for directive in read.directives:
                name = MACRO.match(directive)
                if name:
                    words = TOKEN_NAME.findall(directive)
                    bodies.setdefault(name.group(1), set()).update(words)
        self.functions = set(bodies)
        self.used = set()
        todo = set(TOKEN_NAME.findall(unit.source.read_text(encoding="utf-8")))
        while todo:
            self.used |= todo
            todo = set().union(*(bodies.get(name, ()) for name in todo)) - self.used

    def may_use(self, function):
        """True unless it is a function known to be out of reach."""
        return function not in self.functions or function in self.used


# --- the project that this file is part of

# Tests that say nothing about src/, or nothing that others do not say, or take too long for it.
LEFT_OUT = re.compile(
    r"record/|scripts/|examples/port$|model/random_seed_2$|model/random_fresh_seed$|"
    r"cli/(?!command)|exhaustive/explorer_sees_bugs$"
)
# Tests that are made shorter, or taken apart, so that what notices most mutants a second comes first.
ARGUMENTS = {
    "exhaustive/explore": {"": ["--quanta", "4"]},
    "exhaustive/explore_indexed": {
        world: ["--quanta", "4", "--world", world] for world in ("top", "spans", "handles", "import-1")
    },
    "exhaustive/explore_faults": {
        world: ["--quanta", "4", "--world", world] for world in ("top", "spans", "handles", "import-fn")
    },
    "model/random": {"": ["--seed", "1", "--ops", "200000"]},
}
SEED = "1"
LIBRARY = "libopenvmem_core.so"


class BuildError(Exception):
    """Something that the user has to see."""


def _run(command, directory):
    done = subprocess.run(
        command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError(f"{shlex.join(map(str, command))}: failed\n{done.stdout[-3000:]}")
    return done.stdout


def _dependencies(build):
    """{output: set of files} as ninja recorded them."""
    found = {}
    current = None
    for line in _run(["ninja", "-t", "deps"], build).splitlines():
        if line[:1].strip():
            current = found.setdefault(build / line.split(":")[0], set())
        elif line.strip():
            current.add(pathlib.Path(os.path.normpath(build / line.strip())))
    return found


def _units(build, root):
    dependencies = _dependencies(build)
    units = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        words = shlex.split(entry["command"])
        if entry["file"].endswith(".cpp"):
            continue
        output = build / words[words.index("-o") + 1]
        words = [word for word in words if not word.startswith("-W")]
        del words[words.index("-o"):words.index("-o") + 2]
        del words[words.index("-c"):words.index("-c") + 2]
        unit = Unit(pathlib.Path(entry["file"]), output, words + ["-w"], dependencies.get(output, set()))
        for path in (unit.source, *unit.includes):
            original = root / "src" / path.parent.name / path.name
            if path.is_relative_to(build) and original.exists():
                unit.variants[original] = path
        units[output] = unit
    return units


def _inputs(build, target):
    """What a target is made of, by ninja."""
    lines = _run(["ninja", "-t", "query", target], build).split("  outputs:")[0].splitlines()[2:]
    return [line.strip() for line in lines if "|" not in line]


def _link_words(build, target):
    last = _run(["ninja", "-t", "commands", str(target)], build).splitlines()[-1]
    words = shlex.split(last)
    return [word for word in words if word not in (":", "&&")]


def _taken_apart(build, units, word):
    """The objects of an archive that has variants of what is mutated; every other word as it is."""
    if not word.endswith(".a"):
        return [word]
    inputs = _inputs(build, word)
    is_variant = any(units[build / name].variants for name in inputs if build / name in units)
    return inputs if is_variant else [word]


def _programs(build, units, paths, core):
    programs = {}
    for path in paths:
        if path in programs or not path.is_relative_to(build) or not path.exists():
            continue
        words = _link_words(build, path.relative_to(build))
        words = [part for word in words for part in _taken_apart(build, units, word)]
        own = [units[build / word] for word in words if build / word in units]
        # The linker can wrap only what is called from the program itself.
        has_core = any("--wrap=" in word for word in words)
        if has_core:
            at = words.index(LIBRARY)
            words[at:at + 1] = [str(unit.output.relative_to(build)) for unit in core]
            _run(words, build)
        programs[path] = Program(path, words, own, has_core)
    return programs


def _tests(build):
    listing = json.loads(_run(["ctest", "--show-only=json-v1"], build))
    for entry in listing["tests"]:
        if LEFT_OUT.match(entry["name"]) or "command" not in entry:
            continue
        properties = {item["name"]: item["value"] for item in entry["properties"]}
        environment = dict(word.split("=", 1) for word in properties.get("ENVIRONMENT", ()))
        environment["VMT_SEED"] = SEED
        command = entry["command"]
        for part, words in ARGUMENTS.get(entry["name"], {"": command[1:]}).items():
            yield Test(
                f"{entry['name']} {part}".strip(), command[:1] + words,
                pathlib.Path(properties["WORKING_DIRECTORY"]), environment,
            )


def _flags():
    """Of the compiler.  What is never written has a value that is of no use: who reads it fails."""
    flags = "-O1 -DNDEBUG"
    pattern = "-ftrivial-auto-var-init=pattern"
    command = [os.environ.get("CC", "cc"), pattern, "-fsyntax-only", "-x", "c", os.devnull]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return f"{flags} {pattern}" if done.returncode == 0 else flags


def open_project(root, build, jobs, say):
    """Configure and build OpenVMEM for mutation."""
    if not shutil.which("ninja"):
        raise BuildError("ninja is missing: it knows what depends on what (scripts/deps build)")
    say(f"building in {os.path.relpath(build, root)}")
    _run(
        ["cmake", "-S", root, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
         f"-DCMAKE_C_FLAGS_RELEASE={_flags()}", "-DVMEM_BENCH=OFF", "-DVMEM_MUTABLE=ON"],
        root,
    )
    _run(["cmake", "--build", build, "--parallel", str(jobs)], root)

    units = _units(build, root)
    tests = list(_tests(build))
    link = _link_words(build, LIBRARY)
    core = [units[build / word] for word in link if build / word in units]
    programs = _programs(build, units, [pathlib.Path(test.command[0]) for test in tests], core)
    for test in tests:
        test.program = programs.get(pathlib.Path(test.command[0]))
    link[link.index("-o") + 1] = "OUTPUT"
    if shutil.which("ld.gold"):
        link.insert(1, "-fuse-ld=gold")
    return Project(
        sources=root / "src", build=build, library=LIBRARY, link=link, units=core,
        programs=list(programs.values()), tests=tests,
        headers=(root / "include/vmem/vmem.h",),
    )
