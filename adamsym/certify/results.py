"""What a search has found, as a line of text, as a table, and as dictionaries."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from adamsym.certify.digits import interval_text, rounded_down, shared_digits
from adamsym.expressions.results import counted, ends_of

if TYPE_CHECKING:
    from adamsym.certify.lyapunov.box_regions import LyapunovRegion
    from adamsym.certify.zeros.all_zeros import Zero, Zeros
    from adamsym.certify.zeros.clusters import Cluster
    from adamsym.certify.zeros.minima_boxes import MinimaInBox
    from adamsym.certify.zeros.one_zero import OneZero


def zeros_summary(found: "Zeros") -> str:
    """Return how many zeros are certified, and whether they are all."""
    count = counted_zeros(found)
    if found.complete:
        return f"certified: exactly {count} in the box"
    boxes = counted(len(found.undecided), "box").replace("boxs", "boxes")
    return f"undecided: {count} certified; {boxes} left"


def counted_zeros(found: "Zeros") -> str:
    """Return how many zeros are certified, and how many sets of minima; those that may be empty apart."""
    held = sum(one.holds_minimum for one in found.sets)
    texts = [counted(len(found.zeros), "zero")] if found.zeros or not held else []
    if held:
        texts.append(f"{counted(held, 'set')} of minima of dimension {found.sets[0].dimension}")
    if held < len(found.sets):
        texts.append(f"{counted(len(found.sets) - held, 'set')} of minima that may be empty")
    return " and ".join(texts)


def zeros_table(found: "Zeros") -> tuple[list[str], list[list[str]]]:
    """Return the columns of a table of zeros, and a row for each certified one."""
    return [*found.names, "box width", "stability", "critical point of L"], zero_rows(found.zeros)


def zero_rows(zeros: "Sequence[Zero]") -> list[list[str]]:
    """Return the proven digits of each zero, the width of its box, its stability, and whether it is critical."""
    return [
        [
            *(shared_digits(*side) for side in zero.box.tolist()),
            f"{(zero.box[:, 1] - zero.box[:, 0]).max():.1e}",
            zero.stability,
            zero.critical_point or "not applicable",
        ]
        for zero in zeros
    ]


_SHOWN = 3
"""So many parameters of a zero are shown in its line."""


def zero_summary(zero: "Zero") -> str:
    """Return where a zero is, in proven digits, and its stability."""
    sides = zero.box.tolist()
    place = ", ".join(shared_digits(*side) for side in sides[:_SHOWN]) + (", ..." if len(sides) > _SHOWN else "")
    stability = "stability undecided" if zero.stability == "undecided" else zero.stability
    return f"certified at ({place}), {stability}"


def zeros_columns(zeros: "Sequence[Zero]", names: Sequence[str]) -> dict[str, Any]:
    """Return one row for each certified zero: the middle of its box, the box's ends, and its stability."""
    middles = np.array([zero.midpoint for zero in zeros]).reshape(-1, len(names))
    return {
        **{name: middles[:, k].copy() for k, name in enumerate(names)},
        **ends_of([zero.box for zero in zeros], names),
        "stability": [str(zero.stability) for zero in zeros],
        "critical_point": [zero.critical_point or "not applicable" for zero in zeros],
    }


def set_rows(found: "Zeros") -> tuple[list[str], list[list[str]]]:
    """Return the columns of a table of sets of minima, and a row for each."""
    rows = []
    for one in found.sets:
        center = [repr(x) for x in one.center.tolist()] if one.center is not None else ["?"] * len(found.names)
        boxes = counted(one.leaves, "box").replace("boxs", "boxes")
        where = ", ".join(
            f"{n} in {interval_text(*side)}" for n, side in zip(found.names, one.box.tolist(), strict=True)
        )
        rows.append([f"{boxes} within {where}", str(one.dimension), ", ".join(center)])
    return ["set of minima", "dimension", "a point of it is near"], rows


def zeros_dict(found: "Zeros") -> dict[str, Any]:
    """Return what is certified about zeros, ready for JSON."""
    return {
        "complete": found.complete,
        "zeros": [zero_dict(zero) for zero in found.zeros],
        "beyond": [zero_dict(zero) for zero in found.beyond],
        "undecided": [[list(side) for side in box] for box in found.undecided],
        "sets": [_set_dict(one) for one in found.sets],
        "clusters": [_cluster_dict(cluster) for cluster in found.clusters],
        "examined": found.examined,
        "operations": found.operations,
        "stopped": found.stopped,
    } | _supposed(found.supposes)


def _supposed(text: str | None) -> dict[str, Any]:
    return {} if text is None else {"supposes": text}


def zero_dict(zero: "Zero") -> dict[str, Any]:
    """Return what is certified about one zero, ready for JSON."""
    return {
        "box": zero.box.tolist(),
        "midpoint": zero.midpoint.tolist(),
        "unique": True,
        "unique_in": zero.unique_in.tolist(),
        "stability": zero.stability,
        "critical_point": zero.critical_point,
        "point": None if zero.point is None else [str(x) for x in zero.point],
        "gradient": None if zero.gradient is None else zero.gradient.tolist(),
    }


