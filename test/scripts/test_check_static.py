#!/usr/bin/env python3
"""Tests of scripts/check_static: what it makes of a tool's output, and that it sees faults of locking."""

import contextlib
import importlib.machinery
import importlib.util
import io
import pathlib
import shutil
import sys
import tempfile

import testing


def load():
    """The script as a module."""
    loader = importlib.machinery.SourceFileLoader("check_static", str(testing.ROOT / "scripts/check_static"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


check_static = load()
LINE = "src/a.c:7:3: warning: use of garbage [-Wgarbage]\n"


def judge(output, exceptions="", status=0):
    """Figures and all that is printed, for a tool that says `output` of each of two files."""
    with tempfile.NamedTemporaryFile("w+", encoding="utf-8") as file:
        file.write(exceptions)
        file.flush()
        check_static.TOOLS["fake"] = lambda source: (output, status)
        check_static.EXCEPTIONS = pathlib.Path(file.name)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            figures = check_static.check("fake", ["src/a.c", "src/b.c"], check_static.read_exceptions())
        return figures, printed.getvalue()


def test_a_finding_counts_once_whoever_repeats_it():
    figures, printed = judge("In file included from x:\n" + LINE + "note: more\n")
    assert figures["findings"] == 1 and figures["files"] == 2, figures
    assert "src/a.c:7: use of garbage [garbage]" in printed, printed
    assert judge("all is well\n")[0]["findings"] == 0


def test_all_forms_of_findings_are_read():
    forms = {
        f"{testing.ROOT}/src/a.c:1:2: error: no 'x' [bugprone-x,-warnings-as-errors]": "bugprone-x",
        "src/a.c:1:2: style: no x [someStyle]": "someStyle",
        "src/a.c:1:2: warning: no x [CWE-476] [-Wanalyzer-null-dereference]": "analyzer-null-dereference",
        "src/a.c:1:2: fatal error: no header": "error",
    }
    for line, name in forms.items():
        finding = check_static.normal(check_static.FINDING.match(line))
        assert finding["check"] == name and finding["file"] == "src/a.c", finding
        assert "CWE" not in finding["text"], finding


def test_an_exception_needs_tool_check_file_and_text():
    figures, _ = judge(LINE, "fake | garbage | src/a.c | use of | it is swept\n")
    assert figures["findings"] == 0 and figures["excepted"] == 1 and figures["unused_exceptions"] == 0, figures
    for line in ("fake | garbage | src/b.c | use of | no", "fake | other | src/a.c | use of | no",
                 "fake | garbage | src/a.c | abuse | no"):
        figures, printed = judge(LINE, line + "\n")
        assert figures["findings"] == 1 and figures["unused_exceptions"] == 1, (line, figures)
        assert "nothing needs this exception any more" in printed, printed


def test_a_bad_line_and_a_failed_tool_end_it():
    for exceptions, output, status in (("fake | garbage | src/a.c | no reason |\n", "", 0),
                                       ("", "clang: cannot run\n", 1)):
        try:
            judge(output, exceptions, status)
        except SystemExit as end:
            assert end.code == 2
        else:
            raise AssertionError("it went on")


def locking(name, old, new):
    """What clang says of a file of src/ with one change."""
    source = testing.ROOT / "src" / name
    text = source.read_text(encoding="utf-8")
    assert old in text, f"{name} has no '{old}' any more"
    with tempfile.TemporaryDirectory() as directory:
        changed = pathlib.Path(directory) / source.name
        changed.write_text(text.replace(old, new, 1), encoding="utf-8")
        output, _ = check_static.thread_safety(str(changed))
    return [match[4] for match in map(check_static.FINDING.match, output.splitlines()) if match]


def test_faults_of_locking_are_seen():
    if not shutil.which("clang-19"):
        print("# skipped: no clang-19")
        return
    assert locking("engine/free.c", "frees++", "frees += 1") == []
    forgotten = locking("engine/free.c", "        vmi_supply_tidy(arena);\n    }\n    vmi_leave(arena);",
                        "        vmi_supply_tidy(arena);\n    }\n")
    assert any("not held on every path" in text for text in forgotten), forgotten
    called_inside = locking("engine/free.c", "        vmi_leave(arena);\n        vmi_give_back(&released);",
                            "        vmi_give_back(&released);\n        vmi_leave(arena);")
    assert any("'vmi_give_back' while" in text for text in called_inside), called_inside
    not_entered = locking("engine/alloc.c", "    vmi_reenter(arena);\n    vmi_import_end(arena, import);\n"
                          "    status", "    vmi_import_end(arena, import);\n    status")
    assert any("requires holding" in text for text in not_entered), not_entered
    twice = locking("engine/supply.c", "    vmi_leave(arena);\n    memory = source.get", "    memory = source.get")
    assert any("already held" in text for text in twice), twice


def test_an_unknown_tool_is_refused():
    status, output = testing.run(testing.ROOT / "scripts/check_static", "lint")
    assert status == 2 and "lint" in output and "usage: check_static" in output, output


if __name__ == "__main__":
    sys.exit(testing.main(globals()))
