#!/usr/bin/env python3
"""Tests of vmem replay on sound traces: figures against a model, options, tables, JSON.

usage: test_replay.py VMEM
"""

import gzip
import math
import os
import pty
import subprocess
import sys

from cli import HEADER, POLICIES, VMEM, FirstFit, Trace, check, random_trace, testing, vmem


def test_first_fit_figures_agree_with_a_model():
    for seed, size in ((1, 40000), (2, 24000), (3, 12000)):
        text = random_trace(seed, 1500)
        model = FirstFit(text, size // 16 * 16)
        with Trace(text) as path:
            result = vmem("replay", "--json", "--check", "--policy", "first", "--size", size, path)
        check(result.status == 0, result)
        replay = result.replay()
        occupancy = replay["occupancy"]
        check(replay["failures"]["count"] == model.failures, result)
        check(replay["failures"]["unexplained"] == 0, result)
        check(sum(replay["failures"]["by_reason"].values()) == model.failures, result)
        check(replay["frees_ignored"] == model.ignored, result)
        check(occupancy["footprint"] == model.footprint, result)
        check(occupancy["busy_peak"] == model.peak, result)
        check(occupancy["busy_final"] == model.final, result)
        check(math.isclose(occupancy["peak"], model.peak / replay["size"]), result)
    assert model.failures > 0  # the last size is small enough for some


def test_the_fit_of_first_fit_is_its_footprint():
    text = random_trace(4, 1200)
    model = FirstFit(text, 1 << 40)
    with Trace(text) as path:
        result = vmem("replay", "--json", "--policy", "first", "--size", "fit", path)
        check(result.status == 0, result)
        replay = result.replay()
        check(replay["size"] == model.footprint, result)
        check(replay["fits"] is True and replay["failures"]["count"] == 0, result)


def test_a_fit_is_a_smallest_size_under_every_policy():
    with Trace(random_trace(5, 800)) as path:
        result = vmem("replay", "--json", "--compare", "--size", "fit", path)
        check(result.status == 0, result)
        for policy in POLICIES:
            size = result.replay(policy)["size"]
            for offset, fits in ((0, True), (-16, False)):
                again = vmem("replay", "--json", "--policy", policy, "--size", size + offset, path)
                check((again.replay()["failures"]["count"] == 0) == fits, again)


def test_a_trace_that_fits_at_no_size_says_so():
    with Trace("a 1 MAX\n") as path:
        result = vmem("replay", "--size", "fit", path)
        check(result.status == 0 and "fits at no size" in result.out, result)
        check(vmem("replay", "--json", "--size", "fit", path).replay()["fits"] is False, result)


def test_every_policy_direction_and_interface_holds_its_checks():
    with Trace(random_trace(6, 2500)) as path:
        for extra in ([], ["--high"], ["--handles"], ["--nolock"], ["--quantum", "64"],
                      ["--quantum", "1"], ["--grow", "import"], ["--size", "20K"],
                      ["--base", "0xfffffffffff00000"],
                      ["--grow", "import", "--import-quantum", "4K", "--handles", "--high"]):
            result = vmem("replay", "--json", "--compare", "--check", *extra, path)
            check(result.status == 0, result)
            for replay in result.json()["traces"][0]["replays"]:
                check(replay["checks"]["is_sound"], result)
                check(replay["checks"]["count"] == 4, result)  # 1000, 2000, the end, emptied
                check(replay["checks"]["left_after_freeing_all"] is None, result)


def test_an_importing_arena_never_fails_and_gives_all_back():
    with Trace(random_trace(7, 2000)) as path:
        result = vmem("replay", "--json", "--compare", "--grow", "import", "--import-quantum",
                      "1K", path)
        check(result.status == 0, result)
        for replay in result.json()["traces"][0]["replays"]:
            check(replay["failures"]["count"] == 0 and replay["imports"] > 0, result)
            check(replay["grow"] == "import" and replay["import_quantum"] == 1024, result)
            check(replay["occupancy"]["owned_peak"] >= replay["occupancy"]["busy_peak"], result)
            check(replay["occupancy"]["owned_peak"] % 1024 == 0, result)


def test_a_parent_of_a_given_size_is_the_limit():
    with Trace("a 1 4K\na 2 4K\na 3 4K\n") as path:
        result = vmem("replay", "--json", "--check", "--grow", "import", "--size", "8K",
                      "--import-quantum", "4K", path)
        check(result.status == 0 and result.replay()["failures"]["count"] == 1, result)


CONSTRAINED = ("a 1 100 align=256\n"
               "a 2 100 align=256 phase=64\n"
               "a 3 48 nocross=64\n"
               "a 4 16 min=4096 max=4111\n"
               "f 1\n"
               "a 5 16 align=4\n"
               "a 6 10 min=1M max=2M\n")


def test_constraints_are_replayed():
    with Trace(CONSTRAINED) as path:
        for extra in ([], ["--handles"]):
            result = vmem("replay", "--json", "--compare", "--check", *extra, path)
            check(result.status == 0, result)
            for replay in result.json()["traces"][0]["replays"]:
                check(replay["failures"]["count"] == 0, result)
                check(replay["occupancy"]["footprint"] == (1 << 20) + 16, result)


def test_every_kind_of_failure_is_explained():
    text = ("a 1 600\n"  # 608 units of 1024
            "a 2 2048\n"  # more than there is
            "a 3 MAX\n"  # cannot be rounded
            "a 4 16 min=8K max=9K\n"  # the window is outside
            "a 5 16 max=0\n"
            "a 6 16 align=32 phase=8\n"  # not a multiple of the quantum
            "a 7 300 min=0 max=299\n"  # the window is busy
            "a 8 64 nocross=64 align=64 phase=16\n"  # no address can
            "f 2\n")
    with Trace(text) as path:
        result = vmem("replay", "--json", "--check", "--policy", "first", "--size", "1K", path)
        check(result.status == 0, result)
        failures = result.replay()["failures"]
        check(failures["count"] == 7 and failures["unexplained"] == 0, result)
        check(len(failures["first"]) == 7, result)
        check([f["line"] for f in failures["first"]] == [3, 4, 5, 6, 7, 8, 9], result)
        check([f["status"] for f in failures["first"]].count("EINVAL") == 2, result)
        check(all(f["reason"] for f in failures["first"]), result)
        check(result.replay()["frees_ignored"] == 1, result)
        table = vmem("replay", "--policy", "first", "--size", "1K", path)
        check("the first 5 of 7 failed allocations" in table.out, table)
        check("line 3: id 2, 2048 units: " in table.out, table)


def test_fragmentation_is_what_the_holes_say():
    # Three holes of 16, 32 and 48 units and nothing else free.
    text = ("a 1 16\na 2 16\na 3 32\na 4 16\na 5 48\na 6 16\nf 1\nf 3\nf 5\n")
    with Trace(text) as path:
        result = vmem("replay", "--json", "--policy", "first", "--size", "144", path)
        last = result.replay()["fragmentation"][-1]
        check((last["operations"], last["busy"], last["free"]) == (9, 48, 96), result)
        check((last["holes"], last["largest_hole"]) == (3, 48), result)
        check(math.isclose(last["by_largest"], 0.5), result)
        squares = 1 - math.sqrt(16**2 + 32**2 + 48**2) / 96
        check(math.isclose(last["by_squares"], squares, rel_tol=1e-6), result)
        check(len(result.replay()["fragmentation"]) == 9, result)


def test_samples_are_spread_to_the_end():
    with Trace(random_trace(8, 1001)) as path:
        result = vmem("replay", "--json", path)
        points = [sample["operations"] for sample in result.replay()["fragmentation"]]
        check(len(points) == 64 and points[-1] == 1001, result)
        steps = {b - a for a, b in zip(points, points[1:])}
        check(steps <= {15, 16}, result)


def test_measurements_are_plausible_and_ordered():
    with Trace(random_trace(9, 3000)) as path:
        replay = vmem("replay", "--json", path).replay()
    for kind in ("alloc", "free"):
        row = replay["latency_ns"][kind]
        assert row["samples"] >= 1000, row
        values = [row[key] for key in ("p50", "p90", "p99", "p99.9", "max")]
        assert values == sorted(values) and values[-1] > 0, row
    rate = replay["rate"]
    assert rate["ns_per_operation_min"] <= rate["ns_per_operation"] <= rate["ns_per_operation_max"]
    assert math.isclose(rate["operations_per_second"] * rate["ns_per_operation"], 1e9,
                        rel_tol=1e-6)
    assert replay["metadata"]["live"] == 60 and replay["metadata"]["bytes"] > 0, replay["metadata"]


def test_the_table_shows_one_policy_or_all():
    with Trace(random_trace(10, 300)) as path:
        one = vmem("replay", "--policy", "best", path)
        check(one.status == 0 and one.err == "", one)
        check([line.split() for line in one.out.splitlines() if line.startswith("  policy")]
              == [["policy", "best"]], one)
        all_ = vmem("replay", "--compare", path)
        check([line.split() for line in all_.out.splitlines() if line.startswith("  policy")]
              == [["policy", *POLICIES]], all_)
        for label in ("operations a second", "time per operation", "occupancy, peak",
                      "occupancy, final", "footprint / busy peak", "failed allocations",
                      "1 - largest/free, mean", "largest hole, final",
                      "metadata per live, at peak", "alloc p99.9", "free max", "verdict"):
            check(f"  {label} " in all_.out, all_)
        widths = {len(line) for line in all_.out.splitlines()
                  if line.startswith(("  policy", "  verdict", "  alloc p50", "  span "))}
        check(len(widths) == 1, all_)


def test_curves_are_ascii_where_the_terminal_is():
    with Trace(random_trace(11, 300)) as path:
        plain = vmem("replay", path, env={**os.environ, "LC_ALL": "C"})
        check(plain.status == 0 and plain.out.isascii(), plain)
        rich = vmem("replay", path, env={**os.environ, "LC_ALL": "C.UTF-8"})
        check("\u2581" in rich.out, rich)


def test_json_holds_large_numbers_exactly():
    with Trace("a 18446744073709551615 8\n") as path:
        result = vmem("replay", "--json", "--size", "15E", "--quantum", "8", path)
        check(result.status == 0 and result.replay()["size"] == str(15 << 60), result)


def test_json_is_one_document_for_many_files():
    with Trace(random_trace(12, 100)) as one, Trace(random_trace(13, 100), suffix=".vmt.gz") as two:
        result = vmem("replay", "--json", "--compare", one, two)
        check(result.status == 0 and result.err == "", result)
        document = result.json()
        check([trace["file"] for trace in document["traces"]] == [str(one), str(two)], result)
        check(document["summary"]["replays"] == 8, result)
        check(document["summary"]["exit_status"] == 0, result)
        table = vmem("replay", one, two)
        check("all traces" in table.out and "2 files, 0 not read" in table.out, table)


def test_standard_input_is_read_plain_and_compressed():
    raw = (HEADER + random_trace(14, 200)).encode()
    for data in (raw, gzip.compress(raw), gzip.compress(raw[:500]) + gzip.compress(raw[500:])):
        result = vmem("replay", "--json", "-", stdin=data)
        check(result.status == 0, result)
        check(result.json()["traces"][0]["operations"] == 200, result)


def test_time_and_title_of_a_trace_are_reported():
    with Trace("# made for a test\nt 1.5\na 1 1\nt 0.25\n") as path:
        result = vmem("replay", "--json", path)
        trace = result.json()["traces"][0]
        check(trace["title"] == "made for a test" and trace["seconds"] == 1.75, result)


def test_a_progress_bar_is_drawn_on_a_terminal_only():
    with Trace(random_trace(15, 200000, live_max=2000)) as path:
        command = [str(VMEM), "replay", "--compare", "--check", str(path)]
        quiet = vmem(*command[1:])
        check(quiet.status == 0 and quiet.err == "", quiet)
        drawn = {}
        for words in ((), ("-q",)):
            reader, terminal = pty.openpty()
            with subprocess.Popen([*command, *words], stdout=subprocess.PIPE,
                                  stderr=terminal) as process:
                os.close(terminal)
                text = b""
                while True:
                    try:
                        piece = os.read(reader, 4096)
                    except OSError:  # the other end is closed
                        break
                    if not piece:
                        break
                    text += piece
                out = process.stdout.read()
            os.close(reader)
            assert process.returncode == 0 and b"\r" not in out, out
            drawn[words] = text
    assert b"[#" in drawn[()] and drawn[()].endswith(b"\r\033[K"), drawn
    assert drawn[("-q",)] == b"", drawn


BAD_USAGE = [
    ([], "no trace is named"),
    (["--polcy", "best", "x"], "did you mean --policy?"),
    (["--zzz", "x"], "see vmem replay --help"),
    (["-z", "x"], "unknown option -z"),
    (["--policy", "bets", "x"], "did you mean best"),
    (["--policy"], "needs a value"),
    (["--json=1", "x"], "--json takes no value"),
    (["--policy", "best", "--compare", "x"], "contradict each other"),
    (["--policy", "best", "--policy", "best", "x"], "given twice"),
    (["--size", "fit", "--grow", "import", "x"], "contradict each other"),
    (["--import-quantum", "4K", "x"], "needs --grow import"),
    (["--grow", "import", "--import-quantum", "8", "x"], "multiple of --quantum"),
    (["--grow", "more", "x"], "none and import are"),
    (["--quantum", "3", "x"], "power of two"),
    (["--quantum", "0", "x"], "power of two"),
    (["--size", "0", "x"], "at least one quantum"),
    (["--size", "-1", "x"], "unsigned"),
    (["--size", "12q", "x"], "suffixes"),
    (["--size", "99999999999999999999", "x"], "too large"),
    (["--size", "16E", "x"], "too large"),
    (["--base", "1", "x"], "multiple of --quantum"),
    (["-", "-"], "given twice"),
]


def test_bad_usage_is_named_and_ends_2():
    for words, expected in BAD_USAGE:
        result = vmem("replay", *words)
        check(result.status == 2 and result.out == "", result)
        check(expected in result.err and result.err.startswith("vmem replay: "), result)


def test_options_that_do_not_suit_the_trace_are_refused():
    with Trace("a 1 16 max=0\n") as path:
        result = vmem("replay", "--handles", path)
        check(result.status == 2 and "leave out --handles" in result.err, result)
    with Trace("a 1 16\n") as path:
        result = vmem("replay", "--base", "0xfffffffffffffff0", path)
        check(result.status == 2 and "no room" in result.err, result)
        result = vmem("replay", "--base", "8E", "--size", "9E", path)
        check(result.status == 2 and "--size is too large" in result.err, result)


if __name__ == "__main__":
    sys.exit(testing.main(globals()))
