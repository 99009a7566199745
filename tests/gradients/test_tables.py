"""Tables: every number is the one that is written, whatever the marks between them; what is no number is refused."""

import csv
import gzip
import io
import json
import os
import string
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adamsym import InputError, read_problem
from adamsym.__main__ import main
from adamsym.expressions.exact_columns import Decimals, plain_column
from adamsym.expressions.numbers import exact_rational, exact_rationals, plain_rational
from adamsym.gradients.laws import MOST_COLUMNS
from adamsym.gradients.tables import DELIMITERS, MISSING, Format, read_table

PROBLEM = '[problem]\nloss = "{loss}"\nparameters = ["theta"]\n[data]\nfile = "t.csv"\n{options}\n'


@pytest.fixture
def read(tmp_path):
    """Read a table through a problem file, and return its law and how many rows were left out."""

    def reading(table, options="", loss="(theta - x)**2/2 + y*theta"):
        content = table if isinstance(table, bytes) else table.encode()
        (tmp_path / "t.csv").write_bytes(content)
        (tmp_path / "p.toml").write_text(PROBLEM.format(loss=loss, options=options))
        found = read_problem(tmp_path / "p.toml")
        return found.problem.law, found.dropped

    return reading


def rows(found):
    return [tuple(map(float, row)) for row in found[0].exact_rows]


def columns_of(found):
    return [tuple(column.fractions()) for column in found.columns]


# --- numbers are those written ------------------------------------------------------------------------------------

numbers = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**6), max_value=10**6)


