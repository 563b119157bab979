import { resolve } from 'node:path'

/** A path as the user meant it: pnpm runs scripts in the folder of their package, and keeps the user's own in INIT_CWD. */
export function userPath(path: string, env: Readonly<Record<string, string | undefined>>): string {
  const from = env['npm_lifecycle_event'] === undefined ? undefined : env['INIT_CWD']
  return from === undefined ? path : resolve(from, path)
}
