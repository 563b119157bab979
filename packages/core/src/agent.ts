import type { TraceContext } from '@stigmergy/grid'
import type { AnyEventObject, AnyStateMachine, EmittedFrom, EventFromLogic, SnapshotFrom } from 'xstate'
import { ask, endedError } from './mailbox/asking.ts'
import { functionOption, nameOption, optionsOf, quote, textOption, type Names } from './check.ts'
import type { AgentEvent } from './mailbox/envelope.ts'
import { CoreError } from './errors.ts'
import type { MailboxState } from './mailbox/inbox-options.ts'
import type { Life } from './life/life.ts'
import type { AgentStatus } from './life/life-options.ts'
import type { NeedReport } from './dependencies/needs.ts'
import type { Services } from './services.ts'
import { waitFor, type WaitOptions } from './wait.ts'

export interface SendOptions {
  /** The work that causes it. @default the work that is running (`grid.trace.current`) */
  readonly trace?: TraceContext | undefined
  /** Tells the event from its repetitions: sent again under this id, it is not handled again (see `mailbox.dedup`). */
  readonly id?: string | undefined
  /** The agent that sends: while the system is drained, only agents may send. @default the one whose step is running */
  readonly from?: string | undefined
}

const SEND_NAMES: Names<SendOptions> = { trace: true, id: true, from: true }

/** Throws `CoreError` BAD_OPTION. */
export function checkSendOptions(options: SendOptions | undefined): void {
  if (options !== undefined) textOption('id', optionsOf('send', options, SEND_NAMES).id, undefined)
}

export interface AskOptions extends WaitOptions {
  /** The agent that asks. @default the one whose step is running */
  readonly from?: string | undefined
  /** The question for whose answer this one is asked. @default the one that the running step handles */
  readonly answering?: ReplyTo<unknown> | undefined
}

/** Where an asked agent sends its answer. The first one counts. */
export interface ReplyTo<R> {
  send(reply: R): void
}

/** A running agent as others see it. */
export interface AgentRef<TLogic extends AnyStateMachine> {
  readonly id: string
  readonly type: string
  readonly status: AgentStatus
  /** The last good snapshot: during a restart the one before the failure, after the end the last one. */
  readonly snapshot: SnapshotFrom<TLogic>
  /** How often it was restarted. */
  readonly restarts: number
  /** True if accepted into the mailbox. Never throws but for bad options, never waits; the agent handles it later. */
  send(event: EventFromLogic<TLogic>, options?: SendOptions): boolean
  /**
   * Sends the event made with `replyTo` and waits for the answer.
   * Rejects with `CoreError` ASK_TIMEOUT, AGENT_STOPPED, AGENT_CRASHED or MAILBOX_FULL, and at once with ASK_CYCLE if this agent, for
   * the sake of whose question it is asked, would wait for itself. In an async function of an agent, after an `await`, say for which
   * question you ask: `answering`. @default timeoutMs 1000
   */
  ask<R>(make: (replyTo: ReplyTo<R>) => EventFromLogic<TLogic>, options?: AskOptions): Promise<R>
  /**
   * Waits for a snapshot that satisfies the predicate, the present one included.
   * Rejects with `CoreError` UNTIL_TIMEOUT, or AGENT_STOPPED if the agent ends without it. @default timeoutMs 5000
   */
  until(predicate: (snapshot: SnapshotFrom<TLogic>) => boolean, options?: WaitOptions): Promise<SnapshotFrom<TLogic>>
  /** Tells each snapshot that differs from the one before. Returns the end of it. */
  subscribe(listener: (snapshot: SnapshotFrom<TLogic>) => void): () => void
  /** Tells what its machine emits (`emit`), restarts or not; `*`: all of it. Returns the end of it. */
  on<TType extends EmittedFrom<TLogic>['type'] | '*'>(
    type: TType,
    listener: (event: EmittedFrom<TLogic> & (TType extends '*' ? unknown : { readonly type: TType })) => void,
  ): () => void
  /**
   * This agent gets one `agent.ended` when that agent ends, or at once if there is none of that id; also after restarts of either.
   * Throws `CoreError` AGENT_STOPPED or TOO_MANY_WATCHES. Returns the end of the watch.
   */
  watch(agentId: string): () => void
  /** How each of its needs stands, judged now: so that a guard may ask. */
  readonly needs: readonly NeedReport[]
  /** An operator acknowledges that a latched need is met again. False if it is not, or was not latched. */
  acknowledge(need: string): boolean
  /** What waits for it. */
  readonly mailbox: MailboxState
  /**
   * Stores its state as it is now, and resolves once it is stored. Does nothing for an agent without durability.
   * Rejects with why it is not: BAD_STATE, STORE_..., or what the store throws.
   */
  checkpoint(): Promise<void>
  /** True while its state is kept as bytes, and its machine is not in memory. Whatever is asked of it wakes it. */
  readonly asleep: boolean
  /**
   * Stores its state and lets its machine go until something comes for it: an event, a question, one of its delayed events, a change of a
   * watched map, a look at its snapshot. Nobody is told, and nothing else is different. False if it cannot sleep now: it has no
   * durability, events wait, effects are not done, or it has children or something else that only lives in memory.
   */
  evict(): Promise<boolean>
  /** Stops it and waits until its last state is stored. What waits in its mailbox becomes dead letters. */
  stop(): Promise<void>
}

