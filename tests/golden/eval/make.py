# SPDX-License-Identifier: Apache-2.0
"""make -- random cases and what others say of them, for tests/unit/eval_statistics.c.

    python make.py cases 0 1000 > cases.txt     labels, patients and probabilities of cases 0 to 999, a line each, for make.R
    python make.py wants 0 1000 > python.tsv    scikit-learn's, SciPy's, statsmodels', dcurves' figures, and plain loops'
    Rscript make.R cases.txt > r.tsv            R's, pROC's and rms's
    make.sh                                     both beside each other: statistics.tsv.gz

A case is drawn by Philox from its number alone, in whole numbers, so that the test draws the same and the file holds answers only:
a row a case; a column is named STATISTIC:WHO. An empty cell: not asked of this one. nan: undefined (one class, nothing said to be
tumour, classes wholly apart, too few patients), where the libraries refuse, warn or say 0. "loop" is float64 arithmetic written
from the formula in this file, for what no library at hand has."""
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

warnings.filterwarnings("ignore")
NAN = float("nan")
STREAM_EVAL, STREAM_TEST = 7, 99  # common/rng.h


class Philox:
    """Philox4x32-10 (Salmon et al. 2011) as common/rng.h numbers it, written from the paper."""

    def __init__(self, seed, stream, index):
        self.key, self.counter, self.words = [seed & 0xFFFFFFFF, seed >> 32], [0, stream, index & 0xFFFFFFFF, index >> 32], []

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


