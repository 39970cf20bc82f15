#!/usr/bin/env python3
"""Tests of scripts/prove that need no Frama-C: which functions have contracts, its seeded bugs, its usage;
and of scripts/prove_bits.py, as far as it needs no solver."""

import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile

import testing

sys.dont_write_bytecode = True
sys.path.insert(0, str(testing.ROOT / "scripts"))

import prove_bits  # noqa: E402

PROVE = testing.ROOT / "scripts" / "prove"


def load():
    loader = importlib.machinery.SourceFileLoader("prove", str(PROVE))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("prove", loader))
    sys.modules["prove"] = module
    loader.exec_module(module)
    return module


def test_every_seeded_bug_can_be_put_in():
    module = load()
    assert module.check_bugs() == []
    assert len(module.BUGS) >= 5
    for _, _, file, _, _ in module.BUGS:
        assert file.rsplit(".", 1)[0] in module.CONTRACTS, file


def test_a_seeded_bug_whose_text_is_gone_is_noticed():
    module = load()
    module.BUGS = [("gone", "", "src/base/range.h", "no such text", ""),
                   ("twice", "", "src/base/range.h", "return false;", "return true;"),
                   ("same", "", "src/base/range.h", "vmi_round_up_any(", "vmi_round_up_any(")]
    assert [problem.split(":")[0] for problem in module.check_bugs()] == ["gone", "twice", "same"]


def test_every_file_that_should_have_contracts_has_some():
    module = load()
    for stem in module.CONTRACTS:
        assert module.Unit(stem, testing.ROOT).functions, stem


def test_a_file_without_contracts_is_a_failure():
    module = load()
    unit = module.prove_unit(module.Unit("src/base/text", testing.ROOT))
    assert unit.functions == [] and "src/base/text.[ch]: no function has a contract" in unit.failures()
    assert any("vmi_line_put has no contract" in failure for failure in unit.failures())


def test_a_function_without_a_contract_needs_a_reason():
    module = load()
    text = """\
/*@ assigns \\nothing; */
static int
one(int a)
{
    return a;
}

static struct pair
two(int a, int b)
{
    return (struct pair){ a, b };
}

int three(void);
"""
    assert module.without_contract(text, ["one"]) == ["two"]
    assert module.without_contract(text, ["one", "two"]) == []
    module.NO_CONTRACT = {"because": ["two"]}
    assert module.without_contract(text, ["one"]) == []


def test_no_reason_is_given_for_a_function_that_is_not_there():
    module = load()
    sources = "".join(path.read_text(encoding="utf-8") for path in (testing.ROOT / "src").rglob("*.[ch]"))
    for names in module.NO_CONTRACT.values():
        for name in names:
            assert f"\n{name}(" in sources, name


def test_a_copy_is_proved_not_the_tree():
    module = load()
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        testing.make_tree(root, {"src/structures/fit.c": "int a;"})
        assert module.Unit("src/structures/fit", root).source() == root / "src/structures/fit.c"


def test_contracts_are_told_from_other_annotations():
    names = load().contracted("""\
/*@ predicate p(integer a) = a > 0; */
static int none(int a) { /*@ assert a > 0; */ return g(a); }
/*@ requires p(a);
    ensures \\result == a; */
static inline const struct thing *
one(int a, int (*f)(int));
//@ ghost int b = 2;
/*@ loop invariant p(a); */ while (f(a)) {}
/*@ assigns \\nothing; */
int two(void) { return 2; }
/*@ predicate q(integer a) = a < 0;
    predicate r(integer a) = a < 1;
 */

/* Three; with words (of a kind). */
/*@ requires q(a);
    ensures r(\\result);
 */
static inline int
three(int a)
{
    return a;
}
""")
    assert names == ["one", "two", "three"], names


def test_what_is_not_proved_fails():
    module = load()
    unit = module.Unit("src/base/bits", testing.ROOT)
    for line in ("[wp] [Qed] Goal typed_f_assigns : Valid (1ms)",
                 "[wp] [Z3 4.8.12] Goal typed_f_ensures : Valid (Qed:4ms) (60ms) (170823)",
                 "[wp] [Passed] Smoke-test typed_f_wp_smoke_default_requires"):
        unit.read(line, "")
        assert not module.contradicted(line), line
    assert unit.failures() == [] and unit.proved() == 2
    for line in ("[wp] [Failed] Goal typed_f_ensures_2", "[wp] [Timeout] Goal typed_f_ensures_3",
                 "[wp] [Failed] Smoke-test typed_f_wp_smoke_dead_code_s1",
                 "[wp] src/base/bits.h:1: Warning: "):
        unit.read(line, "  Missing assigns clause (assigns 'everything' instead)")
        assert module.contradicted(line) == ("Warning" not in line), line
    assert len(unit.failures()) == 4 and unit.proved() == 2, unit.failures()


def test_the_axioms_can_be_read():
    text = (testing.ROOT / load().AXIOMS).read_text(encoding="utf-8")
    translator = prove_bits.Translator(text)
    assert len(translator.axioms) == text.count("axiom "), "one is not read"
    for name in ("pow2_test", "log2_bits", "field_join", "select_a"):
        _, formulas = translator.queries(name)
        assert formulas, name


def test_a_false_axiom_is_refuted():
    translator = prove_bits.Translator("""
        //: double(x) := x * 2
        axiom right: \\forall integer x; 0 <= x < 64 ==> double(x) % 2 == 0;
        axiom wrong: \\forall integer x; 0 <= x < 64 ==> double(x) < 126;
    """)
    assert translator.counterexample("right") == ()
    assert translator.counterexample("wrong") == (63,)


def test_wrong_usage_is_refused():
    for arguments in (["--jobs", "0"], ["--jobs", "x"], ["--unknown"], ["--json"],
                      ["--json", "/no/such/directory/file"]):
        status, output = testing.run(PROVE, *arguments)
        assert status == 2, f"{arguments}: {status}"
        assert "prove: " in output, output


def test_missing_tools_are_named():
    status, output = testing.run(sys.executable, PROVE, env={"PATH": "/nonexistent", "LC_ALL": "C"})
    assert status == 2 and "scripts/deps proof" in output, output


if __name__ == "__main__":
    sys.exit(testing.main(globals()))
