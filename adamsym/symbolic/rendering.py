"""Derivations as Markdown, as a LaTeX article and as a self-contained HTML page with MathML."""

import html
import re
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import sympy as sp
from markupsafe import Markup
from sympy.printing.latex import LatexPrinter, greek_letters_set

from adamsym.gradients import SymbolicGradient
from adamsym.symbolic.derivation import Derivation
from adamsym.symbolic.sizes import Sizes
from adamsym.symbolic.symbols import RESERVED

if TYPE_CHECKING:
    # What only derives need not wait for what makes pages.
    from xml.etree import ElementTree

    import jinja2

LONGEST_FORMULA = 2_500
"""Characters of LaTeX; a longer formula is described instead of shown."""


class Printed(dict[tuple[Any, ...], str]):
    """LaTeX of expressions, and of whole formulas; and the sizes of what stands in them."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes = Sizes()


_LATEX_ESCAPES = {c: "\\" + c for c in "#$%&_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


class _Printer(LatexPrinter):
    """Prints an expression once, however often it stands in the formulas that share ``known``."""

    def __init__(self, settings: dict[str, Any], known: Printed) -> None:
        super().__init__(settings)
        self._known = known

    def _print(self, expr: Any, **arguments: Any) -> str:
        if not isinstance(expr, sp.Expr) or not expr.args:
            return str(super()._print(expr, **arguments))
        key = (expr, *sorted(arguments.items()))
        if key not in self._known:
            self._known[key] = str(super()._print(expr, **arguments))
        return self._known[key]

    def _print_Heaviside(self, expr: sp.Expr, exp: str | None = None) -> str:
        # SymPy's own theta would look like a parameter.
        return rf"\mathbf{{1}}_{{{self._print(expr.args[0])} > 0}}" + (f"^{{{exp}}}" if exp else "")


def symbol_names(problem: SymbolicGradient) -> dict[sp.Symbol, str]:
    """Return LaTeX names for symbols of the problem that would be mistaken: for letters of the paper, or products."""
    names = {x: _symbol_name(x.name) for x in (*problem.parameters, *problem.columns)}
    printed = {x: name or str(LatexPrinter().doprint(x)) for x, name in names.items()}
    times = Counter(printed.values())
    # x1 and x_1 would look the same.
    names |= {x: rf"\mathrm{{{latex_text(x.name)}}}" for x, text in printed.items() if times[text] > 1}
    return {x: name for x, name in names.items() if name is not None}


def _symbol_name(name: str) -> str | None:
    """LaTeX of a name that SymPy would not print as one: upright words, letters of the derivation in typewriter."""
    if name in RESERVED or "__" in name or name.endswith("_"):
        return typewriter(name)
    numbered = re.fullmatch(r"([A-Za-z]+)((?:_?\d+)*)", name)
    if numbered is None:
        return rf"\mathrm{{{latex_text(name)}}}"
    word, digits = numbered.groups()
    if len(word) == 1 or word.lower() in greek_letters_set:
        return None
    index = ",".join(re.findall(r"\d+", digits))
    return rf"\mathrm{{{word}}}" + (f"_{{{index}}}" if index else "")


def typewriter(name: str) -> str:
    """Return a name as LaTeX in typewriter face."""
    return rf"\mathtt{{{latex_text(name)}}}"


def formula(expression: Any, names: dict[sp.Symbol, str] | None = None, known: Printed | None = None) -> str:
    """Return LaTeX of an expression; one that is too long is described by its number of operations.

    Formulas of the same names may share what is ``known``.
    """
    known = Printed() if known is None else known
    key = ("formula", expression)
    if key not in known:
        known[key] = _formula(expression, names or {}, known)
    return known[key]


def _formula(expression: Any, names: dict[sp.Symbol, str], known: Printed) -> str:
    words = any(name.startswith(r"\mathrm") for name in names.values())
    # Words side by side would run into each other.
    settings = {"symbol_names": names, "mul_symbol": r" \, " if words else None}
    # To write a sum of thousands of terms takes seconds.
    short = known.sizes.least_length(expression) <= LONGEST_FORMULA
    text = str(_Printer(settings, known).doprint(expression)) if short else ""
    if 0 < len(text) <= LONGEST_FORMULA:
        return text
    return rf"\text{{(an expression of {known.sizes.operations(expression)} operations, not shown)}}"


def latex_text(text: str) -> str:
    """Return plain text with LaTeX's special characters escaped."""
    return "".join(_LATEX_ESCAPES.get(c, c) for c in text)


