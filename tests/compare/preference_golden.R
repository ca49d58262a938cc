# Makes preference_golden.csv beside it: judgements drawn here, and what R finds in them.
# Run: Rscript tests/compare/preference_golden.R   (Debian: apt-get install r-base-core r-cran-lme4)
suppressMessages(library(lme4))
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
set.seed(8)
annotators <- 8; pairs <- 60
d <- expand.grid(annotator = 1:annotators, pair = 1:pairs)
d <- d[runif(nrow(d)) < .8, ]
d$side <- ifelse((d$annotator + d$pair) %% 2 == 0, .5, -.5)
eta <- .9 + .6 * d$side + rnorm(annotators, 0, .7)[d$annotator] + rnorm(pairs, 0, .9)[d$pair]
d$y <- rbinom(nrow(d), 1, plogis(eta))
write.csv(d, file.path(here, "preference_golden.csv"), row.names = FALSE)

tight <- glmerControl(optimizer = "bobyqa", tolPwrss = 1e-13, optCtrl = list(rhoend = 1e-9, maxfun = 1e5))
say <- function(name, fit) {
  se <- sqrt(diag(as.matrix(vcov(fit))))
  sd <- as.data.frame(VarCorr(fit))
  data.frame(model = name, what = c("intercept", "side", "se_intercept", "se_side", paste0("sd_", sd$grp), "deviance"),
             value = c(fixef(fit), se, sd$sdcor, -2 * as.numeric(logLik(fit))))
}
out <- rbind(
  say("crossed", glmer(y ~ side + (1 | annotator) + (1 | pair), d, binomial, control = tight)),
  say("annotator", glmer(y ~ side + (1 | annotator), d, binomial, control = tight))
)
# Bradley-Terry as a logistic regression on differences of indicators, without random effects.
b <- data.frame(a = sample(4, 400, TRUE), b = sample(4, 400, TRUE))
b <- b[b$a != b$b, ]
ability <- c(0, .4, .9, -.5)
b$y <- rbinom(nrow(b), 1, plogis(.3 + ability[b$a] - ability[b$b]))
write.csv(b, file.path(here, "bradley_terry_golden.csv"), row.names = FALSE)
x <- sapply(2:4, function(k) (b$a == k) - (b$b == k))
fit <- glm(b$y ~ x, family = binomial, control = glm.control(epsilon = 1e-14, maxit = 100))
out <- rbind(out, data.frame(model = "bradley_terry", what = c("position", "arm2", "arm3", "arm4", "se_position", "se_arm2", "se_arm3", "se_arm4", "deviance"),
                             value = c(coef(fit), sqrt(diag(vcov(fit))), deviance(fit))))
out$value <- formatC(out$value, digits = 11, format = "f", width = 1)
write.csv(out, file.path(here, "preference_golden_found.csv"), row.names = FALSE, quote = FALSE)
