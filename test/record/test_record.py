#!/usr/bin/env python3
"""Tests of `vmem record`.

usage: test_record.py DIRECTORY LIBRARY

DIRECTORY has the driver and the programs to record, LIBRARY is libvmem-record.so.
"""

import contextlib
import gzip
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scripts"))
# pylint: disable=wrong-import-position
import check_trace
import testing

BIN = pathlib.Path(sys.argv[1]).resolve()
LIBRARY = pathlib.Path(sys.argv[2]).resolve()
DRIVER = BIN / "record_driver"
RECORDED = BIN / "recorded"
MARK = 77777


class Result:
    """What a run left."""

    def __init__(self, done, directory):
        self.status = done.returncode
        self.out = done.stdout
        self.err = done.stderr
        self.directory = pathlib.Path(directory)

    def files(self):
        """Names of all that is there now."""
        return sorted(path.name for path in self.directory.iterdir())

    def trace(self, name="t.vmt.gz"):
        """The trace, judged."""
        return check_trace.check((self.directory / name).read_bytes())

    def others(self):
        """The traces beside t.vmt.gz, by name, judged."""
        return {name: self.trace(name) for name in self.files()
                if name.startswith("t.") and name.endswith(".vmt.gz") and name != "t.vmt.gz"}


@contextlib.contextmanager
def recording(*words, options=("-o", "t.vmt.gz"), driver=DRIVER, env=None, **more):
    """Record a command in a new directory."""
    with tempfile.TemporaryDirectory(prefix="vmem test ") as directory:
        yield record(directory, *words, options=options, driver=driver, env=env, **more)


def record(directory, *words, options=("-o", "t.vmt.gz"), driver=DRIVER, env=None, **more):
    """Record a command in a directory."""
    words = [driver, *options, "--", *words]
    env = {"VMEM_RECORD_LIBRARY": LIBRARY, **os.environ, **(env or {})}
    more.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run([str(word) for word in words], cwd=directory, check=False, timeout=100,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={key: str(value) for key, value in env.items()}, **more)
    return Result(done, directory)


def between_marks(trace):
    """The events between the two marks, identifiers counted from the first of them."""
    marks = [i for i, event in enumerate(trace.events) if event[0] == "a" and event[2] == MARK]
    assert len(marks) == 2, marks
    first = trace.events[marks[0]][1] + 1
    return [(event[0], event[1] - first, *event[2:])
            for event in trace.events[marks[0] + 1:marks[1]]]


def equal(got, wanted):
    """Assert, and say what was different."""
    assert got == wanted, f"\n  got    {got!r}\n  wanted {wanted!r}"


# -- The checker itself ------------------------------------------------------------------------

def test_the_checker_refuses_what_no_recording_contains():
    head = "# vmem-trace 1\n# allocs=2 frees=1 live_at_end=1 peak_live=2 peak_bytes=30\n"
    good = head + "a 0 10\na 1 20 align=64\nf 0\n"
    check_trace.check(good.encode())
    for before, after in [("f 0", "f 2"), ("a 1", "a 0"), ("a 1", "a 2"), ("a 0 10", "a 0 0"),
                          ("align=64", "align=65"), ("f 0\n", "f 0\nf 0\n"), ("f 0\n", ""),
                          ("f 0\n", "f 0"), ("a 0 10\na 1 20 align=64\n", "a 1 20\na 0 10\n"),
                          ("trace 1", "trace 2"), ("=30", "=31"), ("a 0", "x 0")]:
        assert before in good
        try:
            check_trace.check(good.replace(before, after).encode())
        except check_trace.Bad:
            continue
        raise AssertionError(f"accepted with {after!r} for {before!r}")


# -- What is recorded --------------------------------------------------------------------------

PLAIN = [("a", 0, 100, 0), ("a", 1, 200, 0), ("f", 0), ("a", 2, 1, 0), ("a", 3, 100, 0), ("f", 1),
         ("f", 2), ("f", 3)]
GROW = ([("a", 0, 10, 0)]
        + [event for i, size in enumerate([20, 200, 2000, 20000, 1200])
           for event in (("f", i), ("a", i + 1, size, 0))]
        + [("a", 6, 1, 0), ("f", 6), ("f", 5), ("a", 7, 50, 0), ("f", 7)])


def test_one_thread_exactly():
    with recording(RECORDED, "plain") as result:
        equal(result.status, 0)
        trace = result.trace()
        equal(between_marks(trace), PLAIN)
        equal(trace.head["zero_size"], 1)
        equal(trace.comments[:2],
              ["# malloc/free recording of recorded", f"# command: {RECORDED} plain"])
        equal(result.files(), ["t.vmt.gz"])


