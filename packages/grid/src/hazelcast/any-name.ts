import type { Client } from 'hazelcast-client'

/** What the client has, and does not say in its types. */
interface Internals {
  getConfig?(): { readonly nearCaches?: object } | undefined
}

/**
 * hazelcast-client 5.6.0 looks each map's name up in a plain object of near caches (`Config.js`, `lookupByPattern`), and so finds what
 * every object has under `constructor` or `toString`, takes it for a configuration and throws. There is no near cache, and here nothing
 * is inherited either: a map may have any name.
 */
export function allowAnyName(client: Client): void {
  const nearCaches = (client as Internals).getConfig?.()?.nearCaches
  if (nearCaches !== undefined) Object.setPrototypeOf(nearCaches, null)
}
