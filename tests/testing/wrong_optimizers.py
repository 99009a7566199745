"""Seeded optimizers with one change each, written plainly and apart from the package, and words that name it."""

from dataclasses import replace

import numpy as np

from adamsym.testing import Recursion

BASES = ("Adam", "AdamW", "NAdam", "RMSprop", "Adamax", "AMSGrad")
MOMENTS = ("Adam", "AdamW", "AMSGrad")  # m and v, both corrected
WITH_M = (*MOMENTS, "Adamax")
WITH_ROOT = (*MOMENTS, "RMSprop", "NAdam")
CORRECTING_V = (*MOMENTS, "NAdam")

# Each kind: the optimizers that it can befall, and words of which one must be said.
KINDS = {
    "m not corrected": (WITH_M, ["m is not bias-corrected"]),
    "v not corrected": (CORRECTING_V, ["v is not bias-corrected"]),
    "m corrected by constant": (WITH_M, ["m is bias-corrected with the constant 1 - beta1"]),
    "v corrected by constant": (CORRECTING_V, ["v is bias-corrected with the constant 1 - beta2"]),
    "both corrected by constants": (MOMENTS, ["the step counter stays at 1"]),
    "counter ahead": (MOMENTS, ["counter is one ahead"]),
    "counter behind": (("RMSprop corrected",), ["counter is one behind"]),
    "m's counter ahead": (WITH_M, ["power n + 1", "counter is one ahead"]),
    "v's counter ahead": (MOMENTS, ["power n + 1"]),
    "counter counts twice": (MOMENTS, ["counts every step twice"]),
    "m's correction kept": (WITH_M, ["overwrites m itself"]),
    "v's correction kept": (MOMENTS, ["overwrites v itself"]),
    "m corrected with beta2": (WITH_M, ["m is bias-corrected with beta2"]),
    "v corrected with beta1": (MOMENTS, ["v is bias-corrected with beta1"]),
    "v's correction with exponent 2n": (CORRECTING_V, ["exponent of beta2 is wrong"]),
    "v's correction with exponent n/2": (CORRECTING_V, ["exponent of beta2 is wrong"]),
    "v's correction without root": (CORRECTING_V, ["correction stands outside the root"]),
    "m multiplied by its correction": (WITH_M, ["m is multiplied by its bias correction"]),
    "m's correction with a product": (WITH_M, ["with the product beta1 n"]),
    "v's correction lacks 1 -": (CORRECTING_V, ["v is divided by beta2**n"]),
    "eps inside": (WITH_ROOT, ["eps is added inside the square root"]),
    "eps inside and outside": (WITH_ROOT, ["eps is added in two places"]),
    "eps before correction": (CORRECTING_V, ["eps is added outside the square root, before v is bias-corrected"]),
    "eps inside before correction": (CORRECTING_V, ["inside the square root, before v is bias-corrected"]),
    "eps squared inside": (WITH_ROOT, ["the square of eps is added inside"]),
    "eps as lower bound": (WITH_ROOT, ["the larger of sqrt(v) and eps", "lower bound"]),
    "eps as lower bound of v": (WITH_ROOT, ["lower bound of v"]),
    "eps kept in v": (WITH_ROOT, ["eps is added to v itself at each step"]),
    "eps added to squares": (WITH_ROOT, ["eps is added to each squared gradient"]),
    "eps subtracted": (WITH_ROOT, ["eps is subtracted"]),
    "eps nowhere": (BASES, ["eps is not added anywhere"]),
    "eps twice": (WITH_ROOT, ["eps is added twice", "eps is"]),
    "m without its factor": (WITH_M, ["without the factor 1 - beta1"]),
    "v without its factor": (WITH_ROOT, ["without the factor 1 - beta2"]),
    "m's factors exchanged": (WITH_M, ["factors beta1 and 1 - beta1 in m are exchanged"]),
    "v's factors exchanged": (WITH_ROOT, ["factors beta2 and 1 - beta2 in v are exchanged"]),
    "v's new factor of beta1": (MOMENTS, ["enters v with the factor 1 - beta1"]),
    "m's new factor of beta2": (WITH_M, ["enters m with the factor 1 - beta2"]),
    "m forgets nothing": (WITH_M, ["m forgets nothing"]),
    "betas swapped": (WITH_M, ["swapped"]),
    "v of m": (MOMENTS, ["v averages the squares of m"]),
    "v of m g": (MOMENTS, ["products of m and the gradient"]),
    "v of |g|": (WITH_ROOT, ["absolute values"]),
    "v of g": (WITH_ROOT, ["v averages the gradients: they are not squared"]),
    "v of deviations": (MOMENTS, ["squared deviations from m, as in AdaBelief"]),
    "v of deviations before": (MOMENTS, ["deviations from the m of the step before"]),
    "v of differences": (WITH_ROOT, ["squares of the gradients' changes"]),
    "v sums": (WITH_ROOT, ["v is the sum of all squared"]),
    "v over its tensor": (WITH_ROOT, ["coordinates of each tensor"]),
    "v over its row": (WITH_ROOT, ["coordinates of each row"]),
    "no root": (WITH_ROOT, ["the square root of v is missing"]),
    "fourth root": (WITH_ROOT, ["v is taken to the power 0.25"]),
    "stale v": (WITH_ROOT, ["v is that of the step before"]),
    "stale m": (WITH_M, ["m is that of the step before"]),
    "stale gradient": (BASES, ["the gradient is that of the step before"]),
    "step late": (MOMENTS, ["each step is the one that belongs to the step before"]),
    "v starts with the first square": (WITH_ROOT, ["v begins with what first enters it"]),
    "v starts with 1": (WITH_ROOT, ["v begins with 1"]),
    "m starts with the first gradient": (WITH_M, ["m begins with what first enters it"]),
    "state begins anew": (BASES, ["m and v begin anew every"]),
    "sign of m": (WITH_M, ["numerator is the sign of m"]),
    "no momentum": (WITH_M, ["there is no momentum"]),
    "Nesterov": (MOMENTS, ["Nesterov's look-ahead"]),
    "climbs": (BASES, ["sign of the step is wrong"]),
    "clips gradients": (BASES, ["the gradient is clipped to at most"]),
    "clips norms": (BASES, ["the gradient of each tensor is clipped to norm", "clipped to norm"]),
    "sign of gradients": (BASES, ["the sign of the gradient is used"]),
    "centres gradients": (BASES, ["the mean of each tensor's gradient is subtracted"]),
    "clips updates": (BASES, ["the update is clipped to at most"]),
    "decay in the gradient": (BASES, ["is added to the gradient"]),
    "decay decoupled": (("Adam", "NAdam", "RMSprop", "Adamax", "AMSGrad"), ["is decoupled from the gradient"]),
    "decay without step size": (("AdamW",), ["is not multiplied by the step size"]),
    "decay without parameter": (BASES, ["without the parameter"]),
    "decay grows": (("AdamW",), ["its sign is wrong"]),
    "decay after the step": (("AdamW",), ["is applied after the step"]),
    "decay of matrices only": (("AdamW",), ["matrices only"]),
    "decay in the numerator": (("AdamW",), ["added to the numerator"]),
    "decay of signs": (("AdamW",), ["sign of the parameter"]),
    "decay twice": (("AdamW",), ["is applied twice", "weight_decay is"]),
    "step size falls with the root": (BASES, ["the step size changes from step to step: "]),
    "step size warms up": (BASES, ["the step size changes from step to step: "]),
    "beta2 follows a schedule": (WITH_ROOT, ["beta2 is no constant"]),
    "beta1 follows a schedule": (WITH_M, ["beta1 is no constant"]),
    "another step size": (BASES, ["step_size is"]),
    "another beta1": (WITH_M, ["beta1 is"]),
    "another beta2": (BASES, ["beta2 is"]),
    "another eps": (BASES, ["eps is"]),
    "another decay": (("AdamW",), ["weight_decay is"]),
    "v never decreases": (("Adam", "AdamW"), ["v never decreases"]),
    "v never increases": (("AMSGrad",), ["v never increases"]),
    "largest corrected": (("AMSGrad",), ["largest corrected mean"]),
    "largest kept": (("AMSGrad",), ["v itself is replaced by the largest"]),
    "largest forgets": (("AMSGrad",), ["v is the running mean of the squared gradients"]),
    "Adamax never forgets": (("Adamax",), ["largest gradient ever"]),
    "Adamax without absolute values": (("Adamax",), ["the absolute value is missing"]),
    "Adamax corrected": (("Adamax",), ["bias-corrected, which Adamax's is not"]),
    "Adamax with eps in the maximum": (("Adamax",), ["with eps added to each"]),
    "Adamax sums": (("Adamax",), ["v is the sum of forgotten and new"]),
    "look-ahead as of this step": (("NAdam",), ["as of this step, not the next"]),
    "look-ahead without gradient": (("NAdam",), ["the gradient itself is missing"]),
    "look-ahead without its factor": (("NAdam",), ["enters the look-ahead without its factor"]),
    "look-ahead exchanged": (("NAdam",), ["look-ahead are exchanged"]),
    "look-ahead missing": (("NAdam",), ["the numerator is the running mean m"]),
    "momentum of quotients": (("RMSprop",), ["the quotients have momentum"]),
    "centred": (("RMSprop",), ["v is centred"]),
    "corrected": (("RMSprop",), ["v is bias-corrected"]),
}
# Kinds that no attribute of the package's family was made for: a name would be luck, the place where they deviate not.
HELD_OUT = {
    "m clipped": WITH_M,
    "noise of the step's parity": BASES,
    "v quantised": WITH_ROOT,
    "cube root": WITH_ROOT,
    "every third gradient left out": BASES,
    "v mixes neighbours": WITH_ROOT,
    "m and v of different gradients": MOMENTS,
    "step of hyperbolic tangent": BASES,
}


