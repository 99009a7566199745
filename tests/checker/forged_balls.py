"""Forgeries and rewritings of Lyapunov regions around interpolating points, and of global ones."""

from fractions import Fraction

import numpy as np
from forgeries import BALL, change_problem, field_of, forgery
from rewritings import rewriting

SURELY = 1e-6
"""Share by which a bound is beyond the truth that floats know."""


class Truth:
    """What floats know of a field at points near a center."""

    def __init__(self, record, center):
        self.field, self.center = field_of(record), np.array(center)
        self.fits = self.field is not None and self.field.problem.dimension == len(center)

    def at(self, theta):
        """The loss, D^2, the summed variance over D^2, and -<grad L, f>, at a point; None at a minimum."""
        problem = self.field.problem
        loss, gradient = float(problem.mean_loss(theta)), problem.gradient(theta)
        rows, weights = problem.row_gradients(theta), np.array([float(p) for p in problem.law.exact_probabilities])
        square = float(gradient @ gradient)
        if loss < 1e-12 or square < 1e-12:
            return None
        spread = float(weights @ (rows**2).sum(axis=1) - square) / problem.batch_size
        return loss, square, spread / square, float(-gradient @ self.field(theta))

    def share(self, theta, eta):
        """-<grad L, f> over D^2 phi((1 + eta) D^2)."""
        _, square, _, decrease = self.at(theta)
        return decrease / (square * float(self.field.adam.laplace.kernel.of(np.array((1 + eta) * square))))


def points(content, rng, reach=1.0):
    """Points of the region, some along what changes the residuals in their worst direction."""
    radius = reach * (1.0 if content["radius"] is None else content["radius"])
    center, inverse = np.array(content["center"]), np.array(content["inverse"])
    draws = np.random.default_rng(rng.randrange(2**32))
    found = [center + radius * draws.uniform(-1, 1, len(center)) for _ in range(8)]
    if inverse.size:
        for direction in np.linalg.svd(inverse)[0][:, : inverse.shape[1]].T:
            found += [center + radius * share * direction / np.abs(direction).max() for share in (-0.9, 0.1, 0.9)]
    return found


def a_point(content, rng):
    """A point of the region at which L > 0, and what floats know there."""
    truth = Truth(content["problem"], content["center"])
    theta = rng.choice(points(content, rng))
    return truth, theta, truth.at(theta)


def is_refuted(content, rng, reach=1.0):
    """Whether floats show that a bound does not hold at some point of the region, or that no zero is near."""
    truth, claimed = Truth(content["problem"], content["center"]), content["decrease"]
    if not truth.fits or claimed is None:
        return False
    if truth.field.adam.laplace.decay != 0 or residual_is_large(content, truth):
        return truth.field.adam.laplace.decay == 0
    for theta in points(content, rng, reach):
        known = truth.at(theta)
        if known is None:
            continue
        loss, square, spread, decrease = known
        if spread > claimed["eta"] * (1 + SURELY) or square < 2 * claimed["mu"] * loss * (1 - SURELY):
            return True
        if truth.share(theta, claimed["eta"]) < claimed["c_0"] * (1 - SURELY):
            return True
        if claimed["level"] is None and decrease < claimed["rate"] * loss * (1 - SURELY):
            return True
    return False


def residual_is_large(content, truth):
    """Whether the loss at the center is so large that no point with L = 0 is near, by the gradient's size around."""
    near, problem = content["near"], truth.field.problem
    if near is None or near > 1e-3:
        return False
    losses = problem.row_losses(truth.center)
    slopes = np.abs(problem.row_gradients(truth.center)).sum(axis=1)
    # l = R^2/2 and the gradient of l is R a: R changes by at most near |a|_1, here with room for the curvature.
    large = losses > 1e-14
    return bool((2 * losses[large] > 2 * near * slopes[large]).any())


@forgery(BALL)
def larger_share(base, content, rng):
    """c_0 is beyond what floats find at a point."""
    if content["decrease"] is None:
        return None
    truth, theta, known = a_point(content, rng)
    if known is None:
        return None
    content["decrease"]["c_0"] = truth.share(theta, content["decrease"]["eta"]) * (1 + 10 ** rng.uniform(-5, 1))
    return content if content["decrease"]["c_0"] > base.content["decrease"]["c_0"] else None


@forgery(BALL)
def less_noise(base, content, rng):
    """Eta is below the noise at a point."""
    if content["decrease"] is None:
        return None
    known = a_point(content, rng)[2]
    if known is None or known[2] < 1e-6:
        return None
    content["decrease"]["eta"] = known[2] * (1 - 10 ** rng.uniform(-5, -0.01))
    return content


@forgery(BALL)
def larger_pl_constant(base, content, rng):
    """Mu is above D^2/(2 L) at a point."""
    if content["decrease"] is None:
        return None
    known = a_point(content, rng)[2]
    if known is None:
        return None
    content["decrease"]["mu"] = known[1] / (2 * known[0]) * (1 + 10 ** rng.uniform(-5, 1))
    return content


