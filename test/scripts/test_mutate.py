#!/usr/bin/env python3
"""Tests of test/mutation/, the mutator behind scripts/mutate, on a core of a few lines."""

import contextlib
import io
import pathlib
import shutil
import subprocess
import sys
import tempfile

import testing

sys.path.insert(0, str(testing.ROOT / "test/mutation"))

import mutate  # noqa: E402
import operators  # noqa: E402
import project as project_module  # noqa: E402
import trial  # noqa: E402
import verdicts as verdicts_module  # noqa: E402

CORE = """\
#include "core/inline.h"
/* a + b in a comment */
#define ADD(a, b) ((a) + (b))
int sum(int a, int b) { return a + b; }
int unused_limit(int a) { return a < 7; }
int ignore(int a) { (void)a; return a; }
int drain(volatile int *left)
{
    while (*left > 0) {
        *left -= 1;
    }
    return *left;
}
int name(int a) { switch (a) { case 1: return 10; case 2: return 20; } return 0; }
int nap(int seconds) { if (seconds != 0) { nap_for(seconds); } return 5; }
static inline void vmi_prefetch(const int *a) { __builtin_prefetch(a + 1); }
int checked(int a) { VMI_ASSERT(a > 0 && a + 1 < 9); if (a > 5) { vmi_prefetch(&a + 2); } return a; }
"""

INLINE = """\
#define VMI_ASSERT(a) ((void)0)
void nap_for(int seconds);
static inline int half(int a) { return a / 2; }
static inline int third(int a) { return a / 3; }
"""

PROGRAM = """\
#include <stdio.h>
#include <unistd.h>
#include "core/inline.h"
int sum(int a, int b);
int ignore(int a);
int drain(volatile int *left);
int name(int a);
int nap(int seconds);
void nap_for(int seconds) { (void)seconds; sleep(600); }
int main(void)
{
    volatile int left = 3;
    int ok = sum(2, 3) == 5 && drain(&left) == 0 && name(1) == 10 && name(2) == 20 && half(8) == 4
        && nap(0) == 5 && ignore(3) == 3;
    puts(ok ? "ok 1" : "not ok 1");
    return !ok;
}
"""


class Fixture:
    """A project in a temporary directory, built."""

    def __init__(self, root):
        self.root = root
        testing.make_tree(root, {
            "src/core/core.c": CORE, "src/core/inline.h": INLINE, "test/main.c": PROGRAM,
        })
        build = root / "build"
        build.mkdir()
        core = self._compile("src/core/core.c", "core.o", "src/core/inline.h")
        main = self._compile("test/main.c", "main.o", "src/core/inline.h")
        self._run("cc -shared -o libcore.so core.o")
        link = "cc main.o -o main -L. -lcore -Wl,--export-dynamic".split()
        self._run(" ".join(link))
        program = project_module.Program(build / "main", link, [main])
        test = project_module.Test("unit/core", [build / "main"], build, {}, program)
        self.project = project_module.Project(
            sources=root / "src", build=build, library="libcore.so",
            link="cc -shared -o OUTPUT core.o".split(), units=[core], programs=[program], tests=[test],
        )
        paths = [pathlib.Path("core/core.c"), pathlib.Path("core/inline.h")]
        self.mutants = operators.mutants_of(root / "src", paths)

    def _compile(self, source, output, *includes):
        build = self.root / "build"
        words = f"cc -O1 -fPIC -w -I{self.root}/src".split()
        self._run(" ".join([*words, "-o", output, "-c", str(self.root / source)]))
        files = {self.root / source, *(self.root / name for name in includes)}
        return project_module.Unit(self.root / source, build / output, words, files)

    def _run(self, command):
        subprocess.run(command.split(), cwd=self.root / "build", check=True)

    def find(self, function, change):
        """The one mutant of a function with a change."""
        found = [m for m in self.mutants if m.function == function and m.change == change]
        assert len(found) == 1, [(m.function, m.operator, m.change) for m in self.mutants]
        return found[0]


@contextlib.contextmanager
def fixture():
    with tempfile.TemporaryDirectory() as name:
        yield Fixture(pathlib.Path(name).resolve())


@contextlib.contextmanager
def impatient():
    """Limits that a test of limits can wait for."""
    before = trial.CPU_LEAST, trial.IDLE
    trial.CPU_LEAST, trial.IDLE = 1, 1
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        trial.CPU_LEAST, trial.IDLE = before