def drawn(seed, kinds=None):
    """A kind, what the optimizer is declared to be, and ``make`` for ``update_adapter``; all drawn from a seed."""
    generator = np.random.default_rng(seed)
    every = KINDS | {kind: (bases, []) for kind, bases in HELD_OUT.items()}
    kind = str(generator.choice(list(kinds or every)))
    base = str(generator.choice(every[kind][0]))
    numbers = {
        "lr": float(f"{10 ** generator.uniform(-4, -1):.2g}"),
        "b1": float(generator.choice([0.6, 0.8, 0.9, 0.95])),
        "b2": float(generator.choice([0.7, 0.97, 0.99, 0.999])),
        "eps": float(f"{10 ** generator.uniform(-9, -2):.1g}"),
        "wd": float(f"{10 ** generator.uniform(-2, 0):.1g}"),
        "extra": float(generator.uniform()),
    }
    return kind, base, declared_as(base, numbers), lambda lr: optimizer(base, kind, numbers | {"lr": lr})


def declared_as(base, numbers):
    """What the package is told that the optimizer is."""
    r = Recursion(step_size=numbers["lr"], beta1=numbers["b1"], beta2=numbers["b2"], eps=numbers["eps"])
    return {
        "Adam": r,
        "AdamW": replace(r, weight_decay=numbers["wd"], decay="decoupled"),
        "NAdam": replace(r, numerator="look-ahead"),
        "RMSprop": replace(r, beta1=0.0, second_corrected=False),
        "RMSprop corrected": replace(r, beta1=0.0),
        "Adamax": replace(r, second_moment="largest gradient"),
        "AMSGrad": replace(r, second_moment="largest mean of squares"),
    }[base]


