"""A small network by hand, as a source of gradients of its own: a tanh layer, squared loss, a ridge in the loss."""

import numpy as np

from adamsym import Empirical, StochasticGradient


class TanhNetwork(StochasticGradient):
    """(w2 tanh(W1 x + b1) + b2 - y)^2/2 + ridge |theta|^2/2; products with Hessians, without forming any."""

    def __init__(self, inputs, targets, hidden, ridge=0.02, batch_size=1):
        self.inputs, self.targets, self.hidden = np.asarray(inputs), np.asarray(targets), hidden
        self.ridge, self.batch_size = ridge, batch_size
        rows, columns = self.inputs.shape
        self.ends = np.cumsum([hidden * columns, hidden, hidden, 1])
        self.names = tuple(f"theta{k}" for k in range(self.ends[-1]))
        self.law = Empirical({"row": range(rows)})

    def split(self, theta):
        first, bias, second, last = np.split(theta, self.ends[:-1], axis=-1)
        return first.reshape(*theta.shape[:-1], self.hidden, -1), bias, second, last[..., 0]

    def joined(self, first, bias, second, last):
        return np.concatenate([first.reshape(*first.shape[:-2], -1), bias, second, last[..., None]], axis=-1)

    def forward(self, theta):
        first, bias, second, last = self.split(theta)
        a = np.tanh(self.inputs @ np.swapaxes(first, -1, -2) + bias[..., None, :])
        return a, (a * second[..., None, :]).sum(axis=-1) + last[..., None] - self.targets

    def mean_loss(self, theta):
        theta = self.points(theta)
        return (self.forward(theta)[1] ** 2).mean(axis=-1) / 2 + self.ridge * (theta**2).sum(axis=-1) / 2

    def row_gradients(self, theta, rows=None):
        theta = self.points(theta)
        a, r = self.forward(theta)
        delta = r[..., None] * self.split(theta)[2][..., None, :] * (1 - a**2)
        found = self.joined(delta[..., None] * self.inputs[:, None, :], delta, r[..., None] * a, r)
        found = found + self.ridge * theta[..., None, :]
        if rows is None:
            return found
        numbers = np.asarray(rows)[..., 0].astype(int)
        leading = np.broadcast_shapes(found.shape[:-2], numbers.shape[:-1])
        numbers = np.broadcast_to(numbers, (*leading, numbers.shape[-1]))
        return np.take_along_axis(np.broadcast_to(found, (*leading, *found.shape[-2:])), numbers[..., None], axis=-2)

    def hessian_products(self, theta, vectors):
        """H_a v_a of every row, (rows, d), for v (rows, d) or (1, d)."""
        a, r = self.forward(theta)
        w = self.split(theta)[2]
        first, bias, second, last = self.split(vectors)
        da = (1 - a**2) * (
            np.einsum("rhc,rc->rh", np.broadcast_to(first, (len(a), *first.shape[1:])), self.inputs) + bias
        )
        dr = (second * a).sum(axis=-1) + da @ w + last
        delta = (dr[:, None] * w + r[:, None] * second) * (1 - a**2) - 2 * r[:, None] * w * a * da
        found = self.joined(delta[..., None] * self.inputs[:, None, :], delta, dr[:, None] * a + r[:, None] * da, dr)
        return found + self.ridge * vectors

    def weighted_product(self, theta, weights, vector, level=0):
        return np.einsum("ia,ai->i", weights, self.hessian_products(theta, vector[None]))

    def weighted_transposed_product(self, theta, weights, vector, level=0):
        return self.hessian_products(theta, (weights * vector[:, None]).T).sum(axis=0)


def small_network(rows=12, columns=2, hidden=2, batch_size=1, seed=0, ridge=0.02):
    """A network with drawn data that no such network fits."""
    generator = np.random.default_rng(seed)
    inputs = generator.normal(size=(rows, columns))
    targets = np.sin(2 * inputs[:, 0]) + 0.5 * generator.exponential(size=rows)
    return TanhNetwork(inputs, targets, hidden, ridge, batch_size)
