"""What the tests in Python share: functions named test_..., run and counted as the C tests are."""

import pathlib
import subprocess
import sys
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(*command, **options):
    """Run a command; returns its exit status and its output, standard error included."""
    done = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options,
    )
    return done.returncode, done.stdout


def make_tree(root, files):
    """Write files, {name: text}, under a directory."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def main(namespace):
    """Run the tests of a module; returns the exit status."""
    tests = [(name, test) for name, test in namespace.items() if name.startswith("test_")]
    failed = 0
    print(f"1..{len(tests)}")
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {name}")
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="")
            print(f"not ok {number} - {name}")
    print(f"{len(tests) - failed} passed, {failed} failed")
    sys.stdout.flush()
    return 0 if tests and failed == 0 else 1