@given(
    st.lists(st.tuples(numbers, numbers), min_size=1, max_size=6),
    st.sampled_from([(d, m) for d in DELIMITERS for m in ".," if d != m]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
    st.booleans(),
)
def test_numbers_are_those_written(tmp_path_factory, data, marks, end, quoted, mark_of_order):
    delimiter, decimal = marks
    buffer = io.StringIO(newline="")
    writer = csv.writer(
        buffer, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    )
    writer.writerow(["mean radius", "", "note", "y"])
    for one, other in data:
        writer.writerow([str(one).replace(".", decimal), "", f"two{end}lines", f" {other} ".replace(".", decimal)])
    file = tmp_path_factory.mktemp("tables") / "t.csv"
    file.write_bytes(("\ufeff" if mark_of_order else "").encode() + buffer.getvalue().encode())
    table = read_table(file, Format(delimiter, decimal))
    assert table.header == ("mean radius", "", "note", "y")
    found = table.read(["y", "mean radius"])
    assert columns_of(found) == list(zip(*[(Fraction(other), Fraction(one)) for one, other in data], strict=True))
    assert found.dropped == 0
    with pytest.raises(InputError, match="column note"):
        table.read(["note"])


@given(st.text(alphabet=string.printable + "\u0661\u00bd\u2028\ufeff", max_size=8))
def test_an_entry_is_read_as_its_number_or_refused(tmp_path_factory, text):
    file = tmp_path_factory.mktemp("tables") / "t.csv"
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([["x"], [text]])
    file.write_bytes(buffer.getvalue().encode())
    try:
        expected = Fraction(text.strip(" \t")) if text.isascii() and not set(text) & set("_\n\r\x0b\x0c") else None
    except (ValueError, ZeroDivisionError):
        expected = None
    if expected is not None and expected and not 10**-300 <= abs(expected) <= 10**300:
        expected = None
    if expected is None:
        with pytest.raises(InputError, match=r"t\.csv, line \d, column x"):
            read_table(file, Format()).read(["x"])
    else:
        assert columns_of(read_table(file, Format()).read(["x"])) == [(expected,)]


# --- the marks ----------------------------------------------------------------------------------------------------

SEMICOLONS = 'delimiter = ";"\ndecimal = ","'
RENAMED = 'columns = { x = "mean radius" }'


def test_headers_with_spaces_semicolons_and_decimal_commas(read):
    found = read("mean radius;y\n1,5;-2\n,25;1e-3\n", f"{SEMICOLONS}\n{RENAMED}")
    assert rows(found) == [(1.5, -2.0), (0.25, 1e-3)]
    assert found[0].names == ("x", "y")


def test_renamed_columns(read):
    table = "x,y,Gr\u00f6\u00dfe [m]\n1,2,3\n4,5,6\n"
    assert rows(read(table, 'columns = { x = "Gr\u00f6\u00dfe [m]", z = "x" }', "theta*(x + z)")) == [(3, 1), (6, 4)]
    assert rows(read(table, 'columns = { x = "y", y = "x" }')) == [(2, 1), (5, 4)]
    with pytest.raises(InputError, match="'x' is the name of another column"):
        read(table, 'columns = { x = "y" }', "theta*(x - 1)")
    with pytest.raises(InputError, match=r"no column 'size'; the columns are x, y, Gr"):
        read(table, 'columns = { z = "size" }', "theta*z")
    with pytest.raises(InputError, match="'z' is no data column of the loss"):
        read(table, 'columns = { z = "Gr\u00f6\u00dfe [m]" }')
    for name in ("x-y", "lambda", "exp", "_x"):
        with pytest.raises(InputError, match=r"data.columns: '.*' cannot be a name"):
            read(table, f'columns = {{ "{name}" = "Gr\u00f6\u00dfe [m]" }}')
    with pytest.raises(InputError, match="rename one with columns"):
        read("a b,y\n1,2\n")


def test_weights_go_by_either_name(read):
    table = "x,y,how often\n1,2,1\n4,5,3\n"
    for options in ('weights = "how often"', 'weights = "n"\ncolumns = { n = "how often" }'):
        law, _ = read(table, options)
        assert law.names == ("x", "y")
        assert law.exact_probabilities == (Fraction(1, 4), Fraction(3, 4))


def test_a_library_reads_what_its_options_name(tmp_path):
    (tmp_path / "t.csv").write_text("who,size,y,\nAda,1,2,\nBob,3,4,\n")
    file = tmp_path / "p.toml"
    library = '[problem]\nlibrary = "least_squares"\n'
    data = '[data]\nfile = "t.csv"\n'
    text = f'{library}options = {{{{ inputs = ["size"], target = "{{}}" }}}}\n{data}'
    file.write_text(text.format("y"))
    assert read_problem(file).problem.law.names == ("size", "y")
    file.write_text(text.format("weight"))
    with pytest.raises(InputError, match="target: 'weight' is no data column; they are who, size"):
        read_problem(file)
    file.write_text(library + data)
    with pytest.raises(InputError, match="a column without a name"):
        read_problem(file)


@pytest.mark.parametrize(
    ("table", "options", "words"),
    [
        ("x,y\n1,2\n", 'decimal = ","', 'give delimiter = ";" as well'),
        ("x,y\n1,2\n", 'delimiter = ":"', "data.delimiter: ':' is not allowed"),
        ("x,y\n1,2\n", "delimiter = 1", "data.delimiter: 1 is not allowed"),
        ("x,y\n1,2\n", 'decimal = "x"', "data.decimal: 'x' is not allowed"),
        ("x,y\n1,2\n", 'missing = "mean"', 'data.missing: \'mean\' is not allowed; allowed are "error" and "drop"'),
        ("x,y\n1,2\n", "columns = { x = 3 }", "data.columns"),
        ("x,y\n1,2\n", "columns = {}", "data.columns"),
        ("x,y\n1,2\n", "indicators = {}", "data.indicators"),
        ("x,y\n1,2\n", 'indicators = { z = "y" }', "data.indicators.z: 'y' is not allowed"),
        ("x,y\n1,2\n", 'indicators = { z = { x = "1", y = "2" } }', "data.indicators.z"),
        ("x,y\n1,2\n", 'indicators = { z = { y = "NA" } }', "it is no category"),
        ("x,y\n1,2\n", 'indicators = { z = { w = "1" } }', "no column 'w'"),
        ("x,y\n1,2\n", 'indicators = { x = { y = "2" } }', "'x' is the name of a column already"),
        ("x,y\n1,2\n", 'indicators = { z = { y = "2" } }', "data.indicators: 'z' is no data column of the loss"),
        ("x,y\n1,2\n", 'columns = "x"', "data.columns"),
        ("x;y\n1;2\n", "", "give delimiter = ';'"),
        ("x\ty\n1\t2\n", "", "give delimiter = '\\t'"),
        ("x;y\n1,5;2\n", 'delimiter = ";"', "decimal = ','"),
        ("x;y\n1.234;2\n", SEMICOLONS, "has a point, but decimals stand after a comma"),
        ("x;y\n1.234,5;2\n", SEMICOLONS, "has a point"),
    ],
)
def test_marks_that_do_not_fit_are_refused(read, table, options, words):
    with pytest.raises(InputError) as caught:
        read(table, options)
    assert words in str(caught.value)


# --- what is no number --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('"1\n2"', "line break"),
        ('"1\r\n"', "line break"),
        ("1_000", "finite real number"),
        ("0x10", "finite real number"),
        ("inf", "finite"),
        ("-Infinity", "finite"),
        ("1e999", "out of range"),
        ('"1,000"', "has a comma"),
        ("1 000", "finite real number"),
        ("\u0661", "finite real number"),
        ("\u00bd", "finite real number"),
        ("true", "finite real number"),
        ("12%", "finite real number"),
        ("", 'missing = "drop"'),
        ("NaN", 'missing = "drop"'),
    ],
)
def test_what_is_no_number_is_refused(read, entry, words):
    with pytest.raises(InputError) as caught:
        read(f"x,y\n3,4\n{entry},5\n")
    assert words in str(caught.value)
    assert "column x" in str(caught.value)


