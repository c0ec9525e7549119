# SPDX-License-Identifier: Apache-2.0
"""tsne_peers -- scikit-learn's t-SNE on the same points, and the trustworthiness of both pictures; for tests/bench/run.sh tsne.
    tsne_peers.py make N D POINTS.f32                clusters of points, as embeddings are
    tsne_peers.py run N D POINTS.f32 OUT.f64         scikit-learn's picture, its seconds
    tsne_peers.py judge N D POINTS.f32 PICTURE.f64"""
import sys
import time

import numpy as np

what, n, d, points = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
if what == "make":
    r = np.random.default_rng(1)
    centre = r.normal(0, 1, (12, d)) * np.linspace(2, 0.05, d) ** 2
    x = centre[r.integers(0, 12, n)] + r.normal(0, 1, (n, d)) * np.linspace(1, 0.02, d)
    x.astype("<f4").tofile(points)
    sys.exit()
x = np.fromfile(points, "<f4").reshape(n, d)
if what == "run":
    import sklearn
    from sklearn.manifold import TSNE

    begun = time.perf_counter()
    y = TSNE(init="pca", perplexity=30, n_jobs=-1, random_state=0).fit_transform(x)
    print(f"seconds={time.perf_counter() - begun:.3f} version={sklearn.__version__}")
    y.astype("<f8").tofile(sys.argv[5])
else:
    from sklearn.manifold import trustworthiness

    print(f"trustworthiness={trustworthiness(x, np.fromfile(sys.argv[5], '<f8').reshape(n, 2), n_neighbors=12):.4f}")
