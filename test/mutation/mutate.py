"""Mutation testing of src/: how many small faults do the tests notice?  Run by scripts/mutate.

usage: mutate [--count N] [--seed S] [--jobs J] [--json FILE] [--log FILE] [--again LOG]
              [--report LOG] [--synchronisation] [--measure] [--list] [WHAT...]

  WHAT        a file under src/, a directory, as src/base, or a mutant's id; all of src/ without any
  --count N   as many mutants judged, 1000 unless given; 0 means all.  Every file gives its share.  One that
              does not compile, or makes no other code, is no judgement: the next one takes its place
  --seed S    chooses them, 1 unless given; edits elsewhere do not change the choice.  `fresh` is one
              drawn by chance; it is printed
  --jobs J    as many at a time, one a processor unless given
  --json FILE write the figures
  --log FILE  write one line of JSON for each mutant tried
  --again LOG only the mutants that a log says survived
  --report LOG
              try none: judge what a log says by the verdicts as they are now
  --synchronisation
              only mutants of what takes, leaves or minds a lock
  --measure   only say what the score is, of a fresh sample for instance: survivors need no verdict, and
              no score is too low
  --list      print the mutants that would be tried, and try none

A mutant that no test notices has survived.  It needs a verdict in test/mutation/survivors.tsv, or a
test.  The score is what was killed of all that compiled to something else, the equivalent ones counted
as survivors.  The exit status is 0 if the score is at least 95 %, and all survivors have verdicts, and
all verdicts are of mutants that there are and that survive.
"""

import argparse
import collections
import hashlib
import json
import os
import pathlib
import queue
import secrets
import shlex
import sys
import threading
import time

import operators
import project as project_module
import trial
import verdicts as verdicts_module

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SCORE_LEAST = 95.0
SETTLED = (trial.KILLED, trial.TIMED_OUT, trial.SURVIVED)


def say(text):
    print(text, flush=True)


# --- which mutants

class Sample:
    """`count` mutants, of each file its share, and one at least if there are so many.

    Which ones depends on nothing but their identities and the seed.
    """

    def __init__(self, mutants, count, seed):
        self.rest = collections.defaultdict(list)  # by file, the next one last
        if count == 0 or count >= len(mutants):
            self.chosen = list(mutants)
            return
        by_file = collections.defaultdict(list)
        for mutant in mutants:
            by_file[mutant.path].append(mutant)
        quota = self._quota({path: len(found) for path, found in by_file.items()}, count)
        self.chosen = []
        for path, found in by_file.items():
            found.sort(key=lambda m: hashlib.sha256(f"{seed}|{m.id}".encode()).digest())
            self.chosen += found[:quota[path]]
            self.rest[path] = found[:quota[path] - 1:-1] if quota[path] else found[::-1]

    @staticmethod
    def _quota(sizes, count):
        shares = {path: size * count / sum(sizes.values()) for path, size in sizes.items()}
        least = 1 if count >= len(sizes) else 0
        quota = {path: max(least, int(share)) for path, share in shares.items()}
        for path in sorted(shares, key=lambda path: (int(shares[path]) - shares[path], path)):
            if sum(quota.values()) >= count:
                break
            quota[path] += quota[path] < sizes[path]
        return quota

    def instead_of(self, mutant):
        """Another of the same file, or None."""
        rest = self.rest[mutant.path]
        return rest.pop() if rest else None


def select(everything, what):
    """The mutants that words of the command line name; raises ValueError."""
    chosen = []
    for word in what:
        path = f"{word.rstrip('/')}/"
        found = [m for m in everything if f"src/{m.path}/".startswith(path) or m.id == word]
        if not found:
            raise ValueError(f"{word}: no file under src/ with mutants, and no mutant's id")
        chosen += [m for m in found if m not in chosen]
    return chosen


# --- which test first

class Order:
    """Learns which tests notice the mutants of which file, and how fast."""

    LABELS = ["unit", "api", "misuse", "check", "faults", "regress", "scenario", "cases"]

    def __init__(self, tests, path):
        self.tests = tests
        self.path = path
        self.lock = threading.Lock()
        self.killer = {}  # mutant: test
        if path and path.exists():
            self.killer = json.loads(path.read_text(encoding="utf-8"))
        self.kills = collections.Counter()  # (file, test)
        self.tried = collections.Counter()

    def of(self, mutant):
        """All tests, in order of what a second of each is worth; the last killer first."""
        with self.lock:
            last = self.killer.get(mutant.id)
            return sorted(self.tests, key=lambda test: (test.name != last, -self._worth(mutant, test)))

    def _worth(self, mutant, test):
        label = test.name.split("/")[0]
        stem = pathlib.Path(mutant.path).stem
        guess = 0.05 if label in self.LABELS else 0.02
        if stem in test.name:
            guess = 0.6
        kills = self.kills[mutant.path, test.name] + 4 * guess
        tried = self.tried[mutant.path, test.name] + 4
        return kills / tried / max(test.seconds, 0.005)

    def learn(self, mutant, killer, order):
        """A test killed a mutant, or none did (killer is empty)."""
        with self.lock:
            for test in order:
                self.tried[mutant.path, test.name] += 1
                if test.name == killer:
                    self.kills[mutant.path, test.name] += 1
                    self.killer[mutant.id] = killer
                    break

    def save(self):
        if self.path:
            self.path.write_text(json.dumps(self.killer), encoding="utf-8")


