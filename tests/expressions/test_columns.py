"""Tables as files: every number and text reads back as it was, whatever the columns are called."""

import csv
import io
import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from adamsym import InputError
from adamsym.expressions import columns as tables
from adamsym.expressions.columns import ENDINGS, check_ending, parameter_names, write_columns

names = st.one_of(
    st.from_regex(r"[A-Za-z]\w{0,5}", fullmatch=True).filter(str.isascii),
    st.sampled_from(["file", "allow_pickle", "args", "data.x[2]", "f.theta", 'quo"ted,;']),
)
floats = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)


def read_back(ending, columns):
    """The columns in a file of this kind, as lists, by other readers than adamsym's."""
    file = io.BytesIO()
    write_columns(file, ending, columns)
    file.seek(0)
    if ending == ".csv":
        header, *rows = csv.reader(io.StringIO(file.read().decode(), newline=""))
        return {name: [row[k] for row in rows] for k, name in enumerate(header)}
    if ending == ".npz":
        with np.load(file, allow_pickle=False) as found:
            return {name: found[name].tolist() for name in found.files}
    found = pytest.importorskip("pyarrow.parquet").read_table(file)
    return {name: found[name].to_pylist() for name in found.column_names}


@pytest.mark.parametrize("ending", ENDINGS)
@settings(max_examples=12, deadline=None)
@given(data=st.data(), rows=st.integers(1, 6), keys=st.lists(names, min_size=1, max_size=4, unique=True))
def test_columns_read_back_to_the_last_bit(ending, data, rows, keys):
    kinds = (
        arrays(np.float64, rows, elements=floats),
        arrays(np.int64, rows),
        st.lists(floats, min_size=rows, max_size=rows),
        st.lists(st.sampled_from(["attracting", "a, b", 'say "no"', ""]), min_size=rows, max_size=rows),
    )
    columns = {key: data.draw(st.one_of(kinds), label=key) for key in keys}
    found = read_back(ending, columns)
    assert list(found) == keys
    for key, column in columns.items():
        wanted = column.tolist() if isinstance(column, np.ndarray) else column
        got = (
            [type(one)(text) for one, text in zip(wanted, found[key], strict=True)] if ending == ".csv" else found[key]
        )
        np.testing.assert_array_equal(np.array(got), np.array(wanted))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_table_of_more_rows_than_are_written_at_once(ending, monkeypatch):
    monkeypatch.setattr(tables, "ROWS_AT_ONCE", 3)
    columns = {"n": np.arange(10), "x": np.linspace(0, 1, 10)}
    found = read_back(ending, columns)
    assert [int(n) for n in found["n"]] == list(range(10))
    assert [float(x) for x in found["x"]] == columns["x"].tolist()


def test_memory_does_not_grow_with_the_rows(monkeypatch):
    monkeypatch.setattr(tables, "ROWS_AT_ONCE", 500)

    class Nowhere(io.RawIOBase):
        def write(self, text):
            return len(text)

    columns = {"n": np.arange(6_000), "x": np.linspace(0, 1, 6_000)}
    peaks = []
    for rows in (3_000, 6_000):
        tracemalloc.start()
        write_columns(Nowhere(), ".csv", {name: column[:rows] for name, column in columns.items()})
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] + 10_000


def test_parameters_called_as_other_columns():
    assert parameter_names(["step", "a"], 2, ("chain", "step")) == ["parameter.step", "a"]
    assert parameter_names(None, 1, ()) == ["theta"]
    assert parameter_names(None, 2, ()) == ["theta[0]", "theta[1]"]
    for wrong in (["a"], ["a", "a"]):
        with pytest.raises(InputError, match="one for each of 2 parameters"):
            parameter_names(wrong, 2, ())


def test_without_pyarrow(monkeypatch, tmp_path):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(tables, "import_module", missing)
    check_ending(tmp_path / "table.csv")
    with pytest.raises(InputError, match=r"needs the package pyarrow: pip install 'adamsym\[parquet\]'"):
        check_ending(tmp_path / "table.parquet")
    with pytest.raises(InputError, match=re.escape("allowed: .csv, .npz, .parquet")):
        check_ending(tmp_path / "table.txt")
