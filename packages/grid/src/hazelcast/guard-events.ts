import type { Client } from 'hazelcast-client'

/** What the client has, and does not say in its types. */
interface Internals {
  getInvocationService?(): { callEventHandlerWithMessage?: (...args: readonly unknown[]) => void } | undefined
}

/**
 * An event that the client cannot read must not end the process. While a member that was cut off merges back, hazelcast-client 5.6.0 can
 * get an entry event without the id of its member, and throws a TypeError out of a turn of the event loop (`entryEventHandler` of its
 * MapProxy.js), where nobody can catch it. Here it is caught: `unread` is told that a change was missed.
 */
export function guardEvents(client: Client, unread: () => void): void {
  const service = (client as Internals).getInvocationService?.()
  const handle = service?.callEventHandlerWithMessage
  if (service === undefined || handle === undefined) return
  service.callEventHandlerWithMessage = (...args) => {
    try {
      handle.apply(service, args as unknown[])
    } catch {
      unread()
    }
  }
}
