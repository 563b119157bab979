/** Runs `work` with these OTEL_* variables and none of those the caller of the tests may have. */
export async function withEnvironment<T>(variables: Readonly<Record<string, string>>, work: () => Promise<T>): Promise<T> {
  const kept = Object.entries(process.env).filter(([name]) => name.startsWith('OTEL_'))
  const clear = (): void => {
    for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) delete process.env[name]
  }
  clear()
  Object.assign(process.env, variables)
  try {
    return await work()
  } finally {
    clear()
    Object.assign(process.env, Object.fromEntries(kept))
  }
}
