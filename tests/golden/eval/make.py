# SPDX-License-Identifier: Apache-2.0
"""make -- random cases and what SciPy, scikit-learn, statsmodels and plain loops say of them, for tests/unit/eval_statistics.c.

    python make.py CASES FIRST > cases.txt         versions stand in the first line
    Rscript make.R cases.txt >> cases.txt          pROC's, rms's and R's own figures for the same cases

statistics.txt beside this file is `make.py 40 0` and make.R's answer to it; make.sh also makes 1,000 others and runs the test on them.
Where a figure is undefined (one class, nothing said to be tumour, classes wholly apart) it is "nan": scikit-learn then says 0 or refuses."""
import itertools
import math
import sys
import warnings

import numpy as np
import scipy
import scipy.optimize
import scipy.special
import scipy.stats
import sklearn
import sklearn.calibration
import sklearn.linear_model
import sklearn.metrics as skm
import statsmodels
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

warnings.filterwarnings("ignore")
NAN = float("nan")
STREAM = 7  # common/rng.h's RNG_EVAL


class Philox:
    """Philox4x32-10 (Salmon et al. 2011) as common/rng.h numbers it, written from the paper."""

    def __init__(self, seed, index):
        self.key, self.counter, self.words = [seed & 0xFFFFFFFF, seed >> 32], [0, STREAM, index & 0xFFFFFFFF, index >> 32], []

    def u32(self):
        if not self.words:
            c, k = list(self.counter), list(self.key)
            for _ in range(10):
                a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
                c = [(b >> 32) ^ c[1] ^ k[0], b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k[1], a & 0xFFFFFFFF]
                k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
            self.words = c[::-1]
            self.counter[0] += 1
        return self.words.pop()

    def below(self, n):
        while True:
            product = self.u32() * n
            if product & 0xFFFFFFFF >= (1 << 32) % n:
                return product >> 32


def auc(y, p):  # Mann and Whitney's, every pair
    up, down = p[y == 1], p[y != 1]
    if len(up) == 0 or len(down) == 0:
        return NAN
    return float(np.mean((up[:, None] > down[None]) + 0.5 * (up[:, None] == down[None])))


def clustered(y, a, b, patient):
    """Obuchowski (1997) in plain loops."""
    m, n = int((y == 1).sum()), int((y != 1).sum())
    if m == 0 or n == 0:
        return NAN, NAN, NAN
    psi = lambda u, v: 1.0 if u > v else 0.5 if u == v else 0.0
    pos, neg = [i for i in range(len(y)) if y[i] == 1], [i for i in range(len(y)) if y[i] != 1]
    theta, sums = [], []
    for s in (a, b):
        t = sum(psi(s[i], s[j]) for i in pos for j in neg) / (m * n)
        v10 = {i: sum(psi(s[i], s[j]) for j in neg) / n for i in pos}
        v01 = {j: sum(psi(s[i], s[j]) for i in pos) / m for j in neg}
        theta.append(t)
        sums.append({c: (sum(v10[i] - t for i in pos if patient[i] == c), sum(v01[j] - t for j in neg if patient[j] == c))
                     for c in set(patient.tolist())})
    clusters = sorted(set(patient.tolist()))
    total = len(clusters)
    i10, i01 = sum(any(patient[i] == c for i in pos) for c in clusters), sum(any(patient[j] == c for j in neg) for c in clusters)

    def cov(r, s):
        s10 = i10 / ((i10 - 1) * m) * sum(sums[r][c][0] * sums[s][c][0] for c in clusters) if i10 > 1 else 0.0
        s01 = i01 / ((i01 - 1) * n) * sum(sums[r][c][1] * sums[s][c][1] for c in clusters) if i01 > 1 else 0.0
        rs = total / (total - 1) * sum(sums[r][c][0] * sums[s][c][1] for c in clusters) if total > 1 else 0.0
        sr = total / (total - 1) * sum(sums[s][c][0] * sums[r][c][1] for c in clusters) if total > 1 else 0.0
        return s10 / m + s01 / n + (rs + sr) / (m * n)

    variance = cov(0, 0) + cov(1, 1) - 2 * cov(0, 1)
    z = (theta[0] - theta[1]) / math.sqrt(variance) if variance > 1e-14 * (cov(0, 0) + cov(1, 1)) else 0.0
    return math.sqrt(max(cov(0, 0), 0)), z, 2 * scipy.stats.norm.sf(abs(z))


def ece(y, p):
    at = np.minimum((p * 10).astype(int), 9)
    return sum(abs((y[at == k] == 1).mean() - p[at == k].mean()) * (at == k).mean() for k in range(10) if (at == k).any())


def logit(p):
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return np.log(p) - np.log1p(-p)


