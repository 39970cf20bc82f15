#!/usr/bin/env python3
"""Tests of the vmem command as such: dispatch, help, version, suggestions, output that is lost.

usage: test_command.py VMEM
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from cli import VMEM, Trace, check, testing, vmem


def test_help_names_every_command_and_ends_0():
    for words in (["--help"], ["-h"], ["help"]):
        result = vmem(*words)
        check(result.status == 0 and result.err == "", result)
        for name in ("run", "replay", "record", "bench"):
            check(re.search(rf"^  {name} ", result.out, re.M), result)


def test_each_command_has_help_of_its_own():
    for name in ("run", "replay", "record"):
        for words in ([name, "--help"], ["help", name]):
            result = vmem(*words)
            check(result.status == 0 and result.err == "", result)
            check(f"vmem {name}" in result.out, result)


def test_a_word_too_many_is_refused():
    for words in (["--help", "run", "x"], ["help", "replay", "x"], ["--version", "x"]):
        result = vmem(*words)
        check(result.status == 2 and result.out == "", result)
        check('vmem: "x" is one word too many' in result.err, result)
    result = vmem("--help", "x")
    check(result.status == 2 and '"x" is not a command' in result.err, result)


def test_run_names_itself_where_an_option_is_wrong():
    for words in (["run", "--foo"], ["run", "-x"], ["run", "--seed"]):
        result = vmem(*words)
        check(result.status == 2 and result.out == "", result)
        check(result.err.startswith("vmem run: "), result)


def test_statuses_of_input_that_is_broken():
    for words, text, status in ((["run", "-"], "frob\n", 1),
                                (["replay", "-"], "frob\n", 2),
                                (["replay", "-"], "# vmem-trace 1\na 1 1\nfrob\n", 2)):
        done = subprocess.run([str(VMEM), *words], input=text.encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
        assert done.returncode == status, (words, text, done)


def test_version_is_a_version():
    for word in ("--version", "-V"):
        result = vmem(word)
        check(result.status == 0, result)
        check(re.fullmatch(r"vmem \(OpenVMEM\) \d+\.\d+\.\d+\n", result.out), result)


def test_no_command_is_a_usage_error():
    result = vmem()
    check(result.status == 2 and result.out == "" and "Usage: vmem" in result.err, result)


def test_a_misspelt_command_is_suggested():
    for word, meant in (("repaly", "replay"), ("recrod", "record"), ("rnu", "run"),
                        ("--hlep", "--help"), ("ben", "bench")):
        result = vmem(word)
        check(result.status == 2 and result.out == "", result)
        check(f'did you mean "{meant}"?' in result.err, result)


def test_a_word_that_resembles_nothing_is_not_guessed():
    for words in (["xyzzy"], ["help", "xyzzy"], ["--xyzzy"]):
        result = vmem(*words)
        check(result.status == 2 and "did you mean" not in result.err, result)
        check("vmem --help" in result.err, result)


def test_output_that_cannot_be_written_is_an_error():
    with open("/dev/full", "wb") as full, Trace("a 1 1\n") as path:
        for words in (["--help"], ["replay", path], ["replay", "--json", path]):
            done = subprocess.run([str(VMEM), *map(str, words)], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
            assert done.returncode == 2, (words, done)
            assert b"No space left" in done.stderr or b"could not be written" in done.stderr, done


def test_bench_hands_over_to_the_program_beside_it():
    with tempfile.TemporaryDirectory(prefix="vmem test ") as name:
        copy = pathlib.Path(name) / "vmem"
        shutil.copy(VMEM, copy)
        result = vmem("bench", "-x", command=copy)
        check(result.status == 2 and "make bench" in result.err, result)
        for place in ("bench", "."):
            bench = pathlib.Path(name) / place / "vmem-bench"
            bench.parent.mkdir(exist_ok=True)
            bench.write_text(f'#!/bin/sh\necho "{place}: $*"\nexit 7\n', encoding="utf-8")
            bench.chmod(0o755)
            result = vmem("bench", "-x", "y z", command=copy)
            check(result.status == 7 and result.out == f"{place}: -x y z\n", result)


if __name__ == "__main__":
    sys.exit(testing.main(globals()))