def try_them(tiny, *wanted):
    """{(function, change): result} of these."""
    mutants = [tiny.find(*which) for which in wanted]
    with impatient():
        mutate.measure(tiny.project)
        results = mutate.try_all(tiny.project, mutants, jobs=2)
    return {which: result for which, (_, result) in zip(wanted, results)}


def verdict_of(function, change):
    with fixture() as tiny:
        result = try_them(tiny, (function, change))[function, change]
    return result.verdict, result.why


def test_a_mutant_that_a_check_notices_is_killed():
    assert verdict_of("sum", "+ => -") == (trial.KILLED, "a check fails")


def test_a_mutant_that_no_test_notices_survives():
    assert verdict_of("unused_limit", "< => <=") == (trial.SURVIVED, "")


def test_a_mutant_of_the_same_code_is_told_apart_from_a_survivor():
    assert verdict_of("ignore", "(void)a; => ;")[0] == trial.SAME


def test_a_mutant_without_an_end_is_timed_out():
    verdict, why = verdict_of("drain", "*left -= 1; => ;")
    assert verdict == trial.TIMED_OUT and "processor time" in why, why


def test_a_mutant_that_sleeps_for_ever_is_timed_out():
    verdict, why = verdict_of("nap", "0 => 1")
    assert verdict == trial.TIMED_OUT and "asleep" in why, why


def test_a_mutant_that_does_not_compile_is_told_apart():
    assert verdict_of("name", "1 => 2")[0] == trial.BROKEN


def test_a_program_that_has_a_mutated_header_is_built_again():
    assert verdict_of("half", "/ => *") == (trial.SAME, "in no unit of the core")
    with fixture() as tiny:
        header = tiny.root / "src/core/inline.h"
        text = header.read_text(encoding="utf-8")
        mutant = tiny.find("half", "/ => *")
        core = tiny.project.units[0].source
        user = "int keep(int a) { return half(a); }\n"
        core.write_text(core.read_text(encoding="utf-8") + user, encoding="utf-8")
        subprocess.run(
            [*tiny.project.units[0].command, "-o", "core.o", "-c", str(core)],
            cwd=tiny.project.build, check=True,
        )
        result = try_them(tiny, ("half", "/ => *"))["half", "/ => *"]
        assert (result.verdict, result.why) == (trial.KILLED, "a check fails")
        assert header.read_text(encoding="utf-8") == text and mutant.apply(text) != text


def test_only_what_can_see_a_function_is_compiled():
    with fixture() as tiny:
        path = pathlib.Path("core/inline.h")
        assert [u.source.name for u in tiny.project.units_using(path, "half")] == ["main.c"]
        assert not tiny.project.units_using(path, "third")


def test_a_copy_with_other_constants_is_mutated_in_the_same_place():
    with fixture() as tiny:
        original = tiny.root / "src/core/inline.h"
        copy = tiny.root / "build/generated/small/core/inline.h"
        text = INLINE.replace("int seconds", "int number_of_seconds")
        testing.make_tree(tiny.root, {str(copy.relative_to(tiny.root)): text})
        unit = tiny.project.programs[0].units[0]
        unit.includes = unit.includes - {original} | {copy}
        unit.variants = {original: copy}
        mutant = tiny.find("half", "/ => *")
        assert tiny.project.units_using(pathlib.Path(mutant.path), "half") == [unit]
        bench = trial.Bench(tiny.project, tiny.root / "bench")
        made, directory = bench._variant(copy, mutant)
        assert made.read_text(encoding="utf-8") == text.replace("a / 2", "a * 2")
        assert made == directory / "core/inline.h"


def test_a_test_that_fails_by_itself_is_an_error():
    with fixture() as tiny:
        tiny.project.tests[0].command = [shutil.which("false")]
        try:
            with impatient():
                mutate.measure(tiny.project)
        except project_module.BuildError as error:
            assert "unit/core fails without any mutant" in str(error)
        else:
            assert False


def test_what_is_no_code_has_no_mutants():
    with fixture() as tiny:
        assert not [m for m in tiny.mutants if m.path == "core/core.c" and m.line in (2, 3)]
        assert [m.change for m in tiny.mutants if m.function == "checked"] == [
            "a => (a) + 1", "a => 0",
        ]


