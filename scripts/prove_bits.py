"""Prove the sentences on bits of an ACSL file (proof/bits.h) with bit vectors; used by scripts/prove.

A sentence is `axiom NAME: \\forall TYPE x, y; FORMULA;`, of unsigned types and bounded integers, in the
operators of C and ==> <==> and is_pow2(), and with what `//: NAME(PARAMETERS) := EXPRESSION` defines.
Variables that range over few values (a bounded integer, an n with is_pow2(n)) take each of them in
turn; the others become bit vectors, and where there are none the sentence is simply evaluated.  Integers are
vectors of WIDTH bits, signed; that no intermediate result needs more is checked by adding up what each
operation can give.  Anything else is an error.
"""

import itertools
import re
import subprocess

WIDTH = 72
CHOICES_MAX = 300  # asked for by themselves
TYPES = {"uint64_t": 64, "uint32_t": 32, "uint8_t": 8}
TOKEN = re.compile(
    r"\s*(?:(?P<num>0x[0-9a-fA-F]+|\d+)|(?P<name>\\?[A-Za-z_]\w*)"
    r"|(?P<op><==>|==>|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>()?:,;=]))")
BINARY = [["<==>"], ["==>"], ["||"], ["&&"], ["|"], ["^"], ["&"], ["==", "!="], ["<", "<=", ">", ">="],
          ["<<", ">>"], ["+", "-"], ["*", "/", "%"]]
COMPARE = {"<": "bvslt", "<=": "bvsle", ">": "bvsgt", ">=": "bvsge"}


class Unfit(Exception):
    """The sentence is not in the language."""


def tokens_of(text):
    tokens, at = [], 0
    text = text.strip()
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise Unfit(f"cannot read {text[at:at + 30]!r}")
        tokens.append(found[0].strip())
        at = found.end()
    return tokens


class Parser:
    """Expressions, as nested tuples: (operator, operands...)."""

    def __init__(self, tokens):
        self.tokens, self.at = tokens, 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected=None):
        token = self.peek()
        if expected is not None and token != expected:
            raise Unfit(f"expected {expected!r}, found {token!r}")
        self.at += 1
        return token

    def formula(self):
        binders = []
        while self.peek() == "\\forall":
            self.take()
            kind = self.take()
            binders.append((self.take(), kind))
            while self.peek() == ",":
                self.take()
                if self.tokens[self.at + 1] not in (",", ";"):
                    kind = self.take()
                binders.append((self.take(), kind))
            self.take(";")
        return binders, self.expression()

    def expression(self):
        condition = self.binary(0)
        if self.peek() != "?":
            return condition
        self.take()
        yes = self.expression()
        self.take(":")
        return ("?", condition, yes, self.expression())

    def binary(self, level):
        if level == len(BINARY):
            return self.unary()
        left = self.binary(level + 1)
        if BINARY[level] == ["==>"]:  # to the right
            if self.peek() == "==>":
                self.take()
                return ("==>", left, self.binary(level))
            return left
        if "<" in BINARY[level]:  # chains: a <= b < c
            parts = []
            while self.peek() in BINARY[level]:
                operator = self.take()
                right = self.binary(level + 1)
                parts.append((operator, left, right))
                left = right
            if not parts:
                return left
            result = parts[0]
            for part in parts[1:]:
                result = ("&&", result, part)
            return result
        while self.peek() in BINARY[level]:
            operator = self.take()
            left = (operator, left, self.binary(level + 1))
        return left

    def unary(self):
        token = self.take()
        if token in ("!", "~", "-"):
            return (token + "1", self.unary())
        if token == "(":
            if self.peek() in TYPES:
                kind = self.take()
                self.take(")")
                return ("cast", kind, self.unary())
            inner = self.expression()
            self.take(")")
            return inner
        if token[:1].isdigit():
            return ("const", int(token, 0))
        if not re.fullmatch(r"\\?[A-Za-z_]\w*", token):
            raise Unfit(f"unexpected {token!r}")
        if self.peek() != "(":
            return ("var", token)
        self.take()
        arguments = [self.expression()]
        while self.peek() == ",":
            self.take()
            arguments.append(self.expression())
        self.take(")")
        return ("call", token, *arguments)


def substitute(node, values):
    """Replace variables by expressions."""
    if node[0] == "var":
        return values.get(node[1], node)
    return tuple(substitute(part, values) if isinstance(part, tuple) else part for part in node)


