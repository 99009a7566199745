"""The method that a certificate names has exactly the Laplace form that it states, or the certificate is refused."""

import copy
import json
from fractions import Fraction

import pytest
from bases import base
from forgeries import signed

from adamsym.certificates.form import digest_of
from adamsym.checker import check_certificate
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.gradients import Empirical, Problem
from adamsym.gradients.record import problem_from_record, problem_record
from adamsym.methods import METHODS, Adam, AdamEpsInsideRoot, AdamW, AdamWithoutMomentum, NAdam, RMSprop
from adamsym.methods.record import method_from_record, method_record

RELATIVES = [
    Adam("0.9", "0.999", "1e-8"),
    Adam(0, 0, 1),
    AdamW("0.9", "0.99", "0.1", "1/30"),
    NAdam("0.7", "0.6", "1e-3"),
    RMSprop("0.9", "1e-2"),
    AdamWithoutMomentum("0.9", "1e-2"),
    AdamEpsInsideRoot("0.5", "0.9", "1e-8"),
]


@pytest.mark.parametrize("method", RELATIVES, ids=str)
def test_a_method_comes_back_from_its_record(method):
    record = json.loads(json.dumps(method_record(method)))
    assert method_from_record(record) == method
    assert method_record(method_from_record(record)) == record
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 3]}))
    again, found = problem_from_record(problem_record(problem, method))
    assert (again.text, found) == (problem.text, method)


def changed(method, **values):
    record = method_record(method)
    return {**record, "laplace": record["laplace"] | values}


OTHER_FORMS = [
    (Adam(), {"decay": "1/100"}, "decay"),
    (Adam(), {"beta": "0.998"}, "beta"),
    (Adam(), {"eps": "1e-7"}, "eps"),
    (Adam(), {"kernel": "1/sqrt(v + eps)"}, "kernel"),
    (Adam(), {"kernel": "1/(v + eps)"}, "kernel"),
    (Adam(), {"head": ["1/1000000"]}, "head"),
    (Adam(), {"head": ["0", "1/1000000"]}, "head"),
    (Adam(), {"terms": [["1/10", "9/10"], ["1/1000000", "1/2"]]}, "terms"),
    (Adam(), {"terms": [["1/10", "91/100"]]}, "terms"),
    (Adam(), {"terms": []}, "terms"),
    (AdamW(weight_decay="0.1"), {"decay": "0"}, "decay"),
    (RMSprop(), {"head": [], "terms": []}, "head"),
    (RMSprop(), {"head": ["-1"]}, "head"),
    (RMSprop(), {"head": ["1"], "terms": [["1", "1/2"]]}, "terms"),
    (NAdam(), {"head": []}, "head"),
    (AdamEpsInsideRoot(), {"kernel": "1/(sqrt(v) + eps)"}, "kernel"),
]


@pytest.mark.parametrize(("method", "values", "place"), OTHER_FORMS, ids=[str(k) for k in range(len(OTHER_FORMS))])
def test_another_form_is_refused(method, values, place):
    with pytest.raises(InputError, match=rf"laplace\.{place}: {type(method).__name__} with these parameters"):
        method_from_record(changed(method, **values))


SAME_FORMS = [
    (Adam(), {"beta": "1998/2000", "eps": "0.00000001", "decay": "0.0"}),
    (Adam(), {"terms": [["0.1", "0.90"]]}),
    (Adam(), {"head": ["0", "0/7"]}),
    (Adam(), {"terms": [["0", "1/3"], ["1/20", "9/10"], ["0.05", "18/20"]]}),
    (RMSprop(), {"head": ["1.0"], "terms": []}),
    (RMSprop(), {"head": ["1/2", "0"], "terms": [["1/2", "0"]]}),
    (NAdam("0.9"), {"terms": [["9/200", "9/10"], ["0.045", "0.9"]]}),
]


@pytest.mark.parametrize(("method", "values"), SAME_FORMS, ids=[str(k) for k in range(len(SAME_FORMS))])
def test_the_same_form_in_other_words_is_accepted(method, values):
    record = changed(method, **values)
    assert record != method_record(method)
    assert method_from_record(record) == method


def test_other_names_of_the_same_form_are_true():
    for one, other in (
        (Adam(), AdamW(weight_decay=0)),
        (RMSprop("0.9"), AdamWithoutMomentum("0.9")),
        (RMSprop("0.9"), Adam(0, "0.9")),
    ):
        record = method_record(one) | {key: method_record(other)[key] for key in ("name", "parameters")}
        assert method_from_record(record) == other
    record = method_record(NAdam()) | {"name": "Adam"}
    with pytest.raises(InputError, match=r"laplace\.head: Adam with these parameters"):
        method_from_record(record)