def one_zero_summary(found: "OneZero") -> str:
    """Return what the zero is, how wide the region is where it is alone, and how far the critical point is."""
    zero = found.zero
    if found.minima is not None:
        return f"certified: {found.minima.summary}"
    if zero is None:
        return f"undecided: {found.reason}"
    alone = f"alone within {rounded_down(_half_width(zero.unique_in), 3)}"
    stability = "stability undecided" if zero.stability == "undecided" else zero.stability
    text = f"certified: one zero, {alone} of it in the widest coordinate; {stability}"
    return text if found.critical is None else f"{text}; {distance_text(found)}"


def distance_text(found: "OneZero") -> str:
    """Return how far the zero is from the critical point of the loss, in proven digits."""
    assert found.critical is not None
    kind = "critical point" if found.critical.kind == "undecided" else found.critical.kind
    nearest = f"nearest critical point of L, a {kind}," if found.critical.nearest else f"{kind} of L beside it"
    return f"the {nearest} is {shared_digits(*found.critical.distance)} away"


def _half_width(box: Any) -> float:
    return float((box[:, 1] - box[:, 0]).max()) / 2


def one_zero_table(found: "OneZero") -> tuple[list[str], list[list[str]]]:
    """Return a row for each parameter: proven digits, the region where the zero is alone, and the critical point."""
    if found.zero is None:
        return ([], []) if found.minima is None else found.minima.table()
    critical = found.critical
    columns = ["parameter", "zero", "alone in", *(["critical point of L"] if critical is not None else [])]
    rows = [
        [name, shared_digits(*side), interval_text(*region)]
        for name, side, region in zip(found.names, found.zero.box.tolist(), found.zero.unique_in.tolist(), strict=True)
    ]
    if critical is not None:
        rows = [[*row, shared_digits(*side)] for row, side in zip(rows, critical.box.tolist(), strict=True)]
    return columns, rows


def one_zero_columns(found: "OneZero", names: Sequence[str]) -> dict[str, Any]:
    """Return one row for each parameter: the ends of the zero's box, of where it is alone, of the critical point's."""
    boxes = {} if found.zero is None else {"zero": found.zero.box, "alone": found.zero.unique_in}
    boxes |= {} if found.critical is None else {"critical_point": found.critical.box}
    ends = {f"{name}_{end}": box[:, k] for name, box in boxes.items() for k, end in enumerate(("lower", "upper"))}
    return {"parameter": list(names), **ends}


def one_zero_dict(found: "OneZero") -> dict[str, Any]:
    """Return what is certified about the zero near a point, ready for JSON."""
    critical, zero = found.critical, found.zero
    nearby = None
    if critical is not None:
        nearby = {
            "box": critical.box.tolist(),
            "midpoint": critical.midpoint.tolist(),
            "unique_in": critical.unique_in.tolist(),
            "kind": critical.kind,
            "distance": list(critical.distance),
            "nearest": critical.nearest,
        }
    return {
        "complete": None,
        "zeros": [] if zero is None else [zero_dict(zero) | {"nearest_minimum": nearby}],
        "beyond": [],
        "minima": None if found.minima is None else found.minima.to_dict(),
        "undecided": [[[x, x] for x in found.start.tolist()]] if zero is None and found.minima is None else [],
        "unique_in": None if zero is None else zero.unique_in.tolist(),
        "at": found.start.tolist(),
        "reason": found.reason or None,
    } | _supposed(found.supposes)


def _set_dict(one: "MinimaInBox") -> dict[str, Any]:
    return {
        "box": one.box.tolist(),
        "boxes": one.leaves,
        "dimension": one.dimension,
        "rows": list(one.rows),
        "center": None if one.center is None else one.center.tolist(),
        "near": one.near,
    }


def _cluster_dict(cluster: "Cluster") -> dict[str, Any]:
    return {
        "box": cluster.box.tolist(),
        "boxes": cluster.leaves,
        "zeros": "at least one" if cluster.holds_zero else "unknown",
        "point": None if cluster.point is None else [str(x) for x in cluster.point],
        "reason": cluster.reason,
    }


def region_summary(found: "LyapunovRegion") -> str:
    """Return the verdict, and the rate or the share that is certified."""
    if found.verdict == "refuted":
        return "refuted: the loss increases at the witness"
    if found.verdict == "certified":
        rate = "" if found.rate is None else f" at least like exp(-{rounded_down(found.rate)} t)"
        return f"certified: the loss decreases along the flow{rate}"
    return f"undecided: certified on {100 * found.share:.4g}% of the box"


def region_dict(found: "LyapunovRegion") -> dict[str, Any]:
    """Return what is certified about a Lyapunov region, beside the regions of the theorems, ready for JSON."""
    from adamsym.certify.lyapunov.theorem_regions import compare_regions

    regions = compare_regions(found)
    rate = found.rate if found.verdict == "certified" else None
    return {
        "verdict": found.verdict,
        "region": {"box": found.region.tolist(), "share": found.share, "rate": rate},
        "witness": None
        if found.witness is None
        else {"point": found.witness.tolist(), "bounds": list(found.witness_bounds or ())},
        "undecided": [[list(side) for side in box] for box in found.undecided],
        "regions": regions.to_dict(),
        "examined": found.examined,
        "operations": found.operations,
        "stopped": found.stopped,
    } | _supposed(found.supposes)
