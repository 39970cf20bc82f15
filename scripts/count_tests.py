#!/usr/bin/env python3
"""Add up what ctest's programs counted.

usage: count_tests.py LASTTEST_LOG

Every test program ends with "N passed, N failed" (", N skipped").  ctest counts programs; this reads
its log, Testing/Temporary/LastTest.log, and prints the sum of the programs' own counts.  A program
that ctest calls failed but that admits to no failure (it crashed, or ran out of time) counts as one
failure, and a program without such a line counts as one test.
"""

import re
import sys

BEGIN = re.compile(r"\d+/\d+ Test: (.*)")
COUNTS = re.compile(r"(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*")
RESULT = re.compile(r"Test (Passed|Failed|Skipped|Not Run)\b")


def count_program(lines):
    """(passed, failed, skipped) of one program, from its part of the log."""
    counts = None
    result = "Failed"  # a log that breaks off has no result
    for line in lines:
        found = COUNTS.fullmatch(line)
        if found:
            counts = [int(group or 0) for group in found.groups()]
        found = RESULT.match(line)
        if found:
            result = found[1]
    if counts is None:
        return {"Passed": (1, 0, 0), "Skipped": (0, 0, 1)}.get(result, (0, 1, 0))
    if result != "Passed" and counts[1] == 0:
        counts[1] = 1
    return tuple(counts)


def count_log(text):
    """The sum over all programs of a log."""
    programs = []
    for line in text.splitlines():
        if BEGIN.fullmatch(line):
            programs.append([])
        elif programs:
            programs[-1].append(line)
    return tuple(map(sum, zip((0, 0, 0), *map(count_program, programs))))


def main():
    with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
        passed, failed, skipped = count_log(log.read())
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
