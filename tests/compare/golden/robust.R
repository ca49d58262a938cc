# Makes robust.json beside it: what clubSandwich and lmerTest find in the design of mixed_effects.R.
# Run: Rscript tests/compare/golden/robust.R   (Debian: apt-get install r-cran-clubsandwich r-cran-lmertest r-cran-sandwich)
suppressMessages({library(lme4); library(lmerTest); library(clubSandwich); library(sandwich)})
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
groups <- sort(unique(d$g))
d$region <- match(d$g, groups) %% 8  # eight clusters that hold whole groups: few, and of unequal size
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhobeg = .1, rhoend = 1e-10, maxfun = 1e5),
                     check.conv.singular = "ignore")
mixed <- function(formula, weight = NULL, test = FALSE) {
  ask <- function(...) do.call(if (test) lmerTest::lmer else lme4::lmer,
                               c(list(formula, quote(d), control = tight, ...), if (!is.null(weight)) list(weights = as.name(weight))))
  ask(start = getME(ask(), "theta"))
}
robust <- function(fit, cluster) {
  cov <- vcovCR(fit, cluster = cluster, type = "CR2")
  tested <- coef_test(fit, vcov = cov, test = "Satterthwaite")
  df <- if (is.null(tested$df_Satt)) tested$df else tested$df_Satt
  list(se = unname(sqrt(diag(as.matrix(cov)))), df = unname(df))
}
joint <- function(fit, cluster, columns) {
  found <- Wald_test(fit, constraints = constrain_zero(columns), vcov = vcovCR(fit, cluster = cluster, type = "CR2"), test = "HTZ")
  list(f = found$Fstat, df = found$df_denom, p = found$p_val)
}
model <- function(fit) {
  table <- coef(summary(fit, ddf = "Satterthwaite"))
  list(se = unname(table[, "Std. Error"]), df = unname(table[, "df"]))
}
# clubSandwich reads no prior weights from lmer, but it does from lme.
nested <- nlme::lme(y ~ x1 + x2 + x3, random = ~ 1 | g, data = d, weights = nlme::varFixed(~ I(1 / w)),
                    control = nlme::lmeControl(msTol = 1e-12, tolerance = 1e-12))
plain <- lm(y ~ x1 + x2 + x3, d)
weighted <- lm(y ~ x1 + x2 + x3, d, weights = w)
both <- vcovCL(plain, cluster = ~ g + c, type = "HC1", cadjust = TRUE, multi0 = FALSE)
out <- list(
  ols_cr2 = robust(plain, d$region),
  wls_identity_cr2 = robust(weighted, d$region),
  mixed_cr2 = robust(mixed(y ~ x1 + x2 + x3 + (1 | g)), d$g),
  mixed_coarse_cr2 = robust(mixed(y ~ x1 + x2 + x3 + (1 | g)), d$region),
  mixed_weighted_cr2 = robust(nested, d$g),
  ols_joint = joint(plain, d$region, 2:4),
  wls_identity_joint = joint(weighted, d$region, 3:4),
  mixed_joint = joint(mixed(y ~ x1 + x2 + x3 + (1 | g)), d$g, 2:4),
  mixed_coarse_joint = joint(mixed(y ~ x1 + x2 + x3 + (1 | g)), d$region, 2:4),
  mixed_weighted_joint = joint(nested, d$g, 2:4),
  two_way_cr1 = list(se = unname(sqrt(diag(both)))),
  satterthwaite = model(mixed(y ~ x1 + x2 + x3 + (1 | g), test = TRUE)),
  satterthwaite_weighted = model(mixed(y ~ x1 + x2 + x3 + (1 | g), "w", test = TRUE)),
  satterthwaite_crossed = model(mixed(y ~ x1 + x2 + x3 + (1 | g) + (1 | c), test = TRUE))
)
text <- function(value) {
  if (is.list(value)) paste0("{", paste0('"', names(value), '": ', vapply(value, text, ""), collapse = ", "), "}")
  else paste0("[", paste(sprintf("%.17g", value), collapse = ", "), "]")
}
packages <- c("lme4", "lmerTest", "clubSandwich", "sandwich")
versions <- c(R = as.character(getRversion()), vapply(packages, function(p) as.character(packageVersion(p)), ""))
head <- paste0('"versions": {', paste0('"', names(versions), '": "', versions, '"', collapse = ", "), "}")
body <- paste0('"', names(out), '": ', vapply(out, text, ""), collapse = ",\n")
writeLines(paste0("{\n", head, ",\n", body, "\n}"), file.path(here, "robust.json"))
