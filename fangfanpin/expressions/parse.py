"""Text to an untyped tree, by precedence climbing. Own parser: every message must point at its character."""

import re
from dataclasses import dataclass

from fangfanpin.expressions.faults import ExpressionFaults, Fault
from fangfanpin.expressions.nodes import Span

MAX_LENGTH, MAX_DEPTH, MAX_NODES = 4000, 40, 10_000
MAX_LEVELS = 100  # of the tree: a + b + c … is one level a term; engines descend level by level

_FULL_WIDTH = str.maketrans("＞＜＝（），。．！＋－＊＿‘’　\u00a0", "><=(),..!+-*_''  ")
_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)|(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<text>'(?:[^']|'')*')|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<op>!=|<>|<=|>=|=|<|>|\+|-|\*|\(|\)|,|\.)"
)
_KEYWORDS = frozenset("or and not in between is null true false date month".split())


@dataclass(frozen=True, slots=True)
class Token:
    kind: str  # number, text, name, op, end
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Raw:
    """An untyped node: `kind` is literal kinds (number text bool null date month), name, call, or an operator."""

    kind: str
    span: Span
    text: str = ""
    args: tuple["Raw", ...] = ()
    levels: int = 1


@dataclass(frozen=True, slots=True)
class Parsed:
    text: str
    root: Raw
    normalised: tuple[str, ...]  # full-width characters that were read as plain ones


def _stop(zh: str, en: str, start: int, end: int) -> ExpressionFaults:
    return ExpressionFaults((Fault(zh, en, start, max(end, start + 1)),))


def _normalise(text: str) -> tuple[str, tuple[str, ...]]:
    """Chinese input methods give ＞ ， （ ）; outside quotes they are read as the plain signs. One character stays one."""
    out: list[str] = []
    changed: list[str] = []
    closing = ""  # what ends the text we are in: ' alone, or any quote where a curly one opened it
    for character in text:
        plain = character.translate(_FULL_WIDTH)
        if closing:
            if character in closing:
                closing = ""
                out.append("'")
            else:
                out.append(character)
            continue
        if plain == "'":
            closing = "'" if character == "'" else "'‘’"
        if "０" <= plain <= "９" or "Ａ" <= plain <= "Ｚ" or "ａ" <= plain <= "ｚ":
            plain = chr(ord(plain) - 0xFEE0)
        if plain != character:
            changed.append(character)
        out.append(plain)
    return "".join(out), tuple(dict.fromkeys(changed))


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            character = text[place]
            if character == "'":
                raise _stop("文字缺少结束的引号", "text without a closing quote", place, len(text))
            if character in '/%;|&\\`"#@$?{}[]':
                raise _stop(f"不能使用“{character}”", f"'{character}' is not part of the language", place, place + 1)
            name = f"U+{ord(character):04X}"
            raise _stop(f"不认识的字符“{character}”（{name}），看起来像的字符也不行", f"unknown character {name}", place, place + 1)
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match.group(), place, match.end()))
        place = match.end()
    for first, second in zip(found, found[1:], strict=False):
        if first.text == "-" and second.text == "-" and first.end == second.start:
            raise _stop("不能写注释（--）", "comments are not part of the language", first.start, second.end)
        if first.kind == "number" and second.kind == "name" and first.end == second.start:
            raise _stop("数字后面不能直接跟文字", "a name cannot follow a number directly", first.start, second.end)
    found.append(Token("end", "", len(text), len(text)))
    return found