# --- trying them

def measure(project):
    """Run all tests without mutants; raises BuildError if one fails."""
    began = time.monotonic()
    for test in project.tests:
        environment = {"LD_LIBRARY_PATH": str(project.build)}
        outcome = trial.run_test([str(w) for w in test.command], test, environment, is_first=True)
        if not outcome.ok:
            raise project_module.BuildError(f"{test.name} fails without any mutant: {outcome.why}")
        test.seconds, test.cpu = outcome.seconds, outcome.cpu
    say(
        f"{len(project.tests)} tests, {sum(t.cpu for t in project.tests):.1f} s of processor time, "
        f"{time.monotonic() - began:.1f} s"
    )


class Progress:
    """A line now and then."""

    def __init__(self, total):
        self.total = total
        self.began = self.said = time.monotonic()
        self.pause = 2 if sys.stdout.isatty() else 30

    def note(self, counts, done):
        now = time.monotonic()
        if now - self.said < self.pause and done < self.total:
            return
        self.said = now
        left = (now - self.began) / done * (self.total - done)
        say(
            f"{done}/{self.total}  killed {counts[trial.KILLED] + counts[trial.TIMED_OUT]}  "
            f"survived {counts[trial.SURVIVED]}  same code {counts[trial.SAME]}  "
            f"{now - self.began:.0f} s, {left / 60:.0f} min to go"
        )


def try_all(project, mutants, jobs, log=None, history=None, instead_of=None):
    """[(mutant, result)] in the order of the mutants; instead_of: another for one that is not settled."""
    order = Order(project.tests, history)
    results = {}
    waiting = queue.SimpleQueue()
    done = queue.SimpleQueue()
    for mutant in mutants:
        waiting.put(mutant)

    def work(number):
        bench = trial.Bench(project, project.build / "mutants" / str(number))
        for mutant in iter(waiting.get, None):
            try:
                tests = order.of(mutant)
                result = bench.try_mutant(mutant, tests)
                if result.verdict in SETTLED:
                    order.learn(mutant, result.test, tests)
                done.put((mutant, result))
            except Exception as error:  # pylint: disable=broad-except
                done.put((mutant, error))

    for number in range(jobs):
        threading.Thread(target=work, args=(number,), daemon=True).start()
    progress = Progress(len(mutants))
    counts = collections.Counter()
    mutants = list(mutants)
    while len(results) < len(mutants):
        mutant, result = done.get()
        if isinstance(result, Exception):
            raise result
        results[mutant.id] = result
        other = instead_of(mutant) if instead_of and result.verdict not in SETTLED else None
        if other:
            mutants.append(other)
            waiting.put(other)
            progress.total += 1
        counts[result.verdict] += 1
        progress.note(counts, len(results))
        if len(results) % 50 == 0:
            order.save()
        if log:
            log.write(json.dumps({
                "id": mutant.id, "file": mutant.path, "line": mutant.line, "function": mutant.function,
                "operator": mutant.operator, "before": mutant.before, "change": mutant.change,
                "verdict": result.verdict, "test": result.test, "why": result.why,
                "seconds": round(result.seconds, 3),
            }) + "\n")
            log.flush()
    for _ in range(jobs):
        waiting.put(None)
    order.save()
    return [(mutant, results[mutant.id]) for mutant in mutants]


# --- what came out

class Score:
    """Counts of one group of mutants."""

    def __init__(self):
        self.killed = self.timed_out = self.survived = self.equivalent = 0

    def add(self, result, verdict):
        self.killed += result.verdict in (trial.KILLED, trial.TIMED_OUT)
        self.timed_out += result.verdict == trial.TIMED_OUT
        self.survived += result.verdict == trial.SURVIVED
        self.equivalent += bool(
            result.verdict == trial.SURVIVED and verdict and verdict.verdict == "equivalent"
        )

    @property
    def count(self):
        return self.killed + self.survived

    @property
    def raw(self):
        """Per cent killed of all."""
        return 100.0 * self.killed / self.count if self.count else 100.0

    @property
    def without_equivalents(self):
        """Per cent killed of those that could be."""
        able = self.count - self.equivalent
        return 100.0 * self.killed / able if able else 100.0

    def __str__(self):
        return (
            f"{self.killed:5d} of {self.count:5d}  {self.raw:5.1f} %  "
            f"({self.without_equivalents:5.1f} % without {self.equivalent} equivalent)"
        )