@pytest.mark.parametrize("entry", [*sorted(MISSING), "NA", "  ", "N/A"])
def test_rows_without_an_entry_are_left_out_and_counted(read, entry):
    table = f"x,y,z\n1,2,\n{entry},3,4\n5,6,7\n8,{entry},9\n"
    found = read(table, 'missing = "drop"')
    assert rows(found) == [(1, 2), (5, 6)]
    assert found[1] == 2
    with pytest.raises(InputError, match=r"each of 1 rows lacks an entry"):
        read(f"x,y\n{entry},3\n", 'missing = "drop"')
    with pytest.raises(InputError, match="3 weights for 2 rows"):
        read(f"x,y\n1,3\n{entry},3\n2,2\n", 'missing = "drop"\nweights = [1, 2, 3]')


@pytest.mark.parametrize("entry", ["inf", "x", "1_0", "-"])
def test_what_is_no_number_is_not_missing(read, entry):
    with pytest.raises(InputError, match="line 3, column x"):
        read(f"x,y\n1,2\n{entry},3\n", 'missing = "drop"')


def test_commands_say_how_many_rows_are_left_out(read, tmp_path, capsys):
    read("x,y\n1,2\n,3\n5,6\n", 'missing = "drop"')
    assert main(["field", str(tmp_path / "p.toml"), "--at", "theta=1"]) == 0
    assert capsys.readouterr().err == "adamsym: p.toml: 1 row with missing numbers left out\n"
    read("x,y\n1,2\n5,6\n", 'missing = "drop"')
    assert main(["field", str(tmp_path / "p.toml"), "--at", "theta=1"]) == 0
    assert capsys.readouterr().err == ""


def test_blank_lines(read):
    loss = "(theta - x)**2"
    assert rows(read("\n\nx,y\n\n1,2\n\n3,4\n\n")) == [(1, 2), (3, 4)]
    assert rows(read("x\n1\n3\n\n\n", loss=loss)) == [(1,), (3,)]
    with pytest.raises(InputError, match="line 3, column x: an empty entry"):
        read("x\n1\n\n3\n", loss=loss)
    found = read("x\n1\n\n3\n", 'missing = "drop"', loss)
    assert (rows(found), found[1]) == ([(1,), (3,)], 1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("x,y\n1,2\n".encode("utf-16"), "UTF-8"),
        ("x,y\n1,2\n".encode("utf-16-le"), "NUL"),
        (b"x,y\n1,2\0\n", "NUL"),
        (b"x,y\n1,\xff\n", "UTF-8"),
        (b"x,y\n1,2,3\n", "line 2: 3 entries, but the header names 2"),
        (b"x,y\n1\n", "line 2: 1 entries"),
        (b"x,y,x\n1,2,3\n", "'x' stands twice"),
        (b'x,y\n1,"2\n', "not valid CSV"),
        (b'x,y\n1,"2"3\n', "not valid CSV"),
        (b"\n \n", "columns are"),
        (b"", "empty"),
        (b"x,y\n" + b"1" * 200_000 + b",2\n", "not valid CSV"),
    ],
)
def test_files_that_are_no_tables(read, content, words):
    with pytest.raises(InputError) as caught:
        read(content)
    assert words in str(caught.value)


