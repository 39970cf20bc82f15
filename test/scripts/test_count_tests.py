#!/usr/bin/env python3
"""Tests of scripts/count_tests.py on logs as ctest 3.25 writes them."""

import pathlib
import sys
import tempfile

import testing

RULE = "----------------------------------------------------------"


def program(output, result, number=1):
    return (
        f"{number}/9 Testing: unit/x\n{number}/9 Test: unit/x\nCommand: \"x\"\nDirectory: /\n"
        f"\"unit/x\" start time: Jan 01 00:00 UTC\nOutput:\n{RULE}\n{output}<end of output>\n"
        f"Test time =   0.01 sec\n{RULE}\n{result}\n\"unit/x\" end time: Jan 01 00:00 UTC\n"
    )


def count(*programs):
    with tempfile.TemporaryDirectory() as name:
        log = pathlib.Path(name) / "LastTest.log"
        log.write_text(f"Start testing: Jan 01 00:00 UTC\n{RULE}\n" + "".join(programs), encoding="utf-8")
        status, output = testing.run(sys.executable, testing.ROOT / "scripts/count_tests.py", log)
    assert status == 0, output
    return output.strip()


def test_counts_are_added_up():
    assert count(
        program("ok 1\n3 passed, 0 failed\n", "Test Passed."),
        program("4 passed, 0 failed, 2 skipped\n", "Test Passed.", 2),
        program("5 passed, 1 failed\n", "Test Failed.", 3),
    ) == "12 passed, 1 failed, 2 skipped"


def test_the_last_line_of_a_program_counts():
    assert count(
        program("3 passed, 0 failed\nmore\n7 passed, 0 failed\n", "Test Passed.")
    ) == "7 passed, 0 failed, 0 skipped"


def test_a_line_that_only_contains_counts_does_not_count():
    assert count(
        program("the file says 3 passed, 2 failed\n", "Test Passed.")
    ) == "1 passed, 0 failed, 0 skipped"


def test_a_crash_counts_as_a_failure():
    assert count(program("ok 1\n", "Test Failed.")) == "0 passed, 1 failed, 0 skipped"


def test_a_failure_that_is_not_admitted_counts():
    assert count(
        program("3 passed, 0 failed\n", "Test Failed.")
    ) == "3 passed, 1 failed, 0 skipped"


def test_a_log_that_breaks_off_counts_as_a_failure():
    whole = program("3 passed, 0 failed\n", "Test Passed.")
    assert count(whole, whole[: whole.index("Test time")]) == "6 passed, 1 failed, 0 skipped"


def test_a_skipped_program_counts_as_skipped():
    assert count(program("", "Test Skipped.")) == "0 passed, 0 failed, 1 skipped"


def test_a_program_that_could_not_run_counts_as_a_failure():
    assert count(
        program("Unable to find executable\n", "Test Not Run.")
    ) == "0 passed, 1 failed, 0 skipped"


def test_an_empty_log_counts_nothing():
    assert count() == "0 passed, 0 failed, 0 skipped"


if __name__ == "__main__":
    sys.exit(testing.main(globals()))
