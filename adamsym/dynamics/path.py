"""One solution of theta' = f(theta), followed across the kinks of the loss and along them (Filippov 1988).

Off the kinks f is continuous, and LSODA follows it. A step that would cross a kink sees f as it is on the kink's near
side, continued by the value at the crossing; where the step crosses is found by bisection. There the one-sided fields
decide: the solution crosses, or, where both point to the kink, it slides along with their convex combination that is
tangent to the kink, until one of them no longer points to it; or it rests, where that combination is 0.
"""

import itertools
from collections.abc import Callable

import numpy as np
import scipy.integrate
from numpy.typing import NDArray

from adamsym.dynamics.steps import HALVINGS, Outcome, Path, Piece, bisected, step, velocity_of
from adamsym.dynamics.surfaces import VALLEY_OFFSETS, kink_surfaces, valley_surfaces
from adamsym.expressions.compilation import FloatArray
from adamsym.field import AdamField

AT_ZERO = 1e-10
"""The flow is at a zero where max |f_i| is at most this; |f| is at most 1 at the usual momentum parameters."""

TIGHTEST = 1e-12
"""The smallest relative tolerance that LSODA meets in float64."""

STEPS_BEFORE_TIGHTENING = 500
"""A solver that needs more steps is taken to hop across a valley: a tighter one follows it with fewer."""

STEPS_BEFORE_VALLEYS, LEAST_ADVANCE = 2000, 1e-4
"""So many steps of the tightest solver must advance by this share of the whole time; else a valley is looked for."""

_NEAR = 3.0
"""Surfaces within so many offsets of a point are taken to pass through it."""

MISMATCH, TIGHTEST_MISMATCH = 0.01, 0.05
"""How far the solver's velocity may be from f at the end of a step, in units of the step bound: an implicit solver
accepts any velocity in a layer thinner than its tolerance, and would follow it where f cannot."""

_PARALLEL = 1e-12
"""One less the cosine of the angle between normals that are taken to be parallel."""

_MOST_NOTES = 20

_SLOW = 1e-3
"""A solution last seen to move faster than this is not looked at for a zero: a third of all evaluations less."""


class _Spent(Exception):
    """The budget of evaluations is spent."""


class _Stopped(Exception):
    """The solution cannot be followed on, for the reason given."""


def follow(adam_field: AdamField, start: FloatArray, span: tuple[float, float], tolerance: float, budget: int) -> Path:
    """Return the solution from one start (d,), with at most ``budget`` evaluations of f.

    Raises
    ------
    InputError
        If a gradient on the way is not finite.
    """
    walk = _Walk(adam_field, start, span, tolerance, budget)
    try:
        walk.go()
    except _Spent:
        walk.path.outcome = "budget"
        walk.path.notes.append(f"the budget of {budget} evaluations is spent at time {walk.time:.6g}")
    except _Stopped as reason:
        walk.path.outcome = "stopped"
        walk.path.notes.append(f"stopped at time {walk.time:.6g}: {reason}")
    return walk.path


