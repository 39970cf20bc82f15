#!/usr/bin/env python3
"""Tests of vmem replay on broken, truncated and unreadable traces.

usage: test_broken.py VMEM
"""

import gzip
import os
import random
import re
import sys
import tempfile

from cli import HEADER, Trace, check, random_trace, testing, vmem


def broken_replay(text, *words, **more):
    """Replay a broken trace; returns the result and the trace's part of the JSON document."""
    with Trace(text, **more) as path:
        result = vmem("replay", "--json", *words, path)
        check(result.status == 2, result)
        return result, result.json()["traces"][0]


def test_a_broken_line_in_the_middle_says_what_was_done_before_it():
    text = "a 1 100\na 2 200\nf 1\na 3 12q\nf 2\na 4 1\n"
    with Trace(text) as path:
        result = vmem("replay", "--check", path)
        check(result.status == 2, result)
        check(f'{path}:5:7: error: size "12q" is not a number' in result.err, result)
        check("\n    a 3 12q\n          ^\n" in result.err, result)
        check("replayed: operations 3 (allocations 2, frees 1)" in result.err, result)
        check("3 operations before the error" in result.out, result)
    result, trace = broken_replay(text)
    check(trace["operations"] == 3 and trace["is_whole"] is False, result)
    check((trace["error"]["line"], trace["error"]["column"]) == (5, 7), result)
    check(trace["replays"][0]["allocs"] == 2 and trace["replays"][0]["frees"] == 1, result)
    check(trace["replays"][0]["occupancy"]["busy_final"] == 208, result)
    check(trace["replays"][0]["checks"]["is_sound"], result)


def test_errors_name_line_and_column():
    for line, column, words in (
            ("q 1 1", 1, "no operation"),
            ("a 1", 4, "size is missing"),
            ("a 0 1", 3, "id 0 is live: line 2 allocated it"),
            ("f 77", 3, "no line above allocates it"),
            ("f 0\nf 0", 3, "line 3 freed it already"),
            ("a 1 0", 5, "at least 1"),
            ("a 1 18446744073709551616", 5, "too large"),
            ("a 1 8 align=24", 13, "power of two"),
            ("a 1 8 min=2 max=1", 17, "not be below min"),
            ("a 1 8 colour=red", 7, "is not known"),
            ("t soon", 3, "time")):
        result, trace = broken_replay(f"a 0 8\n{line}\n")
        line_number = 3 + line.count("\n")
        check(f"t.vmt:{line_number}:{column}: error: " in result.err, result)
        check(words in result.err and words in trace["error"]["text"], result)
        check(trace["error"]["line"] == line_number, result)


def test_what_is_no_trace_is_not_replayed():
    for raw, words in (
            (b"", "empty"),
            (b"a 1 1\n", ":1:1: error: this is not a trace"),
            (b"# vmem-trace 9\n", ":1:14: error: this version"),
            (b"\x7fELF\x02\x01\x01\x00" * 100, "this is not a trace"),
            (os.urandom(5000).replace(b"\x1f\x8b", b"\x1f\x8c").replace(b"BZ", b"BX"),
             ": error: "),
            (b"\x28\xb5\x2f\xfd" + bytes(50), "zstd -dc"),
            (HEADER.encode(), "no operations")):
        result, trace = broken_replay("", raw=b"\0" + raw if raw[:1] == b"\x1f" else raw)
        check(words in result.err and trace["replays"] == [], result)


def test_a_truncated_gzip_file_is_replayed_up_to_the_cut():
    packed = gzip.compress((HEADER + random_trace(21, 3000)).encode())
    for share in (0.3, 0.6, 0.99):
        cut = packed[: int(len(packed) * share)]
        result, trace = broken_replay("", "--check", raw=cut)
        check("truncated" in result.err, result)
        line = int(re.search(r"t\.vmt:(\d+): error: ", result.err).group(1))
        check(line == trace["operations"] + 2, result)
        check(0 < trace["operations"] < 3000, result)
        check(trace["replays"][0]["checks"]["is_sound"], result)


def test_damaged_gzip_files_are_refused_or_cut():
    packed = bytearray(gzip.compress((HEADER + random_trace(22, 500)).encode()))
    for at in (len(packed) // 2, len(packed) - 6, len(packed) - 2):
        damaged = bytearray(packed)
        damaged[at] ^= 0xFF
        result, _ = broken_replay("", raw=bytes(damaged))
        check("error: " in result.err, result)
    result, trace = broken_replay("", raw=bytes(packed) + b"more")
    check("garbage follows the gzip data" in result.err and trace["operations"] == 500, result)


def test_a_missing_last_newline_is_noted_but_no_error():
    with Trace(raw=HEADER.encode() + b"a 1 1234") as path:
        result = vmem("replay", path)
        check(result.status == 0 and "was the file cut?" in result.err, result)
        check(vmem("replay", "-q", path).err == "", result)


def test_unreadable_files_are_named_and_the_others_replayed():
    with tempfile.TemporaryDirectory() as directory, Trace(random_trace(23, 100)) as path:
        result = vmem("replay", "--json", f"{directory}/none.vmt", path, directory)
        check(result.status == 2, result)
        check("none.vmt: error: cannot open it: No such file" in result.err, result)
        check("Is a directory" in result.err, result)
        document = result.json()
        check([len(trace["replays"]) for trace in document["traces"]] == [0, 1, 0], result)
        check(document["summary"]["files_not_read"] == 2, result)
        check(document["summary"]["exit_status"] == 2, result)
        table = vmem("replay", f"{directory}/none.vmt", path)
        check(table.status == 2 and "not replayed" in table.out, table)


def test_a_name_with_odd_bytes_leaves_the_json_sound():
    with tempfile.TemporaryDirectory() as directory:
        name = os.fsencode(directory) + b"/\xff\"\n.vmt"
        with open(name, "wb") as file:
            file.write(HEADER.encode() + b"# \xff title\na 1 1\n")
        result = vmem("replay", "--json", os.fsdecode(name))
        check(result.status == 0 and result.json()["traces"][0]["operations"] == 1, result)


def test_garbled_traces_never_crash_and_never_pass_unseen():
    source = random.Random(24)
    sound = (HEADER + random_trace(25, 60)).encode()
    statuses = set()
    for _ in range(60):
        raw = bytearray(sound)
        for _ in range(source.randint(1, 4)):
            raw[source.randrange(len(raw))] = source.randrange(256)
        result = vmem("replay", "--json", "--check", "-", stdin=bytes(raw))
        check(result.status in (0, 2), result)  # a digit may have become another digit
        check((result.status == 2) == ("error: " in result.err), result)
        result.json()
        statuses.add(result.status)
    assert 2 in statuses


if __name__ == "__main__":
    sys.exit(testing.main(globals()))
