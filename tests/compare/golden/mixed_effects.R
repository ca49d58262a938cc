# Makes mixed_effects.json beside it: what R finds in a design drawn from integers, so that no data travel with it.
# Run: Rscript tests/compare/golden/mixed_effects.R   (Debian: apt-get install r-base-core r-cran-lme4 r-cran-nlme)
suppressMessages({library(lme4); library(nlme)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
i <- 0:239
d <- data.frame(
  g = (i * i + 3 * i) %% 37, c = (7 * i) %% 23, x1 = ((37 * i) %% 101) / 101 - .5,
  x2 = as.numeric(i %% 3 == 1), x3 = as.numeric(i %% 3 == 2), w = .5 + ((11 * i) %% 13) / 13
)
e <- ((13 * i * i + 7 * i) %% 97) / 97 - .5
u <- ((5 * d$g * d$g + 2 * d$g) %% 37) / 37 - .5
v <- ((d$c * d$c) %% 23) / 23 - .5
d$y <- 1 + .5 * d$x1 - .25 * d$x2 + .1 * d$x3 + u + .6 * v + e
d$y2 <- 1 + .5 * d$x1 + e
d$one <- 1
stopifnot(abs(sum(d$y) - 175.007283363) < 1e-8)

# The default tolerances stop at six digits: here the search ends where the criterion itself has no more of them.
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = .1, rhoend = 1e-10, maxfun = 1e5),
                     calc.derivs = FALSE, check.conv.singular = "ignore")
mixed <- function(formula, weight = "one", reml = TRUE) {
  ask <- function(...) do.call("lmer", list(formula, quote(d), weights = as.name(weight), REML = reml, control = tight, ...))
  fit <- ask(start = getME(ask(), "theta"))
  variances <- as.data.frame(VarCorr(fit))
  random <- variances[variances$grp != "Residual", ]
  list(beta = unname(fixef(fit)), se = unname(sqrt(diag(as.matrix(vcov(fit))))), sigma2 = sigma(fit)^2,
       tau2 = setNames(as.list(random$vcov), random$grp), deviance = -2 * as.numeric(logLik(fit)))
}
nested <- function(formula, method) {
  fit <- lme(formula, random = ~ 1 | g, data = d, weights = varFixed(~ I(1 / w)), method = method,
             control = lmeControl(msTol = 1e-12, tolerance = 1e-12, opt = "nlminb", maxIter = 500, msMaxIter = 500))
  list(beta = unname(fixef(fit)), se = unname(sqrt(diag(fit$varFix))), sigma2 = fit$sigma^2,
       tau2 = list(g = unname(as.numeric(getVarCov(fit)))), deviance = -2 * as.numeric(logLik(fit)))
}
out <- list(
  random_intercept_reml = mixed(y ~ x1 + x2 + x3 + (1 | g)),
  random_intercept_ml = mixed(y ~ x1 + x2 + x3 + (1 | g), reml = FALSE),
  empty_ml = mixed(y ~ 1 + (1 | g), reml = FALSE),
  weighted_reml = mixed(y ~ x1 + x2 + x3 + (1 | g), "w"),
  weighted_ml = mixed(y ~ x1 + x2 + x3 + (1 | g), "w", reml = FALSE),
  weighted_nlme_reml = nested(y ~ x1 + x2 + x3, "REML"),
  crossed_reml = mixed(y ~ x1 + x2 + x3 + (1 | g) + (1 | c)),
  crossed_ml = mixed(y ~ x1 + x2 + x3 + (1 | g) + (1 | c), reml = FALSE),
  crossed_weighted_reml = mixed(y ~ x1 + x2 + x3 + (1 | g) + (1 | c), "w"),
  boundary_reml = mixed(y2 ~ x1 + (1 | g)),
  boundary_crossed_reml = mixed(y2 ~ x1 + (1 | g) + (1 | c))
)

text <- function(value) {
  if (is.list(value)) paste0("{", paste0('"', names(value), '": ', vapply(value, text, ""), collapse = ", "), "}")
  else if (length(value) == 1) sprintf("%.17g", value)
  else paste0("[", paste(sprintf("%.17g", value), collapse = ", "), "]")
}
versions <- c(R = as.character(getRversion()), lme4 = as.character(packageVersion("lme4")),
              nlme = as.character(packageVersion("nlme")))
head <- paste0('"versions": {', paste0('"', names(versions), '": "', versions, '"', collapse = ", "), "}")
body <- paste0('"', names(out), '": ', vapply(out, text, ""), collapse = ",\n")
writeLines(paste0("{\n", head, ",\n", body, "\n}"), file.path(here, "mixed_effects.json"))
