"""Hypothesis strategies for parameters of Adam, laws, problems, step sizes, points and boxes.

What they draw is exact (fractions and short decimals), shrinks to few atoms and small numbers, and prints as Python
that can be copied.
"""

from fractions import Fraction
from typing import Any, Literal, get_args

from hypothesis import strategies as st

from adamsym.expressions.errors import InputError
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam, AdamEpsInsideRoot, AdamWithoutMomentum, NAdam, RMSprop, StepSizeSchedule

LawKind = Literal["any", "symmetric", "asymmetric", "degenerate", "heavy spread"]
ProblemKind = Literal["any", "quadratic", "robust", "interpolating", "PL", "several minima", "regression"]

MEMORIES = ("0", "0.3", "0.5", "0.9", "0.95", "0.99", "0.999")
EPSILONS = ("1", "0.1", "0.01", "1e-4", "1e-8")

_halves = st.integers(-12, 12).map(lambda k: Fraction(k, 2))
_weights = st.integers(1, 9)


def adams(beta1_at_most_beta2: bool = False) -> st.SearchStrategy[Adam]:
    """Return a strategy for Adam with allowed parameters; simplest is beta1 = beta2 = 0, eps = 1.

    Parameters
    ----------
    beta1_at_most_beta2
        Whether beta1 <= beta2, as N-Theorem 4 asks.
    """
    return _triples(beta1_at_most_beta2).map(lambda triple: Adam(*triple))


def adam_relatives() -> st.SearchStrategy[Any]:
    """Return a strategy for methods that have a field: Adam, RMSprop, NAdam, and Adam with eps inside the root."""
    kinds = {Adam: 3, NAdam: 3, AdamEpsInsideRoot: 3, RMSprop: 2, AdamWithoutMomentum: 2}
    return st.tuples(st.sampled_from(list(kinds)), _triples(False)).map(
        lambda drawn: drawn[0](*drawn[1][3 - kinds[drawn[0]] :])
    )


def _triples(beta1_at_most_beta2: bool) -> st.SearchStrategy[tuple[str, str, str]]:
    pairs = [
        (alpha, beta)
        for beta in MEMORIES
        for alpha in MEMORIES
        if (Fraction(alpha) ** 2 < Fraction(beta) or alpha == beta == "0")
        and (not beta1_at_most_beta2 or Fraction(alpha) <= Fraction(beta))
    ]
    return st.tuples(st.sampled_from(pairs), st.sampled_from(EPSILONS)).map(lambda drawn: (*drawn[0], drawn[1]))