def test_realloc_is_a_free_and_an_allocation():
    with recording(RECORDED, "grow") as result:
        equal(result.status, 0)
        equal(between_marks(result.trace()), GROW)


def test_an_allocator_of_the_program_s_own_is_forwarded_to():
    for mode, wanted in (("plain", PLAIN), ("grow", GROW[:-1])):
        with recording(BIN / "recorded_heap", mode) as result:
            equal(result.status, 0)
            got = between_marks(result.trace())
            equal(got[:len(wanted)], wanted)


def test_alignments():
    wanted = [(1000, 256), (640, 64), (10, 4096), (20, 4096), (4096, 4096), (40, 0)]
    for option in ("--align", "-a", "--no-align"):
        with recording(RECORDED, "aligned", options=("-o", "t.vmt.gz", option)) as result:
            equal(result.status, 0)
            got = [event[2:] for event in between_marks(result.trace()) if event[0] == "a"]
            equal(got, [(size, align if option != "--no-align" else 0) for size, align in wanted])


def test_failed_calls_are_not_recorded():
    with recording(RECORDED, "refused") as result:
        equal(result.status, 0)
        equal(between_marks(result.trace()), [])


def test_time():
    with recording("sh", "-c", "x=1; sleep 0.3; for i in 1 2 3; do x=$x$x$i; done; sleep 0.1; x=3",
                   options=("-o", "t.vmt", "--time")) as result:
        trace = result.trace("t.vmt")
        passed = sum(event[1] for event in trace.events if event[0] == "t")
        assert 0.3 <= passed < 30, passed
    with recording("sleep", "0.01") as result:
        assert all(event[0] != "t" for event in result.trace().events)


def test_plain_or_compressed_by_name():
    with recording(RECORDED, "plain", options=("-o", "t.vmt")) as result:
        data = (result.directory / "t.vmt").read_bytes()
        assert data.startswith(b"# vmem-trace 1\n")
        equal(between_marks(check_trace.check(data)), PLAIN)
    with recording(RECORDED, "plain", options=()) as result:
        equal(result.files(), ["recorded.vmt.gz"])
        assert gzip.decompress((result.directory / "recorded.vmt.gz").read_bytes())
    with recording(RECORDED, "plain", options=("-o", "/dev/null")) as result:
        equal((result.status, result.files()), (0, []))


# -- Threads -----------------------------------------------------------------------------------

def test_threads_that_pass_allocations_to_each_other():
    with recording(RECORDED, "threads") as result:
        equal(result.status, 0)
        trace = result.trace()
        allocs = trace.head["allocs"]
        assert 8 * 30000 * 1.1 < allocs < 8 * 30000 * 1.2, allocs
        # All was freed; what is live is the C library's, for its threads.
        assert trace.head["live_at_end"] < 40, trace.head
        assert "unseen_frees" not in trace.head, trace.head


def test_threads_that_end():
    with recording(RECORDED, "short_threads") as result:
        equal(result.status, 0)
        trace = result.trace()
        equal(sum(event[0] == "a" and event[2] == 1234 for event in trace.events), 300)
        assert 1234 not in trace.live.values()


def test_signal_handlers_that_allocate():
    with recording(RECORDED, "signals") as result:
        equal(result.status, 0)
        trace = result.trace()
        equal(sum(event[0] == "a" and event[2] == 64 for event in trace.events), 2000)
        assert not {100, 64} & set(trace.live.values())


# -- Ends --------------------------------------------------------------------------------------

def test_every_end_leaves_the_whole_trace():
    for how, status in (("kill", 137), ("abort", 134), ("term", 143), ("_exit", 7),
                        ("quick_exit", 8), ("return", 9)):
        with recording(RECORDED, "end", how) as result:
            equal((how, result.status), (how, status))
            trace = result.trace()
            sizes = [event[2] for event in trace.events if event[0] == "a"]
            at = sizes.index(1)
            equal(sizes[at:at + 1000], list(range(1, 1001)))
            odd = [size for size in trace.live.values() if size <= 1000 and size % 2 == 1]
            assert len(odd) >= 500, odd
            equal(result.files(), ["t.vmt.gz"])


@contextlib.contextmanager
def started(directory, mode):
    """Start to record; yields the command's process and the program's id once it is ready."""
    env = {**os.environ, "VMEM_RECORD_LIBRARY": str(LIBRARY)}
    with subprocess.Popen([DRIVER, "-q", "-o", "t.vmt.gz", "--", RECORDED, "end", mode],
                          cwd=directory, env=env, stdout=subprocess.PIPE) as process:
        equal(process.stdout.readline(), b"ready\n")
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
        child = int(children.read_text().split()[0])
        try:
            yield process, child
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


