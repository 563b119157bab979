/**
 * The regularised upper incomplete gamma function, by its series and its continued fraction (Lentz).
 * Source: W. H. Press et al., Numerical Recipes, 3rd ed., section 6.2; log gamma by Lanczos (g = 7, n = 9).
 */

const LANCZOS = [
  0.9999999999998099, 676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 0.000009984369578019572, 1.5056327351493116e-7,
]
const CLOSE = 1e-15
const MOST_TERMS = 10_000

/** Natural logarithm of the gamma function, for x > 0. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  const shifted = x - 1
  let sum = LANCZOS[0] as number
  for (let at = 1; at < LANCZOS.length; at++) sum += (LANCZOS[at] as number) / (shifted + at)
  const t = shifted + 7.5
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t + Math.log(sum)
}

/** Q(a, x): the upper tail of a gamma distribution of shape `a` > 0, for `x` >= 0. */
export function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1
  if (x === Infinity) return 0
  const factor = Math.exp(a * Math.log(x) - x - logGamma(a))
  return x < a + 1 ? 1 - factor * series(a, x) : factor * fraction(a, x)
}

/** P(X > x) of a chi-squared variable with `degrees` of freedom. */
export function chiSquaredUpper(x: number, degrees: number): number {
  return upperGamma(degrees / 2, x / 2)
}

function series(a: number, x: number): number {
  let term = 1 / a
  let sum = term
  for (let at = 1; at < MOST_TERMS && Math.abs(term) > Math.abs(sum) * CLOSE; at++) {
    term *= x / (a + at)
    sum += term
  }
  return sum
}

function fraction(a: number, x: number): number {
  const tiny = Number.MIN_VALUE / CLOSE
  let b = x + 1 - a
  let c = 1 / tiny
  let d = 1 / b
  let result = d
  for (let at = 1; at < MOST_TERMS; at++) {
    const an = -at * (at - a)
    b += 2
    d = an * d + b
    if (Math.abs(d) < tiny) d = tiny
    c = b + an / c
    if (Math.abs(c) < tiny) c = tiny
    d = 1 / d
    const change = d * c
    result *= change
    if (Math.abs(change - 1) < CLOSE) break
  }
  return result
}
