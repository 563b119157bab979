/**
 * What an ordered-entry conveyor must do, in closed form: Poisson parts with offered load `a` (rate x mean pick time),
 * each taken by the first free robot along the belt, else lost. The miss rate is Erlang's loss formula; it holds for any law
 * of the pick time and any constant transport delay between the stations.
 * Source: A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in automatic telephone
 * exchanges" (1917); ordered entry: R. L. Disney, "Some multichannel queueing problems with ordered entry" (1962).
 */

/** Erlang B: the share of parts lost with `robots` servers and offered load `offeredLoad`, by the stable recursion. */
export function erlangB(robots: number, offeredLoad: number): number {
  let blocking = 1
  for (let n = 1; n <= robots; n++) blocking = (offeredLoad * blocking) / (n + offeredLoad * blocking)
  return blocking
}

/** Share of its time that each robot is busy, in belt order: robot i carries a(B(i-1, a) - B(i, a)). */
export function orderedEntryLoads(robots: number, offeredLoad: number): readonly number[] {
  return Array.from({ length: robots }, (_, i) => offeredLoad * (erlangB(i, offeredLoad) - erlangB(i + 1, offeredLoad)))
}