@forgery(BALL)
def faster_decay(base, content, rng):
    """A rate is above -<grad L, f>/L at a point of the region, or of the starts."""
    if content["decrease"] is None:
        return None
    parts = [content["decrease"], *content["starts"]]
    part = rng.choice(parts)
    share = 1.0 if part is parts[0] or content["radius"] is None else part["radius"] / content["radius"]
    truth = Truth(content["problem"], content["center"])
    theta = rng.choice(points(content, rng, share))
    known = truth.at(theta)
    if known is None or (part["level"] is not None and known[0] > part["level"]):
        return None
    part["rate"] = known[3] / known[0] * (1 + 10 ** rng.uniform(-5, 2))
    return content


@forgery(BALL)
def higher_level(base, content, rng):
    """The level is raised over a point at which L decays more slowly than the rate says."""
    if content["decrease"] is None:
        return None
    part = rng.choice([content["decrease"], *content["starts"]])
    truth = Truth(content["problem"], content["center"])
    reach = 1.0 if part is content["decrease"] else part["radius"] / content["radius"]
    for theta in points(content, rng, reach * (100.0 if content["radius"] is None else 1.0)):
        known = truth.at(theta)
        if part["level"] is None or known is None or known[0] < part["level"]:
            continue
        if known[3] < part["rate"] * known[0] * (1 - SURELY):
            part["level"] = known[0] * (1 + SURELY)
            return content
    return None


@forgery(BALL)
def center_elsewhere(base, content, rng):
    """No point with L = 0 is near the new center."""
    k = rng.randrange(len(content["center"]))
    content["center"][k] += rng.choice([-1, 1]) * 10 ** rng.uniform(-4, 0)
    truth = Truth(content["problem"], content["center"])
    return content if residual_is_large(content, truth) else None


@forgery(BALL)
def wider_region(base, content, rng):
    """The region is so wide that its bounds fail at a point; that of one row reaches a critical point with L > 0."""
    if content["radius"] is None or content["decrease"] is None:
        return None
    content["radius"] *= 1 + 10 ** rng.uniform(-1, 2.5)
    if base.name == "ball of one row":
        return content if content["radius"] >= 1 else None
    return content if is_refuted(content, rng) else None


@forgery(BALL)
def everywhere_of_a_ball(base, content, rng):
    """All of space in place of a box: the bounds fail at a point far away."""
    if content["radius"] is None or content["decrease"] is None:
        return None
    content.update(radius=None, starts=[])
    content["decrease"].update(rate=0.0)
    far = {**content, "radius": 10 ** rng.uniform(0, 1)}
    return content if base.name == "ball of one row" or is_refuted(far, rng) else None


@forgery(BALL)
def ball_of_another_problem(base, content, rng):
    """Other data, probabilities, batches or another method, for which a bound fails, or no zero is near."""
    if not change_problem(content["problem"], rng):
        return None
    return content if is_refuted(content, rng) else None


@forgery(BALL)
def smaller_batch(base, content, rng):
    """The bounds are those of larger batches: eta and c_0 fail."""
    if content["decrease"] is None:
        return None
    content["decrease"]["eta"] /= rng.randint(2, 99)
    return content if is_refuted(content, rng) else None


@forgery(BALL)
def row_that_contradicts(base, content, rng):
    """A row once more with another target: no parameters fit both."""
    record = content["problem"]
    k = rng.randrange(len(record["probabilities"]))
    for name, column in record["columns"].items():
        moved = Fraction(rng.choice([-1, 1]) * rng.randint(1, 99), 100) if name == list(record["columns"])[-1] else 0
        column.append(str(Fraction(column[k]) + moved))
    record["probabilities"].append(str(Fraction(record["probabilities"][k]) / 2))
    record["probabilities"][k] = record["probabilities"][-1]
    if rng.random() < 0.7:
        content["inverse"] = [[*row, rng.choice([0.0, row[k]])] for row in content["inverse"]]
        content["balances"] = None
    # In the base of one row the target is x, the only column.
    return None if content["near"] is None else content


@forgery(BALL)
def row_dropped(base, content, rng):
    """The least noisy row is left out: of what is left eta is claimed too small."""
    record = content["problem"]
    if len(record["probabilities"]) < 2 or content["decrease"] is None:
        return None
    k = rng.randrange(len(record["probabilities"]))
    for column in record["columns"].values():
        del column[k]
    weights = [Fraction(p) for j, p in enumerate(record["probabilities"]) if j != k]
    record["probabilities"] = [str(p / sum(weights)) for p in weights]
    if rng.random() < 0.7:
        rows = len(record["probabilities"]) + 1
        content["inverse"] = [[x for j, x in enumerate(row) if j % rows != k] for row in content["inverse"]]
        content["balances"] = None
        content["decrease"]["mu"] *= 10 ** rng.uniform(0, 3)
        return content if is_refuted(content, rng) else None
    # An inverse of so many columns is none of the rows that are left: nothing is proven so, though it may be true.
    content["decrease"]["c_0"] = 2.0
    return content if is_refuted(content, rng) else None


