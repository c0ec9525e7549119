#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tsne -- what scikit-learn makes of the clusters of tests/unit/tsne.c: writes tsne.h beside this file.   tests/golden/eval

    tsne.py            (scikit-learn 1.9.1, NumPy; its exact method, started from the same two principal components)

Six clusters at the corners of a simplex: no plane shows all six apart, so neither does the start from principal components.
The points are whole numbers made by a small rule, so that C makes the same: see points().
"""
import os

import numpy as np
import sklearn
from sklearn.manifold import TSNE

CLUSTERS, EACH, D = 6, 15, 8
N = CLUSTERS * EACH


def points():
    x = np.zeros((N, D), np.float32)
    state = 1
    for i in range(N):
        for k in range(D):
            state = state * 1103515245 + 12345 & 0x7FFFFFFF
            x[i, k] = (state >> 16) % 64 / 32 + (8 if k == i // EACH else 0)
    return x


def start(x):
    x = x.astype(float) - x.astype(float).mean(0)
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    y = u[:, :2] * s[:2]
    return y / y[:, 0].std() * 1e-4


x = points()
perplexity = min(30.0, N / 4)
run = TSNE(2, perplexity=perplexity, method="exact", init=start(x), early_exaggeration=12, max_iter=500, learning_rate="auto")
y = run.fit_transform(x)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "tsne.h"), "w") as to:
    to.write(f"/* SPDX-License-Identifier: Apache-2.0 */\n/* by tsne.py: scikit-learn {sklearn.__version__}, NumPy {np.__version__} */\n")
    to.write(f"enum {{ TSNE_CLUSTERS = {CLUSTERS}, TSNE_EACH = {EACH}, TSNE_D = {D} }};\n")
    to.write("/* Kullback-Leibler divergence after 500 iterations, and of which points; sum of the numbers it was given */\n")
    to.write(f"static const double tsne_kl = {run.kl_divergence_:.8f}, tsne_sum = {float(x.astype(float).sum())!r};\n")
    to.write(f"static const double tsne_y[{2 * N}] = {{\n    ")
    to.write(",\n    ".join(", ".join(f"{v:.5f}" for v in row) for row in y.reshape(-1, 6)) + "};\n")
print(run.kl_divergence_)
