#!/usr/bin/env python3
"""Tests of scripts/fuzz that need no fuzz engine: its usage, its self-test's bugs, the committed inputs."""

import importlib.machinery
import importlib.util
import sys

import testing

FUZZ = testing.ROOT / "scripts" / "fuzz"
CORPUS = testing.ROOT / "test" / "fuzz" / "corpus"


def load():
    loader = importlib.machinery.SourceFileLoader("fuzz", str(FUZZ))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("fuzz", loader))
    loader.exec_module(module)
    return module


def test_every_bug_of_the_selftest_can_be_put_in():
    module = load()
    for name, file, text, broken, harness in module.BUGS:
        source = (testing.ROOT / file).read_text(encoding="utf-8")
        assert source.count(text) == 1, f"{name}: {source.count(text)} times in {file}"
        assert text != broken, name
        assert harness in module.HARNESSES, name


def test_every_harness_has_a_bug_that_it_must_find():
    module = load()
    assert {bug[4] for bug in module.BUGS} == set(module.HARNESSES)


def test_the_committed_inputs_are_small():
    module = load()
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 1 << 20
    for harness, largest in module.HARNESSES.items():
        sizes = [path.stat().st_size for path in (CORPUS / harness).iterdir()]
        assert 0 < len(sizes) <= 200, f"{harness}: {len(sizes)} files"
        assert max(sizes) <= largest, f"{harness}: {max(sizes)} bytes"


def test_wrong_usage_is_refused():
    for arguments in (["--seconds", "0"], ["--jobs", "0"], ["--engine", "none"], ["no-such"],
                      ["--selftest", "no-such"], ["--seconds", "x"], ["--unknown"]):
        status, output = testing.run(FUZZ, *arguments)
        assert status == 2, f"{arguments}: {status}"
        assert "fuzz: " in output, output


def test_help_tells_the_harnesses():
    status, output = testing.run(FUZZ, "--help")
    assert status == 0
    for harness in load().HARNESSES:
        assert harness in output


if __name__ == "__main__":
    sys.exit(testing.main(globals()))
