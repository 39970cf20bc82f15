#!/usr/bin/env python3
"""Tests of the C harness: run programs whose outcome is known, and judge what they print.

usage: test_harness.py DIRECTORY_OF_THE_PROGRAMS
"""

import os
import pathlib
import re
import sys

import testing

PROGRAMS = pathlib.Path(sys.argv[1])

# Tests of harness_outcomes.c that must fail, with what they must say; None: anything.
FAILING = {
    "test_false_condition": r"test/scripts/harness_outcomes.c:\d+: CHECK\(1 \+ 1 == 3\)",
    "test_wrong_number": r"harness_outcomes.c:\d+: 70000 == 70001: 70000 \[0x11170\], 70001 \[0x11171\]",
    "test_wrong_text": r': "found" is "wanted": "found", "wanted"',
    "test_null_is_not_empty": r': NULL is "": "\(NULL\)", ""',
    "test_without_a_check": r"the test made no check",
    "test_told_to_fail": r": told so",
    "test_return_at_once": r": CHECK_OR_RETURN\(false\)",
    "test_context_is_told": r": CHECK\(false\) \(operation 4711\)",
    "test_context_ends_with_its_test": r": CHECK\(false\)\n",
    "test_many_failures": r"failures in all: 100\n",
    "test_left_out_after_a_failure": r": CHECK\(false\)",
    "test_fault_unexpected": r"fatal hook:0: vmem: BAD_FREE",
    "test_fault_with_another_code": r": fault code seen and expected: 1, 2\n.*vmem: BAD_FREE",
    "test_fault_with_another_text": r': fault text seen and expected: "vmem: BAD_FREE.*", "another text"',
    "test_fault_missing": r": faults seen and expected: 0, 1\n.*nothing_wrong\(\)",
    "test_fault_twice": r": faults seen and expected: 2, 1\n",
    "test_block_kept": r"tags->live_count == 0: 1, 0",
    "test_block_put_twice": r"tags.put of memory that is not out",
    "test_block_put_with_another_size": r"bytes == block->bytes: 512, 1024",
    "test_block_of_odd_size": r"bytes & \(bytes - 1\) == 0",
    "test_block_overrun": r"is_filled\(after",
    "test_block_underrun": r"is_filled\(before",
    "test_span_kept": r"source->span_count == 0: 1, 0",
    "test_span_released_twice": r"release of a span that is not out: 0, 1",
    "test_span_released_in_part": r"release of a span that is not out: 0, 1",
    "test_request_that_makes_no_sense": r"r->phase < r->align: 4, 4",
}
PASSING = {"test_that_passes", "test_fault_expected", "test_prints_its_seed"}
SKIPPED = {"test_left_out": "not today"}


def harness(victim, *arguments, **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VMT_")}
    return testing.run(PROGRAMS / f"harness_{victim}", *arguments, env={**kept, **environment})


def sections(output):
    """{test: (result line, all that was printed during the test)}"""
    found = {}
    said = ""
    for line in output.splitlines(keepends=True):
        said += line
        match = re.match(r"(?:not )?ok \d+ - (\w+)", line)
        if match:
            found[match[1]] = (line, said)
            said = ""
    return found


def test_every_outcome_is_what_it_should_be():
    status, output = harness("outcomes")
    found = sections(output)
    assert status == 1, output
    assert set(found) == set(FAILING) | PASSING | set(SKIPPED), set(found)
    for name, expected in FAILING.items():
        line, said = found[name]
        assert line.startswith("not ok"), said
        assert re.search(expected, said), f"{name}: {expected}\n{said}"
    for name in PASSING:
        assert found[name][0].startswith("ok "), found[name]
    for name, why in SKIPPED.items():
        assert found[name][0].endswith(f"# SKIP {why}\n"), found[name]


def test_the_last_line_counts():
    _, output = harness("outcomes")
    assert output.splitlines()[-1] == f"{len(PASSING)} passed, {len(FAILING)} failed, {len(SKIPPED)} skipped"


def test_the_plan_and_the_numbers_are_tap():
    _, output = harness("outcomes")
    lines = output.splitlines()
    numbers = [int(found[1]) for found in re.finditer(r"^(?:not )?ok (\d+) ", output, re.M)]
    assert lines[0] == f"1..{len(numbers)}", lines[0]
    assert numbers == list(range(1, len(numbers) + 1)), numbers


def test_many_failures_are_not_all_printed():
    _, output = harness("outcomes", "--filter", "many_failures")
    assert output.count(": i == 1000: ") == 20, output


def test_a_filter_chooses():
    status, output = harness("outcomes", "--filter", "that_passes")
    assert status == 0, output
    assert output.splitlines()[0] == "1..1", output
    assert output.splitlines()[-1] == "1 passed, 0 failed", output


def test_a_filter_that_chooses_nothing_is_no_success():
    status, output = harness("outcomes", "--filter", "no such test")
    assert status == 1, output
    assert output.splitlines()[-1] == "0 passed, 0 failed", output


def test_the_list_has_all_tests_and_runs_none():
    status, output = harness("outcomes", "--list")
    assert status == 0, output
    assert set(output.split()) == set(FAILING) | PASSING | set(SKIPPED), output


def test_a_program_that_only_skips_has_not_failed():
    status, output = harness("skipped")
    assert status == 0, output
    assert output.splitlines()[-1] == "0 passed, 0 failed, 1 skipped", output


def test_a_crash_is_no_success():
    status, output = harness("crash")
    assert status not in (0, 1), status
    assert " passed, " not in output, output


def seed_line(*arguments, **environment):
    _, output = harness("outcomes", *arguments, **environment)
    return re.search(r"my seed is \d+", output)[0]


def test_a_seed_repeats_with_or_without_the_other_tests():
    alone = ("--filter", "prints_its_seed")
    assert seed_line("--seed", "0x2a") == seed_line("--seed", "42", *alone)
    assert seed_line("--seed", "42") == seed_line(VMT_SEED="42")
    assert seed_line("--seed", "42") != seed_line("--seed", "43")


def test_the_seed_that_is_printed_repeats_the_run():
    _, output = harness("outcomes")
    seed = re.search(r"# repeat with --seed (\d+)", output)[1]
    assert re.search(r"my seed is \d+", output)[0] == seed_line("--seed", seed)


def test_fresh_runs_have_fresh_seeds():
    assert len({seed_line() for _ in range(4)}) == 4


def test_operations_can_be_chosen():
    assert "# operations 12\n" in harness("outcomes")[1]
    assert "# operations 99\n" in harness("outcomes", "--ops", "99")[1]
    assert "# operations 99\n" in harness("outcomes", VMT_OPS="99")[1]
    assert "# operations 50\n" in harness("outcomes", VMT_OPS="99", VMT_OPS_MAX="50")[1]
    assert "# operations 99\n" in harness("outcomes", VMT_OPS="99", VMT_OPS_MAX="100")[1]


def test_a_bad_command_line_is_refused():
    for words in (["--sede", "1"], ["--seed"], ["--seed", "x"], ["--ops", "-1"], ["--filter"], ["x"]):
        status, output = harness("outcomes", *words)
        assert status == 2, (words, output)
    assert harness("outcomes", "--help")[0] == 0


if __name__ == "__main__":
    sys.exit(testing.main(globals()))
