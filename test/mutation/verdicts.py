"""test/mutation/survivors.tsv: what was found out about mutants that no test notices.

One a line, four columns between tabs: id, verdict, the mutant in words, the reason in one sentence.

  equivalent    no caller can tell the mutant from the original
  performance   only speed or the amount of memory differs, within what the documentation promises
  accepted      a difference that could be tested, and is not, for the reason given
"""

VERDICTS = ("equivalent", "performance", "accepted")


class Verdict:
    """One line."""

    def __init__(self, identity, verdict, what, reason):
        self.id = identity
        self.verdict = verdict
        self.what = what
        self.reason = reason


def read(path):
    """({id: Verdict}, [what is wrong with the file])."""
    found = {}
    wrong = []
    if not path.exists():
        return found, [f"{path}: is not there"]
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        columns = line.split("\t")
        if len(columns) != 4 or not columns[3].strip():
            wrong.append(f"{path.name}:{number}: not four columns")
        elif columns[1] not in VERDICTS:
            wrong.append(f"{path.name}:{number}: no such verdict: {columns[1]}")
        elif columns[0] in found:
            wrong.append(f"{path.name}:{number}: {columns[0]} twice")
        else:
            found[columns[0]] = Verdict(*columns)
    return found, wrong


def stale(verdicts, identities):
    """The verdicts on mutants that there are no longer."""
    return [v for v in verdicts.values() if v.id not in identities]
