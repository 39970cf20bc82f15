"""What the tests of the command share: running it, writing traces, and a first-fit model."""

import gzip
import json
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scripts"))
# pylint: disable=wrong-import-position,unused-import
import testing

VMEM = pathlib.Path(sys.argv[1]).resolve()
HEADER = "# vmem-trace 1\n"
POLICIES = ["instant", "best", "first", "next"]


class Result:
    """What a command left: status, out, err."""

    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout.decode("utf-8")
        self.err = done.stderr.decode("utf-8", "replace")

    def json(self):
        """The standard output, as one JSON document."""
        return json.loads(self.out)

    def replay(self, policy=None):
        """The only replay of the only trace, or the one under a policy."""
        replays = self.json()["traces"][0]["replays"]
        if policy is None:
            assert len(replays) == 1, replays
            return replays[0]
        return next(replay for replay in replays if replay["policy"] == policy)


def vmem(*words, stdin=b"", command=VMEM, **options):
    """Run the command."""
    done = subprocess.run(
        [str(command), *map(str, words)], input=stdin, capture_output=True, check=False,
        timeout=100, **options)
    return Result(done)


def check(condition, result):
    """Like assert, and show what the command said."""
    assert condition, f"status {result.status}\n{result.out}\n{result.err}"


class Trace:
    """A temporary trace file; `text` without the first line, or `raw` bytes."""

    def __init__(self, text="", raw=None, suffix=".vmt"):
        self.directory = tempfile.TemporaryDirectory(prefix="vmem-test-")
        self.path = pathlib.Path(self.directory.name) / ("t" + suffix)
        raw = (HEADER + text).encode() if raw is None else raw
        self.path.write_bytes(gzip.compress(raw) if suffix.endswith(".gz") else raw)

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        self.directory.cleanup()


def random_trace(seed, ops, size_max=1000, live_max=60):
    """Lines of a random trace, as a text; something is live at its end."""
    source = random.Random(seed)
    live, lines = [], []
    for number in range(ops):
        if live and (len(live) >= live_max or source.random() < 0.45):
            lines.append(f"f {live.pop(source.randrange(len(live)))}")
        else:
            live.append(number)
            lines.append(f"a {number} {source.randint(1, size_max)}")
    return "\n".join(lines) + "\n"


class FirstFit:
    """A replay under first fit with ranges in a sorted list: slow and obvious."""

    def __init__(self, text, size, quantum=16):
        self.failures = self.footprint = self.peak = self.final = self.ignored = 0
        busy, where = [], {}
        for line in text.splitlines():
            word, name, *rest = line.split()
            if word == "f":
                if name in where:
                    busy.remove(where.pop(name))
                else:
                    self.ignored += 1
                continue
            need = -(-int(rest[0]) // quantum) * quantum
            at = 0
            for start, end in busy:
                if start - at >= need:
                    break
                at = end
            if at + need > size:
                self.failures += 1
                continue
            where[name] = (at, at + need)
            busy.append(where[name])
            busy.sort()
            self.footprint = max(self.footprint, at + need)
            self.peak = max(self.peak, sum(end - start for start, end in busy))
        self.final = sum(end - start for start, end in busy)