def test_regular_files_alone(tmp_path, read):
    read("x,y\n1,2\n")
    table = tmp_path / "t.csv"
    table.rename(tmp_path / "real.csv")
    table.symlink_to(tmp_path / "real.csv")
    assert read_problem(tmp_path / "p.toml").problem.law.names == ("x", "y")
    for make in (lambda: os.mkfifo(table), lambda: table.symlink_to("/dev/zero"), table.mkdir):
        table.unlink()
        make()
        with pytest.raises(InputError, match="not a regular file"):
            read_problem(tmp_path / "p.toml")


# --- delimiters that are found, packed files, categories ----------------------------------------------------------


@given(st.data(), st.sampled_from(sorted(DELIMITERS)), st.sampled_from(".,"))
def test_the_delimiter_is_found(tmp_path_factory, data, delimiter, decimal):
    if delimiter == decimal:
        delimiter = ";"
    table = data.draw(st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=4))
    text = "\n".join([delimiter.join("xyz"), *(delimiter.join(map(str, row)) for row in table)])
    file = tmp_path_factory.mktemp("tables") / "t.csv"
    file.write_text(text.replace(".", decimal) + "\n")
    found = read_table(file, Format("auto", decimal)).read(["x", "y", "z"])
    assert columns_of(found) == list(zip(*(map(Fraction, row) for row in table), strict=True))


def test_of_two_delimiters_that_fit_the_one_with_more_entries_is_taken(read):
    options = 'delimiter = "auto"'
    assert rows(read("x;y;a,b\n1;2;3,4\n5;6;7,8\n", options)) == [(1, 2), (5, 6)]
    assert rows(read('x,y,"a;b;c;d"\n1,2,3\n', options)) == [(1, 2)]
    assert rows(read("x\n1\n", options, "(theta - x)**2")) == [(1,)]
    with pytest.raises(InputError, match="line 4: 1 entries, but the header names 2"):
        read("x,y\n1,2\n3,4\n5\n", options)


@pytest.mark.parametrize("options", ['missing = "error"', ""])
def test_a_missing_entry_is_an_error_unless_it_is_to_be_dropped(read, options):
    with pytest.raises(InputError, match="line 3, column y: 'NA' is no number"):
        read("x,y\n1,2\n3,NA\n", options)


def packed(text, times=1):
    return gzip.compress(text.encode() * times, mtime=0)


def test_packed_tables_are_read_as_unpacked_ones(tmp_path):
    (tmp_path / "p.toml").write_text(
        PROBLEM.format(loss="(theta - x)**2/2 + y*theta", options="").replace(".csv", ".csv.gz")
    )
    (tmp_path / "t.csv.gz").write_bytes(packed("\ufeffx,y\r\n1,2\r\n0.1,4\r\n"))
    assert read_problem(tmp_path / "p.toml").problem.law.exact_rows == ((1, 2), (Fraction(1, 10), 4))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"x,y\n1,2\n", "no gzip file, or damaged"),
        (packed("x,y\n1,2\n")[:-9], "no gzip file, or damaged"),
        (packed("x,y\n1,2\n") + b"more", "no gzip file, or damaged"),
        (packed("x,y\n") + packed("1,2\n" * 1000), "unpacked it is larger than 0 MB"),
        (packed("x", 10**6), "unpacked it is larger than 0 MB"),
    ],
)
def test_damaged_files_and_bombs_are_refused(tmp_path, monkeypatch, content, words):
    """Of a bomb no more is unpacked than is allowed."""
    asked = []

    class Watched(gzip.GzipFile):
        def read(self, size=-1):
            asked.append(size)
            return super().read(size)

    monkeypatch.setattr("adamsym.expressions.files.gzip.GzipFile", Watched)
    monkeypatch.setattr("adamsym.gradients.tables.LARGEST_FILE", 3000)
    (tmp_path / "t.csv.gz").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_table(tmp_path / "t.csv.gz", Format())
    assert asked == [3001]