def wait_gone(pid):
    """Wait until a process that is not ours is dead, or as good as."""
    for _ in range(1000):
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
        except (FileNotFoundError, ProcessLookupError):
            return
        if state.rpartition(")")[2].split()[0] in "ZX":
            return
        time.sleep(0.01)
    raise AssertionError("still there")


def test_a_kill_from_outside_at_any_moment():
    for delay in (0, 0.003, 0.02):
        with tempfile.TemporaryDirectory() as directory:
            with started(directory, "busy") as (process, child):
                time.sleep(delay)
                os.kill(child, signal.SIGKILL)
                equal(process.wait(60), 137)
            trace = check_trace.check((pathlib.Path(directory) / "t.vmt.gz").read_bytes())
            assert trace.head["allocs"] >= 1000
            assert "unseen_frees" not in trace.head, trace.head


def test_signals_to_the_command():
    # SIGTERM is passed on; SIGINT is the program's business, which gets it from the terminal.
    with tempfile.TemporaryDirectory() as directory:
        with started(directory, "wait") as (process, _):
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
            equal(process.poll(), None)
            process.send_signal(signal.SIGTERM)
            equal(process.wait(60), 143)
        check_trace.check((pathlib.Path(directory) / "t.vmt.gz").read_bytes())


def test_a_killed_recording_is_recovered():
    with tempfile.TemporaryDirectory() as directory:
        with started(directory, "wait") as (process, child):
            process.kill()
            process.wait(60)
            os.kill(child, signal.SIGKILL)
            wait_gone(child)
        left = [name for name in os.listdir(directory) if name.startswith(".vmem-record-")]
        equal(len(left), 1)
        done = subprocess.run([DRIVER, "--recover", left[0], "-o", "t.vmt.gz"], cwd=directory,
                              check=False, stderr=subprocess.PIPE)
        equal(done.returncode, 0)
        equal(os.listdir(directory), ["t.vmt.gz"])
        trace = check_trace.check((pathlib.Path(directory) / "t.vmt.gz").read_bytes())
        assert trace.head["allocs"] >= 1000
        done = subprocess.run([DRIVER, "--recover", ".", "-o", "u.vmt.gz"], cwd=directory,
                              check=False, stderr=subprocess.PIPE)
        equal(done.returncode, 125)


# -- Fork and exec -----------------------------------------------------------------------------

def test_a_fork_is_not_recorded_unless_asked_for():
    with recording(RECORDED, "forks") as result:
        equal((result.status, result.files()), (0, ["t.vmt.gz"]))
        trace = result.trace()
        between = [event for event in between_marks(trace) if event[0] == "a"]
        assert not [event for event in between if event[2] == 555], between
        assert 444 not in trace.live.values()


def test_children_have_their_own_traces():
    with recording(RECORDED, "forks", options=("-o", "t.vmt.gz", "--follow")) as result:
        equal(result.status, 0)
        result.trace()
        others = result.others()
        equal(len(others), 2)
        for trace in others.values():
            # What was inherited is not theirs.
            equal(between_marks(trace), [("a", 0, 555, 0), ("f", 0)])


def test_forks_among_threads():
    for options in ((), ("--follow",)):
        with recording(RECORDED, "threads_fork", options=("-o", "t.vmt.gz", *options)) as result:
            equal(result.status, 0)
            result.trace()
            others = result.others()
            equal(len(others), 50 if options else 0)
            for trace in others.values():
                assert trace.head["allocs"] >= 1000


def test_each_image_of_a_process_has_its_trace():
    with recording(RECORDED, "becomes") as result:
        equal(result.status, 0)
        assert 333 in [event[2] for event in result.trace().events if event[0] == "a"]
        others = result.others()
        equal(len(others), 1)
        (name, trace), = others.items()
        assert name.endswith("-2.vmt.gz"), name
        equal(between_marks(trace), PLAIN)


def test_a_shell_and_its_children():
    script = f"{RECORDED} plain; {RECORDED} plain | cat; env -i {RECORDED} plain; exit 4"
    with recording("sh", "-c", script, options=("-o", "t.vmt.gz", "-f")) as result:
        equal(result.status, 4)
        result.trace()
        plain = [trace for trace in result.others().values()
                 if trace.comments[1] == f"# command: {RECORDED} plain"]
        equal(len(plain), 2)
        for trace in plain:
            equal(between_marks(trace), PLAIN)