def optimizer(base, kind, numbers):
    """``init`` and ``update`` of the optimizer with the fault; right, if the kind is empty."""

    def init(theta):
        zero = np.zeros_like(theta)
        return {"n": 0, "m": zero, "v": zero, "top": zero, "g": zero, "step": zero, "first": theta.copy(), "b": zero}

    def update(gradient, state, theta):
        state = dict(state)
        state["n"] += 1
        with np.errstate(all="ignore"):
            return _step(base, kind, numbers, gradient, state, theta), state

    return init, update


def _gradient(kind, k, g, s, theta):
    raw = g
    if kind == "stale gradient":
        g = s["g"]
    if kind == "clips gradients":
        c = [0.5, 1.0, 2.0][int(3 * k["extra"])]
        g = np.minimum(np.maximum(g, -c), c)
    if kind == "clips norms":
        c, length = [0.5, 1.0, 2.0][int(3 * k["extra"])], np.sqrt((g * g).sum())
        g = g * (c / length) if length > c else g
    if kind == "sign of gradients":
        g = np.sign(g)
    if kind == "centres gradients":
        g = g - g.mean()
    if kind == "every third gradient left out" and s["n"] % 3 == 0:
        g = 0 * g
    if kind == "climbs":
        g = -g
    if kind in ("decay in the gradient", "decay twice"):
        g = g + k["wd"] * theta
    s["g"] = raw
    return g


