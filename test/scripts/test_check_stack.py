#!/usr/bin/env python3
"""Tests of scripts/check_stack: its graph, read from what gcc says of small examples."""

import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile

import testing


def load():
    """The script as a module."""
    loader = importlib.machinery.SourceFileLoader("check_stack", str(testing.ROOT / "scripts/check_stack"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


check_stack = load()
HEAD = "#define APART __attribute__((noipa))\n#define USE(a) __asm__ volatile(\"\" : : \"r\"(a) : \"memory\")\n"


def graph_of(text):
    """The graph of a source file, src/a.c."""
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        testing.make_tree(root, {"a.c": HEAD + text})
        status, output = testing.run(
            "gcc", "-O2", *check_stack.flags("native"), "-c", "a.c", "-o", "a.o", cwd=root)
        assert status == 0, output
        graph = check_stack.Graph()
        graph.read(root / "a.ci", "src/a.c")
        for dump in root.glob("a.c.*.cgraph"):
            graph.read_symbols(dump)
        graph.close()
        return graph


CHAIN = """
    APART void leaf(void) { char a[500]; USE(a); }
    APART void small(void) { char a[64]; USE(a); }
    APART void middle(void) { char a[100]; USE(a); leaf(); small(); USE(a); }
    APART void top(void) { char a[200]; USE(a); small(); middle(); USE(a); }
"""


def test_frames_of_the_longest_way_add_up():
    graph = graph_of(CHAIN)
    total, way = graph.deepest(False)["top"]
    assert way == ["top", "middle", "leaf"], way
    assert total == sum(graph.frames[name] for name in way)
    assert 800 <= total <= 1000, total
    assert graph.cycle() is None
    assert not graph.dynamic


def test_recursion_is_found():
    cycle = graph_of("APART int fac(int n) { char a[9]; USE(a); return n ? n * fac(n - 1) + 1 : 1; }").cycle()
    assert cycle == ["fac"], cycle
    cycle = graph_of("""
        void c(int n);
        APART void a(int n) { if (n) { c(n - 1); USE(&n); } }
        APART void b(int n) { a(n); USE(&n); }
        APART void c(int n) { b(n); USE(&n); }
        APART void d(int n) { b(n); USE(&n); }
        """).cycle()
    assert sorted(cycle) == ["a", "b", "c"], cycle


def test_a_frame_of_unknown_size_is_found():
    graph = graph_of("APART void f(unsigned n) { char a[n + 1]; USE(a); }")
    assert len(graph.dynamic) == 1 and graph.dynamic[0].startswith("f:"), graph.dynamic


def test_what_is_used_before_a_callback_is_told():
    graph = graph_of("""
        void g(void);
        APART void tell(void (*hook)(void)) { char a[300]; USE(a); hook(); USE(a); }
        APART void deep(void) { char a[900]; USE(a); g(); USE(a); }
        APART void top(void (*hook)(void)) { char a[100]; USE(a); tell(hook); deep(); USE(a); }
        """)
    assert graph.outside == {"g"}, graph.outside
    assert graph.deepest(False)["top"][1] == ["top", "deep"]
    total, way = graph.deepest(True)["top"]
    assert way == ["top", "tell"] and 400 <= total <= 500, (total, way)
    assert graph.deepest(True)["deep"] is None


POINTERS = """
    APART static void visit(void) { char a[700]; USE(a); }
    APART void walk(void (*visitor)(void)) { visitor(); USE(0); }
    APART void vmem_walk(void (*visitor)(void)) { walk(visitor); USE(0); }
    APART void vmem_print(void) { walk(visit); USE(0); }
"""


def test_functions_of_the_library_that_are_called_through_a_pointer_count():
    graph = graph_of(POINTERS)
    public = {"vmem_walk", "vmem_print"}
    assert graph.address_taken == {"visit"}, graph.address_taken
    found = check_stack.ways(graph, [("src/a.c", "visit", "vmem_print")], public)
    assert found["vmem_print"][0][0] >= 700, found
    assert [check_stack.short(name) for name in found["vmem_print"][0][1]] == ["vmem_print", "walk", "visit"]
    assert found["vmem_walk"][0][0] < 100, found


def test_each_of_them_must_be_named():
    graph = graph_of(POINTERS)
    public = {"vmem_walk", "vmem_print"}

    def wrong(*lines):
        return check_stack.wrong_pointers(graph, list(lines), public)

    assert wrong(("src/a.c", "visit", "vmem_print")) == []
    assert "the address of visit is taken" in wrong()[0]
    assert wrong(("src/a.c", "visit", "vmem_gone")) == ["vmem_gone is no public function"]
    assert wrong(("src/b.c", "visit", "*")) == ["src/b.c calls nothing through a pointer"]
    assert "nothing takes the address of walk" in wrong(("src/a.c", "visit", "*"), ("src/a.c", "walk", "*"))


def test_recursion_through_a_pointer_is_found():
    graph = graph_of("""
        void walk(void (*visitor)(void));
        APART static void visit(void) { walk(visit); USE(0); }
        APART void walk(void (*visitor)(void)) { visitor(); USE(0); }
        APART void vmem_print(void) { walk(visit); USE(0); }
        """)
    assert graph.cycle() is None
    cycle = graph.with_pointers([("src/a.c", "visit")]).cycle()
    assert sorted(map(check_stack.short, cycle)) == ["visit", "walk"], cycle


def test_an_unknown_target_is_refused():
    status, output = testing.run(testing.ROOT / "scripts/check_stack", "pdp11")
    assert status == 2 and "pdp11" in output and "usage: check_stack" in output, output


if __name__ == "__main__":
    sys.exit(testing.main(globals()))