def test_a_child_that_stays_behind():
    with recording(RECORDED, "leaves_child", options=("-o", "t.vmt.gz", "-f")) as result:
        equal(result.status, 0)
        assert b"still runs" in result.err, result.err
        others = result.others()
        equal(len(others), 1)
        assert 222 in [event[2] for event in list(others.values())[0].events if event[0] == "a"]
        equal([name for name in result.files() if name.startswith(".")], [])


# -- The program behaves as before -------------------------------------------------------------

def test_the_program_sees_no_difference():
    command = [str(RECORDED), "one", "two words", ""]
    for more in ({}, {"pass_fds": (7, 9)}):
        with contextlib.ExitStack() as stack:
            if more:
                for fd in (7, 9):
                    os.dup2(1, fd)
                    stack.callback(os.close, fd)
            bare = subprocess.run(command, input=b"some input", check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
            with recording(*command, options=("-q",), stdin=None, input=b"some input",
                           **more) as result:
                equal(result.status, bare.returncode)
                equal(result.out, bare.stdout)
                equal(result.err, bare.stderr)
        assert b"some input" in bare.stdout and b"two words" in bare.stdout


def test_ignored_signals_stay_ignored():
    command = "trap '' HUP INT CHLD; exec "
    bare = subprocess.run(["sh", "-c", command + str(RECORDED)], stdin=subprocess.DEVNULL,
                          check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert b"signal 1 ignored" in bare.stdout
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(["sh", "-c", f"{command} {DRIVER} -o t.vmt.gz -- {RECORDED}"],
                              cwd=directory, stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env={**os.environ, "VMEM_RECORD_LIBRARY": str(LIBRARY)})
        equal((done.returncode, done.stdout), (bare.returncode, bare.stdout))


def test_real_programs_compute_the_same():
    source = "import json, re\nprint(re.findall('a.', 'abacad'*9))\nraise SystemExit(3)"
    for command in ([sys.executable, "-c", source], ["sh", "-c", "seq 20000 | sort -r | wc -c"],
                    ["sort", __file__], ["env", "-u", "A", "true"]):
        bare = subprocess.run(command, check=False, stdout=subprocess.PIPE)
        with recording(*command, options=("-q", "-f", "-o", "t.vmt.gz")) as result:
            equal((result.status, result.out), (bare.returncode, bare.stdout))
            equal(result.err, b"")
            result.trace()
            result.others()


def test_scarce_resources_stay_the_program_s():
    limits = {"ulimit -v 400000": 0, "ulimit -f 64": 0, "ulimit -n 4": 0}
    for limit, wanted in limits.items():
        with recording("sh", "-c", f"{limit}; exec {RECORDED} plain") as result:
            equal((limit, result.status), (limit, wanted))


def test_a_full_disk_ends_the_recording_and_not_the_program():
    if os.geteuid() != 0:
        return
    with tempfile.TemporaryDirectory() as directory:
        small = pathlib.Path(directory) / "small"
        small.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", small], check=False,
                          stderr=subprocess.DEVNULL).returncode != 0:
            return
        try:
            result = record(directory, RECORDED, "threads",
                            options=("-o", "t.vmt.gz", "--scratch", small))
            equal(result.status, 0)
            assert b"incomplete" in result.err, result.err
            trace = result.trace()
            assert 1000 < trace.head["allocs"] < 1 << 16, trace.head
            assert any("disk was full" in line for line in trace.comments)
        finally:
            subprocess.run(["umount", small], check=True)


# -- What cannot be recorded -------------------------------------------------------------------

def test_programs_that_cannot_be_recorded_run_and_are_named():
    cases = [(BIN / "recorded_ownheap", [], b"defines malloc itself", 6)]
    if (BIN / "recorded_static").exists():
        cases.append((BIN / "recorded_static", ["end", "_exit"], b"statically linked", 7))
    for program, words, why, status in cases:
        with recording(program, *words) as result:
            equal(result.status, status)
            assert why in result.err and b"nothing was recorded" in result.err, result.err
            equal(result.files(), [])


def test_a_set_uid_program_is_named():
    if os.geteuid() != 0:
        return
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o777)
        program = pathlib.Path(directory) / "program"
        shutil.copy(RECORDED, program)
        os.chown(program, 65534, 65534)
        os.chmod(program, 0o755 | stat.S_ISUID)
        result = record(directory, program, "end", "_exit")
        equal(result.status, 7)
        assert b"set-uid" in result.err, result.err
        assert not (result.directory / "t.vmt.gz").exists()


