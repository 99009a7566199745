"""How wide typeset formulas are, about: a page of paper has no scroll bar."""

from xml.etree import ElementTree

from markupsafe import Markup

_SCRIPT = 0.71
"""The size of what stands above, below, or in a fraction of a fraction, of what it belongs to."""

_LETTER, _SPACED = 0.62, 0.45
"""Widths of a letter, and of the room around an operator."""

_OPERATORS = frozenset("+-−=<>≤≥·")


def formula_width(markup: str | Markup) -> float:
    """Return the width of MathML, in its font's size, to about a third.

    Parameters
    ----------
    markup
        Well-formed, as :func:`adamsym.symbolic.rendering.mathml` returns it.
    """
    return _width(ElementTree.fromstring(str(markup)), is_displayed=True)


def _width(one: ElementTree.Element, *, is_displayed: bool) -> float:
    tag = one.tag.rpartition("}")[2]
    if not len(one):
        text = (one.text or "").strip()
        return len(text) * _LETTER + (_SPACED if tag == "mo" and text in _OPERATORS else 0.0)
    if tag == "mfrac":
        widest = max(_width(part, is_displayed=False) for part in one)
        return 0.2 + (widest if is_displayed else _SCRIPT * widest)
    if tag in ("msub", "msup", "msubsup", "munder", "mover", "munderover"):
        base, *others = one
        script = _SCRIPT * max(_width(part, is_displayed=False) for part in others)
        around = _width(base, is_displayed=is_displayed)
        return around + script if tag.startswith("ms") else max(around, script)
    return sum(_width(part, is_displayed=is_displayed) for part in one) + (0.9 if tag == "msqrt" else 0.0)
