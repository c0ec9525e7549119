# SPDX-License-Identifier: Apache-2.0
"""make_baselines -- what scikit-learn's trees, logistic regression and neighbours say, for tests/unit/eval_baselines.c.

    python make_baselines.py > baselines.txt

Rows: "set N D", N lines of label and features; then "want KIND v..." with each row's answer of that kind."""
import sys

import numpy as np
import sklearn
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import trustworthiness
from sklearn.neighbors import KNeighborsClassifier

print(f"# numpy {np.__version__}, scikit-learn {sklearn.__version__}")
for s, (n, d, ties) in enumerate([(120, 4, False), (300, 13, False), (200, 3, True)]):
    r = np.random.default_rng([16, s])
    x = r.normal(size=(n, d))
    if ties:
        x[:, 0] = np.round(x[:, 0])
    y = (x @ r.normal(size=d) + x[:, 0] * x[:, -1] + r.normal(0, 0.7, n) > 0).astype(int)
    x = np.array([[float(f"{v:.5g}") for v in row] for row in x], dtype=np.float32)
    print("set", n, d)
    for row, label in zip(x, y):
        print(label, *(f"{v:.9g}" for v in row.tolist()))
    trees = GradientBoostingClassifier(n_estimators=100, max_depth=3, learning_rate=0.1, random_state=0).fit(x, y)
    print("want boosting", *(f"{v:.12g}" for v in trees.decision_function(x)))
    linear = LogisticRegression(C=1.0, tol=1e-12, max_iter=10000).fit(x.astype(float), y)
    print("want logistic", *(f"{v:.12g}" for v in linear.decision_function(x.astype(float))))
    near = KNeighborsClassifier(n_neighbors=15, algorithm="brute").fit(x.astype(float)[: n // 2], y[: n // 2])
    print("want neighbours", *(f"{v:.12g}" for v in near.predict_proba(x.astype(float))[:, 1]))

# representations: singular values' effective rank, spread, distances (numpy), trees and neighbours as above
for s, (n, d, rank) in enumerate([(30, 12, 12), (20, 40, 40), (60, 24, 3)]):
    r = np.random.default_rng([17, s])
    x = r.normal(size=(n, rank)) @ r.normal(size=(rank, d)) * np.linspace(2, 0.1, d)
    y = (r.random(n) < 0.4).astype(int)
    x = np.array([[float(f"{v:.5g}") for v in row] for row in x], dtype=np.float32)
    print("set", n, d)
    for row, label in zip(x, y):
        print(label, *(f"{v:.9g}" for v in row.tolist()))
    z = x.astype(float) - x.astype(float).mean(0)
    sigma = np.linalg.svd(z, compute_uv=False)
    p = sigma[sigma > 1e-9 * sigma[0]] / sigma[sigma > 1e-9 * sigma[0]].sum()
    std = z.std(0, ddof=1)
    apart = np.sqrt(((x[:, None].astype(float) - x[None].astype(float)) ** 2).sum(-1))
    kind, upper = y[:, None] + y[None], np.triu(np.ones((n, n), bool), 1)
    print("want representation", *(f"{v:.12g}" for v in [np.exp(-(p * np.log(p)).sum()), std.min(), np.median(std), std.max(),
          apart[upper & (kind == 2)].mean(), apart[upper & (kind == 0)].mean(), apart[upper & (kind == 1)].mean()]))
    print("want eigenvalues", *(f"{v:.12g}" for v in np.sort(np.linalg.eigvalsh(z.T @ z))[::-1]))