def test_categories_become_columns_of_zeros_and_ones(read):
    table = "x,kind,y\n1,red,7\n2, blue,8\n3,red,9\n4,NA,5\n"
    found = read(table, 'missing = "drop"\nindicators = { y2 = { kind = "red" } }', "(theta - x)**2/2 + y2*theta")
    assert (rows(found), found[1]) == ([(1, 1), (2, 0), (3, 1)], 1)
    renamed = 'columns = { k = "kind" }\nindicators = { u = { kind = "blue" }, v = { y = "7" } }\nmissing = "drop"'
    with pytest.raises(InputError, match="'k' is no data column of the loss"):
        read(table, renamed, "theta*(u + v)")
    assert rows(read(table, renamed.partition("\n")[2], "theta*(u + v)")) == [(0, 1), (1, 0), (0, 0)]
    with pytest.raises(InputError, match="line 5, column kind: 'NA' is no number"):
        read(table, 'indicators = { u = { kind = "red" } }', "theta*(x + u)")
    with pytest.raises(InputError, match="no row has 'Red' in the column kind; they have 'red', 'blue'"):
        read(table, 'missing = "drop"\nindicators = { u = { kind = "Red" } }', "theta*(x + u)")


def test_a_library_takes_indicators_and_no_categories(tmp_path):
    (tmp_path / "t.csv").write_text("kind,size\nred,3\nblue,4\n")
    file = tmp_path / "p.toml"
    data = '[data]\nfile = "t.csv"\nindicators = { is_red = { kind = "red" } }\n'
    file.write_text(f'[problem]\nlibrary = "logistic"\n{data}')
    problem = read_problem(file).problem
    assert (problem.law.names, problem.law.exact_rows) == (("size", "is_red"), ((3, 1), (4, 0)))
    assert problem.names == ("w0", "b")


def test_renamed_columns_keep_their_places(tmp_path):
    """The target of a library's loss is the last column, whatever its name."""
    (tmp_path / "t.csv").write_text("a b,c,y y\n1,2,3\n4,5,6\n")
    file = tmp_path / "p.toml"
    data = '[data]\nfile = "t.csv"\ncolumns = { y = "y y", a = "a b" }\n'
    file.write_text(f'[problem]\nlibrary = "least_squares"\n{data}')
    assert read_problem(file).problem.law.names == ("a", "c", "y")


def test_certificates_hold_the_numbers_that_are_written(tmp_path):
    """Packed, with decimal commas, other names, and rows left out: what is certified is what the file says."""
    (tmp_path / "t.csv.gz").write_bytes(packed("Wert;n\n0,1;1\n;1\n0,30;2\n1/3;1\n"))
    marks = 'file = "t.csv.gz"\ndelimiter = "auto"\ndecimal = ","\nmissing = "drop"\nweights = "n"'
    file = tmp_path / "p.toml"
    file.write_text(
        f'[problem]\nloss = "(theta - x)**2/2"\nparameters = ["theta"]\n[data]\n{marks}\ncolumns = {{ x = "Wert" }}\n'
        "[adam]\nbeta1 = 0.5\nbeta2 = 0.5\neps = 0.1\n"
    )
    assert main(["zeros", str(file), "--box", "theta=0:1", "-o", str(tmp_path / "c.json")]) == 0
    held = json.loads((tmp_path / "c.json").read_text())["problem"]
    assert held["columns"] == {"x": ["1/10", "3/10", "1/3"]}
    assert held["probabilities"] == ["1/4", "1/2", "1/4"]
    assert main(["check", str(tmp_path / "c.json"), "--workers", "1"]) == 0


