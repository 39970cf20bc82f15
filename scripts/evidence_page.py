#!/usr/bin/env python3
"""Write docs/TESTING.md from docs/testing-head.md and the figures in docs/evidence/*.json.

usage: evidence_page.py [--check | --stale]

scripts/evidence measures, this only puts into words: no figure of the page comes from anywhere else.

  --check   write nothing; exit status 1 if the page is not what the figures say
  --stale   write nothing; name the parts whose figures are of other sources than those that are here,
            comments aside; exit status 1 if there are any
"""

import difflib
import hashlib
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "docs" / "evidence"
HEAD = ROOT / "docs" / "testing-head.md"
PAGE = ROOT / "docs" / "TESTING.md"

# ---------------------------------------------------------------------------------------------------
# What a part measures: files and directories, by the first word of its name
# ---------------------------------------------------------------------------------------------------

LIBRARY = ("CMakeLists.txt", "CMakePresets.json", "cmake", "include", "port", "src")
TESTED = (*LIBRARY, "examples", "model", "test", "tools")  # model/ is linked into tests
MEASURED = {
    "tests": (*TESTED, "Makefile", "proof", "scripts"),
    "coverage": (*TESTED, "scripts/coverage"),
    "exhaustive": (*LIBRARY, "model", "scripts/exhaustive", "test/exhaustive", "test/harness"),
    "model": (*LIBRARY, "model", "scripts/check_model", "test/harness", "test/model"),
    "proof": ("include", "port", "proof", "scripts/prove", "scripts/prove_bits.py", "src"),
    "seeded": (*TESTED, "proof", "scripts/prove", "scripts/prove_bits.py"),
    "fuzz": (*LIBRARY, "model", "scripts/fuzz", "test/fuzz", "test/harness", "tools"),
    "hour": (*LIBRARY, "model", "scripts/fuzz", "test/fuzz", "test/harness", "tools"),
    "mutation": TESTED,
    "foreign": (*TESTED, "scripts/check_foreign"),
    "static": (*LIBRARY, "scripts/check_static", "scripts/static-exceptions", "tools"),
    "stack": (*LIBRARY, "scripts/check_stack", "scripts/stack-bounds"),
}
READS_COMMENTS = ("tests", "proof", "seeded")  # contracts are comments, and the format is checked


def hash_of_measured(name, root=ROOT):
    """A hash of the files that a part measures; without their comments, where these are nothing to it."""
    kind = name.split("-")[0]
    digest = hashlib.sha256()
    for start in MEASURED[kind]:
        place = root / start
        paths = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
        for path in paths:
            data = path.read_bytes()
            if "__pycache__" in path.parts:
                continue
            if path.suffix in (".c", ".h") and kind not in READS_COMMENTS:
                data = b" ".join(re.sub(rb"/\*.*?\*/|//[^\n]*", b"", data, flags=re.S).split())
            digest.update(f"{path.relative_to(root)} {len(data)} ".encode() + data)
    return digest.hexdigest()[:12]


def stale(records):
    """The names of the parts whose sources have changed since."""
    return [name for name, record in records.items()
            if record["provenance"].get("measured") != hash_of_measured(name)]


# ---------------------------------------------------------------------------------------------------
# Words
# ---------------------------------------------------------------------------------------------------


def number(value):
    """12345678 as 12,345,678."""
    return f"{value:,}"


def share(part, whole):
    """Percent that are not rounded up: 100.0 % are all."""
    return f"{int(1000 * part / whole) / 10 if whole else 0:.1f} %"


def duration(seconds):
    """Seconds, minutes or hours."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 1800:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def cell(text):
    """Text that may stand in a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def table(head, rows):
    """A table; columns whose head begins with > are set to the right."""
    align = ["---:" if name.startswith(">") else "---" for name in head]
    lines = ["| " + " | ".join(name.lstrip(">") for name in head) + " |", "|" + "|".join(align) + "|"]
    return lines + ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows] + [""]


# ---------------------------------------------------------------------------------------------------
# A section for each part: (what it showed in a line, the lines of its section)
# ---------------------------------------------------------------------------------------------------


def tests(figures):
    rows = [
        (stage["name"], stage["what"], number(stage["passed"]), stage["failed"], f"{stage['seconds']} s")
        for stage in figures["stages"]
    ]
    brief = (
        f"{number(figures['passed'])} passed, {figures['failed']} failed, in {len(rows)} stages, "
        f"{duration(figures['seconds'])}"
    )
    lines = ["This is what `make check` runs, and what a commit must pass.", ""]
    return brief, lines + table(("stage", "what", ">passed", ">failed", ">time"), rows)


