"""How boxes lie: whether they fill a region, meet, or hold each other; without comparing all with all."""

from adamsym.certificates.form import ZerosCertificate
from adamsym.certificates.parts import Box
from adamsym.checker.zeros import contains, leaf_form_fault, meet, middle
from adamsym.expressions.work import spend


def fills(region: Box, boxes: list[Box]) -> bool:
    """Whether boxes are what repeated halving of a region leaves: they then cover it, and no two overlap."""
    stack = [(region, boxes)]
    while stack:
        whole, parts = stack.pop()
        if len(parts) == 1:
            if parts[0] != whole:
                return False
            continue
        for axis, (low, high) in enumerate(whole):
            spend(1 + len(parts) // 10)
            cut = middle([[low, high]])[0]
            left = [part for part in parts if part[axis][1] <= cut]
            if 0 < len(left) < len(parts) and all(part[axis][0] >= cut for part in parts if part[axis][1] > cut):
                right = [part for part in parts if part[axis][1] > cut]
                stack.append(([*whole[:axis], [low, cut], *whole[axis + 1 :]], left))
                stack.append(([*whole[:axis], [cut, high], *whole[axis + 1 :]], right))
                break
        else:
            return False
    return True


def some_meet(boxes: list[Box]) -> bool:
    """Whether some two of the boxes have a point in common."""
    reached: list[Box] = []
    for box in sorted(boxes):
        reached = [other for other in reached if other[0][1] >= box[0][0]]
        spend(1 + len(reached) // 5)
        if any(meet(box, other) for other in reached):
            return True
        reached.append(box)
    return False


def held(inner: list[Box], outer: list[Box]) -> tuple[bool, bool]:
    """Return whether each inner box lies in some outer one, and whether each outer box holds some inner one."""
    waiting, reached = sorted(range(len(outer)), key=lambda k: outer[k][0][0], reverse=True), []
    all_held, used = True, set()
    for box in sorted(inner):
        while waiting and outer[waiting[-1]][0][0] <= box[0][0]:
            reached.append(waiting.pop())
        reached = [k for k in reached if outer[k][0][1] >= box[0][0]]
        spend(1 + len(reached) // 5)
        holders = [k for k in reached if contains(outer[k], box)]
        used.update(holders)
        all_held &= bool(holders)
    return all_held, len(used) == len(outer)


def zeros_form_fault(certificate: ZerosCertificate, undecided: list[Box]) -> str | None:
    """Return what is wrong with where zeros and clusters lie, or with what the summary says of the leaves; or None."""
    if certificate.complete == bool(undecided):
        return "complete does not agree with the boxes"
    for k, zero in enumerate(certificate.zeros):
        if not contains(certificate.box, zero.box):
            return f"zero {k} is not proven to lie in the box"
    for k, zero in enumerate(certificate.beyond):
        if contains(certificate.box, zero.box):
            return f"zero {k} beyond the box lies in it"
    listed = [*certificate.zeros, *certificate.beyond]
    if some_meet([zero.box for zero in listed]):
        return "two of the zeros may be one"
    for k, leaf in enumerate(certificate.leaves):
        fault = leaf_form_fault(certificate, leaf)
        if fault is not None:
            return f"box {k}: {fault}"
    clusters = [cluster.box for cluster in certificate.clusters]
    if some_meet(clusters):
        return "two of the clusters meet"
    if not all(contains(certificate.box, cluster) for cluster in clusters):
        return "a cluster does not lie in the box"
    all_held, all_hold = held(undecided, clusters)
    if not all_held:
        return "an undecided box lies in no cluster"
    return None if all_hold else "a cluster holds no undecided box"