_COMPARISONS = {"=": "eq", "!=": "ne", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.place = 0
        self.depth = 0
        self.nodes = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        token = self.token
        self.place += 1
        return token

    def is_word(self, *words: str) -> bool:
        return self.token.kind == "name" and self.token.text.lower() in words

    def is_op(self, *ops: str) -> bool:
        return self.token.kind == "op" and self.token.text in ops

    def expect(self, op: str) -> Token:
        if not self.is_op(op):
            shown = self.token.text or "结尾"
            raise _stop(f"这里应是“{op}”，却是“{shown}”", f"expected '{op}'", self.token.start, self.token.end)
        return self.take()

    def make(self, kind: str, start: int, text: str = "", args: tuple[Raw, ...] = ()) -> Raw:
        self.nodes += 1
        end = self.tokens[self.place - 1].end
        if self.nodes > MAX_NODES:
            raise _stop("表达式太大", "expression too large", start, end)
        levels = 1 + max((arg.levels for arg in args), default=0)
        if levels > MAX_LEVELS:
            raise _stop(f"连写太长（最多 {MAX_LEVELS} 层），请拆成几个计算项", "too many levels, split it into computed items", start, end)
        return Raw(kind, Span(start, end), text, args, levels)

    def enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _stop("括号或嵌套太深（最多 40 层）", "nested too deeply", self.token.start, self.token.end)

    def parse_or(self) -> Raw:
        self.enter()
        start = self.token.start
        args = [self.parse_and()]
        while self.is_word("or"):
            self.take()
            args.append(self.parse_and())
        self.depth -= 1
        return args[0] if len(args) == 1 else self.make("or", start, args=tuple(args))

    def parse_and(self) -> Raw:
        start = self.token.start
        args = [self.parse_not()]
        while self.is_word("and"):
            self.take()
            args.append(self.parse_not())
        return args[0] if len(args) == 1 else self.make("and", start, args=tuple(args))

    def parse_not(self) -> Raw:
        if self.is_word("not"):
            self.enter()
            start = self.take().start
            arg = self.parse_not()
            self.depth -= 1
            return self.make("not", start, args=(arg,))
        return self.parse_comparison()

    def parse_comparison(self) -> Raw:
        start = self.token.start
        left = self.parse_sum()
        if self.token.kind == "op" and self.token.text in _COMPARISONS:
            op = _COMPARISONS[self.take().text]
            right = self.parse_sum()
            if self.token.kind == "op" and self.token.text in _COMPARISONS:
                raise _stop("比较不能连写，请用 and 分开", "comparisons do not chain", self.token.start, self.token.end)
            return self.make(op, start, args=(left, right))
        if self.is_word("is"):
            self.take()
            negated = self.is_word("not")
            if negated:
                self.take()
            if not self.is_word("null"):
                raise _stop("is 后面只能是 null 或 not null", "only null may follow is", self.token.start, self.token.end)
            self.take()
            node = self.make("is_null", start, args=(left,))
            return self.make("not", start, args=(node,)) if negated else node
        negated = False
        if self.is_word("not"):
            negated = True
            self.take()
            if not self.is_word("in", "between"):
                raise _stop("not 后面应是 in 或 between", "in or between must follow", self.token.start, self.token.end)
        if self.is_word("in"):
            self.take()
            self.expect("(")
            values = [self.parse_sum()]
            while self.is_op(","):
                self.take()
                values.append(self.parse_sum())
            self.expect(")")
            node = self.make("in", start, args=(left, *values))
        elif self.is_word("between"):
            self.take()
            low = self.parse_sum()
            if not self.is_word("and"):
                raise _stop("between 要写成 between 甲 and 乙", "between needs and", self.token.start, self.token.end)
            self.take()
            high = self.parse_sum()
            node = self.make("and", start, args=(self.make("ge", start, args=(left, low)), self.make("le", start, args=(left, high))))
        else:
            return left
        return self.make("not", start, args=(node,)) if negated else node

    def parse_sum(self) -> Raw:
        start = self.token.start
        left = self.parse_product()
        while self.is_op("+", "-"):
            op = "add" if self.take().text == "+" else "sub"
            left = self.make(op, start, args=(left, self.parse_product()))
        return left

    def parse_product(self) -> Raw:
        start = self.token.start
        left = self.parse_unary()
        while self.is_op("*"):
            self.take()
            left = self.make("mul", start, args=(left, self.parse_unary()))
        return left

    def parse_unary(self) -> Raw:
        if self.is_op("-"):
            self.enter()
            start = self.take().start
            arg = self.parse_unary()
            self.depth -= 1
            return self.make("neg", start, args=(arg,))
        return self.parse_primary()

    def parse_primary(self) -> Raw:
        token = self.token
        if token.kind == "number":
            self.take()
            return self.make("number", token.start, token.text)
        if token.kind == "text":
            self.take()
            return self.make("text", token.start, token.text[1:-1].replace("''", "'"))
        if self.is_op("("):
            self.take()
            inner = self.parse_or()
            self.expect(")")
            return inner
        if token.kind == "name":
            return self.parse_name()
        if token.kind == "end":
            raise _stop("表达式没有写完", "the expression ends too early", token.start, token.end)
        raise _stop(f"这里不能是“{token.text}”", f"unexpected '{token.text}'", token.start, token.end)

    def parse_name(self) -> Raw:
        token = self.take()
        lower = token.text.lower()
        if lower in ("true", "false"):
            return self.make("bool", token.start, lower)
        if lower == "null":
            return self.make("null", token.start)
        if lower in ("date", "month") and self.token.kind == "text":
            text = self.take().text[1:-1]
            return self.make(lower, token.start, text)
        if self.is_op("("):
            return self.parse_call(token)
        if lower in _KEYWORDS and lower not in ("date", "month"):
            raise _stop(f"这里不能是“{token.text}”", f"unexpected '{token.text}'", token.start, token.end)
        parts = [token.text]
        while self.is_op("."):
            self.take()
            if self.token.kind != "name":
                raise _stop("点号后面缺少名称", "a name must follow the dot", self.token.start, self.token.end)
            parts.append(self.take().text)
        return self.make("name", token.start, ".".join(parts))

    def parse_call(self, name: Token) -> Raw:
        self.expect("(")
        self.enter()
        args: list[Raw] = []
        if not self.is_op(")"):
            args.append(self.parse_or())
            while self.is_op(","):
                self.take()
                args.append(self.parse_or())
        self.expect(")")
        self.depth -= 1
        return self.make("call", name.start, name.text.lower(), tuple(args))


def parse(text: str) -> Parsed:
    """Parse one expression; ExpressionFaults with the place of the first thing that is not of the language."""
    if len(text) > MAX_LENGTH:
        raise _stop(f"表达式太长（最多 {MAX_LENGTH} 个字符）", "expression too long", MAX_LENGTH, len(text))
    for place, character in enumerate(text):
        if character == "\0" or "\ud800" <= character <= "\udfff":
            raise _stop("有看不见的坏字符", "a character that is not text", place, place + 1)
    plain, changed = _normalise(text)
    parser = _Parser(plain)
    root = parser.parse_or()
    if parser.token.kind != "end":
        token = parser.token
        raise _stop(f"“{token.text}”处写法不对，前面可能缺少运算符", f"unexpected '{token.text}'", token.start, token.end)
    return Parsed(text, root, changed)