@forgery(BALL)
def flow_that_leaves(base, content, rng):
    """Flow lines are to stay in the box of their starts itself, of which f points outward at a corner."""
    if not content["starts"]:
        return None
    starts = rng.choice(content["starts"])
    truth = Truth(content["problem"], content["center"])
    starts.update(within=starts["radius"], level=None)
    signs = np.array([rng.choice([-1, 1]) for _ in content["center"]])
    value = truth.field(truth.center + starts["radius"] * signs)
    return content if (value * signs > 1e-9).any() else None


@forgery(BALL)
def starts_beyond(base, content, rng):
    """Starts or boxes that reach out of what the certificate is about, or of where they are said to stay."""
    if not content["starts"]:
        return None
    starts, factor = rng.choice(content["starts"]), 1 + 10 ** rng.uniform(-6, 2)
    way = rng.choice(["radius", "within"])
    starts[way] = factor * (starts["within"] if way == "radius" else content["radius"])
    return content


@forgery(BALL)
def other_ball_verdict(base, content, rng):
    """What the verdict says is not what the rest says."""
    way = rng.choice(["verdict", "near", "decrease"])
    if way == "verdict":
        content["verdict"] = "undecided" if content["verdict"] == "certified" else "certified"
    elif content["decrease"] is None:
        return None
    else:
        content[way] = None
    return content


@forgery(BALL)
def starts_in_all_of_space(base, content, rng):
    """Where every flow line converges no box is named in which some stay."""
    if content["radius"] is not None:
        return None
    content["starts"] = [{"radius": 0.5, "level": None, "within": 10 ** rng.uniform(-0.3, 1), "rate": 0.0}]
    return content


# --- rewritings ------------------------------------------------------------------------------------------------------


@rewriting(BALL)
def less_said_of_a_ball(base, content, rng):
    decrease = content["decrease"]
    if decrease is None:
        content["near"] = None
        return content
    decrease["eta"] *= rng.uniform(1, 9)
    decrease["mu"] *= rng.uniform(0.01, 1)
    decrease["c_0"] *= rng.uniform(0.01, 1)
    decrease["rate"] *= rng.uniform(0, 1)
    content["near"] *= rng.uniform(1, 9)
    for starts in content["starts"]:
        starts["radius"] *= rng.uniform(0, 1)
        starts["rate"] *= rng.uniform(0, 1)
        if starts["level"] is not None:
            starts["level"] *= rng.uniform(0, 1)
    return content


@rewriting(BALL)
def fewer_starts(base, content, rng):
    if not content["starts"]:
        return None
    content["starts"].remove(rng.choice(content["starts"]))
    return content


@rewriting(BALL)
def smaller_ball(base, content, rng):
    if content["radius"] is None or content["decrease"] is None:
        return None
    least = max([content["near"], *(starts["within"] for starts in content["starts"])])
    content["radius"] = least + rng.uniform(0, 1) * (content["radius"] - least)
    return content


@rewriting(BALL)
def undecided_ball(base, content, rng):
    content.update(verdict="undecided", decrease=None, starts=[])
    return content


@rewriting(BALL)
def rows_in_another_order(base, content, rng):
    record = content["problem"]
    order = list(range(len(record["probabilities"])))
    rng.shuffle(order)
    record["columns"] = {name: [column[k] for k in order] for name, column in record["columns"].items()}
    record["probabilities"] = [record["probabilities"][k] for k in order]
    # Rows with several residuals have a column for the first of each row, then for the second.
    columns = len(content["inverse"][0])
    places = [first + k for first in range(0, columns, len(order)) for k in order]
    content["inverse"] = [[row[k] for k in places] for row in content["inverse"]]
    if content["balances"] is not None:
        content["balances"] = [[[one[j][k] for k in places] for j in places] for one in content["balances"]]
    return content


@rewriting(BALL)
def other_balances(base, content, rng):
    """Without them a narrow region is proved as well; a factor of each does not count."""
    if content["balances"] is not None:
        content["balances"] = [[[x * 2.0 for x in row] for row in one] for one in content["balances"]]
    return content


@forgery(BALL)
def balances_that_are_none(base, content, rng):
    """Matrices that are not positive definite or not symmetric prove nothing, and eta as small as without noise."""
    if content["balances"] is None or content["decrease"] is None:
        return None
    one = content["balances"][rng.randrange(2)]
    if len(one) > 1 and rng.random() < 0.5:
        one[0][1] += rng.choice([-1, 1]) * 10 ** rng.uniform(-6, 2)
    else:
        one[rng.randrange(len(one))] = [0.0] * len(one)
    content["decrease"]["eta"] = 0.0
    return content if is_refuted(content, rng) else None


@rewriting(BALL)
def another_inverse(base, content, rng):
    content["inverse"] = [[x * (1 + 1e-9 * rng.uniform(-1, 1)) for x in row] for row in content["inverse"]]
    content["near"] = None if content["near"] is None else content["near"] * 2
    return content