def table(title, groups):
    say(f"\n{title}")
    for name, score in sorted(groups.items()):
        if score.count:
            say(f"  {name:28s} {score}")


def print_survivors(survivors):
    say("\nsurvivors" if survivors else "\nno survivors")
    for mutant, verdict in survivors:
        say(f"  src/{mutant.path}:{mutant.line}: {mutant.operator} in {mutant.function}  [{mutant.id}]")
        say(f"    - {mutant.before}")
        say(f"    + {mutant.after}")
        say(f"    {verdict.verdict}: {verdict.reason}" if verdict else "    NO VERDICT")


def killers(results):
    """{what noticed it first: how many}: a directory of tests, or that they ran for too long."""
    found = collections.Counter()
    for _, result in results:
        if result.verdict in (trial.KILLED, trial.TIMED_OUT):
            found["timeout" if result.verdict == trial.TIMED_OUT else result.test.split("/")[0]] += 1
    return dict(found.most_common())


def report(results, verdicts):
    """Print everything; returns (figures, what is wrong)."""
    total, synchronisation = Score(), Score()
    files = collections.defaultdict(Score)
    kinds = collections.defaultdict(Score)
    counts = collections.Counter(result.verdict for _, result in results)
    wrong = []
    survivors = []
    for mutant, result in results:
        verdict = verdicts.get(mutant.id)
        for score in (total, files[mutant.path], kinds[mutant.operator]):
            score.add(result, verdict)
        if mutant.is_synchronisation:
            synchronisation.add(result, verdict)
        if result.verdict == trial.SURVIVED:
            survivors.append((mutant, verdict))
        elif verdict and result.verdict != trial.SAME:
            says_no = result.test or result.verdict
            wrong.append(f"{mutant.id} has the verdict {verdict.verdict}, and {says_no} says no")
    of_verdict = collections.Counter(v.verdict if v else "no verdict" for _, v in survivors)
    killed_by = killers(results)

    table("by file", files)
    table("by operator", kinds)
    say("\nnoticed first by")
    for name, number in killed_by.items():
        say(f"  {name:28s} {number:5d}")
    print_survivors(survivors)
    for mutant, verdict in survivors:
        if not verdict:
            wrong.append(f"{mutant.id} survived and has no verdict")

    say("")
    say(f"synchronisation {synchronisation}")
    say(f"all             {total}")
    say(
        f"tried {len(results)}, judged {total.count}: killed {total.killed} ({total.timed_out} by running "
        f"too long), survived {total.survived}; not judged: same code {counts[trial.SAME]}, "
        f"not compiled {counts[trial.BROKEN]}"
    )
    say(
        f"survivors: {', '.join(f'{of_verdict[name]} {name}' for name in verdicts_module.VERDICTS)}, "
        f"{of_verdict['no verdict']} without verdict"
    )
    if total.count and total.raw < SCORE_LEAST:
        wrong.append(f"the score is below {SCORE_LEAST} %")
    figures = {
        "tried": len(results), "judged": total.count, "killed": total.killed,
        "timed_out": total.timed_out, "survived": total.survived,
        **{name: of_verdict[name] for name in verdicts_module.VERDICTS},
        "without_verdict": of_verdict["no verdict"],
        "same_code": counts[trial.SAME], "not_compiled": counts[trial.BROKEN],
        "score": round(total.raw, 2), "score_least": SCORE_LEAST,
        "score_without_equivalents": round(total.without_equivalents, 2),
        "synchronisation_mutants": synchronisation.count,
        "synchronisation_killed": synchronisation.killed, "files": len(files),
        "killed_by": killed_by,
        "by_file": {f"src/{k}": [s.killed, s.count] for k, s in sorted(files.items()) if s.count},
        "by_operator": {k: [s.killed, s.count] for k, s in sorted(kinds.items()) if s.count},
        "survivors": [
            {
                "id": m.id, "file": f"src/{m.path}", "line": m.line, "function": m.function,
                "operator": m.operator, "mutation": m.change, "before": m.before, "after": m.after,
                "verdict": v.verdict if v else "", "reason": v.reason if v else "",
            }
            for m, v in survivors
        ],
    }
    return figures, wrong


