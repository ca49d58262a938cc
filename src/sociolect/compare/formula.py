"""A regression formula, read and checked: its outcomes, its fixed part, its random intercepts and the columns it needs."""

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from sociolect.errors import InputError, UsageError

# What a formula may call: functions of one row, and formulaic's own, which learn from the column.
ROWWISE = ("abs", "exp", "expm1", "log", "log10", "log1p", "log2", "sqrt", "C", "I")
LEARNT = ("bs", "cc", "center", "cr", "cs", "poly", "scale", "standardize")
_CONTRASTS = ("treatment", "sum", "helmert", "diff", "poly", "SAS")
_RANDOM = re.compile(r"\(\s*1\s*\|\s*(`[^`]+`|[^()|`+*:/~\s]+)\s*\)")
_ARITHMETIC = (
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.Pow,
    ast.USub,
    ast.UAdd,
    ast.Load,
    ast.keyword,
    ast.List,
    ast.Tuple,
)


@dataclass(frozen=True, slots=True)
class Formula:
    """`fixed` is what formulaic reads; `groups` are those of the random intercepts; `outcomes` are expressions.

    `columns` are those of the outcomes and the fixed part; of these, `labels` are categories because the formula says
    C(...), whatever their type, and `plain` stand in arithmetic or are outcomes. `learnt` are the factors whose columns depend on
    all rows at once (poly, bs, scale).
    """

    fixed: str
    outcomes: tuple[str, ...]
    groups: tuple[str, ...]
    columns: tuple[str, ...]
    labels: tuple[str, ...]
    plain: tuple[str, ...]
    learnt: tuple[str, ...]


def read(
    formula: str, columns: Iterable[str], *, outcomes: Sequence[str] = (), constants: Mapping[str, float] | None = None
) -> Formula:
    """The formula taken apart; nothing in it is evaluated.

    The fixed part is Wilkinson's notation as `formulaic` reads it; `(1 | g)` is a random intercept (as in lme4). Either
    `y ~ ...`, or `~ ...` with `outcomes`. A factor may be a column, a number, or arithmetic of columns and `constants` with
    the functions log, log1p, log2, log10, exp, expm1, sqrt, abs, I, C, poly, bs, cs, cc, cr, center, scale. Anything else
    Python could do is refused before formulaic sees it.

    Raises UsageError for what cannot be read, InputError for columns that are not there.

    >>> found = read("log(thanks + eps) ~ age*gender + (1 | post)", ["thanks", "age", "gender", "post"], constants={"eps": 0.01})
    >>> found.outcomes, found.fixed, found.groups, found.columns
    (('log(thanks + eps)',), 'age*gender', ('post',), ('thanks', 'age', 'gender'))
    """
    from formulaic import Formula as Wilkinson
    from formulaic import SimpleFormula

    here, known = list(columns), dict(constants or {})
    if clash := sorted({*known} & {*here, *ROWWISE, *LEARNT}):
        raise UsageError(f"constant {clash[0]!r} is also a column or a function: give it another name")
    left, fixed, groups = _sides(formula)
    if bool(left) == bool(outcomes):
        raise UsageError(
            f"formula {formula!r} and {len(outcomes)} `outcomes`: name what is explained once, before the ~ or as outcomes"
        )
    said = tuple(" ".join(o.split()) for o in outcomes) if outcomes else (left,)
    if twice := sorted({o for o in said if said.count(o) > 1}):
        raise UsageError(f"outcome {twice[0]!r} is named twice")
    try:
        terms = Wilkinson(fixed)
    except Exception as error:  # formulaic raises many kinds; each says why in its first line
        raise UsageError(f"formula {fixed!r} cannot be read: {_first(error)}") from error
    if not isinstance(terms, SimpleFormula):
        raise UsageError(f"formula {fixed!r} has several parts; one right-hand side is due")
    factors = {f.expr: f.eval_method.value for term in terms for f in term.factors}
    names, labels, plain, learnt, faults = [], [], [], [], []
    # the columns of the outcomes come first: a row without a tone is counted under that tone
    held = set(here)
    for expression, how in [*((o, "lookup" if o in held else "outcome") for o in said), *factors.items()]:
        if how == "lookup":
            names.append(expression)
        elif how in {"outcome", "python"}:
            found = _Names(expression)
            faults += found.faults
            names += found.columns
            labels += found.labels
            plain += found.numbers
            learnt += [expression] if found.learns and how == "python" else []
    plain += [o for o in said if o in held]
    if faults:
        raise UsageError(f"formula {formula!r}: {'; '.join(dict.fromkeys(faults))}")
    needed = [c for c in dict.fromkeys(names) if c not in known]
    if missing := [c for c in dict.fromkeys([*needed, *groups]) if c not in held]:
        raise InputError(f"these rows cannot be fitted: {'; '.join(absent(c, here) for c in missing)}")
    if both := sorted({*labels} & ({*plain} | {e for e, how in factors.items() if how == "lookup"})):
        raise UsageError(
            f"column {both[0]!r} is a category in C(...) and a number elsewhere: copy it under a second name"
        )
    return Formula(
        fixed, said, groups, tuple(needed), tuple(dict.fromkeys(labels)),
        tuple(c for c in dict.fromkeys(plain) if c not in known), tuple(dict.fromkeys(learnt)),
    )  # fmt: skip