class _Walk:
    """Where a solution is, and what it has come through."""

    def __init__(
        self, adam_field: AdamField, start: FloatArray, span: tuple[float, float], tolerance: float, budget: int
    ) -> None:
        self.field, self.left, self.tolerance, self.asked = adam_field, budget, tolerance, tolerance
        self.surfaces = self.kinks = kink_surfaces(adam_field.problem)
        self.differentiable = self.kinks is None and adam_field.problem.has_jacobians
        self.time, self.end, self.state = span[0], span[1], np.array(start)
        self.least = LEAST_ADVANCE * (span[1] - span[0])
        self.steps, self.since, self.sought, self.speed = 0, span[0], -np.inf, np.inf
        self.path = Path([span[0]], [], self.state)

    def note(self, text: str) -> None:
        if len(self.path.notes) < _MOST_NOTES:
            self.path.notes.append(text)
        elif len(self.path.notes) == _MOST_NOTES:
            self.path.notes.append("and so on")

    # --- the field, counted -------------------------------------------------------------------------------------

    def value(self, theta: FloatArray) -> FloatArray:
        if self.left < 1:
            raise _Spent
        self.left -= 1
        return self.field(theta)

    def jacobian(self, theta: FloatArray) -> FloatArray:
        self.left -= len(theta)
        return self.field.jacobian(theta)

    def distances(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        if self.surfaces is None:
            return np.zeros(0), np.zeros((0, len(theta)))
        return self.surfaces.distances(theta)

    def offset(self, which: int, theta: FloatArray) -> float:
        assert self.surfaces is not None
        return float(self.surfaces.offsets[which]) * max(1.0, float(np.abs(theta).max()))

    def near(self, theta: FloatArray) -> list[int]:
        """Surfaces through a point, one of each that are parallel there."""
        if self.surfaces is None:
            return []
        distances, normals = self.distances(theta)
        reach = _NEAR * self.surfaces.offsets * max(1.0, float(np.abs(theta).max()))
        chosen: list[int] = []
        for k in np.flatnonzero((np.abs(distances) <= reach) & normals.any(axis=1)):
            if all(abs(abs(normals[k] @ normals[j]) - 1) > _PARALLEL for j in chosen):
                chosen.append(int(k))
        return chosen

    def sliding(self, theta: FloatArray, on: int, shift: FloatArray | float = 0.0) -> tuple[float, float, FloatArray]:
        """The one-sided speeds towards the positive side of a surface, above and below it, and Filippov's field."""
        distances, normals = self.distances(theta)
        normal, offset = normals[on], self.offset(on, theta)
        foot = theta - distances[on] * normal + shift
        above, below = self.value(foot + offset * normal), self.value(foot - offset * normal)
        up, down = float(normal @ above), float(normal @ below)
        share = min(1.0, max(0.0, down / (down - up))) if down > up else 0.5
        return up, down, share * above + (1 - share) * below

    # --- the way ------------------------------------------------------------------------------------------------

    def go(self) -> None:
        on: int | None = None
        if near := self.near(self.state):
            on = self.decided(near)
        while self.path.outcome == "end" and self.time < self.end:
            on = self.piece(on)

    def rest(self, outcome: Outcome, note: str = "") -> None:
        self.path.outcome, self.path.rest = outcome, self.state
        if note:
            self.note(note)

    def piece(self, on: int | None) -> int | None:
        """Follow the solution, free or on a surface, until something happens; return on which surface it goes on."""
        signs = self.signs(on)
        origin = [self.state]

        def velocity(_: float, theta: FloatArray) -> FloatArray:
            found = self.value(self.clamped(origin[0], theta, signs)) if on is None else self.sliding(theta, on)[2]
            self.speed = float(np.abs(found).max())
            return found

        velocity(self.time, self.state)
        if self.speed <= AT_ZERO:
            self.rest("kink" if on is not None else "zero", self.at_rest(on))
            return None
        solver = self.solver(velocity, on)
        while solver.status == "running":
            reason = step(solver)
            self.steps += 1
            if reason is None and on is None:
                reason = self.mismatch(solver, signs)
            if (why := reason or self.hops()) is not None:
                return self.tightened(reason, why, on)
            before, dense = self.time, solver.dense_output()
            happens = self.event(signs, on)
            if happens(solver.y):
                time = bisected(happens, dense, before, float(solver.t))
                self.append(dense, time)
                return self.after(signs, on)
            self.append(dense, float(solver.t))
            origin[0] = self.state
        return on

    def mismatch(self, solver: scipy.integrate.LSODA, signs: FloatArray) -> str | None:
        """Whether the solver moves otherwise than f says, as a sentence."""
        if self.crossed(solver.y, signs).any():
            return None
        value = self.value(solver.y)
        self.speed = float(np.abs(value).max())
        allowed = MISMATCH if self.tolerance > TIGHTEST else TIGHTEST_MISMATCH
        if np.abs(velocity_of(solver) - value).max() <= allowed * self.field.step_bound:
            return None
        return "the solver's velocity is not the field's"

    def hops(self) -> str | None:
        """Whether the solver has taken many steps without coming far, as a sentence."""
        few = STEPS_BEFORE_TIGHTENING if self.tolerance > TIGHTEST else STEPS_BEFORE_VALLEYS
        if self.steps < few:
            return None
        begin, self.since, self.steps = self.since, self.time, 0
        if self.tolerance > TIGHTEST or self.time - begin < self.least:
            return f"{few} steps lead from {begin:.6g} to there"
        return None

    def solver(self, velocity: Callable[[float, FloatArray], FloatArray], on: int | None) -> scipy.integrate.LSODA:
        jacobian = (lambda _, theta: self.jacobian(theta)) if on is None and self.differentiable else None
        # Along a surface nothing is thin any more.
        rtol = self.tolerance if on is None else self.asked
        return scipy.integrate.LSODA(
            velocity, self.time, self.state, self.end, jac=jacobian, rtol=rtol, atol=rtol / 1000
        )

    def append(self, dense: Piece, time: float) -> None:
        state = np.asarray(dense(time))
        if time > self.time:
            self.path.ends.append(time)
            self.path.pieces.append(dense)
        self.time, self.state = time, state

    def signs(self, on: int | None) -> FloatArray:
        """On which side of every surface the solution is; 0 for those that it is on."""
        distances, _ = self.distances(self.state)
        signs = np.sign(distances)
        if on is not None and self.surfaces is not None:
            reach = _NEAR * self.surfaces.offsets * max(1.0, float(np.abs(self.state).max()))
            signs[np.abs(distances) <= reach] = 0
        return signs

    def crossed(self, theta: FloatArray, signs: FloatArray) -> NDArray[np.bool_]:
        distances, _ = self.distances(theta)
        return np.asarray((signs != 0) & (np.sign(distances) != signs))

    def clamped(self, origin: FloatArray, theta: FloatArray, signs: FloatArray) -> FloatArray:
        """The point itself, or where the way there from ``origin`` first meets a surface."""
        if not self.crossed(theta, signs).any():
            return theta
        low, high = 0.0, 1.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            if self.crossed(origin + middle * (theta - origin), signs).any():
                high = middle
            else:
                low = middle
        return np.asarray(origin + low * (theta - origin))

    def event(self, signs: FloatArray, on: int | None) -> Callable[[FloatArray], bool]:
        """What ends a piece: another surface, a side that no longer points to this one, or a zero."""
        slow = self.speed <= _SLOW

        def happens(theta: FloatArray) -> bool:
            if self.crossed(theta, signs).any():
                return True
            if on is not None:
                up, down, speed = self.sliding(theta, on)
                return up >= 0 or down <= 0 or bool(np.abs(speed).max() <= AT_ZERO)
            return slow and bool(np.abs(self.value(theta)).max() <= AT_ZERO)

        return happens

    def after(self, signs: FloatArray, on: int | None) -> int | None:
        """What follows an event at the present state."""
        crossed = np.flatnonzero(self.crossed(self.state, signs))
        if not len(crossed):
            if on is not None:
                up, _, speed = self.sliding(self.state, on)
                if np.abs(speed).max() > AT_ZERO:
                    self.leave(on, 1 if up >= 0 else -1)
                    return None
                self.rest("kink", self.at_rest(on))
            else:
                self.rest("zero")
            return None
        _, normals = self.distances(self.state)
        chosen = [] if on is None else [on]
        for k in (*crossed, *self.near(self.state)):
            if all(abs(abs(normals[k] @ normals[j]) - 1) > _PARALLEL for j in chosen):
                chosen.append(int(k))
        return self.decided(chosen)

    def leave(self, on: int, side: int) -> None:
        distances, normals = self.distances(self.state)
        self.state = self.state + (side * 2 * self.offset(on, self.state) - distances[on]) * normals[on]
        self.note(f"it leaves the {self.word(on)} at time {self.time:.6g}")

    def word(self, on: int) -> str:
        assert self.surfaces is not None
        return self.surfaces.descriptions[on]

    def at_rest(self, on: int | None) -> str:
        if on is None:
            return ""
        return f"it rests on a {self.word(on)} from time {self.time:.6g} on: the fields of both sides balance"

    # --- at a surface -------------------------------------------------------------------------------------------

    def decided(self, through: list[int]) -> int | None:
        """Which way the solution goes on from a point on one or two surfaces."""
        if len(through) > 2:
            raise _Stopped(f"{len(through)} kinks or valleys meet there, and what follows is not decided")
        distances, normals = self.distances(self.state)
        normals = normals[through]
        back = np.asarray(np.linalg.pinv(normals), dtype=np.float64)
        foot = self.state - back @ distances[through]
        offset = np.array([self.offset(k, foot) for k in through])
        exits = []
        for sides in itertools.product((-1, 0, 1), repeat=len(through)):
            zeros = sides.count(0)
            if zeros == len(sides):
                continue
            shift = back @ (np.array(sides) * 2 * offset)
            if zeros == 0:
                leaving = bool((np.array(sides) * (normals @ self.value(foot + shift)) > 0).all())
                on = None
            else:
                on, other = through[sides.index(0)], 1 - sides.index(0)
                up, down, speed = self.sliding(foot + shift, on)
                leaving = up < 0 < down and bool(sides[other] * (normals[other] @ speed) > 0)
            if leaving:
                exits.append((on, foot + shift))
        if len(exits) > 1:
            raise _Stopped(f"the solution is not unique: it may leave the {self.word(through[0])} on several sides")
        if exits:
            on, self.state = exits[0]
            if on is not None and self.path.notes[-1:] != [self.slides(on)]:
                self.note(self.slides(on))
            return on
        if len(through) == 1:
            return self.slid(through[0], foot)
        self.meeting(through, foot, back, offset)
        return None

    def slides(self, on: int) -> str:
        return f"it slides along a {self.word(on)} from time {self.time:.6g} on"

    def slid(self, on: int, foot: FloatArray) -> int | None:
        """Both one-sided fields point to the surface: slide, or rest where there is one parameter."""
        self.state = foot
        if len(foot) == 1:
            self.rest("kink", self.at_rest(on))
            return None
        self.note(self.slides(on))
        return on

    def meeting(self, through: list[int], foot: FloatArray, back: FloatArray, offset: FloatArray) -> None:
        """Where two kinks meet in the plane, and all leads there, the solution rests.

        If one of them attracts on both sides of the other, the distance from it falls, and along it all slides to the
        meeting point: this point is the only solution from there on.
        """
        kinds_met = " and a ".join(map(self.word, through))
        if len(foot) == 2:
            _, normals = self.distances(foot)
            for k, on in enumerate(through):
                attracts = []
                for side in (-1, 1):
                    sides = np.zeros(2)
                    sides[1 - k] = side
                    up, down, speed = self.sliding(foot + back @ (sides * 2 * offset), on)
                    attracts.append(up < 0 < down and side * float(normals[through[1 - k]] @ speed) < 0)
                if all(attracts):
                    self.state = foot
                    self.rest("kink", f"it rests where a {kinds_met} meet from time {self.time:.6g} on")
                    return
        raise _Stopped(f"a {kinds_met} meet there, and what follows is not decided")

    # --- where the solver fails ---------------------------------------------------------------------------------

    def tightened(self, failure: str | None, reason: str, on: int | None) -> int | None:
        """Go on from the last step with the tightest tolerance; if that is not enough, along a valley as on a kink.

        ``failure`` is what makes it impossible to go on as before, if it is.
        """
        if self.tolerance > TIGHTEST:
            self.note(
                f"the tolerance is {TIGHTEST:g} from time {self.time:.6g} on, as the field turns within less than "
                f"{self.tolerance:g}, as in a valley of width eps or at the kinks of a network with relu ({reason})"
            )
            self.tolerance = TIGHTEST
            return on
        if on is None and self.time >= self.sought + self.least:
            self.sought = self.time
            if (found := self.valleys_around()) is not None:
                return found if found >= 0 else self.decided(self.near(self.state))
        if failure is not None:
            raise _Stopped(f"the solver fails at tolerance {self.tolerance:g} ({failure})")
        return on

    def valleys_around(self) -> int | None:
        """The valley in which the solution is, to which it then belongs; -1 for several, None for none.

        It lies within the largest offset; its one-sided fields are taken at the first at which both point to it.
        """
        known, count = self.kinks, 0 if self.kinks is None else len(self.kinks.offsets)
        for offset in VALLEY_OFFSETS:
            added = valley_surfaces(self.field.problem, offset)
            if added is None:
                return None
            self.surfaces = added if known is None else known + added
            distances, normals = self.distances(self.state)
            reach = VALLEY_OFFSETS[-1] * max(1.0, float(np.abs(self.state).max()))
            around = [k for k in range(count, len(distances)) if abs(distances[k]) <= reach and normals[k].any()]
            inward = [k for k in around if (sides := self.sliding(self.state, k))[0] < 0 < sides[1]]
            if len(inward) == 1:
                [on] = inward
                return self.slid(on, self.state - distances[on] * normals[on])
            if inward:
                return -1
        return None