def _corrections(base, kind, k, n):
    """What m and v are divided by."""
    b1, b2 = k["b1"], k["b2"]
    n1 = n2 = n
    if kind == "counter ahead":
        n1 = n2 = n + 1
    if kind == "counter behind":
        n1 = n2 = max(n - 1, 1)
    if kind == "counter counts twice":
        n1 = n2 = 2 * n
    if kind == "both corrected by constants":
        n1 = n2 = 1
    if kind in ("m corrected by constant", "m's counter ahead"):
        n1 = 1 if "constant" in kind else n + 1
    if kind in ("v corrected by constant", "v's counter ahead"):
        n2 = 1 if "constant" in kind else n + 1
    if kind.startswith("v's correction with exponent"):
        n2 = 2 * n if kind.endswith("2n") else n / 2
    c1, c2 = 1 - b1**n1, 1 - b2**n2
    if kind == "m corrected with beta2":
        c1 = 1 - b2**n
    if kind == "v corrected with beta1":
        c2 = 1 - b1**n
    if kind == "m multiplied by its correction":
        c1 = 1 / c1
    if kind == "m's correction with a product":
        c1 = 1 - b1 * n
    if kind == "v's correction lacks 1 -":
        c2 = b2**n
    if kind == "v's correction without root":
        c2 = c2 * c2
    if base.startswith("RMSprop") or kind == "m not corrected":
        c1 = 1.0
    if (base in ("RMSprop", "Adamax") and kind not in ("corrected", "Adamax corrected")) or kind == "v not corrected":
        c2 = 1.0
    return c1, c2


def _first(base, kind, k, g, s, c1):
    n, b = s["n"], 0.0 if base.startswith("RMSprop") else k["b1"]
    if kind == "another beta1":
        b = 1 - (1 - b) * 0.6
    if kind == "betas swapped":
        b = k["b2"]
    if kind == "beta1 follows a schedule":
        b = b * (1 - 0.4 / n)
    keep, add = b, 1 - b
    if kind == "m without its factor":
        add = 1.0
    if kind == "m's factors exchanged":
        keep, add = 1 - b, b
    if kind == "m's new factor of beta2":
        add = 1 - k["b2"]
    if kind == "m forgets nothing":
        keep = 1.0
    old = s["m"]
    if kind == "m starts with the first gradient" and n == 1:
        old = g
    if kind == "state begins anew" and n % (4 + int(8 * k["extra"])) == 1:
        old = 0 * g
    m = keep * old + add * g
    if kind == "m clipped":
        m = np.clip(m, -0.7, 0.7)
    if kind == "m's correction kept":
        m = m / c1
        s["m"] = m
        return old, m, m
    s["m"] = m
    if kind in ("another beta1", "betas swapped"):
        c1 = 1 - b**n
    return old, m, m / c1


