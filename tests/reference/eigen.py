#!/usr/bin/env python3
"""Makes tests/data/eigen.safetensors: symmetric matrices that are hard on eigenvectors, where to cut
their eigenvalues, the eigenvalues, and the projector on the vectors below the cut, by NumPy.

Vectors of equal eigenvalues are a matter of taste, the projector is not: each cut is at a gap."""
import sys

import numpy as np
from safetensors.numpy import save_file

N = 32


def turned(rng, values):
    """A matrix with these eigenvalues."""
    q, _ = np.linalg.qr(rng.standard_normal((len(values), len(values))))
    a = (q * values) @ q.T
    return (a + a.T) / 2


def cases(rng):
    decaying = 1.5 ** -np.arange(N)
    yield "decaying", turned(rng, decaying), 22
    yield "repeated", turned(rng, np.repeat([5.0, 2.0, 1.0], [8, 8, 16])), 16
    yield "one_value_but_three", turned(rng, np.r_[np.full(N - 3, 1.0), 2.0, 2.0, 9.0]), N - 3
    yield "clustered", turned(rng, np.r_[3 + 1e-13 * np.arange(12), 1 + 1e-10 * np.arange(N - 12)]), 20
    deficient = rng.standard_normal((10, N))
    yield "deficient", deficient.T @ deficient, 22
    dead = rng.standard_normal((3 * N, N))
    dead[:, [0, 5, 6, 7, 8, 9, 20, 21, 30, 31]] = 0
    yield "dead_neurons", dead.T @ dead, 20
    mean = np.abs(rng.standard_normal((4 * N, N))) + 30
    yield "large_mean", mean.T @ mean, 24
    yield "scales", turned(rng, 10.0 ** np.linspace(-12, 6, N)), 20
    yield "huge", 1e200 * turned(rng, decaying), 22
    yield "tiny", 1e-200 * turned(rng, decaying), 22
    yield "diagonal", np.diag(rng.permutation(N) + 1.0), 23
    half = (N - 2) // 2
    wilkinson = np.diag(np.abs(np.arange(-half, half + 1)).astype(float))
    wilkinson += np.diag(np.ones(2 * half), 1) + np.diag(np.ones(2 * half), -1)
    yield "wilkinson", wilkinson, 2 * half + 1 - 8


def main(path):
    out = {}
    for name, a, cut in cases(np.random.default_rng(20261129)):
        scale = np.abs(a).max()
        value, vector = np.linalg.eigh(a / scale)
        assert value[cut] - value[cut - 1] > 1e-3 * value[cut], name
        below = vector[:, :cut]
        out[f"{name}.matrix"] = a
        out[f"{name}.cut"] = np.array([cut], dtype=np.int64)
        out[f"{name}.values"] = value * scale
        out[f"{name}.projector"] = below @ below.T
    save_file(out, path)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "tests/data/eigen.safetensors")