@given(
    st.one_of(
        st.from_regex(r"[+-]?[0-9]{1,5}(\.[0-9]{0,4})?([eE][+-]?[0-9]{1,2})?", fullmatch=True),
        st.floats(allow_nan=False, allow_infinity=False).map(repr),
        st.sampled_from(["1_0", "1/3", ".5", "", "nan", "1e400", "٣", "1 ", "0x10", "1.", "-0", "9" * 41]),
    )
)
def test_plain_decimals_are_the_same_numbers(text):
    """And what is none of them is left to the slow way, which says what is wrong with it."""
    plain = plain_rational(text)
    assert plain is None or (type(plain) is Fraction and plain == exact_rational(text, "x"))
    try:
        value = float(text)
    except ValueError:
        assert plain is None
        return
    if 1e-300 < abs(value) < 1e300:
        assert exact_rationals([value], "x") == [exact_rational(value, "x")]


# --- size ---------------------------------------------------------------------------------------------------------


def test_of_large_tables_texts_are_kept_until_fractions_are_asked_for(read, monkeypatch):
    """Some rows with other entries cost no more than themselves; what is written alike is read once."""
    monkeypatch.setattr("adamsym.gradients.tables._ROWS_AT_ONCE", 16)
    table = ["x,y", *(f"{k}.25,-{k}e-3" for k in range(100))]
    table[20], table[21], table[70] = "1/3,1", "1/3,1/3", "5,NA"
    careful = []
    monkeypatch.setattr(
        "adamsym.gradients.tables.exact_rational", lambda text, place: careful.append(text) or Fraction(text)
    )
    law, dropped = read("\n".join(table), 'missing = "drop"')
    kinds = [[type(part) is Decimals for part in column.parts] for column in law._columns]
    assert kinds == [[True, False, True, True, True, True, True]] * 2
    assert (dropped, careful) == (1, ["1/3"])
    assert "exact_rows" not in vars(law)
    assert law.rows.tolist() == [[float(x), float(y)] for x, y in law.exact_rows]
    written = [tuple(map(Fraction, row.split(","))) for k, row in enumerate(table) if k not in (0, 70)]
    assert law.exact_rows == tuple(written)


def test_messages_name_the_first_fault_row_by_row(read, monkeypatch):
    """Whatever of it is read together."""
    monkeypatch.setattr("adamsym.gradients.tables._ROWS_AT_ONCE", 4)
    table = ["x,y", *(f"{k},{k}" for k in range(40))]
    for at, row, words in [
        (9, "8,z", "line 10, column y: 'z' is not a finite real number"),
        (8, "q,z", "line 9, column x: 'q'"),
        (7, "7", "line 8: 1 entries"),
        (6, '6,"7"8', "line 7: not valid CSV"),
        (5, "1e301,7", "line 6, column x: 1.000e[+]301 is out of range"),
    ]:
        table[at] = row
        with pytest.raises(InputError, match=words):
            read("\n".join(table))
    with pytest.raises(InputError, match=r"line 7: not valid CSV"):
        read("\n".join([*table[:5], "3,4", *table[6:]]))


def test_wide_tables_cost_what_they_are_wide(read, monkeypatch):
    steps = []
    monkeypatch.setattr(
        "adamsym.gradients.tables.plain_column", lambda entries, mark: steps.append(entries) or plain_column(entries)
    )
    wide = 200_000
    names = ",".join(f"c{k}" for k in range(wide))
    table = f"{names}\n{','.join(['1'] * wide)}\n"
    law, _ = read(table, loss="theta*(c7 + c199999)")
    assert law.names == ("c7", "c199999")
    assert steps == [("1",), ("1",)]
    listed = ", ".join(f'"c{k}"' for k in range(MOST_COLUMNS + 1))
    with pytest.raises(InputError, match=f"at most {MOST_COLUMNS} can be"):
        read(table, f"columns = [{listed}]")
    with pytest.raises(InputError, match="and 199988 more"):
        read(table)