const UNTIL_MS = 5000

function until<S>(life: Life, services: Services, predicate: (snapshot: S) => boolean, options: WaitOptions): Promise<S> {
  const timedOut = (timeoutMs: number): CoreError => {
    const state = `${life.status}, in state ${JSON.stringify(life.snapshot.value)}`
    return new CoreError('UNTIL_TIMEOUT', `agent ${quote(life.info.id)} is ${state}, not as awaited, after ${timeoutMs} ms`)
  }
  return waitFor<S>(services.clock, options, UNTIL_MS, timedOut, ({ resolve, reject }) => {
    functionOption('predicate', predicate)
    const check = (snapshot: S): void => {
      try {
        if (predicate(snapshot)) resolve(snapshot)
      } catch (error) {
        reject(error)
      }
    }
    check(life.snapshot as S)
    const offSnapshot = life.cell.audience.subscribe((snapshot) => check(snapshot as S))
    const offEnd = life.onEnd(() => {
      check(life.snapshot as S)
      reject(endedError(life))
    })
    return () => {
      offSnapshot()
      offEnd()
    }
  })
}

/** One per agent: a class, since an object with getters of its own costs a kilobyte each. */
class Ref<TLogic extends AnyStateMachine> implements AgentRef<TLogic> {
  readonly #life: Life
  readonly #services: Services

  constructor(life: Life, services: Services) {
    this.#life = life
    this.#services = services
  }

  get id(): string {
    return this.#life.info.id
  }

  get type(): string {
    return this.#life.info.type
  }

  get status(): AgentStatus {
    return this.#life.status
  }

  get snapshot(): SnapshotFrom<TLogic> {
    return this.#life.snapshot as SnapshotFrom<TLogic>
  }

  get restarts(): number {
    return this.#life.restarts
  }

  send(event: EventFromLogic<TLogic>, options?: SendOptions): boolean {
    checkSendOptions(options)
    const trace = options?.trace ?? this.#services.grid.trace.current
    const { inbox } = this.#life
    if (!this.#services.admits(options?.from))
      return inbox.lose(inbox.envelope(event as AgentEvent, trace, undefined, options?.id), 'draining')
    return inbox.post(event as AgentEvent, trace, undefined, options?.id)
  }

  ask<R>(make: (replyTo: ReplyTo<R>) => EventFromLogic<TLogic>, options: AskOptions = {}): Promise<R> {
    return ask(this.#life, this.#services, make as (replyTo: ReplyTo<R>) => AgentEvent, options)
  }

  until(predicate: (snapshot: SnapshotFrom<TLogic>) => boolean, options: WaitOptions = {}): Promise<SnapshotFrom<TLogic>> {
    return until(this.#life, this.#services, predicate, options)
  }

  subscribe(listener: (snapshot: SnapshotFrom<TLogic>) => void): () => void {
    functionOption('the listener', listener)
    return this.#life.cell.audience.subscribe((snapshot) => listener(snapshot as SnapshotFrom<TLogic>))
  }

  on(type: string, listener: (event: never) => void): () => void {
    nameOption('the type of event', type)
    functionOption('the listener', listener)
    return this.#life.cell.audience.on(type, listener as (event: AnyEventObject) => void)
  }

  watch(agentId: string): () => void {
    return this.#services.watch(this.#life, nameOption('the agent to watch', agentId))
  }

  get needs(): readonly NeedReport[] {
    return this.#life.inbox.needs?.reports ?? []
  }

  acknowledge(need: string): boolean {
    return this.#life.inbox.needs?.acknowledge(need) ?? false
  }

  get mailbox(): MailboxState {
    return this.#life.inbox.state
  }

  checkpoint(): Promise<void> {
    return new Promise((resolve, reject) => this.#life.checkpoint({ resolve, reject }))
  }

  get asleep(): boolean {
    return this.#life.asleep
  }

  evict(): Promise<boolean> {
    return this.#life.evict()
  }

  stop(): Promise<void> {
    return this.#life.stop()
  }
}

export function createAgentRef<TLogic extends AnyStateMachine>(life: Life, services: Services): AgentRef<TLogic> {
  return new Ref<TLogic>(life, services)
}
