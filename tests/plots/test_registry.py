"""The registry of plots and sections: what it holds is what the commands and the report show; an entry adds both."""

import sys
from importlib import import_module
from importlib.metadata import EntryPoint

import pytest

from adamsym import InputError, read_problem
from adamsym.__main__ import main
from adamsym.plots import registry
from adamsym.plots.figures import Plot, plot
from adamsym.plots.registry import Content, plot_kind, plot_kinds, sections
from adamsym.report.collection import Report, find_places, gather_report, groups_of, joined
from adamsym.report.page import render_page
from adamsym.report.sections import compute_sections, context_of


@pytest.fixture
def speed():
    """The name of a plot that is added by one function, and taken away again."""
    sys.modules.pop("registered", None)
    import_module("registered")
    yield "speed"
    registry.remove("speed")


def test_every_kind_that_the_help_lists_is_registered(capsys):
    assert main(["plot", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for name, one in plot_kinds().items():
        assert f"{name}:" in text
        assert one.summary.split(",")[0].split()[0] in text
    assert "derivation:" not in text
    assert "speed:" not in text


def test_a_plot_is_added_by_one_function(speed, capsys, tmp_path, problem_file, quick):
    """It is in the help, drawn by the command, and in the report."""
    entry = plot_kinds()[speed]
    assert main(["plot", "--help"]) == 0
    assert "speed: the speed along the flow" in " ".join(capsys.readouterr().out.split())
    target = tmp_path / "speed.svg"
    assert main(["plot", "speed", str(problem_file), "-o", str(target), "--time", "2"]) == 0
    assert "The speed over time." in capsys.readouterr().out
    assert target.read_bytes().startswith(b"<?xml")
    assert [group for group in groups_of(list(sections().values())) if entry in group]
    found = joined(problem_file, [[entry]], [compute_sections(problem_file, quick, None, [entry])])
    [check] = found.checks
    assert (check.what, check.verdict) == ("the speed falls", "holds")
    page = render_page(Report((found,), (), quick, "adamsym report", ()))
    assert "<h3>Further plots</h3>" in page
    assert "The speed over time." in page


# The processes import and compile everything again.
@pytest.mark.slow
def test_a_plot_is_added_to_a_report_made_in_other_processes(speed, problem_file, quick):
    page = render_page(gather_report(find_places([problem_file]), quick, "adamsym report"))
    assert "The speed over time." in page


def test_a_notebook_shows_a_plot(problem_file, quick):
    shown = plot("zeros", context_of(read_problem(problem_file), quick))
    assert isinstance(shown, Plot)
    assert shown.text.startswith("certified: exactly 1 zero in the box")
    assert shown._repr_svg_().startswith("<?xml")
    with pytest.raises(InputError, match="'zero' is no kind of plot; allowed are portrait, zeros"):
        plot("zero", context_of(read_problem(problem_file), quick))


def test_two_functions_of_one_name_are_refused():
    with pytest.raises(InputError, match="'zeros' stands in the registry already"):

        @plot_kind("another")
        def zeros(context):
            return Content()

    assert sections()["zeros"].make.__module__ == "adamsym.plots.sections"


def test_entry_points_add_plots(monkeypatch, capsys):
    """Another package's plot is found by its entry point; one that cannot be imported is named."""
    sys.modules.pop("registered", None)
    good = EntryPoint("speed", "registered", registry.ENTRY_POINTS)
    monkeypatch.setattr(registry, "entry_points", lambda group: [good])
    try:
        assert "speed" in plot_kinds()
    finally:
        registry.remove("speed")
    bad = EntryPoint("bad", "no_such_module", registry.ENTRY_POINTS)
    monkeypatch.setattr(registry, "entry_points", lambda group: [bad])
    with pytest.raises(InputError, match=r"entry point 'bad' .* no_such_module cannot be imported"):
        plot_kinds()
    assert main(["--help"]) == 0
    assert "Draw one plot" in capsys.readouterr().out
