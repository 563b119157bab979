/** Every error the actors throw: code -> what it means and what to do. The README's table is kept equal by a test. */
export const CORE_ERRORS = {
  BAD_OPTION: 'An option has a value it cannot have. The message quotes it and says which values it takes.',
  BAD_MACHINE: 'What was given to `spawn` is no XState v5 state machine. Make one with `setup(...).createMachine(...)`.',
  AGENT_EXISTS: 'An agent or supervisor of that id runs in this system. Take another id, or stop that one first.',
  AGENT_STOPPED: 'The agent stopped, failed or reached its end before it could do what was asked.',
  AGENT_CRASHED: 'The agent crashed on the very event that asked. It is restarted, but the event is not sent again.',
  START_FAILED: 'The first step of an agent threw, so it was not spawned. `cause` is what it threw.',
  ENDLESS_LOOP:
    'A machine comes to no rest: its `always`, its `raise` or what it sends itself has no end. More than 5000 steps for one event: set `options.maxIterations`.',
  MAILBOX_FULL: 'The mailbox of the asked agent is full. Ask again later, or give the agent a larger mailbox.',
  ASK_TIMEOUT: 'No answer came in time. The event may still be handled; a late answer is counted and dropped.',
  ASK_CYCLE: 'The agent would wait for its own answer: A asks B, which asks A for it. The message names the way around.',
  TOO_MANY_WATCHES: 'The agent watches as many agents as its mailbox has places for their ends. Raise `mailbox.system`.',
  DEPENDENCY_OPEN: 'The dependency has failed too often: it is not called for a while. Act without it, or ask again later.',
  DEPENDENCY_BUSY: 'So many calls of the dependency are under way and waiting that one more is refused. Ask again later.',
  DEPENDENCY_TIMEOUT: 'The dependency did not answer in time. What was asked of it may still happen.',
  UNTIL_TIMEOUT: 'No snapshot satisfied the predicate in time.',
  STORE_FENCED: 'Another activation of this agent took over. The older one stops and is not restarted here.',
  STORE_CONFLICT: 'The stored revision is not the expected one: somebody else wrote. The agent stops and is not restarted here.',
  LEASE_HELD: 'Another process holds the lease of this agent. It runs there, or has died less than a lease ago: spawn it again later.',
  LEASE_LOST: 'The lease of this agent is over, so another process may run it. It stops and is not restarted here.',
  STORE_FOREIGN: 'The store holds the state of another type of agent under this id. It is left untouched; take another id.',
  STORE_NEWER: 'The stored state was written by a newer version. It is left untouched; update this program.',
  STORE_BROKEN: 'The stored bytes are no agent state. They are left untouched.',
  MIGRATION_FAILED: 'A migration threw. The stored state is left untouched; `cause` is what it threw.',
  BAD_STATE:
    'The state of the agent, or an effect it says, holds something that cannot be stored. The message names the agent, and of an effect the place.',
  STORE_MISSING:
    "`durability: 'gated'` promises what only a store can keep. Give the system a `store` that outlives it, such as that of `openDurable` in `@stigmergy/grid/durable`.",
  NOT_STORED: 'Not every agent could be stored. The message names those that are not, `cause` says why; they are tried again.',
  STORE_TIMEOUT: 'The store gave no answer in time. Whether it has written is unknown; the agent asks it again before it writes again.',
  NO_AGENT: 'An action made by `send`, `put` or `command` was run by a machine that is no agent. Spawn it in a system.',
  INTERRUPTED: 'A promise was running when the agent stopped, and is not marked as `retryable`. Find out how it ended, then go on.',
  CLOSED: 'The system is closed.',
  DRAINING: 'The system is being drained: it takes no new work. Send it to another process.',
  CLOSE_TIMEOUT: 'The system is closed, but not every checkpoint could be written in time. The message names the agents.',
} as const

export type CoreErrorCode = keyof typeof CORE_ERRORS

/** An error of the actors: switch on `code`, show `message`. */
export class CoreError extends Error {
  override readonly name = 'CoreError'
  readonly code: CoreErrorCode
  constructor(code: CoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** True for a CoreError, of that code if one is given. Works across two copies of the package. */
export function isCoreError(error: unknown, code?: CoreErrorCode): error is CoreError {
  return error instanceof Error && error.name === 'CoreError' && (code === undefined || (error as CoreError).code === code)
}