def calibration(y, p):
    x = logit(p)
    up, down = x[y == 1], x[y != 1]
    if len(up) == 0 or len(down) == 0 or up.min() >= down.max() or up.max() <= down.min():
        return NAN, NAN
    fit = sklearn.linear_model.LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(x[:, None], y == 1)
    return float(fit.coef_[0, 0]), float(fit.intercept_[0])


def in_the_large(y, p):
    if len(set(y.tolist())) < 2:
        return NAN
    return scipy.optimize.brentq(lambda b: np.mean(1 / (1 + np.exp(-(logit(p) + b))) - y), -60, 60, xtol=1e-13)


def temperature(y, p):
    x, s = logit(p), np.where(y == 1, 1.0, -1.0)
    if len(set(y.tolist())) < 2 or (s * x >= 0).all() or (s * x).sum() <= 0:
        return NAN
    slope = lambda u: np.sum(s * x * scipy.special.expit(-s * x * math.exp(u)))  # of the log loss in 1/T = e^u
    return math.exp(-scipy.optimize.brentq(slope, -25, 9, xtol=1e-13))


def f1_of(y, p, t):
    said = p >= t
    tp, fp, fn = (said & (y == 1)).sum(), (said & (y != 1)).sum(), (~said & (y == 1)).sum()
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else NAN


def froc(y, p, scans, rate):
    if (y == 1).sum() == 0:
        return NAN
    best = 0.0
    for t in np.unique(p):
        if ((p >= t) & (y != 1)).sum() / scans <= rate:
            best = max(best, ((p >= t) & (y == 1)).sum() / (y == 1).sum())
    return best


def matched(y, p, specificity):
    if (y != 1).sum() == 0:
        return NAN
    fits = [t for t in np.unique(p) if (p[y != 1] < t).mean() >= specificity - 1e-12]
    return min(fits) if fits else math.inf


def swap_test(y, a, b, patient, seed):
    if len(set(y.tolist())) < 2:
        return NAN
    order = list(dict.fromkeys(patient.tolist()))
    number = np.array([order.index(v) for v in patient.tolist()])
    seen = abs(auc(y, a) - auc(y, b))

    def reaches(turned):
        turn = np.array(turned)[number] == 1
        return abs(auc(y, np.where(turn, b, a)) - auc(y, np.where(turn, a, b))) >= seen - 1e-12

    if len(order) <= 13:
        return sum(reaches(t) for t in itertools.product((0, 1), repeat=len(order))) / 2 ** len(order)
    hits = 0
    for k in range(9999):
        r = Philox(seed, (1 << 32) + k)
        hits += reaches([r.u32() & 1 for _ in order])
    return (1 + hits) / 10000


def bootstrap(y, p, patient, seed):
    order = list(dict.fromkeys(patient.tolist()))
    rows = [np.flatnonzero(patient == v) for v in order]
    values = {"auc": [], "ap": [], "f1": [], "band20": []}
    for k in range(2000):
        r = Philox(seed, k)
        take = np.concatenate([rows[r.below(len(order))] for _ in order])
        yy, pp = y[take], p[take]
        if len(set(yy.tolist())) < 2:
            continue
        values["auc"].append(auc(yy, pp))
        values["ap"].append(skm.average_precision_score(yy, pp))
        f1 = f1_of(yy, pp, 0.5)
        if not math.isnan(f1):
            values["f1"].append(f1)
        fpr, tpr, _ = skm.roc_curve(yy, pp, drop_intermediate=False)
        last = np.flatnonzero(fpr <= 0.2)[-1]
        height = tpr[last]
        if last + 1 < len(fpr):
            height += (0.2 - fpr[last]) / (fpr[last + 1] - fpr[last]) * (tpr[last + 1] - tpr[last])
        values["band20"].append(height)
    return {f"boot_{k}_{n}": np.percentile(v, q) for k, v in values.items() if v for n, q in (("low", 2.5), ("high", 97.5))}


