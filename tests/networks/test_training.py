"""Ensembles of real optimizers: against Adam written down, torch against optax, copies of networks, error bars."""

from dataclasses import replace
from functools import cache, partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from adamsym import InputError
from adamsym.expressions.errors import NotApplicable
from adamsym.networks import (
    Comparison,
    HiddenLayer,
    JaxGradients,
    MeanIterate,
    TorchGradients,
    Training,
    canonical,
    compare,
    hidden_layers,
    symmetry,
    train,
)
from adamsym.networks.reporting import _of_the_end
from adamsym.networks.symmetry import copy_margins

torch = pytest.importorskip("torch", reason="needs torch")
jax = pytest.importorskip("jax", reason="needs jax")
optax = pytest.importorskip("optax", reason="needs optax")

ROWS = 7
WEIGHTS = [1, 2, 3, 4, 5, 6, 7]
ADAM = partial(torch.optim.Adam, betas=(0.8, 0.95), eps=1e-3)


def square(output, target):
    return ((output - target) ** 2).sum() / 2


def module_of(widths, activation=torch.nn.Tanh):
    torch.manual_seed(0)
    layers = [layer for a, b in pairwise(widths) for layer in (torch.nn.Linear(a, b), activation())]
    return torch.nn.Sequential(*layers[:-1]).double()


def data(widths=(2, 1), rows=ROWS):
    generator = np.random.default_rng(1)
    return generator.normal(size=(rows, widths[0])), generator.normal(size=(rows, widths[-1]))


def source_of(batch_size, widths=(2, 3, 1), **options):
    return TorchGradients(module_of(widths), square, *data(widths), batch_size, **options)


def in_jax(source, batch_size):
    def apply(params, x):
        return jax.numpy.tanh(x @ params[0].T + params[1]) @ params[2].T + params[3]

    params = [p.detach().numpy() for p in source._module.parameters()]
    return JaxGradients(apply, params, square, *data(), batch_size, weights=WEIGHTS)


def by_hand(source, schedule, theta0, steps, seed, chain):
    """Adam as written by Kingma and Ba, one chain, with the rows that its generator draws."""
    generator, theta = np.random.default_rng([seed, chain]), theta0.copy()
    edges = np.cumsum(source.law.probabilities)[:-1]
    m, v, path = 0, 0, []
    for n in range(1, steps + 1):
        rows = np.searchsorted(edges, generator.random(source.batch_size), side="right")
        g = source.row_gradients(theta)[rows].mean(axis=0)
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g * g
        theta = theta - schedule(n) * (m / (1 - 0.8**n)) / (np.sqrt(v / (1 - 0.95**n)) + 1e-3)
        path.append(theta)
    return np.array(path)


OPTAX = partial(optax.adam, b1=0.8, b2=0.95, eps=1e-3)
STEPS, SCHEDULE = 16, "0.1/n**0.5"


