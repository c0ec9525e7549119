# SPDX-License-Identifier: Apache-2.0
# make -- what R, pROC and rms say of make.py's cases, appended to them.   Rscript make.R cases.txt >> cases.txt
suppressMessages({library(pROC); library(rms)})
lines <- readLines(commandArgs(TRUE)[1])
cat(sprintf("# R %s, pROC %s, rms %s\n", getRversion(), packageVersion("pROC"), packageVersion("rms")))
show <- function(name, v) cat(sprintf("want r_%s %.12g\n", name, v))
case <- list()
finish <- function() {
    y <- case$label; a <- case$a; b <- case$b
    if (is.null(y) || length(unique(y)) < 2) return(invisible())
    cat("again", case$case, "\n")
    ra <- roc(y, a, levels = c(0, 1), direction = "<", quiet = TRUE)
    rb <- roc(y, b, levels = c(0, 1), direction = "<", quiet = TRUE)
    show("auc", as.numeric(auc(ra)))
    if (sum(y == 1) > 1 && sum(y == 0) > 1) {
        show("auc_se", sqrt(var(ra, method = "delong")))
        t <- suppressWarnings(roc.test(ra, rb, method = "delong", paired = TRUE))
        if (is.finite(t$statistic)) { show("delong_z", t$statistic); show("delong_p", t$p.value) }
    }
    apart <- min(a[y == 1]) >= max(a[y == 0]) || max(a[y == 1]) <= min(a[y == 0])
    if (all(a > 1e-7 & a < 1 - 1e-7) && !apart) {
        v <- suppressWarnings(val.prob(a, y, pl = FALSE))
        show("brier", v["Brier"])
        f <- glm(y ~ qlogis(a), family = binomial, control = list(epsilon = 1e-14, maxit = 200))
        show("slope", coef(f)[2]); show("intercept", coef(f)[1])
        if (max(abs(coef(f) - v[c("Intercept", "Slope")])) > 1e-3) stop("rms and glm differ in case ", case$case)
    }
    d <- abs(a - y) - abs(b - y)
    d <- d[d != 0]
    if (length(d) > 0) {
        show("wilcoxon_normal", suppressWarnings(wilcox.test(d, exact = FALSE, correct = FALSE))$p.value)
        if (length(d) <= 49 && !any(duplicated(abs(d)))) show("wilcoxon_exact", wilcox.test(d, exact = TRUE)$p.value)
    }
    k <- sum((a >= 0.5) == (y == 1) & (b >= 0.5) != (y == 1)); n <- sum((b >= 0.5) == (y == 1) & (a >= 0.5) != (y == 1))
    if (k + n > 0) show("mcnemar", binom.test(k, k + n)$p.value)
    h <- p.adjust(abs(sin(case$case + 0:4))^3, "holm")
    for (j in 1:5) show(paste0("holm", j - 1), h[j])
}
for (line in lines) {
    word <- strsplit(line, " ")[[1]]
    if (word[1] == "case") { finish(); case <- list(case = as.numeric(word[2])) }
    else if (word[1] %in% c("label", "a", "b", "patient")) case[[word[1]]] <- as.numeric(word[-1])
}
finish()