def case(i):
    """As eval_statistics.c's sample_draw: 4 to 60 regions of 1 to 9 patients (every 20th case: 16; every 10th: a patient a region); every
    11th case of one class; every 3rd in eighths, so full of ties; every 13th with zeros and ones; every 7th with b much as a."""
    r = Philox(15, STREAM_TEST, i)
    n = 4 + r.below(57)
    patients = 16 if i % 20 == 0 else 1 + r.below(9)
    patient = np.array([k if i % 10 == 9 else r.below(patients) for k in range(n)])
    share = r.below(101)
    y = np.array([i % 2 if i % 11 == 10 else int(r.below(1000) < 100 + 8 * share) for _ in range(n)])
    lift = r.below(7000)
    score = []
    for _ in range(2):
        v = [sum(r.below(4096) for _ in range(4)) + 8192 - lift // 2 + int(k) * lift for k in y]
        if i % 3 == 1:
            v = [k >> 12 << 12 for k in v]
        if i % 13 == 5:
            v = [0 if k < 13000 else 32768 if k > 20000 else k for k in v]
        score.append(v)
    if i % 7 == 3:
        score[1] = [a if r.below(10) < 7 else b for a, b in zip(*score)]
    return y, np.array(score[0]) / 32768, np.array(score[1]) / 32768, patient


def both(y):
    return 0 < y.sum() < len(y)


def auc(y, p):  # Mann and Whitney's, every pair
    up, down = p[y == 1], p[y != 1]
    if len(up) == 0 or len(down) == 0:
        return NAN
    return float(np.mean((up[:, None] > down[None]) + 0.5 * (up[:, None] == down[None])))


def clustered(y, a, b, patient):
    """Obuchowski (1997) in plain loops."""
    m, n = int((y == 1).sum()), int((y != 1).sum())
    psi = lambda u, v: 1.0 if u > v else 0.5 if u == v else 0.0
    pos, neg = [i for i in range(len(y)) if y[i] == 1], [i for i in range(len(y)) if y[i] != 1]
    clusters = sorted(set(patient.tolist()))
    total = len(clusters)
    i10, i01 = sum(any(patient[i] == c for i in pos) for c in clusters), sum(any(patient[j] == c for j in neg) for c in clusters)
    if i10 < 2 or i01 < 2:
        return NAN, NAN, NAN
    theta, sums = [], []
    for s in (a, b):
        t = sum(psi(s[i], s[j]) for i in pos for j in neg) / (m * n)
        v10 = {i: sum(psi(s[i], s[j]) for j in neg) / n for i in pos}
        v01 = {j: sum(psi(s[i], s[j]) for i in pos) / m for j in neg}
        theta.append(t)
        sums.append({c: (sum(v10[i] - t for i in pos if patient[i] == c), sum(v01[j] - t for j in neg if patient[j] == c))
                     for c in clusters})

    def cov(r, s):
        s10 = i10 / ((i10 - 1) * m) * sum(sums[r][c][0] * sums[s][c][0] for c in clusters)
        s01 = i01 / ((i01 - 1) * n) * sum(sums[r][c][1] * sums[s][c][1] for c in clusters)
        rs = total / (total - 1) * sum(sums[r][c][0] * sums[s][c][1] for c in clusters)
        sr = total / (total - 1) * sum(sums[s][c][0] * sums[r][c][1] for c in clusters)
        return s10 / m + s01 / n + (rs + sr) / (m * n)

    variance = cov(0, 0) + cov(1, 1) - 2 * cov(0, 1)
    if variance > 1e-14 * (cov(0, 0) + cov(1, 1)):
        z = (theta[0] - theta[1]) / math.sqrt(variance)
    else:  # two that never differ; or two that differ by the same in every patient, of which nothing can be said
        z = 0.0 if abs(theta[0] - theta[1]) < 1e-12 else NAN
    return math.sqrt(max(cov(0, 0), 0)), z, 2 * scipy.stats.norm.sf(abs(z))


def ece(y, p):
    """scikit-learn's bins close to the right and ours to the left: what lies on an edge is moved by 1e-12."""
    p = np.minimum(p + 1e-12, 1)
    share, mean = sklearn.calibration.calibration_curve(y, p, n_bins=10, strategy="uniform")
    count = np.histogram(p, np.linspace(0, 1, 11))[0]
    return float(np.sum(np.abs(share - mean) * count[count > 0]) / len(y))


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
    if not both(y):
        return NAN
    return scipy.optimize.brentq(lambda b: np.mean(scipy.special.expit(logit(p) + b) - y), -60, 60, xtol=1e-13)


def temperature(y, p):
    x, s = logit(p), np.where(y == 1, 1.0, -1.0)
    if not both(y) or (s * x >= 0).all() or (s * x).sum() <= 1e-12 * np.abs(x).sum():
        return NAN  # classes apart; or no better than saying a half of every region, so that T would be without end
    slope = lambda u: np.sum(s * x * scipy.special.expit(-s * x * math.exp(u)))  # of the log loss in 1/T = e^u
    return math.exp(-scipy.optimize.brentq(slope, -25, 9, xtol=1e-13))


def froc(y, p, scans, rate):
    if (y == 1).sum() == 0:
        return NAN
    best = 0.0
    for t in np.unique(p):
        if ((p >= t) & (y != 1)).sum() / scans <= rate:
            best = max(best, ((p >= t) & (y == 1)).sum() / (y == 1).sum())
    return best


def matched(y, p, specificity):
    if both(y):
        fpr, _, threshold = skm.roc_curve(y, p, drop_intermediate=False)
        fits = threshold[1:][1 - fpr[1:] >= specificity - 1e-12]
    elif (y != 1).any():
        fits = np.array([t for t in np.unique(p) if (p < t).mean() >= specificity - 1e-12])
    else:
        return NAN
    return fits.min() if len(fits) else math.inf


def numbered(patient):
    order = list(dict.fromkeys(patient.tolist()))
    return len(order), np.array([order.index(v) for v in patient.tolist()])


def wins(y, p):
    """Twice Mann and Whitney's U: whole numbers, so that equal differences of AUCs are equal."""
    up, down = p[y == 1][:, None], p[y != 1][None]
    return int(np.sum(2 * (up > down) + (up == down)))


def turned_difference(y, a, b, turn):
    return float(wins(y, np.where(turn, b, a)) - wins(y, np.where(turn, a, b)))


def swap_exactly(y, a, b, patient):
    """SciPy's test of paired samples: patient k's pair is (k, I + k), and where the first of a pair is I or more its models have changed places."""
    count, number = numbered(patient)
    difference = lambda x, _: turned_difference(y, a, b, x[number] >= count)
    return scipy.stats.permutation_test((np.arange(count), np.arange(count) + count), difference, permutation_type="samples",
                                        vectorized=False, n_resamples=np.inf).pvalue


def swap_drawn(y, a, b, patient, seed):
    count, number = numbered(patient)
    seen, hits = abs(wins(y, a) - wins(y, b)), 0
    for k in range(9999):
        r = Philox(seed, STREAM_EVAL, (1 << 32) + k)
        hits += abs(turned_difference(y, a, b, np.array([r.u32() & 1 for _ in range(count)])[number] == 1)) >= seen
    return (1 + hits) / 10000


def resample(y, p):
    """AUC, average precision, F1 and precision at 0.5, and the ROC's height at 0.2."""
    values, at = np.unique(-p, return_inverse=True)  # distinct probabilities, the highest first
    tp, fp = (np.cumsum(np.bincount(at, weights=w, minlength=len(values))) for w in (y, 1 - y))
    rise = np.diff(tp, prepend=0) / tp[-1]
    said = p >= 0.5
    x, h = np.append(0, fp / fp[-1]), np.append(0, tp / tp[-1])
    last = np.flatnonzero(x <= 0.2)[-1]
    height = h[last] if last + 1 == len(x) else h[last] + (0.2 - x[last]) / (x[last + 1] - x[last]) * (h[last + 1] - h[last])
    return (auc(y, p), np.sum(rise * tp / (tp + fp)), 2 * y[said].sum() / (said.sum() + y.sum()),
            y[said].mean() if said.any() else NAN, height)


BOOT = ("auc", "ap", "f1", "precision", "band20")


def bootstrap(y, p, patient, seed):
    count, number = numbered(patient)
    rows, values = [np.flatnonzero(number == k) for k in range(count)], []
    for k in range(2000):
        r = Philox(seed, STREAM_EVAL, k)
        take = np.concatenate([rows[r.below(count)] for _ in range(count)])
        if both(y[take]):
            values.append(resample(y[take], p[take]))
    out = {}
    for name, v in zip(BOOT, np.array(values).T):
        v = v[~np.isnan(v)]
        for end, q in (("low", 2.5), ("high", 97.5)):
            out[f"boot_{name}_{end}:loop"] = NAN if count < 5 or len(v) == 0 else np.percentile(v, q)
    return out


def net_benefit(y, p):
    import pandas
    from dcurves import dca

    table = dca(data=pandas.DataFrame({"y": y, "p": p}), outcome="y", modelnames=["p"], thresholds=[0.3, 0.5])
    at = lambda model, t: float(table[(table.model == model) & np.isclose(table.threshold, t)].net_benefit.iloc[0])
    return at("p", 0.5), at("all", 0.3)


def wants(i):
    from statsmodels.stats.contingency_tables import mcnemar
    from statsmodels.stats.multitest import multipletests

    y, a, b, patient = case(i)
    two, said = both(y), a >= 0.5
    tp, fp, fn, tn = (said & (y == 1)).sum(), (said & (y != 1)).sum(), (~said & (y == 1)).sum(), (~said & (y != 1)).sum()
    sk = {
        "auc": skm.roc_auc_score(y, a) if two else NAN,
        "ap": skm.average_precision_score(y, a) if (y == 1).any() else NAN,
        "sensitivity": skm.recall_score(y, said) if tp + fn else NAN,
        "specificity": skm.recall_score(1 - y, ~said) if tn + fp else NAN,
        "precision": skm.precision_score(y, said) if tp + fp else NAN,
        "f1": skm.f1_score(y, said) if tp + fp + fn else NAN,
        "balanced": skm.balanced_accuracy_score(y, said) if two else NAN,
        "mcc": skm.matthews_corrcoef(y, said) if (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn) else NAN,
        "brier": skm.brier_score_loss(y, a, pos_label=1),
        "log_loss": skm.log_loss(y, np.clip(a, 1e-7, 1 - 1e-7), labels=[0, 1]),
        "ece": ece(y, a),
        "matched90": matched(y, a, 0.9),
    }
    sk["slope"], sk["intercept"] = calibration(y, a)
    grid = [t / 100 for t in range(30, 95, 5)]
    f1 = [skm.f1_score(y, a >= t, zero_division=0) for t in grid]
    sk["grid"] = grid[int(np.argmax(f1))] if max(f1) > 0 else NAN
    w = {f"{k}:scikit-learn": v for k, v in sk.items()}
    w["in_the_large:SciPy"], w["temperature:SciPy"] = in_the_large(y, a), temperature(y, a)
    # dcurves divides by the number of either class
    w["net_benefit:dcurves"], w["net_benefit_all:dcurves"] = net_benefit(y, a) if two else (None, None)
    w["net_benefit:loop"], w["net_benefit_all:loop"] = (tp - fp) / len(y), (y.sum() - (1 - y).sum() * 0.3 / 0.7) / len(y)
    d = np.abs(a - y) - np.abs(b - y)
    d = d[d != 0]
    t = scipy.stats.wilcoxon(d, method="approx", correction=False) if len(d) else None
    w["wilcoxon:SciPy"], w["wilcoxon_normal:SciPy"] = (t.statistic, t.pvalue) if t else (NAN, NAN)
    exact = 0 < len(d) <= 50 and len(np.unique(np.abs(d))) == len(d)
    w["wilcoxon_exact:SciPy"] = scipy.stats.wilcoxon(d, method="exact").pvalue if exact else NAN
    right = [(a >= 0.5) == (y == 1), (b >= 0.5) == (y == 1)]
    k, n = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    w["mcnemar:statsmodels"] = mcnemar([[0, k], [n, 0]], exact=True).pvalue if k + n else 1.0
    point = scipy.stats.binom.pmf(min(k, n), k + n, 0.5)
    w["mcnemar_mid:SciPy"] = 1 - point if k == n else 2 * scipy.stats.binom.cdf(min(k, n), k + n, 0.5) - point
    if k + n == 0:
        w["mcnemar_mid:SciPy"] = 1.0
    p = [NAN if i % 4 == 0 and j == 3 else abs(math.sin(i + j)) ** 3 for j in range(5)]
    adjusted = iter(multipletests([v for v in p if not math.isnan(v)], method="holm")[1])
    for j, v in enumerate(p):
        w[f"holm{j}:statsmodels"] = v if math.isnan(v) else next(adjusted)
    scans = len(set(patient.tolist()))
    w["permutation:SciPy"] = NAN if not two else swap_exactly(y, a, b, patient) if 2 <= scans <= 9 else None
    w["permutation:loop"] = swap_drawn(y, a, b, patient, i) if two and scans > 13 and i % 20 == 0 else None
    for rate in (1, 2, 4, 8):
        w[f"froc{rate}:loop"] = froc(y, a, scans, rate)
    w["clustered_se:loop"], w["clustered_z:loop"], w["clustered_p:loop"] = clustered(y, a, b, patient)
    names = [f"boot_{k}_{n}:loop" for k in BOOT for n in ("low", "high")]
    w.update(bootstrap(y, a, patient, i) if two and i % 20 == 0 else dict.fromkeys(names))
    x, t = 100 * a, 100 * b
    bottom = x.var() + t.var() + (x.mean() - t.mean()) ** 2
    w["concordance:loop"] = 2 * np.cov(x, t, ddof=0)[0, 1] / bottom if bottom else NAN
    return w


def main():
    what, first, end = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if what == "cases":
        for i in range(first, end):
            print("case", i)
            for name, values in zip(("label", "a", "b", "patient"), case(i)):
                print(name, *values.tolist())
        return
    import dcurves
    import statsmodels
    from importlib.metadata import version

    assert dcurves
    print(f"# numpy {np.__version__}, scipy {scipy.__version__}, scikit-learn {sklearn.__version__}, statsmodels {statsmodels.__version__}, "
          f"dcurves {version('dcurves')}")
    for i in range(first, end):
        w = wants(i)
        if i == first:
            print("case", *w, sep="\t")
        print(i, *("" if v is None else f"{float(v):.11g}" for v in w.values()), sep="\t")


main()