def test_commands_that_do_not_run():
    with recording("/nonexistent/program") as result:
        equal((result.status, result.files()), (127, []))
        assert b"cannot run /nonexistent/program: No such file" in result.err, result.err
    with recording("no-such-program-anywhere") as result:
        equal((result.status, result.files()), (127, []))
    with recording("/") as result:
        equal((result.status, result.files()), (126, []))
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "text"
        path.write_text("x", encoding="utf-8")
        path.chmod(0o644)
        equal(record(directory, path).status, 126)


def test_usage_errors():
    cases = [([], b"no command"), (["--nonsense", "true"], b"unknown option --nonsense"),
             (["-x", "true"], b"unknown option -x"), (["-o"], b"no argument given to -o"),
             (["--follow=3", "true"], b"--follow=3"), (["-o", "", "true"], b"bad name"),
             (["-o", ".", "true"], b"cannot be a directory: ."),
             (["-o", "no/", "true"], b"cannot be a directory: no/"),
             (["-o", "/nonexistent/t.vmt", "true"], b"No such file"),
             (["--scratch", "/nonexistent", "true"], b"No such file"),
             (["--recover", "."], b"needs -o"), (["--recover", ".", "-o", "x", "y"], b"no command")]
    for words, message in cases:
        with tempfile.TemporaryDirectory() as directory:
            done = subprocess.run([DRIVER, *words], cwd=directory, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env={**os.environ, "VMEM_RECORD_LIBRARY": str(LIBRARY)})
            equal((words, done.returncode, done.stdout), (words, 125, b""))
            assert message in done.stderr, (words, done.stderr)
            equal(os.listdir(directory), [])
    status, text = testing.run(DRIVER, "--help")
    assert status == 0 and "--follow" in text, text


def test_options_of_the_program_are_the_program_s():
    with tempfile.TemporaryDirectory() as directory:
        env = {**os.environ, "VMEM_RECORD_LIBRARY": str(LIBRARY)}
        done = subprocess.run([DRIVER, "-q", RECORDED, "-o", "--follow"], cwd=directory, env=env,
                              check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
        assert b"argument -o\nargument --follow\n" in done.stdout, done.stdout
        equal(os.listdir(directory), ["recorded.vmt.gz"])


def test_a_trace_that_cannot_be_written_keeps_the_raw_log():
    with recording("sh", "-c", "mkdir t.vmt.gz.part; exit 3") as result:
        equal(result.status, 125)
        assert b"--recover" in result.err, result.err
        left = [name for name in result.files() if name.startswith(".vmem-record-")]
        equal(len(left), 1)
        os.rmdir(result.directory / "t.vmt.gz.part")
        done = subprocess.run([DRIVER, "--recover", left[0], "-o", "t.vmt.gz"],
                              cwd=result.directory, check=False, stderr=subprocess.PIPE)
        equal((done.returncode, result.files()), (0, ["t.vmt.gz"]))
        result.trace()


# -- Finding the library -----------------------------------------------------------------------

def test_the_library_is_found_where_it_is_installed():
    for place, found in (("bin", True), ("lib/openvmem", True), ("lib", False)):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            (root / "bin").mkdir()
            (root / place).mkdir(parents=True, exist_ok=True)
            driver = root / "bin" / "vmem"
            shutil.copy(DRIVER, driver)
            shutil.copy(LIBRARY, root / place / "libvmem-record.so")
            with recording(RECORDED, "plain", driver=driver,
                           env={"VMEM_RECORD_LIBRARY": ""}) as result:
                equal((place, result.status), (place, 0 if found else 125))
                if found:
                    equal(between_marks(result.trace()), PLAIN)
                else:
                    assert b"cannot find libvmem-record.so" in result.err, result.err


def test_a_library_whose_path_has_spaces_and_colons():
    with tempfile.TemporaryDirectory(prefix="a b:c ") as directory:
        library = pathlib.Path(directory) / "libvmem-record.so"
        shutil.copy(LIBRARY, library)
        with recording(RECORDED, "plain", env={"VMEM_RECORD_LIBRARY": library}) as result:
            equal((result.status, result.err.count(b"ld.so")), (0, 0))
            equal(between_marks(result.trace()), PLAIN)


def test_other_preloaded_libraries_stay():
    # The option lets a driver that is built with sanitizers start at all.
    with recording("sh", "-c", 'echo "$LD_PRELOAD"',
                   env={"LD_PRELOAD": "libm.so.6",
                        "ASAN_OPTIONS": "verify_asan_link_order=0"}) as result:
        equal(result.status, 0)
        equal(result.out.decode().strip(), f"{LIBRARY}:libm.so.6")
        result.trace()


if __name__ == "__main__":
    sys.exit(testing.main(globals()))
