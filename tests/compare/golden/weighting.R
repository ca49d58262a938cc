# Makes weighting.json beside it: inverse propensity weights, balance and doubly robust means of a table made of integer remainders.
# Run: Rscript tests/compare/golden/weighting.R   (Debian: apt-get install r-base-core r-cran-nnet r-cran-jsonlite)
suppressMessages({library(nnet); library(jsonlite)})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))
i <- 0:599
z <- ((37 * i) %% 101) / 101 - .5
k <- factor(c("day", "eve", "night")[(i * i + i %/% 7) %% 3 + 1])
u <- ((i * i * 13 + 7 * i) %% 97) / 97
w <- .5 + ((11 * i) %% 13) / 13
post <- (i * i + 3 * i) %% 61
c3 <- factor(ifelse(u < .3 + .4 * z, "close", ifelse(u < .6 - .1 * (k == "eve"), "not_close", "stranger")))
y <- 1 + .5 * z + .3 * (k == "eve") + .4 * (c3 == "close") + ((5 * i * i + 2 * i) %% 89) / 89
zs <- (z - mean(z)) / sd(z)

multi <- function(weights) multinom(c3 ~ zs + k, weights = weights, trace = FALSE, abstol = 1e-14, reltol = 1e-14, maxit = 10000)
fit <- multi(rep(1, 600)); e <- fitted(fit)
fitw <- multi(w); ew <- fitted(fitw)
own <- cbind(i + 1, as.integer(c3))
ipw <- as.numeric(table(c3)[c3] / 600) / e[own]
ipww <- as.numeric((tapply(w, c3, sum) / sum(w))[c3]) / ew[own] * w

close <- c3 == "close"
smd <- function(x, w) (weighted.mean(x[close], w[close]) - weighted.mean(x[!close], w[!close])) / sqrt((mean((x[close] - mean(x[close]))^2) + mean((x[!close] - mean(x[!close]))^2)) / 2)
aipw <- sapply(levels(c3), function(one) {
  m <- predict(lm(y ~ z + k, subset = c3 == one), data.frame(z, k))
  mean(m + (c3 == one) / e[, one] * (y - m))
})
# the binary one: base R, whatever nnet does
two <- glm(close ~ z + k, family = binomial, control = glm.control(epsilon = 1e-14, maxit = 100))
b <- fitted(two)
out <- list(
  deviance = deviance(fit), deviance_weighted = deviance(fitw), probability = e[c(1, 100, 333, 600), ],
  weights = ipw[c(1, 2, 3, 100, 333, 600)], weights_sampling = ipww[c(1, 2, 3, 100, 333, 600)],
  effective = sum(ipw)^2 / sum(ipw^2), before = smd(z, rep(1, 600)), after = smd(z, ipw), aipw = as.list(aipw),
  glm = b[c(1, 2, 100, 600)], glm_deviance = deviance(two), glm_se = unname(sqrt(diag(vcov(two)))),
  glm_weights = (ifelse(close, mean(close) / b, mean(!close) / (1 - b)))[c(1, 2, 100, 600)]
)
write(toJSON(out, digits = 14, auto_unbox = TRUE, pretty = TRUE), file.path(here, "weighting.json"))
