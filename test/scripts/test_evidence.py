#!/usr/bin/env python3
"""Tests of scripts/evidence and scripts/evidence_page.py: every part has its place, the page is the figures'."""

import importlib.machinery
import importlib.util
import json
import pathlib
import sys
import tempfile

import testing

SCRIPTS = testing.ROOT / "scripts"
sys.path.insert(0, str(SCRIPTS))


def load(name):
    loader = importlib.machinery.SourceFileLoader(name.removesuffix(".py"), str(SCRIPTS / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def test_every_part_has_a_section_and_a_script():
    parts = load("evidence").PARTS
    assert [name for name, *_ in parts] == [name for name, _, _ in load("evidence_page.py").SECTIONS]
    for name, _, when, command in parts:
        assert (testing.ROOT / command.split()[0]).exists(), f"{name}: {command}"
        assert "{json}" in command, f"{name}: {command}"
        assert when in ("fast", "slow", "once"), f"{name}: {when}"


def test_scripts_deps_knows_what_the_parts_need():
    for name, groups, *_ in load("evidence").PARTS:
        status, output = testing.run(SCRIPTS / "deps", "--dry-run", *groups.split())
        assert status != 2, f"{name}: {output}"


def test_the_figures_name_no_path_of_one_machine():
    for path in (testing.ROOT / "docs" / "evidence").glob("*.json"):
        assert "/tmp/" not in path.read_text(encoding="utf-8"), path


def test_the_page_is_what_the_figures_say():
    status, output = testing.run(SCRIPTS / "evidence_page.py", "--check")
    assert status == 0, output


def test_wrong_usage_is_refused():
    for script, arguments in (("evidence", ["no-such"]), ("evidence", ["--unknown"]),
                              ("evidence_page.py", ["no-such"]), ("evidence_page.py", ["--check", "x"])):
        status, output = testing.run(SCRIPTS / script, *arguments)
        assert status == 2, f"{script} {arguments}: {status}"
        assert "usage: evidence" in output, output


def record(figures, is_good=True):
    return {
        "part": "model", "command": "scripts/check_model --json FILE", "ok": is_good, "seconds": 7200,
        "provenance": {"commit": "0123456789ab", "has_changes": True, "measured": "cafe", "date": "2001-06-25",
                       "machine": "2 x some"},
        "figures": figures,
    }


MODEL = {
    "seed": 17, "operations": 1234567, "failed": 1,
    "tests": [{"name": "this", "ok": True, "counts": {"operations": 1234000}},
              {"name": "that", "ok": False, "counts": {"operations": 567}}],
}


def page_of(records):
    """The page made from these records."""
    module = load("evidence_page.py")
    with tempfile.TemporaryDirectory() as directory:
        module.FIGURES = pathlib.Path(directory)
        for name, value in records.items():
            (module.FIGURES / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
        return module.page(module.read_parts())


def test_a_page_tells_figures_failures_and_where_they_come_from():
    text = page_of({"model": record(MODEL, is_good=False)})
    assert "1,234,567 operations, 1 failed | **no** |" in text
    assert "| that | 567 | FAILED |" in text
    assert "| model | 0123456789ab and uncommitted changes | cafe | 2001-06-25 | 2 x some | 2.0 h |" in text
    assert "[Coverage](#coverage) | not measured | - |" in text


def test_a_part_that_wrote_nothing_is_not_measured():
    text = page_of({"model": record(None, is_good=False)})
    assert "not measured | **no** |" in text


def test_a_record_without_a_section_is_an_error():
    try:
        page_of({"no-such": record(MODEL)})
    except SystemExit as error:
        assert "no-such" in str(error)
    else:
        raise AssertionError("accepted")


def test_every_part_says_what_it_measures_and_all_of_it_is_there():
    module = load("evidence_page.py")
    for name, _, _ in module.SECTIONS:
        assert len(module.hash_of_measured(name)) == 12
    for places in module.MEASURED.values():
        for place in places:
            assert (testing.ROOT / place).exists(), place


def test_figures_are_stale_when_the_code_changes_and_not_when_a_comment_does():
    module = load("evidence_page.py")
    module.MEASURED = {"model": ("src",), "proof": ("src",)}
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        file = root / "src" / "bits.c"
        file.parent.mkdir()

        def hashes(text):
            file.write_text(text, encoding="utf-8")
            return module.hash_of_measured("model", root), module.hash_of_measured("proof", root)

        before = hashes("/* Of bits. */\nint bits = 64;\n")
        comment = hashes("/* Of all bits. */\nint bits =\n    64; // all\n")
        code = hashes("/* Of bits. */\nint bits = 63;\n")
    assert comment[0] == before[0] and comment[1] != before[1]
    assert code[0] != before[0] and code[1] != before[1]
    assert module.stale({"model": {"provenance": {"measured": "cafe"}}}) == ["model"]
    assert module.stale({"model": {"provenance": {"measured": module.hash_of_measured("model")}}}) == []


def test_a_share_is_never_rounded_up():
    module = load("evidence_page.py")
    assert module.share(9999, 10000) == "99.9 %"
    assert module.share(10000, 10000) == "100.0 %"
    assert module.share(0, 0) == "0.0 %"


if __name__ == "__main__":
    sys.exit(testing.main(globals()))