def changes(text):
    with tempfile.TemporaryDirectory() as name:
        testing.make_tree(pathlib.Path(name), {"a.c": text})
        return {
            (m.operator, m.change) for m in operators.mutants_of(pathlib.Path(name), [pathlib.Path("a.c")])
        }


def test_each_operator_makes_its_mutants():
    found = changes("""
enum colour { RED, GREEN };
bool f(struct s *p, unsigned n)
{
    const struct t t = { .x = 1, .y = n };
    if (p == NULL || (n > 2 && n != 4)) {
        return !p->on;
    } else {
        n += 2;
    }
    for (unsigned i = 0; i < n; i++) {
        p[-1].next = (unsigned)-1 + GREEN;
    }
    return g(n ? p : NULL) == EINVAL;
}
""")
    for expected in [
        ("comparison", "== => !="), ("logic", "|| => &&"), ("logic", "&& => ||"),
        ("operand", "p == NULL => false"), ("operand", "n > 2 => true"), ("operand", "n != 4 => true"),
        ("boundary", "> => >="), ("comparison", "> => <="), ("constant", "4 => 5"), ("constant", "4 => 3"),
        ("unary", "! => nothing"), ("return", "!p->on => !(!p->on)"), ("assignment", "+= => -="),
        ("assignment", "+= => ="), ("else", "{ n += 2; } => ;"), ("statement", "n += 2; => ;"),
        ("increment", "++ => --"), ("boundary", "< => <="), ("condition", "i < n => false"),
        ("condition", "n => !(n)"), ("code", "EINVAL => ENOMEM"), ("code", "GREEN => RED"),
        ("initialiser", ".x = 1, => nothing"), ("initialiser", ".y = n => nothing"),
        ("arithmetic", "+ => -"),
    ]:
        assert expected in found, (expected, sorted(found))
    # Of two minus signs neither stands between two operands; pointers and types are left alone.
    assert not [f for f in found if f in {("arithmetic", "- => +"), ("arithmetic", "* => +")}]


def test_a_mutant_keeps_its_identity_when_other_lines_change():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        paths = [pathlib.Path("a.c")]
        text = "int f(int a)\n{\n    a = a + 1;\n    a = a + 1;\n    return a;\n}\n"
        testing.make_tree(root, {"a.c": text})
        before = {m.id for m in operators.mutants_of(root, paths)}
        testing.make_tree(root, {"a.c": "int g(int b)\n{\n    return b - 9;\n}\n\n" + text})
        after = {m.id for m in operators.mutants_of(root, paths)}
        assert before < after
        assert len(before) == len(operators.mutants_of(root, paths)) - len(after - before)


def draw(mutants, count, seed):
    return mutate.Sample(mutants, count, seed).chosen


def test_a_sample_is_drawn_from_every_file_and_repeats():
    with fixture() as tiny:
        first = draw(tiny.mutants, 10, "1")
        assert first == draw(tiny.mutants, 10, "1") and len(first) == 10
        assert first != draw(tiny.mutants, 10, "2")
        assert {str(m.path) for m in first} == {"core/core.c", "core/inline.h"}
        assert len(draw(tiny.mutants, 0, "1")) == len(tiny.mutants)


def test_a_larger_sample_has_all_of_a_smaller_one_and_a_mutant_is_replaced_by_the_next():
    with fixture() as tiny:
        mine = [m for m in tiny.mutants if m.path == "core/core.c"]
        whole = draw(mine, len(mine) - 1, "1")
        sample = mutate.Sample(mine, 5, "1")
        assert sample.chosen == whole[:5]
        assert [sample.instead_of(mine[0]) for _ in whole[5:]] == whole[5:]
        assert sample.instead_of(mine[0]) is not None and sample.instead_of(mine[0]) is None


def test_one_that_is_not_judged_is_replaced():
    with fixture() as tiny:
        same, judged = tiny.find("ignore", "(void)a; => ;"), tiny.find("sum", "+ => -")
        others = [judged]
        with impatient():
            mutate.measure(tiny.project)
            results = mutate.try_all(
                tiny.project, [same], jobs=2, instead_of=lambda mutant: others.pop() if others else None
            )
        assert [(m, r.verdict) for m, r in results] == [(same, trial.SAME), (judged, trial.KILLED)]


