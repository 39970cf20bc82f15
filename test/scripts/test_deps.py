#!/usr/bin/env python3
"""Tests of scripts/deps against an apt-get that only writes down what it is asked."""

import pathlib
import shutil
import sys
import tempfile

import testing

# What the script itself runs; nothing of what it looks for.
TOOLS = "bash env sed grep sort head id mktemp rm cat printf tr".split()


class Machine:
    """A PATH with few commands on it."""

    def __init__(self, directory):
        self.bin = pathlib.Path(directory) / "bin"
        self.log = pathlib.Path(directory) / "log"
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))

    def add(self, name, text):
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!{shutil.which('bash')}\n{text}\n", encoding="utf-8")
        path.chmod(0o755)

    def add_apt(self, effect=":"):
        """An apt-get that writes its arguments down and then does `effect`."""
        self.add("apt-get", f'echo "apt-get $*" >>{self.log}\n{effect}')
        self.set_candidate("1.0")

    def set_candidate(self, version):
        """What apt-cache says of any package; at some length, as it may."""
        self.add("apt-cache", f'echo "  Candidate: {version}"\nfor i in {{1..20000}}; do echo $i; done')

    def add_check_tools(self):
        """All but clang-tidy, which is optional."""
        self.add("clang", "exit 0")
        self.add("clang-format", "exit 0")

    def add_build_tools(self):
        self.add("cmake", "echo cmake version 3.25.1")
        for name in ("ninja", "make", "gcc", "g++", "python3", "pkg-config"):
            self.add(name, "exit 0")

    def deps(self, *arguments):
        return testing.run(
            testing.ROOT / "scripts/deps", *arguments, env={"PATH": str(self.bin), "LC_ALL": "C"})

    def calls(self):
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []


def on_a_machine(test):
    def wrapped():
        with tempfile.TemporaryDirectory() as directory:
            test(Machine(directory))
    return wrapped


@on_a_machine
def test_nothing_is_done_where_nothing_is_missing(machine):
    machine.add_build_tools()
    machine.add_apt()
    status, output = machine.deps("build")
    assert status == 0, output
    assert output == "deps (build): everything is there\n", output
    assert not machine.calls(), machine.calls()


@on_a_machine
def test_only_what_is_missing_is_installed(machine):
    machine.add_build_tools()
    machine.add("id", "echo 0")
    (machine.bin / "ninja").unlink()
    machine.add_apt(f"[ $1 = -qq ] && {shutil.which('ln')} -s {shutil.which('true')} {machine.bin}/ninja; exit 0")
    status, output = machine.deps("build")
    assert status == 0, output
    assert "ninja-build" in output and "runs it" in output, output
    assert machine.calls() == [
        "apt-get -q update", "apt-get -qq -y --no-install-recommends install ninja-build",
    ], machine.calls()


@on_a_machine
def test_an_old_cmake_is_missing(machine):
    machine.add_build_tools()
    machine.add("cmake", "echo cmake version 3.9.6")
    machine.add("id", "echo 0")
    machine.add_apt()
    status, output = machine.deps("--dry-run", "build")
    assert status == 0, output
    assert output.endswith("deps: would install cmake \n"), output


@on_a_machine
def test_an_installation_that_does_not_help_is_a_failure(machine):
    machine.add_build_tools()
    (machine.bin / "ninja").unlink()
    machine.add("id", "echo 0")
    machine.add_apt()
    status, output = machine.deps()
    assert status == 1, output
    assert "still missing: ninja-build" in output, output


@on_a_machine
def test_an_apt_get_that_fails_is_a_failure_with_its_words(machine):
    machine.add_build_tools()
    (machine.bin / "ninja").unlink()
    machine.add("id", "echo 0")
    machine.add_apt("echo no space left; exit 100")
    status, output = machine.deps()
    assert status != 0, output
    assert "no space left" in output, output


@on_a_machine
def test_what_is_optional_is_installed_where_it_is_offered(machine):
    machine.add_check_tools()
    machine.add("id", "echo 0")
    machine.add_apt()
    status, output = machine.deps("check")
    assert status == 0, output
    assert "clang-tidy" in machine.calls()[-1].split(), machine.calls()


@on_a_machine
def test_what_is_optional_may_be_missing(machine):
    machine.add_check_tools()
    machine.add("id", "echo 0")
    machine.add_apt()
    machine.set_candidate("(none)")
    status, output = machine.deps("check")
    assert status == 0, output
    assert "clang-tidy is optional, and not offered here" in output, output
    assert machine.calls() == ["apt-get -q update"], machine.calls()


@on_a_machine
def test_without_rights_the_command_is_told(machine):
    machine.add_build_tools()
    (machine.bin / "ninja").unlink()
    machine.add("id", "echo 1000")
    machine.add_apt()
    status, output = machine.deps("build")
    assert status == 1, output
    assert "As root, run: apt-get install ninja-build" in output, output
    assert not machine.calls(), machine.calls()


@on_a_machine
def test_sudo_is_used_where_it_is(machine):
    machine.add_build_tools()
    (machine.bin / "ninja").unlink()
    machine.add("id", "echo 1000")
    machine.add_apt(f"[ $1 = -qq ] && {shutil.which('ln')} -s {shutil.which('true')} {machine.bin}/ninja; exit 0")
    machine.add("sudo", f'echo "sudo $1" >>{machine.log}; exec "$@"')
    status, output = machine.deps("build")
    assert status == 0, output
    assert machine.calls()[0] == "sudo env", machine.calls()


@on_a_machine
def test_without_apt_get_the_names_are_told(machine):
    status, output = machine.deps("build")
    assert status == 1, output
    for package in ("cmake", "ninja-build", "zlib1g-dev", "libjansson-dev"):
        assert package in output, output


@on_a_machine
def test_an_unknown_group_is_refused(machine):
    status, output = machine.deps("everything")
    assert status == 2, output
    assert "usage: deps" in output, output


if __name__ == "__main__":
    sys.exit(testing.main(globals()))
