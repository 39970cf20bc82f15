#!/usr/bin/env python3
"""Tests of scripts/check_symbols, and of its rule on the harness itself."""

import pathlib
import sys
import tempfile

import testing

PORT = """#include <stddef.h>
void vmi_port_declared(
    int value);
static inline void
vmi_port_defined(void)
{
}
"""


def check(source):
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        testing.make_tree(root, {"port/bare/vmi_port.h": PORT, "include/vmem/vmem.h": "", **source})
        return testing.run(testing.ROOT / "scripts/check_symbols", root)


def test_the_port_and_memory_functions_are_allowed():
    status, output = check({"src/a/a.c": """
        #include "vmi_port.h"
        void *memset(void *, int, size_t);
        void f(char *p, size_t n);
        void f(char *p, size_t n) { vmi_port_declared(1); memset(p, 0, n); }
        """})
    assert status == 0, output
    assert "needs: memset vmi_port_declared" in output, output
    assert "a_a.c" in output and "total" in output, output


def test_symbols_of_other_files_are_no_needs():
    status, output = check({
        "src/a/a.c": "void g(void); void f(void); void f(void) { g(); }",
        "src/b/b.c": "void g(void); void g(void) { }",
    })
    assert status == 0, output


def test_another_function_is_found_with_its_user():
    status, output = check({
        "src/a/a.c": "void *malloc(unsigned long); void *f(void); void *f(void) { return malloc(1); }",
        "src/b/b.c": "int b(void); int b(void) { return 0; }",
    })
    assert status == 1, output
    assert "malloc, used by src/a/a.c\n" in output, output


def test_a_port_function_that_the_port_does_not_declare_is_found():
    status, output = check({
        "src/a/a.c": "void vmi_port_other(void); void f(void); void f(void) { vmi_port_other(); }",
    })
    assert status == 1, output
    assert "vmi_port_other, used by" in output, output


def test_a_tree_without_sources_is_no_success():
    status, output = check({"src/README": ""})
    assert status == 1, output


def test_the_harness_is_freestanding_too():
    harness = testing.ROOT / "test/harness"
    allowed = {"memcpy", "memset", "memmove", "memcmp", "vmem_set_fatal_hook", "vmt_port_write",
               "vmt_port_entropy", "vmt_port_get", "vmt_port_put"}
    with tempfile.TemporaryDirectory() as name:
        objects = []
        for part in ("vmt", "vmt_fault", "vmt_tags", "vmt_source"):
            objects.append(f"{name}/{part}.o")
            status, output = testing.run(
                "cc", "-std=c11", "-ffreestanding", "-Os", "-Wall", "-Wextra", "-Werror",
                f"-I{testing.ROOT}/include", "-c", harness / f"{part}.c", "-o", objects[-1])
            assert status == 0, output
        status, output = testing.run("ld", "-r", "-o", f"{name}/all.o", *objects)
        assert status == 0, output
        status, output = testing.run("nm", "-u", f"{name}/all.o")
    needs = {line.split()[-1] for line in output.splitlines()}
    assert needs, output
    assert needs <= allowed, needs - allowed


if __name__ == "__main__":
    sys.exit(testing.main(globals()))