def coverage(figures):
    kinds = (("lines", "lines"), ("branches", "branches"), ("conditions", "MC/DC conditions"))
    brief = ", ".join(
        f"{what} {share(figures[key + '_covered'], figures[key])} of {number(figures[key])}" for key, what in kinds
    )
    lines = table(
        ("what", ">covered", ">there are", ">share"),
        [
            (what, number(figures[key + "_covered"]), number(figures[key]),
             share(figures[key + "_covered"], figures[key]))
            for key, what in kinds
        ],
    )
    lines += [
        f"Measured over {figures['programs']} test programs. The same programs ran on the build that is shipped: "
        f"{number(figures['output_lines_compared'])} lines of output compared, "
        f"{figures['output_lines_different']} different. The POSIX port, outside of the gate: "
        f"branches {share(figures['port']['branches_covered'], figures['port']['branches'])}.",
        "",
        f"Left out of the count through `VMI_NEVER`, with the reason: {figures['excluded']}.",
        "",
    ]
    if figures["exclusions"]:
        lines += table(
            ("where", "what cannot be", "why"),
            [(never["at"], f"`{never['condition']}`", never["why"]) for never in figures["exclusions"]],
        )
    return brief, lines


def exhaustive(figures):
    whole = [row for row in figures["rows"] if row["policy"] in ("", "all") or "disagreements" in row]
    names = {
        "explore": "as delivered",
        "explore_indexed": "every search by an index",
        "explore_faults": "every callback failing at every point",
    }
    brief = "; ".join(
        f"{names[name]}: {number(figures[name]['states'])} states, {number(figures[name]['calls'])} calls, "
        f"{figures[name]['disagreements']} disagreements"
        for name in ("explore", "explore_faults")
    )
    lines = [
        "All states that any sequence of calls can reach, each call made from each of them, until there is no "
        "new state. A world is an arena, or an arena and its source. The worlds of one arena (`zero`, `middle`, "
        "`top`, `spans`) have the largest number of quanta in the table, the others fewer, because their states "
        "are pairs; [`explore.h`](../test/exhaustive/explore.h) describes them. From states that look the same "
        "to a search, a request is made once; they are the `searched`. `--full` leaves nothing out and must "
        "find the same states. An *open refusal* is a request that an import might have served which the "
        "specification does not ask for; it is counted, and no disagreement.",
        "",
    ]
    quanta = {
        name: [row["quanta"] for row in whole if row["explorer"] == name] or [figures[name]["quanta"]]
        for name in names
    }
    lines += table(
        ("explorer", ">quanta", ">states", ">calls", ">and with a failing callback", ">open refusals",
         ">disagreements", ">time"),
        [
            (what, f"{max(quanta[name])}; {min(quanta[name])} at least", number(figures[name]["states"]),
             number(figures[name]["calls"]), number(figures[name]["calls_with_failures"]),
             number(figures[name].get("open_refusals", 0)), figures[name]["disagreements"],
             duration(figures[name]["seconds"]))
            for name, what in names.items()
        ],
    )
    lines += ["World by world:", ""]
    lines += table(
        ("explorer", "world", ">quanta", ">states", ">calls", ">with a failing callback", ">open refusals",
         ">disagreements"),
        [
            (row["explorer"], row["world"], row["quanta"], number(row["states"]), number(row["calls"]),
             number(row.get("faults", 0)), number(row.get("open", 0)), row["disagreements"])
            for row in whole
        ],
    )
    by_policy = {}
    for row in figures["rows"]:
        if row not in whole and row["explorer"] in names:
            sums = by_policy.setdefault((row["explorer"], row["policy"]), [0, 0, 0])
            sums[0] += row["states"]
            sums[1] += row.get("searched", 0)
            sums[2] += row["calls"]
    lines += ["Policy by policy, all worlds together:", ""]
    lines += table(
        ("explorer", "policy", ">states", ">searched", ">calls"),
        [
            (explorer, policy, number(states), number(searched) if searched else "all", number(calls))
            for (explorer, policy), (states, searched, calls) in by_policy.items()
        ],
    )
    return brief, lines


