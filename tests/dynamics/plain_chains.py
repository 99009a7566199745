"""What the engine does, one number at a time in plain Python."""

import numpy as np

MASK = 2**64 - 1


def splitmix64(state):
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def rotated(x, k):
    return ((x << k) | (x >> (64 - k))) & MASK


def xoshiro256pp(s0, s1, s2, s3):
    while True:
        yield (rotated((s0 + s3) & MASK, 23) + s0) & MASK
        shifted = (s1 << 17) & MASK
        s2, s3 = s2 ^ s0, s3 ^ s1
        s1, s0 = s1 ^ s2, s0 ^ s3
        s2, s3 = s2 ^ shifted, rotated(s3, 45)


def words_of_chain(seed, chain):
    """The random words of one chain."""
    seeds = splitmix64(int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]))
    for _ in range(4 * chain):
        next(seeds)
    return xoshiro256pp(*(next(seeds) for _ in range(4)))


def rows_of_chain(seed, chain, count, rows):
    """The numbers of the rows that a chain draws if all weights are equal."""
    words = words_of_chain(seed, chain)
    return [int((next(words) >> 11) * (rows * 2.0**-53)) for _ in range(count)]


def textbook_adam(gradient, adam, sizes, theta):
    """Kingma and Ba's algorithm, one step at a time, for one chain."""
    m = v = np.zeros_like(theta)
    for n, size in enumerate(sizes, start=1):
        g = gradient(theta, n)
        m = adam.beta1 * m + (1 - adam.beta1) * g
        v = adam.beta2 * v + (1 - adam.beta2) * g**2
        m_hat, v_hat = m / (1 - adam.beta1**n), v / (1 - adam.beta2**n)
        theta = theta - size * m_hat / (np.sqrt(v_hat) + adam.eps)
    return theta
