#!/usr/bin/env python3
"""Tests of scripts/check_layers.py on small trees."""

import pathlib
import sys
import tempfile

import testing

GOOD = {
    "include/vmem/vmem.h": "",
    "port/bare/vmi_port.h": "",
    "src/LAYERS": "# lowest first\ncontract vmem/vmem.h\nport vmi_port.h\nlow low/\nhigh high/ one.c\n",
    "src/low/a.h": '#include "vmem/vmem.h"\n#include "vmi_port.h"\n#include <stdint.h>\n',
    "src/low/b.h": '#include "low/a.h"\n',
    "src/low/b.c": '#include "b.h"\n#include "low/a.h"\n',
    "src/high/c.h": '#include "low/b.h"\n',
    "src/one.c": '#include "high/c.h"\n',
}


def check(files=None):
    """Exit status and output for the good tree with some files changed."""
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        testing.make_tree(root, GOOD)
        testing.make_tree(root, files or {})
        return testing.run(sys.executable, testing.ROOT / "scripts/check_layers.py", root)


def rejects(expected, files):
    status, output = check(files=files)
    assert status == 1, output
    assert expected in output, output


def test_a_good_tree_passes():
    status, output = check()
    assert status == 0, output
    assert "5 files, 0 problems" in output, output


def test_an_include_upward_is_found():
    rejects("src/low/a.h:2: low includes high/c.h of the higher layer high",
            {"src/low/a.h": '\n#  include "high/c.h"\n'})


def test_an_include_upward_beside_the_file_name_is_found():
    rejects("src/low/a.h:1: low includes high/c.h", {"src/low/a.h": '#include "../high/c.h"\n'})


def test_a_file_in_no_layer_is_found():
    rejects("src/stray.c: is in 0 layers", {"src/stray.c": ""})


def test_a_file_in_two_layers_is_found():
    rejects("src/low/a.h: is in 2 layers", {"src/LAYERS": GOOD["src/LAYERS"] + "top low/a.h\n"})


def test_an_include_of_nothing_is_found():
    rejects('src/low/a.h:1: "low/none.h" is neither in a layer nor found',
            {"src/LAYERS": GOOD["src/LAYERS"].replace("low/", "low/a.h low/b.h low/b.c"),
             "src/low/a.h": '#include "low/none.h"\n'})


def test_a_hosted_header_is_found():
    rejects("src/low/a.h:1: <stdlib.h> is not a header of a freestanding", {"src/low/a.h": "#include <stdlib.h>\n"})


def test_a_circle_in_one_layer_is_found():
    rejects("circle of includes: src/low/a.h -> src/low/b.h -> src/low/a.h",
            {"src/low/a.h": '#include "low/b.h"\n'})


def test_a_name_that_does_not_exist_is_found():
    rejects("src/LAYERS: gone/ does not exist", {"src/LAYERS": GOOD["src/LAYERS"] + "top gone/\n"})


def test_an_empty_tree_is_no_success():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        testing.make_tree(root, {"src/LAYERS": ""})
        status, output = testing.run(sys.executable, testing.ROOT / "scripts/check_layers.py", root)
    assert status == 1, output


if __name__ == "__main__":
    sys.exit(testing.main(globals()))
