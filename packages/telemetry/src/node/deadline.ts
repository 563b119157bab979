/** True when the work ended within `timeoutMs`, false at the deadline. Never rejects. Real time: what is waited for is a network. */
export async function endsWithin(work: readonly Promise<unknown>[], timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs)
  })
  try {
    return await Promise.race([Promise.allSettled(work).then(() => true), deadline])
  } finally {
    clearTimeout(timer)
  }
}