def prose(text: str, plain: Callable[[str], str], math: Callable[[str], str]) -> str:
    """Return prose with LaTeX between single dollars: its plain parts and its formulas, each turned by a function."""
    pieces = re.split(r"\$([^$]+)\$", text)
    return "".join(math(piece) if number % 2 else plain(piece) for number, piece in enumerate(pieces))


def prose_markup(text: str) -> Markup:
    """Return prose with LaTeX between single dollars as escaped text with inline MathML."""
    return Markup(prose(text, html.escape, lambda latex: mathml(latex, "inline")))


def markdown(derivation: Derivation) -> str:
    """Return the derivation as Markdown."""
    template = environment("adamsym.symbolic", escape=False)
    template.filters["text"] = _markdown_text
    template.filters["prose"] = lambda text: prose(text, _markdown_text, "${}$".format)
    return template.get_template("derivation.md.jinja").render(derivation=derivation)


def _markdown_text(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|$])", r"\\\1", text)


def article(derivation: Derivation) -> str:
    """Return the derivation as a complete LaTeX article; formulas wider than the page are scaled to fit."""
    template = environment("adamsym.symbolic", escape=False, marks=("<%", "%>", "<<", ">>"))
    template.filters["text"] = latex_text
    template.filters["prose"] = lambda text: prose(text, latex_text, "${}$".format)
    return template.get_template("derivation.tex.jinja").render(derivation=derivation)


def page(derivation: Derivation) -> str:
    """Return the derivation as one HTML page without scripts or outside references."""
    return _html(derivation, "derivation.html.jinja")


def body(derivation: Derivation) -> str:
    """Return the steps alone as HTML, for a notebook: titles, prose, formulas in MathML, and checks."""
    return _html(derivation, "steps.html.jinja")


def _html(derivation: Derivation, template: str) -> str:
    templates = environment("adamsym.symbolic")
    templates.filters["prose"] = prose_markup
    templates.filters["mathml"] = lambda latex: Markup(mathml(latex))  # escapes what is no plain MathML
    return templates.get_template(template).render(derivation=derivation)


def environment(
    package: str, escape: bool = True, marks: tuple[str, str, str, str] = ("{%", "%}", "{{", "}}")
) -> "jinja2.Environment":
    """Return the templates of a subpackage: every text is escaped as HTML unless ``escape`` is False.

    ``marks`` begin and end statements and values: LaTeX has braces of its own.
    """
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=escape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        block_start_string=marks[0],
        block_end_string=marks[1],
        variable_start_string=marks[2],
        variable_end_string=marks[3],
    )


def mathml(latex: str, display: Literal["block", "inline"] = "block") -> str:
    """Return a LaTeX formula as a MathML element; the LaTeX itself, escaped, if that would not be plain MathML."""
    from xml.etree import ElementTree

    import latex2mathml.converter

    try:
        text = str(latex2mathml.converter.convert(latex, display=display))
        text = re.sub(r"&(?!#?\w+;)", "&amp;", text)
        text = re.sub(r'(?:<mi mathvariant="normal">[^<]*</mi>){2,}', _as_one_name, text)
        plain = all(_is_plain(element) for element in ElementTree.fromstring(text).iter())
    except Exception:  # the converter raises its own and built-in errors alike
        plain = False
    return text if plain else f"<code>{html.escape(latex)}</code>"


def _as_one_name(letters: re.Match[str]) -> str:
    """The letters of a name as one identifier, which is upright and read as a word."""
    return f"<mi>{re.sub('<[^>]*>', '', letters.group())}</mi>"


def _is_plain(element: "ElementTree.Element") -> bool:
    """Whether an element is MathML without links or scripts: the converter passes the text of \\text{...} on as is."""
    name = element.tag.removeprefix("{http://www.w3.org/1998/Math/MathML}")
    return re.fullmatch("m[a-z]+", name) is not None and not any(
        attribute.startswith("on") or "href" in attribute or attribute in ("src", "style")
        for attribute in element.attrib
    )
