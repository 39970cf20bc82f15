"""One mutant's trial: compile what it changes, link, run tests until one fails.

A test counts as failed when it exits with another status than 0, is ended by a signal, prints "not ok",
runs too long or takes too much memory.  Too long is measured in processor time, which does not depend on
what else the machine does; a test that only sleeps is given a few seconds of the clock.
"""

import math
import os
import pathlib
import resource
import select
import shutil
import signal
import subprocess
import time

KILLED = "killed"
TIMED_OUT = "timed out"  # killed, too
SURVIVED = "survived"
SAME = "same code"  # the compiler made the same of it
BROKEN = "does not compile"

CPU_LEAST = 3  # seconds of processor time that any test may take
CPU_FACTOR = 4
CLOCK_LEAST = 20  # seconds of the clock
CLOCK_FACTOR = 40
IDLE = 3  # seconds without any progress
MEMORY = 1 << 30  # bytes beyond what any test takes
OUTPUT = 1 << 24

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Outcome:
    """How a command ended."""

    def __init__(self, ok, why, seconds, cpu):
        self.ok = ok
        self.why = why
        self.seconds = seconds
        self.cpu = cpu


def run_test(command, test, environment, is_first=False):
    """Run one test.  is_first: without mutants, to learn how long it takes."""
    began = time.monotonic()
    process = subprocess.Popen(
        command, cwd=test.directory, env={**os.environ, **test.environment, **environment},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    cpu_limit = 600 if is_first else math.ceil(max(CPU_LEAST, CPU_FACTOR * test.cpu))
    clock_limit = 1200 if is_first else max(CLOCK_LEAST, CLOCK_FACTOR * test.seconds)
    for what, value in ((resource.RLIMIT_CPU, cpu_limit), (resource.RLIMIT_CORE, 0)):
        try:
            resource.prlimit(process.pid, what, (value, value))
        except ProcessLookupError:
            pass
    why = None
    seen = 0
    tail = b""
    watch = _Watch(process.pid)
    while True:
        ready, _, _ = select.select([process.stdout], [], [], 0.5)
        if ready:
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                break
            seen += len(piece)
            tail = tail[-16:] + piece
            if b"not ok" in tail and not is_first:
                why = "a check fails"
            elif seen > OUTPUT:
                why = "endless output"
        clock = time.monotonic() - began
        if why is None and clock > 0.5:
            why = watch.look(clock)
        if why is None and clock > clock_limit:
            why = f"{TIMED_OUT}: {clock:.0f} s"
        if why is not None:
            break
    if why is not None:
        _end(process.pid)
    status, usage = os.wait4(process.pid, 0)[1:]
    _end(process.pid)  # what it may have left behind
    process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu = usage.ru_utime + usage.ru_stime
    if why is None and process.returncode in (-signal.SIGXCPU, -signal.SIGKILL) and cpu >= cpu_limit - 1:
        why = f"{TIMED_OUT}: {cpu:.0f} s of processor time"
    if why is None and process.returncode != 0:
        why = (
            f"signal {-process.returncode}" if process.returncode < 0
            else f"exit status {process.returncode}"
        )
    return Outcome(why is None, why, time.monotonic() - began, cpu)


def _end(group):
    """End a test with all that it started; each test is a process group of its own."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


class _Watch:
    """Looks at a running process: does it make progress, and how large is it?"""

    def __init__(self, pid):
        self.proc = pathlib.Path(f"/proc/{pid}")
        self.ticks = -1
        self.since = 0.0

    def look(self, clock):
        """Why it should be ended, or None."""
        try:
            fields = (self.proc / "stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
            size = int((self.proc / "statm").read_text(encoding="utf-8").split()[1]) * PAGE
            states = {
                (task / "stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
                for task in (self.proc / "task").iterdir()
            }
        except (OSError, IndexError, ValueError):
            return None
        if size > MEMORY:
            return "too much memory"
        ticks = sum(int(field) for field in fields[11:15])  # those of ended children included
        if ticks != self.ticks or states != {"S"} or self._has_children():
            self.ticks = ticks
            self.since = clock
        elif clock - self.since > IDLE:
            return f"{TIMED_OUT}: asleep"
        return None

    def _has_children(self):
        try:
            return any(
                (task / "children").read_text(encoding="utf-8").strip()
                for task in (self.proc / "task").iterdir()
            )
        except OSError:
            return False


class Result:
    """What became of a mutant."""

    def __init__(self, verdict, test="", why="", seconds=0.0):
        self.verdict = verdict
        self.test = test
        self.why = why
        self.seconds = seconds


class Bench:
    """A place where one mutant after the other is tried."""

    def __init__(self, project, place):
        self.project = project
        self.place = place
        self.overlay = place / "overlay"
        self.objects = place / "objects"
        self.library = place / "library"
        self.programs = place / "programs"

    def try_mutant(self, mutant, order):
        """Compile, link, test.  order: the tests, most promising first."""
        began = time.monotonic()
        for directory in (self.overlay, self.objects, self.library, self.programs):
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir(parents=True)
        result = self._try(mutant, order)
        result.seconds = time.monotonic() - began
        return result

    def _try(self, mutant, order):
        project = self.project
        text = (project.sources / mutant.path).read_text(encoding="utf-8")
        mutated = self.overlay / mutant.path
        mutated.parent.mkdir(parents=True, exist_ok=True)
        mutated.write_text(mutant.apply(text), encoding="utf-8")

        units = project.units_using(mutant.path, mutant.function)
        core = [unit for unit in units if unit in project.units]
        others = [unit for unit in units if unit not in project.units]
        changed = {}
        for unit in core:
            made = self._compile(unit, mutant)
            if made is None:
                return Result(BROKEN)
            if made.read_bytes() != unit.output.read_bytes():
                changed[unit.output] = made
        if not changed and not core and others:
            return Result(SAME, why="in no unit of the core")
        if not changed:
            return Result(SAME)
        self._link(project.link, self.library / project.library, changed)
        for test in order:
            outcome = self._test(test, changed, others, mutant)
            if outcome is None:
                return Result(BROKEN, test.name)
            if not outcome.ok:
                verdict = TIMED_OUT if outcome.why.startswith(TIMED_OUT) else KILLED
                return Result(verdict, test.name, outcome.why)
        return Result(SURVIVED)

    def _compile(self, unit, mutant):
        """The object of a unit with the mutant, or None."""
        output = self.objects / unit.output.relative_to(self.project.build)
        if output.exists():
            return output
        output.parent.mkdir(parents=True, exist_ok=True)
        changed = self.project.sources / mutant.path
        source, includes = unit.source, self.overlay
        if changed in unit.variants:
            made, includes = self._variant(unit.variants[changed], mutant)
            source = made if source == unit.variants[changed] else source
        elif source == changed:
            source = self.overlay / mutant.path
        command = unit.command[:1] + [f"-I{includes}"] + unit.command[1:]
        done = subprocess.run(
            command + ["-o", str(output), "-c", str(source)], cwd=self.project.build,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        )
        return output if done.returncode == 0 else None

    def _variant(self, path, mutant):
        """(the mutant of a file that was made of the mutated one, line by line, its directory)."""
        root = pathlib.Path(str(path).removesuffix(str(mutant.path)))
        directory = self.overlay / "variants" / root.relative_to(self.project.build)
        output = directory / mutant.path
        if output.exists():
            return output, directory
        original = (self.project.sources / mutant.path).read_text(encoding="utf-8")
        variant = path.read_text(encoding="utf-8")
        shift = 0
        first = original.count("\n", 0, mutant.start)
        for old, new in list(zip(original.split("\n"), variant.split("\n")))[:first]:
            shift += len(new) - len(old)
        start, end = mutant.start + shift, mutant.end + shift
        if variant[start:end] == original[mutant.start:mutant.end]:
            variant = variant[:start] + mutant.replacement + variant[end:]
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(variant, encoding="utf-8")
        return output, directory

    def _link(self, words, output, changed):
        """Link with other objects in place of some."""
        build = self.project.build
        words = [str(changed.get(build / word, word)) for word in words]
        done = subprocess.run(
            [str(output) if word == "OUTPUT" else word for word in words], cwd=build,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"cannot link {output}: {done.stdout.decode(errors='replace')}")

    def _test(self, test, core, others, mutant):
        """Run a test, with the mutant in its own units, too.  None: these do not compile."""
        command = [str(word) for word in test.command]
        if test.program:
            mine = [unit for unit in test.program.units if unit in others]
            changed = dict(core) if test.program.has_core else {}
            for unit in mine:
                made = self._compile(unit, mutant)
                if made is None:
                    return None
                changed[unit.output] = made
            if changed:
                program = self.programs / test.program.path.name
                if not program.exists():
                    words = list(test.program.link)
                    words[words.index("-o") + 1] = "OUTPUT"
                    self._link(words, program, changed)
                command[0] = str(program)
        return run_test(command, test, {"LD_LIBRARY_PATH": str(self.library)})
