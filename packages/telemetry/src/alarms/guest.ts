/** Calls what somebody gave us. What it throws, or the promise it gives rejects with, is told to `failed` and goes no further (I7). */
export function callGuest<T>(guest: () => T, failed: () => void): T | undefined {
  try {
    const answer: unknown = guest()
    // Who posts an alarm is async: nobody else would catch what it rejects with, and that ends a process.
    if (answer instanceof Promise) answer.catch(failed)
    return answer as T
  } catch {
    failed()
    return undefined
  }
}
