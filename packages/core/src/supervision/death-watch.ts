import { quote } from '../check.ts'
import { CoreError } from '../errors.ts'
import type { Inbox } from '../mailbox/inbox.ts'

/** An agent that was watched has ended, or there was none of that id. */
export interface EndedEvent {
  readonly type: 'agent.ended'
  readonly agentId: string
  readonly reason: 'stopped' | 'done' | 'failed' | 'unknown'
}

/** Whoever watches. Its inbox is asked for when there is news: an agent that sleeps may have let go of the one it had. */
export interface Mourner {
  readonly inbox: Inbox
}

/** Who wants to know of whose end. Each watch ends with one event, or with its watcher. */
export interface DeathWatch {
  /**
   * The watcher gets one `agent.ended` when that agent ends; at once, with reason `unknown`, if it does not exist. Watching twice is
   * watching once. Throws `CoreError` TOO_MANY_WATCHES. Returns the end of the watch.
   */
  watch(watcher: string, mourner: Mourner, watched: string, exists: boolean, limit: number): () => void
  /** That agent has ended: its watchers are told, and it watches no more. */
  ended(id: string, reason: EndedEvent['reason']): void
}

export function createDeathWatch(): DeathWatch {
  const watchers = new Map<string, Map<string, Mourner>>()
  const watching = new Map<string, Set<string>>()

  function remove(watcher: string, watched: string): void {
    const others = watchers.get(watched)
    others?.delete(watcher)
    if (others?.size === 0) watchers.delete(watched)
    const own = watching.get(watcher)
    own?.delete(watched)
    if (own?.size === 0) watching.delete(watcher)
  }

  return {
    watch(watcher, mourner, watched, exists, limit) {
      const own = watching.get(watcher) ?? new Set<string>()
      if (own.has(watched)) return () => remove(watcher, watched)
      const { inbox } = mourner
      // Each watch will need a place for its event: so none of them can be lost.
      if (own.size + inbox.state.system >= limit) {
        const many = `agent ${quote(watcher)} watches ${own.size} agents and has ${inbox.state.system} events of the system waiting`
        throw new CoreError('TOO_MANY_WATCHES', `${many}: raise its mailbox.system above ${limit}`)
      }
      if (!exists) {
        inbox.postSystem({ type: 'agent.ended', agentId: watched, reason: 'unknown' } as EndedEvent, undefined)
        return () => undefined
      }
      watching.set(watcher, own.add(watched))
      const others = watchers.get(watched) ?? new Map<string, Mourner>()
      watchers.set(watched, others.set(watcher, mourner))
      return () => remove(watcher, watched)
    },
    ended(id, reason) {
      for (const watched of watching.get(id) ?? []) remove(id, watched)
      const mourners = watchers.get(id)
      if (mourners === undefined) return
      for (const [watcher, mourner] of mourners) {
        remove(watcher, id)
        mourner.inbox.postSystem({ type: 'agent.ended', agentId: id, reason } as EndedEvent, undefined)
      }
    },
  }
}