def complaints(tiny, which, *lines):
    """What is wrong with results, with these lines as survivors.tsv."""
    path = tiny.root / "survivors.tsv"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    verdicts, wrong = verdicts_module.read(path)
    mutants = [tiny.find(*one) for one in which]
    with impatient():
        mutate.measure(tiny.project)
        results = mutate.try_all(tiny.project, mutants, jobs=1)
        figures, more = mutate.report(results, verdicts)
    stale = verdicts_module.stale(verdicts, {m.id for m in tiny.mutants})
    return figures, wrong + more + [f"stale {v.id}" for v in stale]


def test_a_survivor_needs_a_verdict_and_the_score_counts_it_all_the_same():
    with fixture() as tiny:
        survivor = tiny.find("unused_limit", "< => <=")
        which = [("unused_limit", "< => <="), ("sum", "+ => -")]
        figures, wrong = complaints(tiny, which)
        assert f"{survivor.id} survived and has no verdict" in wrong, wrong
        figures, wrong = complaints(tiny, which, f"{survivor.id}\tequivalent\twhat\tNobody calls it.")
        assert wrong == ["the score is below 95.0 %"], wrong
        assert (figures["score"], figures["score_without_equivalents"]) == (50.0, 100.0)
        assert figures["killed_by"] == {"unit": 1} and figures["by_file"] == {"src/core/core.c": [1, 2]}
        assert figures["survivors"] == [{
            "id": survivor.id, "file": "src/core/core.c", "line": 5, "function": "unused_limit",
            "operator": "boundary", "mutation": "< => <=", "verdict": "equivalent",
            "reason": "Nobody calls it.", "before": "int unused_limit(int a) { return a < 7; }",
            "after": "int unused_limit(int a) { return a <= 7; }",
        }], figures["survivors"]


def test_a_verdict_must_be_true_and_of_a_mutant_that_exists():
    with fixture() as tiny:
        killed = tiny.find("sum", "+ => -")
        _, wrong = complaints(
            tiny, [("sum", "+ => -")], "# a comment", f"{killed.id}\taccepted\twhat\twhy",
            "0123456789\tequivalent\twhat\twhy", "0123456780\tnonsense\twhat\twhy", "x\tequivalent",
        )
        assert wrong == [
            "survivors.tsv:4: no such verdict: nonsense", "survivors.tsv:5: not four columns",
            f"{killed.id} has the verdict accepted, and unit/core says no", "stale 0123456789",
        ], wrong


def test_a_verdict_whose_line_has_changed_names_mutants_alike():
    with fixture() as tiny:
        alike = tiny.find("sum", "+ => -")
        path = tiny.root / "survivors.tsv"
        path.write_text("0123456789\taccepted\tcore/core.c sum: + => -\twhy\n", encoding="utf-8")
        verdicts, _ = verdicts_module.read(path)
        found = mutate.complaints_of_stale(verdicts, tiny.mutants)
        assert len(found) == 1 and found[0].endswith(f"core/core.c sum: + => -; alike: {alike.id}"), found


def test_a_log_can_be_judged_again():
    with fixture() as tiny:
        mutants = [tiny.find("unused_limit", "< => <="), tiny.find("sum", "+ => -")]
        path = tiny.root / "log"
        with impatient(), open(path, "w", encoding="utf-8") as log:
            mutate.measure(tiny.project)
            mutate.try_all(tiny.project, mutants, jobs=1, log=log)
        found = {m.id: r.verdict for m, r in mutate.results_of(path, tiny.mutants)}
        assert found == {mutants[0].id: trial.SURVIVED, mutants[1].id: trial.KILLED}
        try:
            mutate.results_of(path, mutants[1:])
        except ValueError as error:
            assert f"there is no mutant {mutants[0].id} any more" in str(error)
        else:
            assert False


def test_bad_usage_is_refused():
    script = testing.ROOT / "scripts/mutate"
    for words in (["--count", "many"], ["--nonsense"], ["--jobs", "0"], ["src/no/such/file.c"]):
        status, output = testing.run(script, *words)
        assert status == 2 and "mutate" in output, (words, status, output)


def test_the_mutants_of_the_library_can_be_listed():
    status, output = testing.run(testing.ROOT / "scripts/mutate", "--list", "--count", "5", "src/base")
    assert status == 0 and len(output.splitlines()) == 6, output


if __name__ == "__main__":
    sys.exit(testing.main(globals()))