def model(figures):
    brief = f"{number(figures['operations'])} operations, {figures['failed']} failed"
    lines = [f"Seed {figures['seed']}, new in every run.", ""]
    lines += table(
        ("test", ">operations", "result"),
        [
            (test["name"], number(test["counts"].get("operations", 0)), "ok" if test["ok"] else "FAILED")
            for test in figures["tests"]
        ],
    )
    return brief, lines


def proof(figures):
    brief = f"{number(figures['proved'])} of {number(figures['goals'])} goals proved, of {figures['functions']} functions"
    versions = ", ".join(
        f"{key.removeprefix('version_')} {value}" for key, value in figures.items() if key.startswith("version_")
    )
    lines = table(
        ("what", ">goals"),
        [
            ("of contracts", number(figures["goals_of_contracts"])),
            ("of axioms about bits", number(figures["goals_of_axioms"])),
            ("proved by Qed", number(figures["by_qed"])),
            ("by Z3", number(figures["by_z3"])),
            ("by CVC4", number(figures["by_cvc4"])),
            ("as bit vectors", number(figures["by_bit_vectors"])),
            ("smoke tests: nothing is required that cannot be", number(figures["smoke_tests"])),
        ],
    )
    lines += [
        "Under contract: " + ", ".join(f"`{file}`" for file in figures["files"]) + "; "
        "[`proof/README.md`](../proof/README.md) says how to read the contracts.",
        "",
        "Functions of these files without a contract, and why; all that `src/` has in other files is without one, too:",
        "",
    ]
    lines += table(
        ("why", "functions"),
        [(why, ", ".join(f"`{name}`" for name in names)) for why, names in figures.get("no_contract", {}).items()],
    )
    lines += [
        f"Tools: {versions}.",
        "",
    ]
    return brief, lines


def seeded(figures):
    brief = (
        f"of {figures['bugs']} bugs put in, {figures['broke_a_proof']} broke a proof and "
        f"{figures['broke_a_test']} broke a test"
    )
    bugs = [key.removesuffix("_what") for key in figures if key.endswith("_what")]
    return brief, table(
        ("bug", "what was changed", "file", "breaks the proof", "breaks the test"),
        [
            (bug.replace("_", "-"), figures[f"{bug}_what"], figures[f"{bug}_file"],
             f"`{figures[f'{bug}_goal']}`" if figures[f"{bug}_goal"] else "**none**",
             f"`{figures[f'{bug}_test']}`" if figures[f"{bug}_test"] else "**none**")
            for bug in bugs
        ],
    )


def fuzz_rows(figures):
    """Harness, engine and its figures, of a run of scripts/fuzz."""
    for key in figures:
        if key.endswith("_executions"):
            harness, engine = key.removesuffix("_executions").rsplit("_", 1)
            prefix = f"{harness}_{engine}_"
            yield harness, engine, {
                name.removeprefix(prefix): value for name, value in figures.items() if name.startswith(prefix)
            }


def fuzz(figures):
    runs = list(fuzz_rows(figures))
    executions = sum(run["executions"] for _, _, run in runs)
    findings = sum(run["findings"] for _, _, run in runs)
    seconds = figures["seconds_each"]
    brief = (
        f"{', '.join(dict.fromkeys(harness for harness, _, _ in runs))}, {duration(seconds)} with each of two "
        f"engines: {number(executions)} executions, {findings} findings"
    )
    lines = table(
        ("harness", "engine", ">time", ">executions", ">edges", ">of", ">corpus", ">findings"),
        [
            (harness, engine, duration(run["seconds"]), number(run["executions"]), number(run["edges"]),
             number(run["edges_total"]), number(run["corpus"]), run["findings"])
            for harness, engine, run in runs
        ],
    )
    reached = [
        f"`{name}` {number(figures[f'{name}_lines'])} of {number(figures[f'{name}_lines_total'])} of {of}/"
        for name, of in ((key.removesuffix("_lines_of"), of) for key, of in figures.items() if key.endswith("_lines_of"))
    ]
    if reached:
        lines += [f"Lines reached by what was found interesting: {', '.join(reached)}.", ""]
    return brief, lines


