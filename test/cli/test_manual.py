#!/usr/bin/env python3
"""Tests of the man page against the command: every option is there, and none that is not.

usage: test_manual.py VMEM
"""

import re
import shutil
import subprocess
import sys

from cli import check, testing, vmem

PAGE = testing.ROOT / "docs" / "man" / "vmem.1"


def section(name):
    """The source of one section or subsection of the page."""
    text = PAGE.read_text(encoding="utf-8")
    match = re.search(rf'^\.S[SH] "?{name}"?\n(.*?)(?=^\.S[SH] )', text, re.M | re.S)
    assert match, f"no section {name}"
    return match.group(1).replace("\\-", "-")


def options_of(text):
    """The long options that a text names."""
    return set(re.findall(r"--[a-z][a-z-]*[a-z]", text))


def test_the_page_and_the_help_name_the_same_options():
    for command in ("run", "replay", "record"):
        result = vmem(command, "--help")
        check(result.status == 0, result)
        described = options_of(section(f"vmem {command}"))
        offered = options_of(result.out)
        assert described == offered, (command, described ^ offered)


def test_the_page_describes_every_command_and_status():
    synopsis = section("SYNOPSIS")
    for command in ("run", "replay", "record", "bench"):
        assert command in synopsis, command
    statuses = section("EXIT STATUS")
    for status in ("0", "1", "2", "125", "126", "127"):
        assert re.search(rf"^\.B {status}$", statuses, re.M), status


def test_the_page_is_typeset_without_a_warning():
    if shutil.which("groff") is None:
        print("# groff is not installed: the page was not typeset")
        return
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", str(PAGE)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr == "", done.stderr


if __name__ == "__main__":
    sys.exit(testing.main(globals()))
