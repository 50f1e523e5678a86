/** Whether two classifiers differ on the same photos, or chance explains it. */

/**
 * McNemar's test in its exact, two-sided form (Q. McNemar, Psychometrika 12, 1947): among the photos that only one of
 * the two classifiers got right, each is as likely to be the first's as the second's if they are equally good.
 * `onlyFirst` and `onlySecond` count those; photos that both got right, or both wrong, say nothing. p is 1 where there
 * is no such photo. RangeError for anything but whole numbers of 0 or more. Takes time in proportion to the counts.
 */
export function mcnemarTest(onlyFirst: number, onlySecond: number): { readonly pValue: number } {
  for (const count of [onlyFirst, onlySecond]) {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new RangeError(`Expected a whole number of photos, received ${count}`)
    }
  }
  const trials = onlyFirst + onlySecond
  const fewer = Math.min(onlyFirst, onlySecond)
  const middle = Math.floor(trials / 2)
  // The binomial coefficients of the lower half relative to the largest, so that none overflows; those that underflow
  // are too small to show in any p-value.
  let coefficient = 1
  let tail = 0
  let half = 0
  for (let successes = middle; successes >= 0 && coefficient > 0; successes--) {
    half += coefficient
    if (successes <= fewer) tail += coefficient
    coefficient *= successes / (trials - successes + 1)
  }
  // An even number of trials has one middle coefficient, which the two halves share.
  const all = trials % 2 === 0 ? 2 * half - 1 : 2 * half
  return { pValue: Math.min(1, (2 * tail) / all) }
}