def _second(base, kind, k, g, s, m_old, m, c2):
    n, b = s["n"], k["b2"]
    if kind == "another beta2":
        b = 1 - (1 - b) * 0.6
    if kind == "betas swapped":
        b = k["b1"]
    if kind == "beta2 follows a schedule":
        b = [1 - n ** (-0.8), min(b, (1 + n) / (10 + n)), b * (1 - 0.5 * 0.9**n)][int(3 * k["extra"])]
    old = s["v"]
    if kind == "state begins anew" and n % (4 + int(8 * k["extra"])) == 1:
        old = 0 * g
    if base == "Adamax":
        size = np.abs(g) + (k["eps"] if "eps in the maximum" in kind else 0.0)
        if kind == "Adamax without absolute values":
            size = g
        if kind == "Adamax sums":
            return b * old + size
        return np.maximum(old if kind == "Adamax never forgets" else b * old, size)
    square = {
        "v of m": m * m,
        "v of m g": m * g,
        "v of |g|": np.abs(g),
        "v of g": g,
        "v of deviations": (g - m) ** 2,
        "v of deviations before": (g - m_old) ** 2,
        "v of differences": (g - s["b"]) ** 2,
        "v over its tensor": np.full_like(g, (g * g).mean()),
        "v over its row": (g * g).mean(axis=-1, keepdims=True) + 0 * g if g.ndim else g * g,
        "v mixes neighbours": 0.5 * (g * g) + 0.5 * np.roll(g * g, 1),
        "m and v of different gradients": (0.5 * g + 0.5 * s["b"]) ** 2,
    }.get(kind, g * g)
    s["b"] = g
    if kind == "eps added to squares":
        square = square + k["eps"]
    keep, add = b, 1 - b
    if kind == "v without its factor":
        add = 1.0
    if kind == "v's factors exchanged":
        keep, add = 1 - b, b
    if kind == "v's new factor of beta1":
        add = 1 - k["b1"]
    if kind == "v sums":
        keep = add = 1.0
    if n == 1 and kind == "v starts with the first square":
        old = square
    if n == 1 and kind == "v starts with 1":
        old = np.ones_like(g)
    v = keep * old + add * square
    if kind == "eps kept in v":
        v = v + k["eps"]
    if kind == "v quantised":
        v = np.round(v * 64) / 64
    return v


def _denominator(base, kind, k, v, s, c2, v_old):
    eps, n = k["eps"] * (3.0 if kind == "another eps" else 1.0), s["n"]
    if kind == "another beta2" and base not in ("RMSprop", "Adamax"):
        c2 = 1 - (1 - (1 - k["b2"]) * 0.6) ** n
    if kind == "betas swapped" and base != "Adamax":
        c2 = 1 - k["b1"] ** n
    if kind == "stale v":
        v = v_old
    if kind == "v's correction kept":
        v = s["v"] = v / c2
        c2 = 1.0
    if (base == "AMSGrad" and kind not in ("largest forgets", "largest kept")) or kind == "v never decreases":
        if kind == "largest corrected":
            v, c2 = v / c2, 1.0
        if kind == "v never increases":
            s["top"] = v if n == 1 else np.minimum(s["top"], v)
        else:
            s["top"] = np.maximum(s["top"], v)
        v = s["top"]
    if kind == "largest kept":
        v = s["v"] = np.maximum(v, v_old)
    if kind == "centred":
        s["top"] = k["b2"] * s["top"] + (1 - k["b2"]) * s["g"]
        v = v - s["top"] ** 2
    if base == "Adamax":
        v = v / c2
        return v if kind in ("eps nowhere", "Adamax with eps in the maximum") else v + eps
    if kind == "eps before correction":
        return (np.sqrt(v) + eps) / np.sqrt(c2)
    if kind == "eps inside before correction":
        return np.sqrt(v + eps) / np.sqrt(c2)
    v = v / c2
    if kind == "eps inside":
        return np.sqrt(v + eps)
    if kind == "eps inside and outside":
        return np.sqrt(v + eps) + eps
    if kind == "eps squared inside":
        return np.sqrt(v + eps * eps)
    if kind == "eps as lower bound":
        return np.maximum(np.sqrt(v), eps)
    if kind == "eps as lower bound of v":
        return np.sqrt(np.maximum(v, eps))
    root = v if kind == "no root" else v**0.25 if kind == "fourth root" else np.sqrt(v)
    if kind == "cube root":
        root = np.cbrt(v)
    if kind in ("eps kept in v", "eps added to squares", "eps nowhere"):
        return root
    return root - eps if kind == "eps subtracted" else root + (2 * eps if kind == "eps twice" else eps)


