#!/usr/bin/env python3
"""Tests of scripts/check_headers on small trees."""

import pathlib
import shutil
import sys
import tempfile

import testing

GUARDED = "#ifndef H\n#define H\n#include <stddef.h>\nstruct h { size_t n; };\n#endif\n"


def check(files):
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        testing.make_tree(root, files)
        return testing.run(testing.ROOT / "scripts/check_headers", root)


def test_a_good_header_passes():
    status, output = check({"include/vmem/vmem.h": GUARDED, "src/a.h": GUARDED})
    assert status == 0, output
    assert "6 compilations of headers, 0 failed" in output, output


def test_a_header_that_needs_another_first_is_found():
    status, output = check({"src/a.h": GUARDED.replace("#include <stddef.h>\n", "")})
    assert status == 1, output
    assert "src/a.h does not compile alone with gcc -std=c11" in output, output


def test_a_header_without_a_guard_is_found():
    status, output = check({"src/a.h": "struct h { int n; };\n"})
    assert status == 1, output


def test_a_public_header_that_is_no_cplusplus_is_found():
    text = "#ifndef H\n#define H\nstatic inline int f(int class) { return class; }\n#endif\n"
    status, output = check({"include/vmem/vmem.h": text})
    assert status == 1, output
    assert "include/vmem/vmem.h does not compile alone with g++ -std=c++17" in output, output
    status, output = check({"src/a.h": text})
    assert status == 0, output


def test_a_tree_without_headers_is_no_success():
    status, output = check({"src/a.c": ""})
    assert status == 1, output


if __name__ == "__main__":
    if shutil.which("clang++") is None:
        print("clang is not installed\n0 passed, 0 failed, 1 skipped")
        sys.exit(0)
    sys.exit(testing.main(globals()))
