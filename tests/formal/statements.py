"""Ten statements for Coq, half of them on real data; each is a call that makes it."""

from pathlib import Path

from adamsym import Adam, AdamEpsInsideRoot, AdamW, Empirical, NAdam, Problem, RMSprop
from adamsym.formal import prove_not_zero, prove_sign, prove_zero
from adamsym.gradients.reading import read_problem
from adamsym.gradients.tables import Format, read_table

EXAMPLES = Path(__file__).parents[2] / "examples"
SKEWED = Empirical({"x": [0, 0, 3]})


def mean_problem(law=SKEWED, batch_size=1):
    return Problem("(theta - x)**2/2", ["theta"], law, batch_size)


def patients(batch_size=1):
    """Twelve patients: disease progression on body-mass index, a linear regression."""
    names = ["bmi", "progression"]
    table = read_table(EXAMPLES / "diabetes_12_rows.csv", Format()).read(names)
    law = Empirical(dict(zip(names, table.columns, strict=True)))
    return Problem("(w*bmi + b - progression)**2/2", ["w", "b"], law, batch_size)


def neuron_rows():
    """The six patients of the neuron, with a line in its place."""
    return Problem("(a*x - y)**2/2", ["a"], read_problem(EXAMPLES / "neuron.toml").problem.law)


def rational():
    """A loss with denominators in the parameter and in the data."""
    law = Empirical({"x": [1, 2, "1/2"], "y": [1, "3/2", 4]})
    return Problem("theta**2/(1 + theta**2)*x + (theta - x)**4/(2 + y**2)", ["theta"], law)


def of_file(name, theta):
    file = read_problem(EXAMPLES / name)
    return prove_sign(file.problem, file.adam, theta)


STATEMENTS = {
    "sign": lambda: prove_sign(mean_problem(), Adam(), ["0.998"]),
    "no zero": lambda: prove_not_zero(mean_problem(), Adam(), [1]),
    "zero": lambda: prove_zero(mean_problem(), Adam(), "0.998", 1),
    "histories": lambda: prove_sign(mean_problem(), Adam("0.3", "0.5", "0.1"), ["0.7"]),
    "denominators": lambda: prove_zero(rational(), Adam(), -1, 3),
    "442 patients": lambda: of_file("diabetes_mean.toml", [1]),
    "three parameters": lambda: of_file("diabetes_regression.toml", [0, 0, 0]),
    "twelve patients": lambda: prove_sign(patients(), NAdam(), ["-1", "1/10"]),
    "minibatches of patients": lambda: prove_zero(
        Problem("(c - progression)**2/2", ["c"], patients().law, 2), AdamEpsInsideRoot(), -1, 1
    ),
    "six patients": lambda: prove_zero(neuron_rows(), AdamW(weight_decay="0.01"), "-1/2", 2),
}
"""By name. The last five are about real data."""

METHODS = [Adam(), RMSprop(), NAdam(), AdamW(), AdamEpsInsideRoot()]


def logistic(law, batch_size=1):
    """Logistic regression of y on x, with one weight and a small penalty."""
    return Problem("softplus(a*x) - y*a*x + a**2/10", ["a"], law, batch_size)


LABELLED = Empirical({"x": [1, 2, "-1/2"], "y": [1, 0, 1]})

FUNCTIONS = {
    "100 flowers": lambda: prove_sign(
        read_problem(EXAMPLES / "iris_logistic.toml").problem, Adam(), ["1/2", "1/3", "-2"], ["w0"]
    ),
    "a neuron": lambda: of_file("neuron.toml", [1, 1]),
    "a zero": lambda: prove_zero(logistic(LABELLED), AdamW(weight_decay="0.1"), -3, 3),
    "minibatches": lambda: prove_sign(logistic(LABELLED, 2), NAdam(), [-1]),
    "one lag": lambda: prove_sign(Problem("softplus(a - x) - a/3", ["a"], SKEWED), Adam("0.3", "0.5", "0.1"), ["-2/5"]),
    "histories": lambda: prove_sign(
        Problem("softplus(a - x) - a/3", ["a"], SKEWED), Adam("0.3", "0.5", "0.1"), ["-1/4"]
    ),
    "root and sigmoid": lambda: prove_sign(
        Problem("sqrt(1 + (a*x - y)**2) + (sigmoid(a*x) - y)**2", ["a"], LABELLED), RMSprop(), ["1/2"]
    ),
    "a logarithm": lambda: prove_zero(Problem("log1p((a*x - y)**2)", ["a"], LABELLED), AdamEpsInsideRoot(), -3, 3),
}
"""Statements about losses that are not rational, the first two on real data."""
