"""What the mutator sees of a C file: its tokens, its functions, and the statements in these.

This is no parser of C.  It relies on the house style: functions are defined at the outermost level,
types are named by keyword or end in _t, and braces are balanced whatever the preprocessor chooses.
Where that is not enough to tell two readings apart, the mutant that comes of it does not compile, and
does not count.

Comments, preprocessor lines, assertions, defences that no test can reach (VMI_NEVER), static assertions
and attributes have no tokens: there is nothing to mutate in them.  Nor have hints: functions that touch
memory before it is needed, and do nothing else; nor has a statement in which there is nothing but these.
"""

import bisect
import re

TOKEN = re.compile(
    r"""
    (?P<skip>\s+|//[^\n]*|/\*.*?\*/)
  | (?P<directive>^[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])*)
  | (?P<string>"(?:\\.|[^"\\])*")
  | (?P<char>'(?:\\.|[^'\\])*')
  | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<mark>\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)

# Left out with the parentheses behind them.
NOT_CODE = {
    "VMI_ASSERT", "VMI_ASSERT_SLOW", "VMI_NEVER", "_Static_assert", "__attribute__", "__asm__",
    "_Alignas",
}
# And these hints; where they are defined, with their bodies.
HINTS = {
    "__builtin_prefetch", "vmi_prefetch", "vmi_busy_prefetch", "prefetch_tags", "vmi_order_approach",
    "vmi_index_approach", "approach", "vmi_slab_expect_chunk",
}
TYPE_WORDS = {
    "bool", "char", "const", "double", "enum", "float", "int", "long", "short", "signed", "static",
    "struct", "union", "unsigned", "void", "volatile", "register",
}
KEYWORDS = TYPE_WORDS | {
    "break", "case", "continue", "default", "do", "else", "for", "goto", "if", "inline", "return",
    "sizeof", "switch", "while", "_Alignof",
}
CLOSES = {"(": ")", "[": "]", "{": "}"}


class Token:
    """One token, with its place in the text."""

    __slots__ = ("kind", "text", "start", "end", "mate")

    def __init__(self, kind, text, start):
        self.kind = kind
        self.text = text
        self.start = start
        self.end = start + len(text)
        self.mate = None  # of a bracket: the index of its partner

    def __repr__(self):
        return self.text


class Statement:
    """A statement of a function; parts are pairs of token indices, the second one exclusive."""

    def __init__(self, kind, first, end):
        self.kind = kind
        self.first = first
        self.end = end
        self.condition = None
        self.body = None
        self.otherwise = None


class Function:
    """A function: its name, the tokens of its type and of its body, and all its statements."""

    def __init__(self, name, result, first, end):
        self.name = name
        self.result = result
        self.first = first
        self.end = end
        self.statements = []


class Source:
    """A C file, read."""

    def __init__(self, text):
        self.text = text
        self.line_starts = [0] + [m.end() for m in re.finditer("\n", text)]
        self.directives = []
        self.hints = []  # where there were some
        self.tokens = self._tokens()
        self._match_brackets()
        self.functions = []
        self.elsewhere = []  # (name, first, end): enumerations, tables, types
        self._find_functions()
        for function in self.functions:
            end = self._block(function, function.first)
            if end != function.end:
                raise ValueError(f"{function.name}: cannot be read")

    def line_of(self, offset):
        """The number of the line of an offset, from 1."""
        return bisect.bisect_right(self.line_starts, offset)

    def line_text(self, number):
        """A line without its indentation."""
        return self.text.splitlines()[number - 1].strip()

    def span(self, first, end):
        """The text of tokens."""
        return self.text[self.tokens[first].start:self.tokens[end - 1].end]

    def _tokens(self):
        found = []
        for match in TOKEN.finditer(self.text):
            kind = match.lastgroup
            if kind == "directive":
                self.directives.append(match.group())
            elif kind != "skip":
                found.append(Token(kind, match.group(), match.start()))
        kept = []
        at = 0
        while at < len(found):
            if found[at].text in NOT_CODE or found[at].text in HINTS:
                is_hint = found[at].text in HINTS
                if is_hint:
                    self.hints.append(found[at].start)
                if found[at + 1].text == "volatile":
                    at += 1
                at = _behind_brackets(found, at + 1)
                if is_hint and found[at].text == "{":
                    at = _behind_brackets(found, at)
            else:
                kept.append(found[at])
                at += 1
        return kept

    def _match_brackets(self):
        open_ones = []
        for index, token in enumerate(self.tokens):
            if token.kind != "mark":
                continue
            if token.text in CLOSES:
                open_ones.append(index)
            elif token.text in CLOSES.values():
                partner = open_ones.pop()
                if CLOSES[self.tokens[partner].text] != token.text:
                    raise ValueError(f"line {self.line_of(token.start)}: brackets do not match")
                token.mate = partner
                self.tokens[partner].mate = index

    def _find_functions(self):
        at = begin = 0
        tokens = self.tokens
        while at < len(tokens):
            text = tokens[at].text
            if text == "{" and at > begin and tokens[at - 1].text == ")":
                name = tokens[at - 1].mate - 1
                result = [t.text for t in tokens[begin:name]]
                end = tokens[at].mate + 1
                self.functions.append(Function(tokens[name].text, result, at, end))
                at = begin = end
            elif text in CLOSES:
                at = tokens[at].mate + 1
            elif text == ";":
                self.elsewhere.append((_name_of(tokens[begin:at]), begin, at))
                at = begin = at + 1
            else:
                at += 1

    # Each of the following reads one thing from token `at` on, and returns the index behind it.

    def _block(self, function, at):
        end = self.tokens[at].mate
        at += 1
        while at < end:
            at = self._statement(function, at)
        return end + 1

    def _statement(self, function, at):
        tokens = self.tokens
        text = tokens[at].text
        statement = Statement(text, at, at)
        if text == "{":
            return self._block(function, at)
        if text in ("if", "while", "for", "switch"):
            function.statements.append(statement)
            statement.condition = (at + 2, tokens[at + 1].mate)
            body = tokens[at + 1].mate + 1
            at = self._statement(function, body)
            statement.body = (body, at)
            if text == "if" and tokens[at].text == "else":
                otherwise = at + 1
                at = self._statement(function, otherwise)
                statement.otherwise = (otherwise, at)
        elif text == "do":
            function.statements.append(statement)
            at = self._statement(function, at + 1)
            statement.body = (statement.first + 1, at)
            statement.condition = (at + 2, tokens[at + 1].mate)
            at = tokens[at + 1].mate + 2
        elif text in ("case", "default") or self._is_label(at):
            while tokens[at].text != ":":
                at += 1
            return at + 1
        else:
            while tokens[at].text != ";":
                at = tokens[at].mate + 1 if tokens[at].text in CLOSES else at + 1
            at += 1
            if text in ("return", "break", "continue", "goto"):
                statement.kind = text
            else:
                statement.kind = "declaration" if self.is_declaration(statement.first) else "expression"
            function.statements.append(statement)
        statement.end = at
        return at

    def _is_label(self, at):
        return self.tokens[at].kind == "name" and self.tokens[at + 1].text == ":"

    def is_type(self, at):
        """True if the token names a type, or begins one's name."""
        token = self.tokens[at]
        return token.text in TYPE_WORDS or (token.kind == "name" and token.text.endswith("_t"))

    def is_declaration(self, at):
        """True if a statement that begins here declares something."""
        if self.is_type(at):
            return True
        names = [token.kind == "name" for token in self.tokens[at:at + 3]]
        if names[:2] == [True, True]:
            return True
        return names == [True, False, True] and self.tokens[at + 1].text == "*"

    def is_cast(self, close):
        """True if this closing parenthesis ends a type in parentheses."""
        first = self.tokens[close].mate + 1
        return (
            first < close
            and self.is_type(first)
            and all(t.kind == "name" or t.text == "*" for t in self.tokens[first:close])
        )

    def is_binary(self, at):
        """True if the operator at this place stands between two operands."""
        before = self.tokens[at - 1]
        behind = self.tokens[at + 1]
        if behind.text in (")", ",", ";", "*", "]"):
            return behind.text == "*" and self.tokens[at].text != "*"
        if before.text == ")":
            return not self.is_cast(at - 1)
        if before.kind == "name":
            return before.text not in KEYWORDS
        return before.kind in ("number", "char") or before.text == "]"


def _behind_brackets(tokens, at):
    """The index behind the brackets that open at this token."""
    depth = 0
    while True:
        depth += {"(": 1, ")": -1, "{": 1, "}": -1}.get(tokens[at].text, 0)
        at += 1
        if depth == 0:
            return at


def _name_of(tokens):
    """What a declaration outside functions declares: the first name that is no type's."""
    for at, token in enumerate(tokens):
        if token.text in ("enum", "struct", "union") and at + 1 < len(tokens):
            if tokens[at + 1].kind == "name" and (
                at + 2 == len(tokens) or tokens[at + 2].text == "{"
            ):
                return tokens[at + 1].text
            if tokens[at + 1].text == "{":
                return tokens[at + 2].text
    names = [t.text for t in tokens if t.kind == "name" and t.text not in KEYWORDS]
    return next((name for name in names if not name.endswith("_t")), names[0] if names else "?")
