/** Who is called as a guest (I7) may be async where its type says nothing of it: a rejection nobody looks at would end the process. */
export function onRejected(answer: unknown, rejected: (error: unknown) => void): boolean {
  if (typeof (answer as PromiseLike<unknown> | null | undefined)?.then !== 'function') return false
  Promise.resolve(answer as PromiseLike<unknown>).catch(rejected)
  return true
}
