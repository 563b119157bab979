/** A mean with the uncertainty of a correlated series. */
export interface BatchMean {
  readonly mean: number
  /** Standard error of the mean, from the spread of the batches. */
  readonly standardError: number
  readonly batches: number
}

/**
 * The method of batch means: consecutive batches, long against the correlation time, are nearly independent.
 * Source: A. M. Law, "Simulation Modeling and Analysis", ch. 9.5.3.
 */
export function batchMean(batches: readonly number[]): BatchMean {
  const count = batches.length
  const mean = batches.reduce((sum, x) => sum + x, 0) / count
  const squares = batches.reduce((sum, x) => sum + (x - mean) ** 2, 0)
  const standardError = count > 1 ? Math.sqrt(squares / (count - 1) / count) : Number.POSITIVE_INFINITY
  return { mean, standardError, batches: count }
}