def _numerator(base, kind, k, g, s, m_old, m, hat, c1):
    n, b = s["n"], k["b1"]
    if kind == "stale m":
        return m_old / c1
    if kind == "no momentum":
        return g
    if kind == "sign of m":
        return np.sign(m)
    if (base == "NAdam" and kind != "look-ahead missing") or kind == "Nesterov":
        ahead, now = m / (1 - b ** (n + 1)), g / (1 - b**n)
        if kind == "look-ahead as of this step":
            ahead = m / (1 - b**n)
        if kind == "look-ahead without gradient":
            now = 0 * g
        if kind == "look-ahead exchanged":
            return (1 - b) * ahead + b * now
        return b * ahead + (1.0 if kind == "look-ahead without its factor" else 1 - b) * now
    return g if base.startswith("RMSprop") else hat


def _step(base, kind, k, g, s, theta):
    g = _gradient(kind, k, g, s, theta)
    n, lr = s["n"], k["lr"]
    c1, c2 = _corrections(base, kind, k, n)
    v_old = s["v"]
    m_old, m, hat = _first(base, kind, k, g, s, c1)
    v = s["v"] = _second(base, kind, k, g, s, m_old, m, c2)
    quotient = _numerator(base, kind, k, g, s, m_old, m, hat, c1) / _denominator(base, kind, k, v, s, c2, v_old)
    if kind == "clips updates":
        c = [0.3, 0.6, 0.9][int(3 * k["extra"])]
        quotient = np.minimum(np.maximum(quotient, -c), c)
    if kind == "step of hyperbolic tangent":
        quotient = np.tanh(quotient)
    if kind == "noise of the step's parity":
        quotient = quotient * (1.1 if n % 2 else 0.9) + 0.01 * np.sign(g)
    if kind == "momentum of quotients":
        quotient = s["step"] = 0.9 * s["step"] + quotient
    if kind == "step late":
        quotient, s["step"] = s["step"], quotient
    if kind == "another step size":
        lr = 1.7 * lr
    if kind == "step size falls with the root":
        lr = lr / np.sqrt(n)
    if kind == "step size warms up":
        lr = lr * min(1.0, n / 10)
    decays = base == "AdamW" and kind not in ("decay in the gradient", "decay without parameter")
    wd = k["wd"] * (0.5 if kind == "another decay" else 1.0)
    if kind == "decay in the numerator":
        quotient = quotient + wd * theta / (np.sqrt(v / c2) + k["eps"])
        decays = False
    moved = theta - lr * quotient
    if kind == "decay without parameter":
        return moved - lr * wd
    if kind == "decay after the step":
        return moved - lr * wd * moved
    if decays or kind == "decay decoupled":
        of = np.sign(theta) if kind == "decay of signs" else theta
        if kind == "decay of matrices only" and theta.ndim < 2:
            of = 0 * theta
        factor = 1.0 if kind == "decay without step size" else lr
        moved = moved - (-1 if kind == "decay grows" else 1) * factor * wd * of
    return moved