def mutation(figures):
    brief = (
        f"{number(figures['judged'])} mutants judged, {share(figures['killed'], figures['judged'])} noticed; "
        f"{figures['survived']} survivors, {figures['without_verdict']} without a verdict"
    )
    lines = [
        f"A sample of the {number(figures['mutants'])} mutants that there are, chosen by seed {figures['seed']}, each "
        f"file by its share. "
        f"Tried {number(figures['tried'])}; not judged: {figures['same_code']} that compile to the same code, "
        f"{figures['not_compiled']} that do not compile. Mutants that were noticed by running too long: "
        f"{figures['timed_out']}. Without the equivalent ones the score is {figures['score_without_equivalents']} %; "
        f"the gate is {figures['score_least']} % with them. Of the {figures['synchronisation_mutants']} in what "
        f"locks and publishes {figures['synchronisation_killed']} were noticed.",
        "",
        "Noticed first by:",
        "",
    ]
    lines += table(("test", ">mutants"), list(figures["killed_by"].items()))
    lines += ["What was noticed, file by file:", ""]
    lines += table(
        ("file", ">noticed", ">of"), [(file, killed, count) for file, (killed, count) in figures["by_file"].items()]
    )
    lines += ["Every survivor, and why it is none of the tests' business:", ""]
    lines += table(
        ("where", "mutation", "verdict", "reason"),
        [
            (f"{one['file']}:{one['line']}, `{one['function']}`", f"`{one['before'].strip()}` to `{one['after'].strip()}`",
             one["verdict"] or "**none**", one["reason"])
            for one in figures["survivors"]
        ],
    )
    return brief, lines


def fresh(figures):
    judged, killed = figures["judged"], figures["killed"]
    spread = 196 * (killed * (judged - killed) / judged**3) ** 0.5
    low, high = 100 * killed / judged - spread, 100 * killed / judged + spread
    known = figures["survived"] - figures["without_verdict"]
    return f"{number(judged)} mutants drawn anew: {share(killed, judged)} noticed; no gate", [
        "The survivors of the sample above have been answered, by tests and by verdicts, so its score flatters. "
        f"This is another sample of the same mutants, drawn by chance (seed {figures['seed']}) and not answered since: "
        f"{number(killed)} of {number(judged)} were noticed. So, with 95 % confidence, {low:.1f} to {high:.1f} % of all "
        f"mutants that compile to other code are. Of the {figures['survived']} that were not, {known} had a verdict from "
        f"earlier samples; the other {figures['without_verdict']} nobody has looked at. It is a measurement, without a gate.",
        "",
    ]


def foreign(figures):
    targets = figures["targets"]
    good = sum(target["ok"] for target in targets.values())
    brief = f"{good} of {len(targets)} targets pass; {number(figures['passed'])} tests passed, {figures['failed']} failed"
    return brief, table(
        ("target", "what", "run by", ">passed", ">failed", ">build", ">tests"),
        [
            (name, one["what"], one["run_by"], number(one["passed"]), one["failed"], duration(one["build_seconds"]),
             duration(one["test_seconds"]))
            for name, one in targets.items()
        ],
    )


def static(figures):
    tools = {name: one for name, one in figures.items() if isinstance(one, dict) and "findings" in one}
    brief = "; ".join(f"{name} {one['findings']}" for name, one in tools.items()) + " findings without a reason"
    lines = table(
        ("tool", ">files", ">findings", ">excepted, with a reason", ">time"),
        [(name, one["files"], one["findings"], one["excepted"], duration(one["seconds"])) for name, one in tools.items()],
    )
    density = figures["density"]
    lines += [
        f"The library has {number(density['source_lines'])} lines of code and {density['assertions']} assertions, one in "
        f"{density['lines_per_assertion']:.0f} lines; {number(density['test_lines'])} lines test it, "
        f"{density['test_lines_per_source_line']} for each line.",
        "",
    ]
    if figures["exceptions"]:
        lines += ["What was found and is no fault:", ""]
        lines += table(
            ("tool", "file", "check", "reason"),
            [(one["tool"], one["file"], one["check"], one["reason"]) for one in figures["exceptions"]],
        )
    return brief, lines


def stack(figures):
    targets = {name: one for name, one in figures.items() if isinstance(one, dict) and "worst_bytes" in one}
    worst = max(targets.values(), key=lambda one: one["worst_bytes"])
    brief = f"no recursion; no public function needs more than {number(worst['worst_bytes'])} bytes"
    lines = table(
        ("target", ">functions", ">most", "by", ">before a callback", ">largest frame", "of"),
        [
            (name, one["functions"], number(one["worst_bytes"]), f"`{one['worst_function']}`",
             number(one["worst_before_callback"]), one["largest_frame_bytes"], f"`{one['largest_frame']}`")
            for name, one in targets.items()
        ],
    )
    name, one = next(iter(targets.items()))
    lines += [f"Each public function, in bytes, {name}; what a user's callback needs comes on top of the second:", ""]
    lines += table(
        ("function", ">in all", ">before a callback"),
        [
            (f"`{function}`", number(size), number(one["bytes_before_callback"].get(function, 0)) or "-")
            for function, size in sorted(one["bytes"].items(), key=lambda item: -item[1])
        ],
    )
    return brief, lines


