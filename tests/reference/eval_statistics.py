#!/usr/bin/env python3
"""Makes tests/data/statistics.json: intervals and p values of SciPy and NumPy, for samples as runs
have them (hits and misses, shares of tokens, log probabilities, differences of two arms), and the
same bootstrap restated with this program's random numbers (splitmix64), to be met to the last digits."""
import json
import sys

import numpy as np
from scipy import stats

MASK = (1 << 64) - 1
RESAMPLES = 10000


class SplitMix:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def below(self, n):
        return ((self.next() >> 32) * n) >> 32


def restated(orders, seed):
    """The interval as the program draws it; with one order BCa, else percentiles."""
    rng = SplitMix(seed)
    orders = [np.asarray(x) for x in orders]
    mean = np.concatenate(orders).mean()
    theta = np.empty(RESAMPLES)
    for b in range(RESAMPLES):
        draws = []
        for _ in orders:
            x = orders[rng.below(len(orders)) if len(orders) > 1 else 0]
            draws.append(x[[rng.below(len(x)) for _ in x]])
        theta[b] = np.concatenate(draws).mean()
    q = np.array([0.025, 0.975])
    if len(orders) == 1:
        x = orders[0]
        equal = np.isclose(theta, mean, rtol=1e-12, atol=1e-12 * np.abs(theta).max())
        share = (np.sum((theta < mean) & ~equal) + equal.sum() / 2) / RESAMPLES
        if 0 < share < 1:
            z0 = stats.norm.ppf(share)
            jackknife = np.array([np.delete(x, i).mean() for i in range(len(x))])
            u = jackknife.mean() - jackknife
            a = (u**3).sum() / (6 * (u**2).sum() ** 1.5)
            z = z0 + stats.norm.ppf(q)
            q = stats.norm.cdf(z0 + z / (1 - a * z))
    return [mean, *np.quantile(theta, q)]


def samples(rng):
    yield "hits", (rng.random(30) < 0.8).astype(float)
    yield "shares", rng.integers(0, 4, 40) / 3
    yield "skewed", rng.exponential(2.0, 25) ** 1.5
    yield "logs", -rng.exponential(1.5, 100)
    yield "difference", (rng.random(12) < 0.7).astype(float) - (rng.random(12) < 0.3)
    yield "small difference", rng.normal(0.2, 1.0, 10)
    yield "many differences", rng.normal(0.15, 0.4, 60)


def main(out):
    rng = np.random.default_rng(7)
    cases = []
    for name, x in samples(rng):
        done = stats.bootstrap((x,), np.mean, n_resamples=200000, method="BCa", rng=rng, vectorized=True)
        flips = stats.permutation_test((x,), lambda x, axis: x.mean(axis=axis), permutation_type="samples",
                                       vectorized=True, n_resamples=200000, rng=rng)
        cases.append({"name": name, "x": [float(v) for v in x], "mean": float(x.mean()),
                      "scipy": [float(v) for v in done.confidence_interval],
                      "restated": [float(v) for v in restated([x], 11)],
                      "p": float(flips.pvalue), "exact": 2 ** len(x) <= RESAMPLES})
    orders = [(rng.random(20) < p).astype(float) for p in (0.9, 0.7, 0.75)]
    holm = [0.01, 0.04, 0.03, 0.005, 0.2, 0.03]
    order = np.argsort(holm, kind="stable")
    adjusted = np.empty(len(holm))
    adjusted[order] = np.maximum.accumulate([min(1, (len(holm) - i) * holm[k]) for i, k in enumerate(order)])
    json.dump({"cases": cases,
               "orders": {"x": [[float(v) for v in x] for x in orders],
                          "restated": [float(v) for v in restated(orders, 5)]},
               "holm": {"p": holm, "adjusted": [float(v) for v in adjusted]},
               "normal": [[p, float(stats.norm.ppf(p))] for p in (1e-9, 0.001, 0.025, 0.5, 0.9, 0.9999)]},
              open(out, "w"), indent=1)


main(sys.argv[1] if len(sys.argv) > 1 else "tests/data/statistics.json")
