"""Derivations as Markdown, as a LaTeX article and as a self-contained HTML page with MathML."""

import html
import re
from collections import Counter
from typing import Any, Literal
from xml.etree import ElementTree

import latex2mathml.converter
import sympy as sp
from sympy.printing.latex import LatexPrinter, greek_letters_set

from adamsym.gradients import SymbolicGradient
from adamsym.symbolic.derivation import Derivation
from adamsym.symbolic.symbols import RESERVED

LONGEST_FORMULA = 2_500
"""Characters of LaTeX; a longer formula is described instead of shown."""

_LATEX_ESCAPES = {c: "\\" + c for c in "#$%&_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


class _Printer(LatexPrinter):
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


def formula(expression: Any, names: dict[sp.Symbol, str] | None = None) -> str:
    """Return LaTeX of an expression; one that is too long is described by its number of operations."""
    words = any(name.startswith(r"\mathrm") for name in (names or {}).values())
    # Words side by side would run into each other.
    settings = {"symbol_names": names or {}, "mul_symbol": r" \, " if words else None}
    text = str(_Printer(settings).doprint(expression))
    if len(text) <= LONGEST_FORMULA:
        return text
    return rf"\text{{(an expression of {sp.count_ops(expression)} operations, not shown)}}"


def latex_text(text: str) -> str:
    """Return plain text with LaTeX's special characters escaped."""
    return "".join(_LATEX_ESCAPES.get(c, c) for c in text)


def markdown(derivation: Derivation) -> str:
    """Return the derivation as Markdown."""
    parts = [f"# {_markdown_text(derivation.title)}"]
    for number, step in enumerate(derivation.steps, 1):
        parts += [f"## {number}. {_markdown_text(step.title)}", _markdown_text(step.statement_text)]
        parts += [f"$$\n{equation}\n$$" for equation in step.equations]
        parts.append(f"*Checked: {_markdown_text(step.check)}.*")
    return "\n\n".join(parts) + "\n"


def _markdown_text(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|$])", r"\\\1", text)


def article(derivation: Derivation) -> str:
    """Return the derivation as a complete LaTeX article; formulas wider than the page are scaled to fit."""
    body = []
    for step in derivation.steps:
        body += [rf"\section{{{latex_text(step.title)}}}", latex_text(step.statement_text)]
        body += [rf"\formula{{{equation}}}" for equation in step.equations]
        body += [rf"\noindent\emph{{Checked: {latex_text(step.check)}.}}", ""]
    return _ARTICLE.replace("@TITLE", latex_text(derivation.title)).replace("@BODY", "\n".join(body))


def page(derivation: Derivation) -> str:
    """Return the derivation as one HTML page without scripts or outside references."""
    sections = []
    for number, step in enumerate(derivation.steps, 1):
        formulas = "\n".join(f'<div class="formula">{mathml(equation)}</div>' for equation in step.equations)
        sections.append(
            f"<section>\n<h2>{number}. {html.escape(step.title)}</h2>\n<p>{html.escape(step.statement_text)}</p>\n"
            f'{formulas}\n<p class="check">&#10003; Checked: {html.escape(step.check)}.</p>\n</section>'
        )
    return _PAGE.replace("@TITLE", html.escape(derivation.title)).replace("@BODY", "\n".join(sections))


def mathml(latex: str, display: Literal["block", "inline"] = "block") -> str:
    """Return a LaTeX formula as a MathML element; the LaTeX itself, escaped, if that would not be plain MathML."""
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


def _is_plain(element: ElementTree.Element) -> bool:
    """Whether an element is MathML without links or scripts: the converter passes the text of \\text{...} on as is."""
    name = element.tag.removeprefix("{http://www.w3.org/1998/Math/MathML}")
    return re.fullmatch("m[a-z]+", name) is not None and not any(
        attribute.startswith("on") or "href" in attribute or attribute in ("src", "style")
        for attribute in element.attrib
    )


_ARTICLE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{amsmath,amssymb,graphicx}
\newsavebox{\formulabox}
\newcommand{\formula}[1]{\par\medskip\noindent\sbox{\formulabox}{$\displaystyle #1$}%
  \ifdim\wd\formulabox>\linewidth\resizebox{\linewidth}{!}{\usebox{\formulabox}}%
  \else\hfil\usebox{\formulabox}\hfil\fi\par\medskip}
\title{@TITLE}
\date{}
\begin{document}
\maketitle
@BODY
\end{document}
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>@TITLE</title>
<style>
:root { color-scheme: light dark; --line: #8886; --ok: #2a7d46; }
body { font: 17px/1.55 Georgia, "Times New Roman", serif; max-width: 46rem; margin: 2.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; padding-top: 1rem; border-top: 1px solid var(--line); }
.formula { overflow: auto hidden; margin: .9rem 0; padding: .4rem 0; }
.formula code { font-size: .85rem; }
.check { font-size: .88rem; color: var(--ok); }
</style>
</head>
<body>
<h1>@TITLE</h1>
@BODY
</body>
</html>
"""