def mentions(node, name):
    return node == ("var", name) or any(mentions(x, name) for x in node if isinstance(x, tuple))


def conjuncts(node):
    return conjuncts(node[1]) + conjuncts(node[2]) if node[0] == "&&" else [node]


class Term:
    """A value: SMT text and bounds; or text and no bounds, which is a truth value."""

    def __init__(self, text, low=None, high=None):
        self.text, self.low, self.high = text, low, high

    def as_number(self):
        if self.low is None:
            raise Unfit("a truth value is used as a number")
        return self

    def as_truth(self):
        if self.low is not None:
            raise Unfit("a number is used as a truth value")
        return self.text


def literal(value):
    return f"(_ bv{value % (1 << WIDTH)} {WIDTH})"


class Translator:
    """Sentences of one file into SMT-LIB."""

    def __init__(self, text):
        self.definitions = {}  # name: (parameters, expression)
        self.axioms = {}  # name: (binders, expression)
        for name, parameters, body in re.findall(r"//:\s*(\w+)\(([^)]*)\)\s*:=([^\n]*)", text):
            names = [word.strip() for word in parameters.split(",")]
            self.definitions[name] = (names, self.whole(body)[1])
        text = re.sub(r"//[^\n]*", "", text)
        for name, body in re.findall(r"axiom\s+(\w+):\s*((?:\\forall[^;]*;\s*)*[^;]*);", text):
            self.axioms[name] = self.whole(body)

    @staticmethod
    def whole(text):
        parser = Parser(tokens_of(text))
        result = parser.formula()
        if parser.peek():
            raise Unfit(f"unexpected {parser.peek()!r}")
        return result

    def domain(self, name, kind, body):
        """The values that a variable takes one by one; None if it becomes a vector."""
        hypotheses = conjuncts(body[1]) if body[0] == "==>" else []
        if ("call", "is_pow2", ("var", name)) in hypotheses:
            return [1 << k for k in range(64)]
        if kind != "integer":
            return None
        low = high = None
        for part in hypotheses:
            if part[0] in ("<", "<=") and part[1][0] == "const" and part[2] == ("var", name):
                low = part[1][1] + (part[0] == "<")
            if part[0] in ("<", "<=") and part[2][0] == "const" and part[1] == ("var", name):
                high = part[2][1] + (part[0] == "<=")
        if low is None or high is None:
            raise Unfit(f"the integer {name} has no constant bounds")
        return range(low, high)

    def queries(self, name):
        """The declarations, and one formula for each choice of the enumerated variables."""
        binders, body = self.axioms[name]
        declared, chosen, formulas, bounds = [], [], [], {}
        for variable, kind in binders:
            values = self.domain(variable, kind, body)
            if values is not None:
                chosen.append((variable, values))
                continue
            bits = TYPES[kind]
            declared.append(f"(declare-const {variable} (_ BitVec {bits}))")
            bounds[variable] = Term(
                f"((_ zero_extend {WIDTH - bits}) {variable})", 0, (1 << bits) - 1)
        for instance in self.instances(body, chosen, bounds):
            formula = self.term(instance, bounds).as_truth()
            if formula != "true":
                formulas.append(formula)
        return declared, formulas

    def instances(self, body, chosen, bounds):
        """The sentence with values for the chosen variables; not those that a hypothesis excludes."""
        if not chosen:
            yield body
            return
        (name, values), rest = chosen[0], chosen[1:]
        open_names = [other for other, _ in rest]
        for value in values:
            instance = substitute(body, {name: ("const", value)})
            hypotheses = conjuncts(instance[1]) if instance[0] == "==>" else []
            if not any(self.term(part, bounds).as_truth() == "false" for part in hypotheses
                       if not any(mentions(part, other) for other in open_names)):
                yield from self.instances(instance, rest, bounds)

    def counterexample(self, name):
        """Try all values of a sentence whose variables take few of them.  None: it has others."""
        binders, body = self.axioms[name]
        domains = [self.domain(variable, kind, body) for variable, kind in binders]
        if None in domains:
            return None
        names = {variable: f"v_{variable}" for variable, _ in binders}
        code = f"lambda {', '.join(names.values())}: {self.python(body, names)}"
        holds = eval(code, {"div": divide, "mod": modulo})  # of our own making
        return next((values for values in itertools.product(*domains) if not holds(*values)), ())

    def python(self, node, names):
        """An expression in Python, whose integers are those of ACSL."""
        operator = node[0]
        if operator == "const":
            return str(node[1])
        if operator == "var":
            return names[node[1]]
        if operator == "call" and node[1] == "is_pow2":
            return f"({self.python(node[2], names)} in {[1 << k for k in range(64)]})"
        if operator == "call":
            parameters, body = self.definitions[node[1]]
            return self.python(substitute(body, dict(zip(parameters, node[2:]))), names)
        parts = [self.python(part, names) for part in node[2 if operator == "cast" else 1:]]
        if operator == "cast":
            return f"({parts[0]} & {(1 << TYPES[node[1]]) - 1})"
        form = {"?": "({1} if {0} else {2})", "!1": "(not {0})", "-1": "(-{0})", "~1": "(~{0})",
                "==>": "(not {0} or {1})", "<==>": "({0} == {1})", "&&": "({0} and {1})",
                "||": "({0} or {1})", "/": "div({0}, {1})", "%": "mod({0}, {1})"}
        return form.get(operator, "({0} " + operator + " {1})").format(*parts)

    def term(self, node, bounds):
        operator = node[0]
        if operator == "const":
            return Term(literal(node[1]), node[1], node[1])
        if operator == "var":
            if node[1] not in bounds:
                raise Unfit(f"{node[1]} is not declared")
            return bounds[node[1]]
        if operator == "call":
            return self.call(node, bounds)
        if operator == "cast":
            bits = TYPES[node[1]]
            inner = self.term(node[2], bounds).as_number()
            if 0 <= inner.low and inner.high < 1 << bits:
                return inner
            if inner.low == inner.high:
                return self.term(("const", inner.low % (1 << bits)), bounds)
            return Term(f"((_ zero_extend {WIDTH - bits}) ((_ extract {bits - 1} 0) {inner.text}))",
                        0, (1 << bits) - 1)
        if operator == "?":
            condition = self.term(node[1], bounds).as_truth()
            if condition in ("true", "false"):
                return self.term(node[2 if condition == "true" else 3], bounds)
            yes, no = (self.term(part, bounds).as_number() for part in node[2:])
            return Term(f"(ite {condition} {yes.text} {no.text})", min(yes.low, no.low),
                        max(yes.high, no.high))
        if operator in ("&&", "||", "==>", "<==>", "!1"):
            return self.truth(node, bounds)
        parts = [self.term(part, bounds).as_number() for part in node[1:]]
        if operator in ("==", "!=", "<", "<=", ">", ">="):
            return compare(operator, *parts)
        return arithmetic(operator, *parts)

    def call(self, node, bounds):
        if node[1] == "is_pow2":
            value = self.term(node[2], bounds).as_number()
            if value.low == value.high:
                return Term("true" if value.low in [1 << k for k in range(64)] else "false")
            return Term("(or " + " ".join(
                f"(= {value.text} {literal(1 << k)})" for k in range(64)) + ")")
        if node[1] not in self.definitions:
            raise Unfit(f"{node[1]} has no definition")
        names, body = self.definitions[node[1]]
        return self.term(substitute(body, dict(zip(names, node[2:]))), bounds)

    def truth(self, node, bounds):
        operator = node[0]
        left = self.term(node[1], bounds).as_truth()
        if operator == "!1":
            return Term({"true": "false", "false": "true"}.get(left, f"(not {left})"))
        # What the constants decide already is not worth a solver's time.
        if operator in ("==>", "&&") and left == "false":
            return Term("true" if operator == "==>" else "false")
        if operator == "||" and left == "true":
            return Term("true")
        right = self.term(node[2], bounds).as_truth()
        if operator == "==>" and right == "true":
            return Term("true")
        if left == "true" and operator in ("&&", "==>", "<==>"):
            return Term(right)
        if right == "true" and operator in ("&&", "<==>"):
            return Term(left)
        words = {"&&": "and", "||": "or", "==>": "=>", "<==>": "="}
        return Term(f"({words[operator]} {left} {right})")


