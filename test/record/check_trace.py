#!/usr/bin/env python3
"""Read traces strictly: whatever a recording must never contain is an error.

usage: check_trace.py FILE...

Stricter than the format: identifiers are 0, 1, 2, ... in order, as a recording numbers them, each
free has its allocation before it, sizes are positive, alignments powers of two, and the counts in
the head are those of the body.
"""

import gzip
import re
import sys
from collections import namedtuple

Trace = namedtuple("Trace", "events head live comments")

EVENT = re.compile(r"a (\d+) (\d+)(?: align=(\d+))?|f (\d+)|t (\d+(?:\.\d+)?)")


class Bad(Exception):
    """A trace that breaks a rule."""


class Body:
    """The lines after the head, judged one by one."""

    def __init__(self):
        self.events = []
        self.live = {}
        self.next_identifier = 0

    def allocate(self, identifier, size, align):
        """An `a` line."""
        if identifier != self.next_identifier:
            raise Bad(f"identifier {identifier} where {self.next_identifier} comes next")
        if size == 0:
            raise Bad("size 0")
        if align is not None and (align < 2 or align & (align - 1)):
            raise Bad(f"alignment {align}")
        self.next_identifier += 1
        self.live[identifier] = size
        self.events.append(("a", identifier, size, align or 0))

    def free(self, identifier):
        """An `f` line."""
        if identifier not in self.live:
            raise Bad(f"{identifier} is freed and not live")
        del self.live[identifier]
        self.events.append(("f", identifier))

    def line(self, line):
        """Any line."""
        found = EVENT.fullmatch(line)
        if not found:
            raise Bad(f"{line!r} is no event")
        identifier, size, align, freed, seconds = found.groups()
        if seconds is not None:
            self.events.append(("t", float(seconds)))
        elif freed is not None:
            self.free(int(freed))
        else:
            self.allocate(int(identifier), int(size), int(align) if align else None)


def counts(events):
    """What the head must say of the body."""
    sizes, size, peak, most = {}, 0, 0, 0
    for event in events:
        if event[0] == "a":
            sizes[event[1]] = event[2]
            size += event[2]
        elif event[0] == "f":
            size -= sizes.pop(event[1])
        peak, most = max(peak, size), max(most, len(sizes))
    return {
        "allocs": sum(event[0] == "a" for event in events),
        "frees": sum(event[0] == "f" for event in events),
        "live_at_end": len(sizes), "peak_live": most, "peak_bytes": peak,
    }


def check(data):
    """The trace in these bytes, plain or compressed.  Raises Bad."""
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    text = data.decode("utf-8", "surrogateescape")
    if not text.endswith("\n"):
        raise Bad("the last line has no end")
    lines = text[:-1].split("\n")
    if lines[0] != "# vmem-trace 1":
        raise Bad(f"line 1: {lines[0]!r}")
    comments = []
    for line in lines[1:]:
        if not line.startswith("#"):
            break
        comments.append(line)
    body = Body()
    for number, line in enumerate(lines[len(comments) + 1:], len(comments) + 2):
        try:
            body.line(line)
        except Bad as error:
            raise Bad(f"line {number}: {error}") from None
    head = {key: int(value) for line in comments for key, value in re.findall(r"(\w+)=(\d+)", line)
            if line.startswith(("# allocs=", "# unseen_frees=", "# a realloc"))}
    for key, value in counts(body.events).items():
        if head.get(key) != value:
            raise Bad(f"the head says {key}={head.get(key)}, the body {value}")
    return Trace(body.events, head, body.live, comments)


def main():
    """Check the files of the command line."""
    bad = 0
    for path in sys.argv[1:]:
        try:
            with open(path, "rb") as file:
                trace = check(file.read())
            print(f"{path}: {trace.head}")
        except (Bad, OSError, EOFError) as error:
            bad += 1
            print(f"{path}: {error}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
