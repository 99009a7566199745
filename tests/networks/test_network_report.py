"""The page on a network: verdicts follow from the numbers, and the page shows them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Empirical, InputError, Problem, find_zero
from adamsym.networks import Comparison, MeanIterate, NetworkReport, TorchGradients, report

torch = pytest.importorskip("torch", reason="needs torch")


def field_of(residuals):
    """A neuron with a weight and a bias, at which the residuals of each input have mean 0."""
    module = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Tanh()).double()
    with torch.no_grad():
        module[0].weight.fill_(1.0)
        module[0].bias.fill_(0.25)
    places = torch.tensor([[-1.0], [0.0], [1.5]], dtype=torch.float64)
    inputs = places.repeat_interleave(len(residuals), 0)
    targets = module(places).detach().repeat_interleave(len(residuals), 0) + torch.tensor(residuals * 3)[:, None]
    source = TorchGradients(module, lambda output, target: (output - target).square().sum() / 2, inputs, targets, 1)
    return AdamField(source, Adam(0.5, 0.8))


def compared(along, error=0.01, began_at_zero=False):
    places = [MeanIterate(size, along, error, abs(1 - along), abs(along), 0.02) for size in (0.1, 0.05, 0.0)]
    return Comparison(tuple(places[:2]), places[2], np.zeros(2), 1.0, 8, 0, began_at_zero)


@pytest.fixture(scope="module")
def skewed():
    return field_of([-0.1, -0.1, 0.2])


@pytest.fixture(scope="module")
def zero(skewed):
    return find_zero(skewed, skewed.problem.theta)


def verdicts(found):
    return [check.verdict for check in found.page.problems[0].checks]


def test_the_page_says_where_adam_rests(skewed, tmp_path):
    found = report(skewed, comparison=compared(1.02), name="a <neuron>")
    assert isinstance(found, NetworkReport)
    assert verdicts(found) == ["holds"] * 3
    assert found.zero.critical_point.distance > 0.001
    np.testing.assert_allclose(found.zero.critical_point.theta, [1.0, 0.25], atol=1e-9)
    found.save(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    for text in ("a &lt;neuron&gt;", "statistical", f"{found.zero.critical_point.distance:.4g}", "data:image/svg+xml"):
        assert text in page
    assert "Seed" not in page
    assert found.to_dict()["comparison"]["chains"] == 8
    with pytest.raises(InputError, match=r"\.html"):
        found.save(tmp_path / "page.txt")


def test_a_critical_point_that_is_the_zero_is_not_said_to_differ():
    found = report(field_of([-0.1, 0.1]))
    assert verdicts(found) == ["holds", "refuted"]


@example(1.5, 0.2)
@example(-0.5, 0.2)
@example(1.49, 0.2)
@settings(max_examples=1, deadline=None)
@given(st.floats(-1, 2), st.sampled_from([0.001, 0.2]))
def test_the_verdict_on_the_end_is_five_standard_errors(skewed, zero, along, error):
    by = (along - 0.5) / error
    expected = "holds" if by >= 5 else "refuted" if by <= -5 else "undecided"
    assert verdicts(report(skewed, comparison=compared(along, error), zero=zero))[-1] == expected


def test_a_zero_that_is_known_is_not_searched_for_again(skewed, zero):
    assert report(skewed, zero=zero).zero is zero
    other = AdamField(skewed.problem, Adam(0.5, 0.9))
    with pytest.raises(InputError, match="give what find_zero returned for this field"):
        report(other, zero=zero)
    with pytest.raises(InputError, match="theta"):
        report(skewed, zero=replace(zero, theta=np.zeros(3)))


def test_chains_that_began_at_the_zero_have_not_gone_there(skewed, zero):
    found = report(skewed, comparison=compared(1.02, began_at_zero=True), zero=zero)
    assert verdicts(found)[-1] == "undecided"
    assert found.comparison.summary.endswith("they began nearer to the zero")


def test_what_has_no_page_is_refused(skewed):
    with pytest.raises(InputError, match="Problem; give the field of a network"):
        report(AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 3]})), Adam()))
    with pytest.raises(InputError, match="one point"):
        report(skewed, [[1.0, 2.0]])
