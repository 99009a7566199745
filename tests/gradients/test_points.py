"""Points from files: exactly those in the columns of the parameters, or one line that says what is wrong."""

import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from adamsym import InputError
from adamsym.expressions.columns import ENDINGS, write_columns
from adamsym.gradients import points as module
from adamsym.gradients.points import read_points

# The numbers that problem files may hold.
floats = st.floats(1e-290, 1e290) | st.floats(-1e290, -1e-290) | st.just(0.0)


def written(path, columns):
    if path.suffix == ".parquet":
        pytest.importorskip("pyarrow.parquet")
    with path.open("wb") as file:
        write_columns(file, path.suffix, columns)
    return path


@pytest.mark.parametrize("ending", ENDINGS)
@settings(max_examples=12, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 3)), elements=floats))
def test_points_read_back_to_the_last_bit(tmp_path_factory, ending, points):
    names = ["a", "b", "c"][: points.shape[1]]
    path = tmp_path_factory.mktemp("points") / f"points{ending}"
    columns = {"note": ["text"] * len(points)} | dict(zip(reversed(names), points.T[::-1], strict=True))
    np.testing.assert_array_equal(read_points(written(path, columns), names), points)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"a": [1.0]}, "no column 'b'; the columns are a"),
        ({"a": [1.0, 2.0], "b": [0.5, float("nan")]}, "column b"),
        ({"a": [1.0, 2.0], "b": [float("inf"), 1.0]}, "column b"),
        ({"a": [1.0, 2.0], "b": ["1", "two"]}, "column b"),
        ({"a": np.zeros(0), "b": np.zeros(0)}, "at least one"),
    ],
)
def test_wrong_tables_are_named(tmp_path, ending, columns, words):
    path = written(tmp_path / f"points{ending}", columns)
    with pytest.raises(InputError, match=words) as error:
        read_points(path, ["a", "b"])
    assert str(error.value).startswith(f"points{ending}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("ending", [".npz", ".parquet"])
def test_damaged_files_are_named(tmp_path, ending):
    path = written(tmp_path / f"points{ending}", {"a": np.arange(1000.0)})
    whole = path.read_bytes()
    for damaged in (b"", b"no table", whole[: len(whole) // 2], whole[len(whole) // 2 :]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"points.* file.*, or damaged"):
            read_points(path, ["a"])


def test_arrays_that_are_no_columns(tmp_path):
    path = tmp_path / "points.npz"
    for wrong in (np.zeros((2, 2)), np.array(1.0), np.array([1j]), np.array([True])):
        np.savez(path, a=wrong)
        with pytest.raises(InputError, match="allowed is a row of numbers"):
            read_points(path, ["a"])
    np.savez(path, a=np.array([object()], dtype=object))
    with pytest.raises(InputError, match="plain arrays"):
        read_points(path, ["a"])
    np.savez(path, a=np.zeros(2), b=np.zeros(3))
    with pytest.raises(InputError, match="different lengths, 2 and 3"):
        read_points(path, ["a", "b"])
    # The same member twice.
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", b"")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.npy", b"")
    with pytest.raises(InputError, match="more than one column 'a'"):
        read_points(path, ["a"])


@pytest.mark.parametrize("ending", [".npz", ".parquet"])
def test_large_files_are_not_read(tmp_path, ending, monkeypatch):
    path = written(tmp_path / f"points{ending}", {"a": np.zeros(2000)})
    assert read_points(path, ["a"]).shape == (2000, 1)
    monkeypatch.setattr(module, "MOST_NUMBERS", 1500)
    with pytest.raises(InputError, match="more than 1500 numbers"):
        read_points(path, ["a"])
