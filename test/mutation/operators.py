"""The mutants of a file: small changes, each of which some test should notice.

  arithmetic      + for -, << for >>, & for |, ...          assignment   += for -=, = for +=, ...
  boundary        < for <=, > for >=, and the reverse        increment    ++ for --
  comparison      == for !=, < for >=, ...                   unary        ! or ~ left out
  logic           && for ||                                  constant     one more, one less; true for false
  operand         one operand of && or || left out           code         the enumerator or errno value beside it
  condition       always, never, the opposite; a ? c : b     return       0, NULL, one more, the opposite
  statement       an expression, break, ... left out         else         left out
  initialiser     one designated initialiser left out

A mutant's identity is made of its file, function, operator, line and change, and of its ordinal among
those that share all these: it survives changes elsewhere, even in the same function.
"""

import hashlib
import re

import source as source_module

SWAPS = {
    "arithmetic": {
        "+": "-", "-": "+", "*": "+", "/": "*", "%": "/", "<<": ">>", ">>": "<<", "&": "|", "|": "&",
        "^": "&",
    },
    "boundary": {"<": "<=", "<=": "<", ">": ">=", ">=": ">"},
    "comparison": {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"},
    "logic": {"&&": "||", "||": "&&"},
    "increment": {"++": "--", "--": "++"},
}
ASSIGNMENTS = {
    "+=": ("-=", "="), "-=": ("+=", "="), "|=": ("&=", "="), "&=": ("|=", "="), "^=": ("=",),
    "<<=": (">>=",), ">>=": ("<<=",), "*=": ("/=",), "/=": ("*=",), "%=": ("=",),
}
ERRNO = ["EINVAL", "ENOMEM", "EBUSY", "EEXIST", "ENOSPC", "ENOENT", "ENOTSUP"]
NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)$")
BOOLEAN = {"true": "false", "false": "true"}

# Statements that take or leave a lock, or that keep what another thread may move; and lines that look
# again at what may have changed while the lock was left.
SYNCHRONISATION = re.compile(
    r"\b(vmi_(enter|leave|reenter|is_entered)|vmi_port_lock_\w+|enter|vmi_cursors?_\w+|"
    r"vmi_registry_may_change|is_unlocked|is_entered|has_entered)\b"
)
LOOKS_AGAIN = re.compile(
    r"vmi_slab_dir_is_full\(slab, &wanted\)|vmi_slab_dir_is_full\(slab, &\(size_t\)|"
    r"vmi_busy_wants\(.*\) != wanted|wanted <= arena->bins.class_count|return left \?|"
    r"outcome == OBTAINED|the lock may have been left|arena->import_kept > arena->import_keep|"
    r"index->state [!=]= VMI_INDEX_READY|arena->changes \+ arena->frees"
)


class Mutant:
    """One change of one file."""

    def __init__(self, path, function, operator, start, end, replacement):
        self.path = path  # relative to the directory of the sources
        self.function = function
        self.operator = operator
        self.start = start
        self.end = end
        self.replacement = replacement
        self.line = 0
        self.before = ""  # the line, and what it becomes
        self.after = ""
        self.change = ""
        self.id = ""
        self.is_synchronisation = False

    def apply(self, text):
        """The text of the file with this change."""
        return text[:self.start] + self.replacement + text[self.end:]


def enumerations(texts):
    """{enumerator: the next one} of all enumerations whose values nobody chose."""
    successors = {name: ERRNO[(at + 1) % len(ERRNO)] for at, name in enumerate(ERRNO)}
    for text in texts:
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        for body in re.findall(r"\benum\s+\w+\s*{([^}]*)}", text):
            names = [name.strip() for name in body.split(",") if name.strip()]
            if len(names) > 1 and all(re.fullmatch(r"\w+", name) for name in names):
                for at, name in enumerate(names):
                    successors[name] = names[(at + 1) % len(names)]
    return successors