def divide(a, b):
    if a < 0 or b <= 0:
        raise Unfit("a division of what may be negative")
    return a // b


def modulo(a, b):
    return a - divide(a, b) * b


def compare(operator, left, right):
    if left.low == left.high and right.low == right.high:
        a, b = left.low, right.low
        known = {"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}
        return Term("true" if known[operator] else "false")
    if operator in COMPARE:
        return Term(f"({COMPARE[operator]} {left.text} {right.text})")
    equal = f"(= {left.text} {right.text})"
    return Term(equal if operator == "==" else f"(not {equal})")


def bits_up_to(*values):
    return (1 << max(value.bit_length() for value in values)) - 1


def arithmetic(operator, a, b=None):
    """One operation of ACSL on integers, and the bounds of its result."""
    def result(function, low, high):
        fits = -(1 << (WIDTH - 1)) <= low and high < 1 << (WIDTH - 1)
        if low == high:  # a constant may be larger, if it is then cut off by a cast
            return Term(literal(low) if fits else "(too large)", low, low)
        if not fits:
            raise Unfit(f"{operator} needs more than {WIDTH} bits")
        operands = a.text if b is None else f"{a.text} {b.text}"
        return Term(f"({function} {operands})", low, high)

    if operator == "-1":
        return result("bvneg", -a.high, -a.low)
    if operator == "~1":
        return result("bvnot", -1 - a.high, -1 - a.low)
    if operator == "+":
        return result("bvadd", a.low + b.low, a.high + b.high)
    if operator == "-":
        return result("bvsub", a.low - b.high, a.high - b.low)
    if operator == "*":
        ends = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
        return result("bvmul", min(ends), max(ends))
    if operator in ("&", "|", "^"):
        function = {"&": "bvand", "|": "bvor", "^": "bvxor"}[operator]
        if a.low == a.high and b.low == b.high:
            value = {"&": a.low & b.low, "|": a.low | b.low, "^": a.low ^ b.low}[operator]
            return result(function, value, value)
        most = bits_up_to(a.low, a.high, b.low, b.high)
        if operator == "&":
            most = min((x.high for x in (a, b) if x.low >= 0), default=most)
        is_signed = a.low < 0 and b.low < 0 if operator == "&" else a.low < 0 or b.low < 0
        return result(function, -1 - most if is_signed else 0, most)
    if a.low < 0 or b.low < 0:
        raise Unfit(f"{operator} of what may be negative")
    if operator in ("<<", ">>"):
        if b.low != b.high:
            raise Unfit("a shift by what is no constant")
        if operator == "<<":
            return result("bvshl", a.low << b.low, a.high << b.low)
        return result("bvlshr", a.low >> b.low, a.high >> b.low)
    if operator in ("/", "%"):
        if b.low != b.high or b.low == 0:
            raise Unfit("a division by what is no constant")
        if operator == "/":
            return result("bvudiv", a.low // b.low, a.high // b.low)
        if a.low == a.high:
            return result("bvurem", a.low % b.low, a.low % b.low)
        return result("bvurem", 0, min(a.high, b.low - 1))
    raise Unfit(f"no operation {operator}")


def prove(name, translator, solvers, seconds):
    """Have solvers look for a counterexample.  Returns why the sentence is not proved; None if it is."""
    try:
        found = translator.counterexample(name)
        if found is not None:
            return f"is false for {found}" if found else None
        declared, formulas = translator.queries(name)
    except Unfit as problem:
        return f"cannot be translated: {problem}"
    # Each choice by itself, because solvers that are asked for many at once simplify less; but of
    # thousands, which are easy ones, some together.
    together = 1 + len(formulas) // CHOICES_MAX
    formulas = [f"(and true {' '.join(formulas[at:at + together])})"
                for at in range(0, len(formulas), together)]
    script = []
    for formula in formulas:
        script += ["(set-logic QF_BV)", *declared, f"(assert (not {formula}))", "(check-sat)", "(reset)"]
    answers = []
    for command in solvers:
        try:
            done = subprocess.run(command, input="\n".join(script) + "\n", capture_output=True,
                                  text=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            answers.append(f"{command[0]}: no answer in {seconds} s")
            continue
        words = done.stdout.split()
        if words == ["unsat"] * len(formulas):
            return None
        wrong = [word for word in words if word != "unsat"][:1]
        answers.append(f"{command[0]}: {'a counterexample' if wrong == ['sat'] else done.stdout[:80]}")
    return "; ".join(answers)