def absent(name: str, columns: Sequence[str]) -> str:
    """The fault of a column that is not there, with the nearest one that is.

    >>> absent("agee", ["age", "post"])
    "column 'agee' is missing; did you mean 'age'?"
    """
    near = get_close_matches(name, columns, n=1)
    return f"column {name!r} is missing" + (f"; did you mean {near[0]!r}?" if near else "")


def _sides(formula: str) -> tuple[str, str, tuple[str, ...]]:
    if formula.count("~") != 1:
        raise UsageError(f"formula {formula!r} has {formula.count('~')} ~; one is due, as in 'y ~ x + (1 | g)'")
    left, right = (side.strip() for side in formula.split("~"))
    groups = [g.strip("`") for g in _RANDOM.findall(right)]
    kept = _RANDOM.sub("\0", right)
    kept = re.sub(r"^\s*\0\s*(\+|$)|\+\s*\0(?=\s*([+-]|$))", lambda m: "", kept).strip()
    kept = re.sub(r"^\s*\0\s*(\+|$)|\+\s*\0(?=\s*([+-]|$))", lambda m: "", kept).strip()
    if "|" in kept or "\0" in kept:
        raise UsageError(
            f"formula {formula!r}: only random intercepts, added as '+ (1 | column)', are fitted; "
            "for a group within a group, make one column of both names"
        )
    if twice := [g for g in groups if groups.count(g) > 1]:
        raise UsageError(f"formula {formula!r} names the random intercept of {twice[0]!r} twice")
    return " ".join(left.split()), kept.lstrip("+ ") or "1", tuple(groups)


def _first(error: Exception) -> str:
    return next(
        (re.sub(r"\x1b\[[0-9;]*m", "", line) for line in str(error).splitlines() if line.strip()), type(error).__name__
    )


class _Names(ast.NodeVisitor):
    """The columns of one expression, and every node that has no business in a formula."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.columns: list[str] = []
        self.numbers: list[str] = []
        self.labels: list[str] = []
        self.faults: list[str] = []
        self.learns = False
        try:
            self.visit(ast.parse(expression, mode="eval").body)
        except (SyntaxError, ValueError, RecursionError):
            self.faults.append(f"{expression!r} cannot be read as arithmetic of columns")

    def generic_visit(self, node: ast.AST) -> None:
        if not isinstance(node, _ARITHMETIC):
            self.faults.append(f"{type(node).__name__} is not arithmetic of columns, in {self.expression!r}")
            return
        super().generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        self.columns.append(node.id)
        self.numbers.append(node.id)

    def visit_Constant(self, node: ast.Constant) -> None:
        if not isinstance(node.value, int | float | bool | None):
            self.faults.append(f"{node.value!r} is not a number, in {self.expression!r}")

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.Pow):
            power = node.right.operand if isinstance(node.right, ast.UnaryOp) else node.right
            # a tower of integer powers would run for ever
            if not (isinstance(power, ast.Constant) and isinstance(power.value, int | float) and power.value <= 20):
                self.faults.append(f"a power is a number up to 20, in {self.expression!r}")
                return
        for part in (node.op, node.left, node.right):
            self.visit(part)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        self.visit(node.op)
        self.visit(node.operand)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in (*ROWWISE, *LEARNT):
            said = ast.unparse(node.func)
            self.faults.append(f"no function {said!r} in a formula; there are {', '.join((*ROWWISE, *LEARNT))}")
            return
        self.learns |= name in LEARNT
        if name == "C":
            self._category(node)
            return
        if name in LEARNT and not node.args:
            self.faults.append(f"{name} needs a column, in {self.expression!r}")
        for part in (*node.args, *(k.value for k in node.keywords)):
            if not (name in LEARNT and isinstance(part, ast.Constant) and isinstance(part.value, str)):
                self.visit(part)

    def _category(self, node: ast.Call) -> None:
        if not node.args or not isinstance(node.args[0], ast.Name):
            self.faults.append(f"C takes a column, in {self.expression!r}")
            return
        self.columns.append(node.args[0].id)
        self.labels.append(node.args[0].id)
        for part in (*node.args[1:], *(k.value for k in node.keywords)):
            call = part if isinstance(part, ast.Call) else None
            func = call.func if call else part
            named = isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id == "contr"
            plain = (
                all(isinstance(a, ast.Constant) for a in (*call.args, *(k.value for k in call.keywords)))
                if call
                else True
            )
            if not (named and isinstance(func, ast.Attribute) and func.attr in _CONTRASTS and plain):
                self.faults.append(f"C takes contr.{'|'.join(_CONTRASTS)}(...), in {self.expression!r}")