class Mutator:
    """Makes the mutants of one file."""

    def __init__(self, path, text, successors):
        self.path = path
        self.source = source_module.Source(text)
        self.tokens = self.source.tokens
        self.successors = successors
        self.found = {}  # (start, end, replacement): mutant, so that none is made twice
        self.where = None
        self.silent = set()  # tokens of statements that do nothing, now that hints are gone

    def mutants(self):
        """All mutants, in the order of the text."""
        for function in self.source.functions:
            self.where = function
            for statement in function.statements:
                if statement.body and not statement.otherwise and self._is_empty(statement.body):
                    self.silent.update(range(statement.first, statement.end))
            declared = self._declarators(function)
            for at in range(function.first + 1, function.end - 1):
                if at not in declared:
                    self._token(at)
            self._chains(function)
            self._initialisers(function)
            for statement in function.statements:
                self._statement(function, statement)
        for name, first, end in self.source.elsewhere:
            self.where = source_module.Function(name, [], first, end)
            for at in range(first, end):
                if self.tokens[at].kind == "number" or self._is_computed(at):
                    self._token(at)
        return self._finish()

    # --- one kind of change each

    def _add(self, operator, first, end, replacement):
        """Replace tokens first to end - 1."""
        if first in self.silent:
            return
        start = self.tokens[first].start
        stop = self.tokens[end - 1].end
        key = (start, stop, replacement)
        if key not in self.found and self.source.text[start:stop] != replacement:
            self.found[key] = Mutant(
                self.path, self.where.name, operator, start, stop, replacement
            )

    def _is_empty(self, part):
        """True if there were hints, and nothing else."""
        tokens = self.tokens[part[0]:part[1]]
        return all(token.text in ("{", "}", ";") for token in tokens) and any(
            tokens[0].start <= hint <= tokens[-1].start for hint in self.source.hints
        )

    def _token(self, at):
        token = self.tokens[at]
        if token.kind == "number":
            self._number(at)
        elif token.kind == "name":
            if token.text in BOOLEAN:
                self._add("constant", at, at + 1, BOOLEAN[token.text])
            elif token.text in self.successors and self.tokens[at - 1].text != "case":
                self._add("code", at, at + 1, self.successors[token.text])
        elif token.kind == "mark":
            self._mark(at)

    def _mark(self, at):
        text = self.tokens[at].text
        for operator, swaps in SWAPS.items():
            if text not in swaps:
                continue
            if operator == "arithmetic" and not self.source.is_binary(at):
                continue
            self._add(operator, at, at + 1, swaps[text])
        for other in ASSIGNMENTS.get(text, ()):
            self._add("assignment", at, at + 1, other)
        if text in ("!", "~"):
            self._add("unary", at, at + 1, "")
        if text == "?":
            self._choice(at)

    def _number(self, at):
        match = NUMBER.match(self.tokens[at].text)
        if not match:
            return
        digits, suffix = match.groups()
        value = int(digits, 0)
        style = hex if digits[:2] in ("0x", "0X") else str
        self._add("constant", at, at + 1, style(value + 1) + suffix)
        if value > 0:
            self._add("constant", at, at + 1, style(value - 1) + suffix)

    def _choice(self, at):
        """a ? b : c becomes a ? c : b, by way of the condition."""
        first = self._edge(at, -1, {"=", ",", ";", "return", "?", ":", "+=", "-=", "|="})
        if first < at:
            self._add("condition", first, at, f"!({self.source.span(first, at)})")

    def _edge(self, at, step, ends):
        """From an operator on to the edge of its operand: the outermost token that still belongs."""
        at += step
        while True:
            token = self.tokens[at]
            is_end = token.text in ends or token.text in ("{", "}", ";")
            if token.kind == "mark" and token.mate is not None:
                opens = token.text in source_module.CLOSES
                if opens == (step < 0):
                    is_end = True  # the bracket around it
                elif not is_end or (token.text in "{}" and self._is_literal(at)):
                    at = token.mate
                    is_end = False
            if is_end:
                return at + 1 if step < 0 else at
            at += step

    def _is_literal(self, at):
        """True if the brace belongs to a compound literal."""
        first = min(at, self.tokens[at].mate)
        return self.tokens[first - 1].text == ")" and self.source.is_cast(first - 1)

    def _chains(self, function):
        """Leave out one operand of && or ||."""
        ends = {"&&", "||", ",", "?", ":", "=", "return", ";", "|=", "&="}
        for at in range(function.first + 1, function.end - 1):
            text = self.tokens[at].text
            if text not in ("&&", "||"):
                continue
            neutral = "true" if text == "&&" else "false"
            first = self._edge(at, -1, ends)
            end = self._edge(at, 1, ends)
            # a || b && c: what is left out of the || is b && c, which this does not see.
            if not (text == "||" and self.tokens[first - 1].text == "&&"):
                self._add("operand", first, at, neutral)
            if not (text == "||" and self.tokens[end].text == "&&"):
                self._add("operand", at + 1, end, neutral)

    def _initialisers(self, function):
        for at in range(function.first + 1, function.end - 1):
            if self.tokens[at].text == "." and self.tokens[at - 1].text in ("{", ","):
                end = self._edge(at, 1, {","})
                if self.tokens[at + 2].text == "=":
                    if self.tokens[end].text == ",":
                        self._add("initialiser", at, end + 1, "")
                    elif self.tokens[at - 1].text == ",":
                        self._add("initialiser", at, end, "")
                    else:
                        self._add("initialiser", at, end, "0")

    def _statement(self, function, statement):
        kind = statement.kind
        if kind == "expression":
            self._add("statement", statement.first, statement.end, ";")
        elif kind in ("break", "continue", "goto"):
            self._add("statement", statement.first, statement.end, ";")
        elif kind == "return":
            self._return(function, statement)
        elif kind in ("if", "while", "for", "do"):
            self._condition(statement)

    def _condition(self, statement):
        first, end = statement.condition
        if statement.kind == "for":
            ends = [at for at in range(first, end) if self.tokens[at].text == ";"]
            if len(ends) != 2 or ends[0] + 1 == ends[1]:
                return
            first, end = ends[0] + 1, ends[1]
        if first == end:
            return
        if not self._is_comparison(first, end):
            self._add("condition", first, end, f"!({self.source.span(first, end)})")
        self._add("condition", first, end, "false")
        if statement.kind == "if":
            self._add("condition", first, end, "true")
        if statement.otherwise:
            self._add("else", statement.otherwise[0], statement.otherwise[1], ";")

    def _is_comparison(self, first, end):
        """True if this is a single comparison: its opposite is a mutant of that kind already."""
        at = first
        found = 0
        while at < end:
            text = self.tokens[at].text
            if text in ("&&", "||", "?", "!"):
                return False
            found += text in SWAPS["comparison"]
            at = self.tokens[at].mate + 1 if text in source_module.CLOSES else at + 1
        return found == 1

    def _return(self, function, statement):
        first, end = statement.first + 1, statement.end - 1
        if first == end:
            self._add("statement", statement.first, statement.end, ";")
            return
        text = self.source.span(first, end)
        is_literal = end == first + 1 and self.tokens[first].kind != "name"
        if is_literal or text in BOOLEAN or text in ("NULL", "( - 1 )"):
            return
        if "bool" in function.result:
            self._add("return", first, end, f"!({text})")
        elif "*" in function.result:
            self._add("return", first, end, "NULL")
        elif text not in self.successors:
            self._add("return", first, end, "0")
            self._add("return", first, end, f"({text}) + 1")

    # --- what the tokens are part of

    def _declarators(self, function):
        """The tokens of declarations that are no initialiser: types and names."""
        declared = set()
        ranges = [(s.first, s.end) for s in function.statements if s.kind == "declaration"]
        for statement in function.statements:
            if statement.kind == "for" and self.source.is_declaration(statement.condition[0]):
                first = statement.condition[0]
                end = next(at for at in range(first, function.end) if self.tokens[at].text == ";")
                ranges.append((first, end))
        for first, end in ranges:
            at = first
            while at < end and self.tokens[at].text != "=":
                declared.add(at)
                at += 1
        return declared

    def _is_computed(self, at):
        """True for an operator in an initialiser outside functions."""
        return self.tokens[at].text in ("+", "-", "/", "<<", ">>", "%") and self.source.is_binary(at)

    # --- names

    def _finish(self):
        mutants = sorted(self.found.values(), key=lambda m: (m.start, m.end, m.replacement))
        seen = {}
        for mutant in mutants:
            self._describe(mutant)
            key = "|".join((mutant.path, mutant.function, mutant.operator, mutant.before, mutant.change))
            ordinal = seen[key] = seen.get(key, 0) + 1
            digest = hashlib.sha256(f"{key}|{ordinal}".encode())
            mutant.id = digest.hexdigest()[:10]
        return mutants

    def _describe(self, mutant):
        text = self.source.text
        begin = text.rfind("\n", 0, mutant.start) + 1
        finish = text.find("\n", mutant.end)
        old = text[mutant.start:mutant.end]
        mutant.line = self.source.line_of(mutant.start)
        mutant.before = _one_line(text[begin:finish])
        mutant.after = _one_line(text[begin:mutant.start] + mutant.replacement + text[mutant.end:finish])
        mutant.change = f"{_one_line(old)} => {_one_line(mutant.replacement) or 'nothing'}"
        mutant.is_synchronisation = bool(
            SYNCHRONISATION.search(old) or LOOKS_AGAIN.search(text[begin:finish])
        ) or (
            mutant.operator in ("condition", "operand", "statement", "unary", "return")
            and bool(SYNCHRONISATION.search(mutant.before))
        )


def _one_line(text):
    """Without comments, and with single spaces."""
    text = re.sub(r"/\*.*?(\*/|$)|//[^\n]*", "", text, flags=re.DOTALL)
    return " ".join(text.split())


def mutants_of(root, paths, headers=()):
    """The mutants of files under a directory; headers are other texts that declare enumerators."""
    texts = {path: (root / path).read_text(encoding="utf-8") for path in paths}
    successors = enumerations(list(texts.values()) + [h.read_text(encoding="utf-8") for h in headers])
    found = []
    for path in paths:
        found += Mutator(str(path), texts[path], successors).mutants()
    return found