@settings(max_examples=2, deadline=None)
@given(st.integers(1, 3), st.integers(0, 99))
def test_chains_are_adam_with_the_rows_that_they_draw(batch_size, seed):
    source = source_of(batch_size, weights=WEIGHTS)
    starts = source.theta + np.arange(3)[:, None] / 10
    found = train(source, ADAM, SCHEDULE, starts, STEPS, 3, seed, windows=2)
    path = by_hand(source, lambda n: 0.1 / n**0.5, starts[1], STEPS, seed, 1)
    np.testing.assert_allclose(found.theta[1], path[-1], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(found.means[:, 1], [path[4:8].mean(0), path[8:].mean(0)], rtol=1e-12, atol=1e-13)
    assert found.ends.tolist() == [8, 16]
    assert not found.diverged.any()
    np.testing.assert_allclose(found.step_sizes[1], np.mean([0.1 / n**0.5 for n in range(9, 17)]))
    assert str(STEPS) in repr(found)
    assert isinstance(found, Training)


def test_torch_and_optax_take_the_same_path_and_chains_do_not_know_of_each_other():
    source = source_of(2, weights=WEIGHTS)
    starts = source.theta + np.arange(3)[:, None] / 10
    found = train(source, ADAM, SCHEDULE, starts, STEPS, 3, 5, windows=1)
    own = train(in_jax(source, 2), OPTAX, SCHEDULE, starts, STEPS, 3, 5, windows=1)
    np.testing.assert_allclose(found.theta, own.theta, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(found.means, own.means, rtol=1e-11, atol=1e-12)
    assert not jax.config.jax_enable_x64
    alone = train(source, ADAM, SCHEDULE, starts[:2], STEPS, 2, 5, windows=1)
    np.testing.assert_allclose(alone.theta, found.theta[:2], rtol=1e-12, atol=1e-13)
    other = train(source, ADAM, SCHEDULE, starts[:2], STEPS, 2, 6, windows=1)
    assert np.abs(other.theta - alone.theta).max() > 1e-3
    with pytest.raises(InputError, match="learning_rate"):
        train(in_jax(source, 2), optax.identity, SCHEDULE, starts, STEPS, 3, 5)


def test_a_chain_that_diverges_is_said_and_the_others_go_on():
    source = source_of(1)
    starts = np.array([source.theta, np.full(source.dimension, 1e160), source.theta])
    with np.errstate(all="ignore"):
        found = train(source, partial(torch.optim.SGD), "0.01", starts, 16, 3, 0, windows=2)
    assert found.diverged.tolist() == [0, 2**4 >> 2, 0]
    assert np.isnan(found.theta[1]).all()
    assert np.isfinite(found.means[:, [0, 2]]).all()


@pytest.mark.parametrize("optimizer", ["Adafactor", "Muon", "LBFGS", "SparseAdam"])
def test_optimizers_that_are_not_elementwise_are_refused(optimizer):
    with pytest.raises(InputError, match="optimizer"):
        train(source_of(1), getattr(torch.optim, optimizer), "0.01", np.zeros(13), 16, 2, 0)


@pytest.mark.parametrize(
    ("changed", "named"),
    [({"steps": 15}, "steps"), ({"chains": 0}, "chains"), ({"seed": -1}, "seed"), ({"theta0": [0.0]}, "theta")],
)
def test_wrong_numbers_are_named(changed, named):
    arguments = {"steps": 16, "chains": 2, "seed": 0, "theta0": np.zeros(13), **changed}
    with pytest.raises(InputError, match=named):
        train(source_of(1), ADAM, "0.01", **arguments)


# --- symmetry of hidden units ---------------------------------------------------------------------------------------

DEEP = (2, 3, 4, 2)


@cache
def layered(widths):
    source = source_of(1, widths)
    return source, hidden_layers(source)


def a_copy(theta, layers, draw):
    for layer in layers:
        units = len(layer.incoming)
        order = draw(st.permutations(range(units)))
        signs = draw(st.lists(st.sampled_from([1.0, -1.0]), min_size=units, max_size=units))
        changed = theta.copy()
        for places in (layer.incoming, layer.outgoing):
            changed[places] = theta[places[order]] * np.array(signs)[:, None]
        theta = changed
    return theta


@settings(max_examples=20, deadline=None)
@given(st.data(), st.sampled_from([(2, 3, 1), DEEP]), st.integers(0, 99))
def test_a_copy_comes_back_exactly_and_other_points_stay_the_same_function(drawn, widths, seed):
    source, layers = layered(widths)
    assert all(isinstance(layer, HiddenLayer) for layer in layers)
    reference, other = np.random.default_rng(seed).normal(size=(2, source.dimension))
    copied = a_copy(reference, layers, drawn.draw)
    assert (canonical(copied, reference, layers) == reference).all()
    moved = canonical(other, reference, layers)
    np.testing.assert_allclose(source.mean_loss(moved), source.mean_loss(other), rtol=1e-12)
    assert np.linalg.norm(moved - reference) <= np.linalg.norm(other - reference) * (1 + 1e-12)
    if len(layers) == 1:
        far = a_copy(other, layers, drawn.draw)
        assert np.linalg.norm(canonical(far, reference, layers) - reference) == pytest.approx(
            np.linalg.norm(moved - reference)
        )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.booleans())
def test_margins_are_the_distances_from_where_two_copies_are_equally_near(seed, is_odd):
    layer = replace(layered((2, 3, 1))[1][0], is_odd=is_odd)
    reference, point = np.random.default_rng(seed).normal(size=(2, 13))
    moves = [(order, np.ones(3)) for order in ([1, 0, 2], [2, 1, 0], [0, 2, 1])]
    if is_odd:
        flips = 1 - 2 * np.eye(3)
        moves += [(order, flips[order.index(i)] * flips[i]) for (order, _), i in zip(moves, (0, 0, 1), strict=True)]
        moves += [([0, 1, 2], flip) for flip in flips]
    expected = np.full(3, np.inf)
    for order, signs in moves:
        copied = symmetry._copy(reference, layer, order, signs)
        farther = np.sum((point - copied) ** 2) - np.sum((point - reference) ** 2)
        moved = (np.array(order) != range(3)) | (signs < 0)
        expected[moved] = np.minimum(expected[moved], farther / 2 / np.linalg.norm(copied - reference))
    np.testing.assert_allclose(copy_margins(point, reference, [layer]), expected, rtol=1e-10, atol=1e-12)
    assert (copy_margins(canonical(point, reference, [layer]), reference, [layer]) >= 0).all()
    assert copy_margins(point, reference, []).shape == (0,)


def test_near_misses_are_not_merged():
    source = source_of(1)
    [layer] = hidden_layers(source)
    reference = np.random.default_rng(3).normal(size=source.dimension)
    half = reference.copy()
    half[layer.incoming[0]] *= -1  # outgoing weights keep their sign: another function
    mixed = reference.copy()
    mixed[layer.incoming[[0, 1]]] = reference[layer.incoming[[1, 0]]]
    for near in (half, mixed):
        found = canonical(near, reference, [layer])
        assert np.linalg.norm(found - reference) > 0.1
        np.testing.assert_allclose(source.mean_loss(found), source.mean_loss(near))
    even = TorchGradients(module_of((2, 3, 1), torch.nn.ReLU), square, *data(), 1)
    [layer] = hidden_layers(even)
    assert not layer.is_odd
    flipped = a_copy(reference, [layer], lambda strategy: [-1.0] * 3 if "sampled" in repr(strategy) else [0, 1, 2])
    assert (canonical(flipped, reference, [layer]) != reference).any()


def test_what_has_no_such_symmetry_is_refused():
    frozen = module_of((2, 3, 1))
    frozen[0].bias.requires_grad_(False)
    with pytest.raises(NotApplicable, match=r"0\.bias is frozen"):
        hidden_layers(TorchGradients(frozen, square, *data(), 1))
    with pytest.raises(NotApplicable, match="regularizer"):
        hidden_layers(source_of(1, regularizer=lambda p: p["0.weight"][0].square().sum()))
    with pytest.raises(NotApplicable, match="Softmax"):
        hidden_layers(TorchGradients(module_of((2, 3, 1), partial(torch.nn.Softmax, dim=1)), square, *data(), 1))
    with pytest.raises(NotApplicable, match="Linear is no Sequential"):
        hidden_layers(TorchGradients(torch.nn.Linear(2, 1).double(), square, *data(), 1))


def test_copies_are_told_apart_before_they_are_averaged():
    """A chain that changes the sign of a unit in a window: the mean of what it was is the network itself, not 0."""
    source, layers = layered((2, 3, 1))
    start = np.array([source.theta, source.theta])
    start[1, layers[0].incoming] = -source.theta[layers[0].incoming]
    start[1, layers[0].outgoing] = -source.theta[layers[0].outgoing]
    start[1, -1] = source.theta[-1]
    given = {"steps": 4, "chains": 2, "seed": 0, "windows": 1}
    apart = train(source, ADAM, "1e-9", start, **given)
    near = train(source, ADAM, "1e-9", start, **given, layers=layers, reference=source.theta)
    assert np.abs(apart.means[0, 0] - apart.means[0, 1]).max() > 0.1
    np.testing.assert_allclose(near.means[0], [source.theta] * 2, atol=1e-7)
    np.testing.assert_allclose(near.margins[0, 0], near.margins[0, 1], atol=1e-6)
    assert near.margins.shape == (1, 2, 3, 2)
    assert apart.margins.shape == (1, 2, 0, 2)
    assert (near.margins > 0).all()
    with pytest.raises(InputError, match="name one"):
        train(source, ADAM, "1e-9", start, **given, layers=layers)


# --- predicted zero and real end ------------------------------------------------------------------------------------

SIZES = np.array([0.4, 0.2, 0.1])


def made_up(end, seed, chains=60, slope=0.3, spread=0.5):
    """A training whose mean iterate is ``end`` + slope*(step size), with noise that a chain's windows share."""
    generator = np.random.default_rng(seed)
    common, own = generator.normal(size=(1, chains, len(end))), generator.normal(size=(3, chains, len(end)))
    means = np.array(end) + slope * SIZES[:, None, None] + spread * (0.8 * common + 0.6 * own)
    return Training(np.array([10, 20, 40]), SIZES, means, means[-1], np.zeros(chains, np.int64))


ZERO, CRITICAL = np.array([1.0, 2.0, 0.0]), np.array([0.0, 0.0, 1.0])


PAIR = HiddenLayer(np.array([[0], [2]]), np.array([[1], [3]]), False)
"""Two units of one incoming and one outgoing weight."""


@pytest.mark.parametrize("spread", [0.05, 2.0])
def test_noise_that_mixes_copies_is_told_and_matching_does_not_favour_the_zero(spread):
    """The units differ mostly along one axis at c, and along the other at z; the chains end at c."""
    critical, zero = np.array([0.2, 0.0, -0.2, 0.0]), np.array([0.05, 0.2, -0.05, -0.2])
    run = made_up(critical, 1, chains=400, slope=0.0, spread=spread)
    found = compare(run, zero, critical, layers=[PAIR])
    assert found.end.standard_errors_closer < -3
    assert found.copies_overlap == ("overlap" in repr(found)) == (spread == 2.0)
    assert _of_the_end(found).check.verdict == ("undecided" if spread == 2.0 else "refuted")
    # The control: copies next to the zero move the mean there, if noise is large.
    near = compare(replace(run, means=canonical(run.means, zero, [PAIR])), zero, critical).end
    assert (near.standard_errors_closer > 3) == (spread == 2.0)
    # A zero given as another copy is the same.
    assert compare(run, zero[[2, 3, 0, 1]], critical, layers=[PAIR]).end == found.end


def test_a_unit_that_changes_sign_pushes_the_mean_outwards_and_that_is_told():
    """Where z is farther out than c, noise alone leads to z, next to whatever copies are taken."""
    unit = HiddenLayer(np.array([[0]]), np.array([[1]]), True)
    critical, zero = np.array([0.2, 0.2]), np.array([0.8, 0.8])
    found = [compare(made_up(critical, 1, 400, 0.0, spread), zero, critical, layers=[unit]) for spread in (0.02, 3.0)]
    assert [one.end.standard_errors_closer > 3 for one in found] == [False, True]
    assert [one.copies_overlap for one in found] == [False, True]
    assert [_of_the_end(one).check.verdict for one in found] == ["refuted", "undecided"]
    # Blocks of steps that were mixed are told too, though their means over windows are not.
    quiet = made_up(critical, 1, 400, 0.0, 0.02)
    mixed = replace(quiet, margins=np.tile([0.2, 0.1], (3, 400, 1, 1)))
    assert compare(mixed, zero, critical, layers=[unit]).separation == pytest.approx(0.2 / np.sqrt(0.06))


@pytest.mark.parametrize(("along", "expected"), [(0.0, False), (0.45, False), (0.55, True), (1.9, True), (2.1, False)])
def test_chains_that_began_at_the_zero_are_told(along, expected):
    start = np.tile(CRITICAL + along * (ZERO - CRITICAL), (60, 1))
    run = replace(made_up(ZERO, 3), start=start)
    assert compare(run, ZERO, CRITICAL).began_at_zero is expected
    assert not compare(made_up(ZERO, 3), ZERO, CRITICAL).began_at_zero


@settings(max_examples=10, deadline=None)
@given(st.floats(-1, 2), st.integers(0, 99))
def test_the_place_on_the_line_is_found_within_its_error(along, seed):
    end = CRITICAL + along * (ZERO - CRITICAL)
    found = compare(made_up(end, seed), ZERO, CRITICAL, windows=3)
    assert isinstance(found, Comparison)
    last = found.end
    assert isinstance(last, MeanIterate)
    assert abs(last.along - along) < 5 * last.along_error
    assert last.standard_errors_closer == pytest.approx((last.along - 0.5) / last.along_error)
    # The identity that lets the place on the line tell which is nearer.
    nearer = last.to_critical**2 - last.to_zero**2
    assert nearer == pytest.approx(found.distance**2 * (2 * last.along - 1), abs=1e-9)
    assert [window.step_size for window in found.windows] == SIZES.tolist()
    off = np.array([window.along for window in found.windows]) - along
    bias = 0.3 * SIZES * (ZERO - CRITICAL).sum() / 6
    assert (abs(off - bias) < 5 * np.array([window.along_error for window in found.windows])).all()


def test_errors_have_the_right_size():
    """Of 300 runs from one law, the scatter of the ends is what their errors say."""
    found = [compare(made_up(CRITICAL, seed), ZERO, CRITICAL, windows=2) for seed in range(300)]
    scatter = np.std([one.end.along / one.end.along_error for one in found])
    assert 0.85 < scatter < 1.15
    noise = np.mean([one.end.to_critical**2 for one in found]) / np.mean([one.end.noise**2 for one in found])
    assert 0.8 < noise < 1.2


def test_other_minima_and_diverged_chains_are_left_out():
    run = made_up(ZERO, 0)
    run.means[:, 0] = np.nan
    run.means[:, 1] += 100
    found = compare(run, ZERO, CRITICAL, radius=10.0)
    assert (found.chains, found.left_out) == (58, 2)
    assert compare(run, ZERO, CRITICAL, chains=range(2, 60)).end.along == pytest.approx(found.end.along)
    # Independent runs with constant steps: one point of the line each.
    runs = [
        Training(np.array([9]), np.array([h]), made_up(ZERO, 7).means[k : k + 1], np.zeros((60, 3)), np.zeros(60, int))
        for k, h in enumerate(SIZES)
    ]
    constant = compare(runs, ZERO, CRITICAL).end
    assert abs(constant.along - 1) < 5 * constant.along_error
    axes = found.plot(Figure().add_subplot())
    assert len(axes.get_lines()) >= 3
    assert found.to_dict()["chains"] == 58


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"zero": CRITICAL}, "itself"),
        ({"zero": [1.0]}, "zero: shape"),
        ({"radius": 1e-9}, "at least 2"),
        ({"windows": 1}, "step sizes are equal"),
        ({"trainings": []}, "trainings"),
    ],
)
def test_what_cannot_be_compared_is_refused(changed, named):
    arguments = {"trainings": made_up(ZERO, 0), "zero": ZERO, "critical_point": CRITICAL, **changed}
    with pytest.raises(InputError, match=named):
        compare(arguments.pop("trainings"), arguments.pop("zero"), arguments.pop("critical_point"), **arguments)