# In the order of the page: part, title, what writes its section.
SECTIONS = (
    ("tests", "All stages of make check", tests),
    ("coverage", "Coverage", coverage),
    ("exhaustive", "Exhaustive exploration", exhaustive),
    ("model", "Random operations against a model", model),
    ("proof", "Proof", proof),
    ("seeded", "Bugs put in, for the proofs and the tests to find", seeded),
    ("fuzz", "Fuzzing, in every run", fuzz),
    ("mutation", "Mutation", mutation),
    ("mutation-fresh", "Mutation of a fresh sample", fresh),
    ("foreign", "Foreign targets", foreign),
    ("static", "Static analysis", static),
    ("stack", "Stack", stack),
    ("hour-operations", "Fuzzing operations, half an hour an engine", fuzz),
    ("hour-constrained", "Fuzzing constrained, half an hour an engine", fuzz),
    ("hour-trees", "Fuzzing trees, half an hour an engine", fuzz),
    ("hour-scenario", "Fuzzing scenario, half an hour an engine", fuzz),
    ("hour-trace", "Fuzzing trace, half an hour an engine", fuzz),
)


def read_parts():
    """The records of the parts that were measured, by name."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FIGURES.glob("*.json"))}


def page(records):
    """The whole page."""
    unknown = set(records) - {name for name, _, _ in SECTIONS}
    if unknown:
        sys.exit(f"evidence_page: no section for docs/evidence/{', '.join(sorted(unknown))}.json")
    glance = []
    body = []
    origin = []
    for name, title, write in SECTIONS:
        record = records.get(name)
        if record is None or record["figures"] is None:
            brief, lines = "not measured", ["Not measured.", ""]
        else:
            brief, lines = write(record["figures"])
        link = f"[{title}](#{''.join(c for c in title.lower().replace(' ', '-') if c.isalnum() or c == '-')})"
        has_gate = record is not None and not (record["figures"] or {}).get("is_measured_only")
        holds = "-" if not has_gate else "yes" if record["ok"] else "**no**"
        glance.append((link, brief, holds))
        body += [f"## {title}", ""]
        if record:
            body += [f"`{record['command']}`, {duration(record['seconds'])}.", ""]
            at = record["provenance"]
            commit = at["commit"] + (" and uncommitted changes" if at["has_changes"] else "")
            origin.append((name, commit, at.get("measured", "-"), at["date"], at["machine"], duration(record["seconds"])))
        body += lines
    out = [HEAD.read_text(encoding="utf-8").rstrip(), "", "## At a glance", ""]
    out += table(("way", "figures", "gate holds"), glance)
    out += body
    out += [
        "## Where the figures come from", "",
        "`scripts/evidence --list` says what each part runs. The hash is of the files that the part measures; "
        "`scripts/evidence_page.py --stale` names those that have changed since.", "",
    ]
    out += table(("part", "commit", "hash", "day", "machine", ">took"), origin)
    return "\n".join(out).rstrip() + "\n"


def main():
    if sys.argv[1:] not in ([], ["--check"], ["--stale"]):
        print("usage: evidence_page.py [--check | --stale]", file=sys.stderr)
        return 2
    if sys.argv[1:] == ["--stale"]:
        old = stale(read_parts())
        print("\n".join(f"{name}: the sources have changed since" for name in old) or "all are of these sources")
        return 1 if old else 0
    text = page(read_parts())
    if sys.argv[1:] == []:
        PAGE.write_text(text, encoding="utf-8")
        print(f"{PAGE.relative_to(ROOT)} written", file=sys.stderr)
        return 0
    there = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    difference = difflib.unified_diff(there.splitlines(), text.splitlines(), "docs/TESTING.md", "the figures", lineterm="")
    for line in difference:
        print(line)
    if there != text:
        print("docs/TESTING.md is not what docs/evidence says: run scripts/evidence_page.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