def wants(i, y, a, b, patient):
    both, said = len(set(y.tolist())) == 2, a >= 0.5
    tp, fp, fn, tn = (said & (y == 1)).sum(), (said & (y != 1)).sum(), (~said & (y == 1)).sum(), (~said & (y != 1)).sum()
    w = {
        "auc": skm.roc_auc_score(y, a) if both else NAN,
        "ap": skm.average_precision_score(y, a) if (y == 1).any() else NAN,
        "sensitivity": skm.recall_score(y, said) if tp + fn else NAN,
        "specificity": skm.recall_score(1 - y, ~said) if tn + fp else NAN,
        "precision": skm.precision_score(y, said) if tp + fp else NAN,
        "f1": skm.f1_score(y, said) if tp + fp + fn else NAN,
        "balanced": skm.balanced_accuracy_score(y, said) if both else NAN,
        "mcc": skm.matthews_corrcoef(y, said) if (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn) else NAN,
        "brier": skm.brier_score_loss(y, a.astype(float), pos_label=1),
        "log_loss": skm.log_loss(y, np.clip(a.astype(float), 1e-7, 1 - 1e-7), labels=[0, 1]),
        "ece": ece(y, a.astype(float)),
        "in_the_large": in_the_large(y, a.astype(float)),
        "temperature": temperature(y, a.astype(float)),
        "net_benefit": (tp - fp * 0.5 / 0.5) / len(y),
        "net_benefit_all": ((y == 1).sum() - (y != 1).sum() * 0.3 / 0.7) / len(y),
        "matched90": matched(y, a.astype(float), 0.9),
        "wilcoxon": NAN, "wilcoxon_exact": NAN, "wilcoxon_normal": NAN,
    }
    w["slope"], w["intercept"] = calibration(y, a.astype(float))
    scans = len(set(patient.tolist()))
    for rate in (1, 2, 4, 8):
        w[f"froc{rate}"] = froc(y, a, scans, rate)
    grid = [t / 100 for t in range(30, 95, 5)]
    f1 = [f1_of(y, a.astype(float), t) for t in grid]
    w["grid"] = grid[int(np.nanargmax(f1))] if np.nanmax(f1 + [0.0]) > 0 else NAN
    d = np.abs(a.astype(float) - y) - np.abs(b.astype(float) - y)
    d = d[d != 0]
    if len(d):
        t = scipy.stats.wilcoxon(d, method="approx", correction=False)
        w["wilcoxon"], w["wilcoxon_normal"] = t.statistic, t.pvalue
        if len(d) <= 50 and len(np.unique(np.abs(d))) == len(d):
            w["wilcoxon_exact"] = scipy.stats.wilcoxon(d, method="exact").pvalue
    right = [(a >= 0.5) == (y == 1), (b >= 0.5) == (y == 1)]
    k, n = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    w["mcnemar"] = mcnemar([[0, k], [n, 0]], exact=True).pvalue if k + n else 1.0
    few = min(k, n)
    w["mcnemar_mid"] = min(1.0, 2 * scipy.stats.binom.cdf(few, k + n, 0.5)) - scipy.stats.binom.pmf(few, k + n, 0.5) if k + n else 1.0
    if k == n and k:
        w["mcnemar_mid"] = 1 - scipy.stats.binom.pmf(few, k + n, 0.5)
    w["clustered_se"], w["clustered_z"], w["clustered_p"] = clustered(y, a, b, patient)
    if scans <= 8 or i % 20 == 0:
        w["permutation"] = swap_test(y, a, b, patient, i)
    if both and i % 20 == 0:
        w.update(bootstrap(y, a.astype(float), patient, i))
    x, t = 100 * a.astype(float), 100 * b.astype(float)
    w["bias"], w["bias_sd"] = (x - t).mean(), (x - t).std(ddof=1)
    bottom = x.var() + t.var() + (x.mean() - t.mean()) ** 2
    w["concordance"] = 2 * np.cov(x, t, ddof=0)[0, 1] / bottom if bottom else NAN
    p = [abs(math.sin(i + j)) ** 3 for j in range(5)]
    for j, v in enumerate(multipletests(p, method="holm")[1]):
        w[f"holm{j}"] = v
    return w


def main():
    count, first = int(sys.argv[1]), int(sys.argv[2])
    print(f"# numpy {np.__version__}, scipy {scipy.__version__}, scikit-learn {sklearn.__version__}, statsmodels {statsmodels.__version__}")
    for i in range(first, first + count):
        r = np.random.default_rng([15, i])
        n = int(r.integers(4, 60))
        patient = np.sort(r.integers(0, int(r.integers(2, 9)) if i % 20 else 16, n)) + 3
        y = (r.random(n) < r.uniform(0.1, 0.9)).astype(int)
        if i % 11 == 10:
            y[:] = i % 2
        lift = r.uniform(0, 3)
        a, b = (1 / (1 + np.exp(-(lift * (y - 0.5) + r.normal(0, 1.5, n)))) for _ in range(2))
        if i % 3 == 1:
            a, b = np.round(a * 8) / 8, np.round(b * 8) / 8
        if i % 7 == 3:
            b = np.where(r.random(n) < 0.7, a, b)
        a, b = a.astype(np.float32), b.astype(np.float32)
        print("case", i)
        for name, values in (("label", y), ("patient", patient)):
            print(name, *values.tolist())
        for name, values in (("a", a), ("b", b)):
            print(name, *(f"{v:.9g}" for v in values.tolist()))
        for name, v in wants(i, y, a, b, patient).items():
            print("want", name, f"{float(v):.12g}")


main()
