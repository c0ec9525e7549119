# SPDX-License-Identifier: Apache-2.0
# make -- what R, pROC and rms say of make.py's cases: a row a case, a column STATISTIC:WHO.   Rscript make.R cases.txt > r.tsv
#
# rms's val.prob fits its calibration line with lrm's default tolerance, which stops some cases' slope up to 1e-2 short of the maximum of the
# likelihood (glm's, scikit-learn's and ours). So the line is fitted by rms's own lrm.fit with an eps of 1e-10 in place of 0.025, and val.prob's is held
# against it by the likelihood: no better than the maximum. Its C index is left out, for it counts pairs of probabilities rounded to 1/500.
suppressMessages({library(pROC); library(rms)})
lines <- readLines(commandArgs(TRUE)[1])
versions <- sprintf("# R %s, pROC %s, rms %s", getRversion(), packageVersion("pROC"), packageVersion("rms"))
columns <- c("auc:pROC", "auc_se:pROC", "delong_z:pROC", "delong_p:pROC", "clustered_se:pROC", "clustered_z:pROC", "clustered_p:pROC",
    "brier:rms", "slope:R glm", "intercept:R glm", "slope:rms", "intercept:rms", "in_the_large:R uniroot", "temperature:R glm",
    "wilcoxon_v:R", "wilcoxon_normal:R", "wilcoxon_exact:R", "mcnemar:R", "holm0:R", "holm1:R", "holm2:R", "holm3:R", "holm4:R",
    "bias:R", "bias_sd:R", "limit_low:R", "limit_high:R")
quietly <- suppressWarnings
short <- 0
deviance_at <- function(y, x, w) -2 * sum(ifelse(y == 1, plogis(w[1] + w[2] * x, log.p = TRUE), plogis(-w[1] - w[2] * x, log.p = TRUE)))
answer <- function(case) {
    y <- case$label; a <- case$a; b <- case$b
    said <- list()
    one <- length(unique(y)) < 2
    said[["auc:pROC"]] <- NaN
    if (!one) {
        ra <- roc(y, a, levels = c(0, 1), direction = "<", quiet = TRUE)
        rb <- roc(y, b, levels = c(0, 1), direction = "<", quiet = TRUE)
        said[["auc:pROC"]] <- as.numeric(auc(ra))
        if (sum(y == 1) > 1 && sum(y == 0) > 1) {
            said[["auc_se:pROC"]] <- sqrt(quietly(var(ra, method = "delong")))
            t <- quietly(roc.test(ra, rb, method = "delong", paired = TRUE))
            if (is.finite(t$statistic)) { said[["delong_z:pROC"]] <- t$statistic; said[["delong_p:pROC"]] <- t$p.value }
            if (!any(duplicated(case$patient))) # a patient a region: Obuchowski's variance is DeLong's
                for (k in c("se", "z", "p")) {
                    v <- said[[c(se = "auc_se:pROC", z = "delong_z:pROC", p = "delong_p:pROC")[k]]]
                    if (!is.null(v)) said[[paste0("clustered_", k, ":pROC")]] <- v
                }
        } else said[["auc_se:pROC"]] <- said[["delong_z:pROC"]] <- said[["delong_p:pROC"]] <- NaN
    }
    x <- qlogis(pmin(pmax(a, 1e-7), 1 - 1e-7))
    tight <- list(epsilon = 1e-14, maxit = 200)
    apart <- one || min(a[y == 1]) >= max(a[y == 0]) || max(a[y == 1]) <= min(a[y == 0])
    for (name in c("slope:R glm", "intercept:R glm", "slope:rms", "intercept:rms")) said[[name]] <- NaN
    if (!apart) {
        f <- quietly(glm(y ~ x, family = binomial, control = tight))
        said[["slope:R glm"]] <- coef(f)[2]; said[["intercept:R glm"]] <- coef(f)[1]
        l <- lrm.fit(x, y, eps = 1e-10, maxit = 200)
        if (l$fail) stop("rms finds no maximum in case ", case$case)
        said[["slope:rms"]] <- coef(l)[2]; said[["intercept:rms"]] <- coef(l)[1]
        if (all(a > 0 & a < 1)) {
            v <- quietly(val.prob(a, y, pl = FALSE))
            said[["brier:rms"]] <- v["Brier"]
            w <- v[c("Intercept", "Slope")]
            short <<- max(short, abs(w - coef(f)))
            if (deviance_at(y, x, w) < deviance(f) - 1e-9) stop("rms's line is likelier than glm's in case ", case$case)
        }
    }
    # glm's steps run away from its own start in some cases
    said[["in_the_large:R uniroot"]] <- if (one) NaN else uniroot(function(b) sum(plogis(x + b) - y), c(-60, 60), tol = 1e-13)$root
    s <- ifelse(y == 1, x, -x)
    said[["temperature:R glm"]] <- if (one || all(s >= 0) || sum(s) <= 1e-12 * sum(abs(x))) NaN else 1 / coef(quietly(glm(y ~ 0 + x, family = binomial, control = tight)))[1]
    d <- abs(a - y) - abs(b - y)
    d <- d[d != 0]
    if (length(d) > 0) {
        t <- quietly(wilcox.test(d, exact = FALSE, correct = FALSE))
        said[["wilcoxon_v:R"]] <- t$statistic; said[["wilcoxon_normal:R"]] <- t$p.value
        if (length(d) < 50 && !any(duplicated(abs(d)))) said[["wilcoxon_exact:R"]] <- wilcox.test(d, exact = TRUE)$p.value
    }
    k <- sum((a >= 0.5) == (y == 1) & (b >= 0.5) != (y == 1)); n <- sum((b >= 0.5) == (y == 1) & (a >= 0.5) != (y == 1))
    if (k + n > 0) said[["mcnemar:R"]] <- binom.test(k, k + n)$p.value
    p <- abs(sin(case$case + 0:4))^3
    if (case$case %% 4 == 0) p[4] <- NA
    h <- p.adjust(p, "holm")
    for (j in 1:5) said[[paste0("holm", j - 1, ":R")]] <- if (is.na(h[j])) NaN else h[j]
    off <- 100 * a - 100 * b
    said[["bias:R"]] <- mean(off); said[["bias_sd:R"]] <- sd(off)
    said[["limit_low:R"]] <- mean(off) - 1.96 * sd(off); said[["limit_high:R"]] <- mean(off) + 1.96 * sd(off)
    cat(case$case, vapply(columns, function(n) if (is.null(said[[n]])) "" else if (is.nan(said[[n]])) "nan" else sprintf("%.11g", said[[n]]), ""), sep = "\t")
    cat("\n")
}
cat(versions, "\n", sep = "")
cat("case", columns, sep = "\t")
cat("\n")
case <- list()
for (line in lines) {
    word <- strsplit(line, " ")[[1]]
    if (word[1] == "case") { if (length(case)) answer(case); case <- list(case = as.numeric(word[2])) }
    else case[[word[1]]] <- as.numeric(word[-1])
}
answer(case)
message(sprintf("val.prob's intercept or slope is up to %.2g from the maximum of the likelihood", short))