def invalid_adam_parameters() -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for keyword arguments that ``Adam`` must refuse with an InputError."""
    not_memories: st.SearchStrategy[Any] = st.one_of(
        st.sampled_from([1, -1, "1.5", float("nan"), float("inf"), -float("inf"), "a", None, [], True]),
        st.fractions(max_value=Fraction(-1, 10**6), max_denominator=10**6),
        st.fractions(min_value=1, max_denominator=10**6),
    )
    not_epsilons: st.SearchStrategy[Any] = st.one_of(
        st.sampled_from([0, "0", -1e-8, float("nan"), float("inf"), "eps", None, "1e-400"]),
        st.fractions(max_value=0, max_denominator=10**6),
    )
    too_long = st.tuples(st.integers(1, 99), st.integers(0, 99)).filter(lambda k: k[0] ** 2 >= 100 * k[1])
    return st.one_of(
        st.fixed_dictionaries({"beta1": not_memories}),
        st.fixed_dictionaries({"beta2": not_memories}),
        st.fixed_dictionaries({"eps": not_epsilons}),
        too_long.map(lambda k: {"beta1": Fraction(k[0], 100), "beta2": Fraction(k[1], 100)}),
    )


def laws(kind: LawKind = "any", columns: int = 1, fewest: int = 1, most: int = 5) -> st.SearchStrategy[Empirical]:
    """Return a strategy for empirical laws of the columns x, or x0, x1, ..., with ``fewest`` to ``most`` rows.

    Parameters
    ----------
    kind
        "symmetric": x - E x has a symmetric law. "asymmetric": its third central moment is not 0. "degenerate": one
        value. "heavy spread": values from 1/1000 to 1000, some rare. All but "any" have one column.

    Raises
    ------
    InputError
        If the kind is not known, or has one column and more are asked for.
    """
    if kind != "any" and columns != 1:
        raise InputError(f"laws: of the kind {kind!r} there is one column; give columns=1")
    if kind == "degenerate":
        return _halves.map(lambda x: Empirical({"x": [x]}))
    if kind == "symmetric":
        drawn = st.tuples(_halves, st.lists(_halves, min_size=1, max_size=max(most // 2, 1)))
        return drawn.map(lambda d: Empirical({"x": [d[0] + sign * x for x in d[1] for sign in (-1, 1)]}))
    if kind == "asymmetric":
        pairs = st.lists(st.tuples(_halves, _weights), min_size=max(fewest, 2), max_size=most)
        return pairs.filter(lambda p: _third_moment(p) != 0).map(lambda p: _weighted([(x,) for x, _ in p], p))
    if kind == "heavy spread":
        sizes = st.tuples(st.sampled_from([1, -1]), st.integers(1, 9), st.integers(-3, 3))
        values = sizes.map(lambda d: d[0] * d[1] * Fraction(10) ** d[2])
        rare = st.integers(0, 4).map(lambda k: Fraction(1, 10**k))
        rows = st.lists(st.tuples(values, rare), min_size=max(fewest, 2), max_size=most)
        return rows.map(lambda p: _weighted([(x,) for x, _ in p], p))
    if kind != "any":
        raise InputError(f"laws: {kind!r} is no kind; allowed are {', '.join(get_args(LawKind))}")
    row = st.tuples(*[_halves] * columns)
    weighted = st.lists(st.tuples(row, _weights), min_size=fewest, max_size=most)
    return weighted.map(lambda p: _weighted([tuple(row) for row, _ in p], p))


def _third_moment(pairs: list[tuple[Fraction, int]]) -> Fraction:
    total = sum(weight for _, weight in pairs)
    mean = sum((weight * x for x, weight in pairs), Fraction(0)) / total
    return sum((weight * (x - mean) ** 3 for x, weight in pairs), Fraction(0))


def _weighted(rows: list[tuple[Fraction, ...]], pairs: list[tuple[Any, Any]]) -> Empirical:
    """Rows with the weights of pairs; equal weights are left out, which reads better."""
    names = ["x"] if len(rows[0]) == 1 else [f"x{i}" for i in range(len(rows[0]))]
    columns = {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    weights = [weight for _, weight in pairs]
    return Empirical(columns) if len(set(weights)) == 1 else Empirical(columns, weights)


_ONE_COLUMN = {
    "quadratic": ["(theta - x)**2/2"],
    "robust": ["log(cosh(theta - x))", "log(1 + exp(theta - x)) - theta/2"],
    "several minima": ["(theta**2 - 1)**2/4 + x*theta/8"],
}


def problems(kind: ProblemKind = "any", law: LawKind = "any", batch_sizes: int = 2) -> st.SearchStrategy[Problem]:
    """Return a strategy for problems with one or two parameters, in batches of up to ``batch_sizes`` rows.

    Parameters
    ----------
    kind
        "quadratic": (theta - x)^2/2. "robust": log cosh and a logistic loss, whose gradients are bounded.
        "interpolating": products and lines that some parameters fit exactly. "PL": two losses with a common minimum at
        0, Polyak-Lojasiewicz on the whole line (N1). "several minima": a double well tilted by x. "regression": a
        line, w x0 + b.
    law
        Kind of the law of x; for quadratic, robust and several minima.

    Raises
    ------
    InputError
        If a kind is not known.
    """
    batches = st.integers(1, batch_sizes)
    if kind in _ONE_COLUMN:
        drawn_losses = st.sampled_from(_ONE_COLUMN[kind])
        return st.tuples(drawn_losses, laws(law), batches).map(lambda d: Problem(d[0], ["theta"], d[1], d[2]))
    if kind == "regression":
        drawn = st.tuples(laws(columns=2, fewest=2), batches)
        return drawn.map(lambda d: Problem("(w*x0 + b - x1)**2/2", ["w", "b"], d[0], d[1]))
    if kind == "interpolating":
        return st.tuples(st.one_of(_products(), _lines()), batches).map(lambda d: Problem(*d[0], d[1]))
    if kind == "PL":
        # L' has the sign of theta if k/rows > 0.2173 (1 - 1/rows): -sin(2 t)/(2 t) <= 0.2173.
        shares = st.tuples(st.integers(2, 60), st.integers(2, 60), batches).filter(lambda d: 4 * d[0] > d[1])
        return shares.map(_two_losses)
    if kind != "any":
        raise InputError(f"problems: {kind!r} is no kind; allowed are {', '.join(get_args(ProblemKind))}")
    kinds: tuple[ProblemKind, ...] = ("quadratic", "robust", "several minima", "regression", "interpolating", "PL")
    return st.one_of(*(problems(one, law, batch_sizes) for one in kinds))


def _products() -> st.SearchStrategy[tuple[str, list[str], Empirical]]:
    """(a b x - y)^2/2 where y = c x for all rows."""
    drawn = st.tuples(st.lists(_halves.filter(bool), min_size=1, max_size=4), st.integers(1, 4))
    return drawn.map(
        lambda d: ("(a*b*x - y)**2/2", ["a", "b"], Empirical({"x": d[0], "y": [d[1] * x / 2 for x in d[0]]}))
    )


def _lines() -> st.SearchStrategy[tuple[str, list[str], Empirical]]:
    """(w x + b - y)^2/2 where y = w0 x + b0 for all rows."""
    drawn = st.tuples(st.lists(_halves, min_size=1, max_size=4), _halves, _halves)
    return drawn.map(
        lambda d: ("(w*x + b - y)**2/2", ["w", "b"], Empirical({"x": d[0], "y": [d[1] * x + d[2] for x in d[0]]}))
    )


def _two_losses(drawn: tuple[int, int, int]) -> Problem:
    stiffness, rows, batch = drawn
    law = Empirical({"a": [1, 0]}, [Fraction(1, rows), 1 - Fraction(1, rows)])
    return Problem(f"a*{stiffness}*theta**2/2 + (1 - a)*sin(theta)**2/2", ["theta"], law, batch)


def schedules(vanishing: bool = True, fastest: str = "1") -> st.SearchStrategy[StepSizeSchedule]:
    """Return a strategy for step sizes c/n**r with sum infinite and r from 0.5 to ``fastest``.

    Parameters
    ----------
    vanishing
        Whether constant steps are left out.
    fastest
        With r near 1 a given time takes very many steps.
    """
    exponents = [r for r in ("0.5", "0.6", "0.75", "0.9", "1") if float(r) <= float(fastest)]
    exponents += [] if vanishing else ["0"]
    drawn = st.tuples(st.sampled_from(["0.1", "0.03", "0.01"]), st.sampled_from(exponents))
    return drawn.map(lambda d: StepSizeSchedule(d[0] if d[1] == "0" else f"{d[0]}/n**{d[1]}"))


def points(dimension: int = 1, largest: int = 6) -> st.SearchStrategy[list[float]]:
    """Return a strategy for points in [-largest, largest]^dimension, multiples of 1/16."""
    coordinates = st.integers(-16 * largest, 16 * largest).map(lambda k: k / 16)
    return st.lists(coordinates, min_size=dimension, max_size=dimension)


def boxes(dimension: int = 1, widest: int = 2) -> st.SearchStrategy[list[list[float]]]:
    """Return a strategy for boxes [[low, high], ...] with sides of length 0 to ``widest``, multiples of 1/16."""
    sides = st.tuples(st.integers(-64, 64), st.integers(0, 16 * widest)).map(lambda k: [k[0] / 16, (k[0] + k[1]) / 16])
    return st.lists(sides, min_size=dimension, max_size=dimension)


# ``hypothesis.strategies.from_type`` draws as these do.
st.register_type_strategy(Adam, adams())
st.register_type_strategy(Empirical, laws())
st.register_type_strategy(Problem, problems())
st.register_type_strategy(StepSizeSchedule, schedules())