MALFORMED = [
    ({"name": "Nobody"}, "'Nobody' is unknown here; known are Adam"),
    ({"name": 3}, "unknown"),
    ({"parameters": {"beta1": "9/10"}}, "Adam has beta1, beta2, eps"),
    ({"parameters": {"beta1": 0.9, "beta2": "0.999", "eps": "1e-8"}}, "as text"),
    ({"parameters": {"beta1": "0.9", "beta2": "0.5", "eps": "1e-8"}}, "must be below beta2"),
    ({"parameters": {"beta1": "x", "beta2": "0.5", "eps": "1e-8"}}, "is not a finite real number"),
    ({"laplace": {}}, "all of them"),
    ({"laplace": None}, "all of them"),
]


@pytest.mark.parametrize(("values", "words"), MALFORMED, ids=[str(k) for k in range(len(MALFORMED))])
def test_malformed_records_are_refused_in_one_line(values, words):
    with pytest.raises(InputError, match=words) as caught:
        method_from_record(method_record(Adam()) | values)
    assert "\n" not in str(caught.value)


def test_forms_are_short_and_decay():
    for values, words in (
        ({"head": ["0"] * 65}, "at most 64"),
        ({"terms": [["0", "0"]] * 17}, "at most .* 16"),
        ({"terms": [["1/10"]]}, "pairs"),
        ({"terms": [["1/10", "1"]]}, "ratio is not in"),
        ({"terms": [["1/10", "-1/2"]]}, "ratio is not in"),
        ({"head": 3}, "lists"),
        ({"eps": "nan"}, "allowed are finite"),
    ):
        with pytest.raises(InputError, match=words):
            method_from_record(changed(Adam(), **values))


def test_what_cannot_be_written_is_said():
    class Plain(Adam):
        laplace = None

    class Long(Adam):
        @property
        def laplace(self):
            form = super().laplace
            return type(form)(type(form.weights)((Fraction(1),) * 65, ()), form.beta, form.kernel)

    with pytest.raises(NotApplicable, match="Plain has no Laplace form"):
        method_record(Plain())
    with pytest.raises(InputError, match="too long"):
        method_record(Long())
    assert "Plain" not in METHODS


# --- in certificates --------------------------------------------------------------------------------------------------


def in_format_2(content):
    """A certificate about Adam as format 2 had it."""
    old = copy.deepcopy(content) | {"format": "adamsym certificate 2"}
    old["problem"]["adam"] = old["problem"].pop("method")["parameters"]
    return signed(old)


def test_certificates_of_format_2_are_about_adam():
    old = in_format_2(base("by sign").content)
    assert check_certificate(old).valid
    assert "digest" in check_certificate(old | {"digest": "0"}).reason
    assert "digest" in check_certificate(old | {"made_by": {"another": "1"}}).reason
    old["problem"]["adam"].update(beta1="0", beta2="1/100", eps="1/1000000")
    assert "not proven" in check_certificate(signed(old)).reason
    for adam, words in (({"beta1": "0"}, "all of them"), (old["problem"]["adam"] | {"eps": 1}, "as text"), (3, "all")):
        with pytest.raises(InputError, match=rf"certificate\.problem\.adam.*{words}"):
            check_certificate(old | {"problem": old["problem"] | {"adam": adam}})


def test_a_certificate_states_one_format():
    content = base("by sign").content
    with pytest.raises(InputError, match="certificate"):
        check_certificate(content | {"format": "adamsym certificate 2"})
    with pytest.raises(InputError, match="certificate"):
        check_certificate(in_format_2(content) | {"format": "adamsym certificate 3"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda method: method.update(name="Nobody"), "unknown here"),
        (lambda method: method["parameters"].update(eps="1/9"), r"laplace.eps: Adam with these parameters"),
        (lambda method: method["laplace"].update(eps="1/9"), r"laplace.eps: Adam with these parameters"),
        (lambda method: method["laplace"].update(decay="1/9"), r"laplace.decay: Adam with these parameters"),
    ],
)
def test_a_certificate_of_another_method_is_not_valid(change, words):
    content = copy.deepcopy(base("by sign").content)
    change(content["problem"]["method"])
    found = check_certificate(content | {"digest": digest_of(content)})
    assert not found.valid
    assert words in found.reason
