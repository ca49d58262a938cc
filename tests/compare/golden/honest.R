# Makes honest.json beside it: fractional logits, random-effects means, intraclass correlations and powers, as R finds them.
# Run: Rscript tests/compare/golden/honest.R   (Debian: apt-get install r-base-core r-cran-metafor r-cran-sandwich)
suppressMessages({library(metafor); library(sandwich)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
show <- function(x) paste0("[", paste(formatC(as.numeric(x), digits = 15, format = "g", width = 1), collapse = ", "), "]")
found <- list()

# Fractional logit: Papke and Wooldridge (1996). The data are integer arithmetic, so that any language makes them.
i <- 0:239
g <- (i * i + 3 * i) %% 37
x1 <- ((37 * i) %% 101) / 101 - .5
x2 <- as.numeric(i %% 3 == 1)
y <- pmin(pmax(.3 + .4 * x1 - .2 * x2 + ((13 * i * i + 7 * i) %% 97) / 97 - .5, 0), 1)
w <- .5 + ((11 * i) %% 13) / 13
tight <- glm.control(epsilon = 1e-15, maxit = 100)
fit <- glm(y ~ x1 + x2, family = quasibinomial, control = tight)
found$logit_beta <- coef(fit)
# sandwich's HC1 for glm is G/(G-1) (n-1)/(n-p)
found$logit_cr0 <- sqrt(diag(vcovCL(fit, cluster = g, type = "HC0", cadjust = FALSE)))
found$logit_cr1 <- sqrt(diag(vcovCL(fit, cluster = g, type = "HC1", cadjust = TRUE)))
weighted <- glm(y ~ x1 + x2, family = quasibinomial, weights = w, control = tight)
found$logit_weighted_beta <- coef(weighted)
found$logit_weighted_cr0 <- sqrt(diag(vcovCL(weighted, cluster = g, type = "HC0", cadjust = FALSE)))
mu <- fitted(fit)
found$logit_ame_x1 <- mean(mu * (1 - mu)) * coef(fit)[2]
eta <- function(x) plogis(coef(fit)[1] + coef(fit)[2] * x1 + coef(fit)[3] * x)
found$logit_ame_x2 <- mean(eta(1) - eta(0))

# Random effects: the 13 trials of the BCG vaccine (Colditz et al. 1994), as metafor ships them.
bcg <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
found$bcg_y <- bcg$yi
found$bcg_v <- bcg$vi
for (how in c("REML", "DL")) {
  m <- rma(yi, vi, data = bcg, method = how, test = "knha", control = list(threshold = 1e-14, maxiter = 10000))
  ends <- predict(m)
  found[[paste0("bcg_", how)]] <- c(m$beta, m$se, m$ci.lb, m$ci.ub, m$pval, m$tau2, m$I2 / 100, m$QE, m$QEp, ends$pi.lb, ends$pi.ub)
}
# Correlated estimates: rma.mv with a full sampling covariance and one intercept variance.
v <- diag(bcg$vi[1:6]) + .01
mv <- rma.mv(yi = bcg$yi[1:6], V = v, random = ~ 1 | trial, data = bcg[1:6, ], method = "REML", control = list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-15))
found$mv <- c(mv$beta, mv$se, mv$sigma2, mv$QE, mv$QEp)

# Intraclass correlation of Shrout and Fleiss (1979), Table 2: six targets, four judges, one-way.
sf <- c(9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7)
a <- anova(lm(sf ~ factor(rep(1:6, each = 4))))$`Mean Sq`
found$icc <- c((a[1] - a[2]) / (a[1] + 3 * a[2]), (a[1] - a[2]) / a[1])

# Power of a coefficient with 38 degrees of freedom and se sqrt(2 / 20).
found$power <- power.t.test(n = 20, delta = 1, sd = 1, strict = TRUE)$power
found$detectable <- power.t.test(n = 20, power = .8, sd = 1, strict = TRUE, tol = 1e-12)$delta
writeLines(paste0("{\n", paste0("  \"", names(found), "\": ", sapply(found, show), collapse = ",\n"), "\n}"), file.path(here, "honest.json"))