def parse(arguments):
    def count(text):
        if not text.isdigit():
            raise argparse.ArgumentTypeError(f"not a number: {text}")
        return int(text)

    parser = argparse.ArgumentParser(
        prog="mutate", usage=argparse.SUPPRESS, add_help=False, allow_abbrev=False
    )
    parser.add_argument("--help", "-h", action="store_true")
    parser.add_argument("--count", type=count, default=1000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--jobs", type=count, default=int(os.environ.get("JOBS") or os.cpu_count() or 1))
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--log", type=pathlib.Path)
    parser.add_argument("--again", type=pathlib.Path)
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("--synchronisation", action="store_true")
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("what", nargs="*")
    return parser.parse_args(arguments)


def read_log(path):
    """The entries of a log."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def results_of(log, everything):
    """[(mutant, result)] of a log; raises ValueError if the sources are others by now."""
    mutants = {m.id: m for m in everything}
    results = []
    for entry in read_log(log):
        if entry["id"] not in mutants:
            raise ValueError(f"{log}: there is no mutant {entry['id']} any more")
        result = trial.Result(entry["verdict"], entry["test"], entry["why"], entry["seconds"])
        results.append((mutants[entry["id"]], result))
    return sorted(results, key=lambda pair: (pair[0].path, pair[0].start))


def choose(options):
    """(a sample of mutants to try, all mutants)."""
    sources = ROOT / "src"
    paths = sorted(path.relative_to(sources) for path in sources.glob("**/*.[ch]"))
    everything = operators.mutants_of(sources, paths, [ROOT / "include/vmem/vmem.h"])
    mutants = select(everything, options.what) if options.what else everything
    if options.synchronisation:
        mutants = [m for m in mutants if m.is_synchronisation]
    if options.again:
        wanted = {e["id"] for e in read_log(options.again) if e["verdict"] == trial.SURVIVED}
        return Sample([m for m in mutants if m.id in wanted], 0, ""), everything
    return Sample(mutants, options.count, options.seed), everything


def complaints_of_stale(verdicts, everything):
    """Complaints about verdicts whose mutants are gone, each with those that may have taken their place."""
    wrong = []
    for verdict in verdicts_module.stale(verdicts, {m.id for m in everything}):
        alike = [
            m.id for m in everything
            if m.id not in verdicts and verdict.what == f"{m.path} {m.function}: {m.change}"
        ]
        wrong.append(
            f"{verdict.id} is judged in survivors.tsv, and there is no such mutant: {verdict.what}"
            + (f"; alike: {', '.join(alike)}" if alike else "")
        )
    return wrong


def main(arguments):
    began = time.monotonic()
    options = parse(arguments)
    if options.help:
        print(__doc__)
        return 0
    if options.seed == "fresh":
        options.seed = str(secrets.randbelow(10**9))
    if options.jobs < 1:
        print("mutate: --jobs: at least 1", file=sys.stderr)
        return 2
    try:
        chosen, everything = choose(options)
        verdicts, wrong = verdicts_module.read(HERE / "survivors.tsv")
    except (ValueError, OSError) as error:
        print(f"mutate: {error}", file=sys.stderr)
        return 2
    if not options.report:
        say(f"{len(everything)} mutants in src/; {len(chosen.chosen)} of them to try, seed {options.seed}")
    if options.list:
        for m in chosen.chosen:
            say(f"{m.id}  src/{m.path}:{m.line}: {m.operator} in {m.function}: {m.before}: {m.change}")
        return 0
    build = ROOT / "build-mutation"
    try:
        if options.report:
            results = results_of(options.report, everything)
        else:
            project = project_module.open_project(ROOT, build, options.jobs, say)
            measure(project)
            log_path = options.log or build / "log.jsonl"
            with open(log_path, "w", encoding="utf-8") as log:
                results = try_all(
                    project, chosen.chosen, options.jobs, log, build / "history.json", chosen.instead_of
                )
    except (project_module.BuildError, OSError, ValueError) as error:
        print(f"mutate: {error}", file=sys.stderr)
        return 1
    figures, more = report(results, verdicts)
    wrong = [] if options.measure else wrong + more + complaints_of_stale(verdicts, everything)
    seconds = time.monotonic() - began
    if options.json:
        words = ["scripts/mutate", *arguments]
        figures = {
            "command": shlex.join(words), "seconds": round(seconds, 1), "seed": options.seed,
            "jobs": options.jobs, "mutants": len(everything), "is_measured_only": options.measure, **figures,
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    for line in wrong:
        say(f"mutate: {line}")
    say(
        f"seed {options.seed}: {figures['judged']} mutants judged, {figures['killed']} killed, "
        f"score {figures['score']:.1f} % (at least {SCORE_LEAST:.0f}), "
        f"{figures['without_verdict']} survivors without verdict, {seconds:.0f} s"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
