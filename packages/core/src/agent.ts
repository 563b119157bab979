import type { TraceContext } from '@stigmergy/grid'
import type { AnyEventObject, AnyStateMachine, EmittedFrom, EventFromLogic, SnapshotFrom } from 'xstate'
import { quote } from './check.ts'
import type { AgentEvent, Sender } from './envelope.ts'
import { CoreError } from './errors.ts'
import type { MailboxState } from './inbox-options.ts'
import type { Life } from './life.ts'
import type { AgentStatus } from './life-options.ts'
import type { NeedReport } from './needs.ts'
import { cycleOf, type Question } from './question.ts'
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
  /** True if accepted into the mailbox. Never throws, never waits; the agent handles it later. */
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
  /** Stops it and waits until its last state is stored. What waits in its mailbox becomes dead letters. */
  stop(): Promise<void>
}

const ASK_MS = 1000
const UNTIL_MS = 5000

function ended(life: Life): CoreError {
  return new CoreError('AGENT_STOPPED', `agent ${quote(life.info.id)} is ${life.status}`)
}

/** The answer address that an asked agent is given: it knows its question. */
interface Address<R> extends ReplyTo<R> {
  readonly question: Question
}

function ask<R>(life: Life, services: Services, make: (replyTo: ReplyTo<R>) => AgentEvent, options: AskOptions): Promise<R> {
  const { turn } = services
  const asked = life.info.id
  const because = options.answering === undefined ? turn.question : (options.answering as Partial<Address<R>>).question
  const asker = options.from ?? (options.answering === undefined ? turn.agentId : because?.asked)
  const name = `agent ${quote(life.info.id)}`
  const timedOut = (timeoutMs: number): CoreError => new CoreError('ASK_TIMEOUT', `${name} did not answer within ${timeoutMs} ms`)
  return waitFor<R>(services.clock, options, ASK_MS, timedOut, ({ resolve, reject }) => {
    const cycle = cycleOf(asker, asked, because)
    if (!services.admits(asker)) throw new CoreError('DRAINING', `the system is being drained: ${name} is asked nothing any more`)
    if (cycle !== undefined) throw new CoreError('ASK_CYCLE', `${cycle.map(quote).join(' waits for ')}: that has no end`)
    let open = true
    const question: Question = {
      asker,
      asked,
      because,
      get open() {
        return open
      },
    }
    const address: Address<R> = {
      question,
      send(reply) {
        if (open) resolve(reply)
        else services.lateReply()
      },
    }
    const event = make(address)
    const sender: Sender = {
      live: true,
      question,
      lost(reason) {
        if (reason === 'mailbox-full') reject(new CoreError('MAILBOX_FULL', `the mailbox of ${name} is full`))
        else if (reason === 'crashed') reject(new CoreError('AGENT_CRASHED', `${name} crashed on ${quote(event.type)}`))
        else if (reason === 'stash-full') reject(new CoreError('MAILBOX_FULL', `the stash of ${name} is full`))
        else if (reason === 'bad-event') reject(new CoreError('BAD_OPTION', `${name} was asked with what is no event: ${quote(event)}`))
        else reject(ended(life))
        return false
      },
    }
    const offEnd = life.onEnd(() => reject(ended(life)))
    if (open) life.cell.inbox.post(event, services.grid.trace.current, sender)
    return () => {
      open = false
      offEnd()
    }
  })
}

function until<S>(life: Life, services: Services, predicate: (snapshot: S) => boolean, options: WaitOptions): Promise<S> {
  const timedOut = (timeoutMs: number): CoreError => {
    const state = `${life.status}, in state ${JSON.stringify(life.cell.snapshot.value)}`
    return new CoreError('UNTIL_TIMEOUT', `agent ${quote(life.info.id)} is ${state}, not as awaited, after ${timeoutMs} ms`)
  }
  return waitFor<S>(services.clock, options, UNTIL_MS, timedOut, ({ resolve, reject }) => {
    const check = (snapshot: S): void => {
      try {
        if (predicate(snapshot)) resolve(snapshot)
      } catch (error) {
        reject(error)
      }
    }
    check(life.cell.snapshot as S)
    const offSnapshot = life.cell.audience.subscribe((snapshot) => check(snapshot as S))
    const offEnd = life.onEnd(() => {
      check(life.cell.snapshot as S)
      reject(ended(life))
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
    return this.#life.cell.snapshot as SnapshotFrom<TLogic>
  }

  get restarts(): number {
    return this.#life.restarts
  }

  send(event: EventFromLogic<TLogic>, options?: SendOptions): boolean {
    const trace = options?.trace ?? this.#services.grid.trace.current
    const { inbox } = this.#life.cell
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
    return this.#life.cell.audience.subscribe((snapshot) => listener(snapshot as SnapshotFrom<TLogic>))
  }

  on(type: string, listener: (event: never) => void): () => void {
    return this.#life.cell.audience.on(type, listener as (event: AnyEventObject) => void)
  }

  watch(agentId: string): () => void {
    return this.#services.watch(this.#life, agentId)
  }

  get needs(): readonly NeedReport[] {
    return this.#life.cell.inbox.needs?.reports ?? []
  }

  acknowledge(need: string): boolean {
    return this.#life.cell.inbox.needs?.acknowledge(need) ?? false
  }

  get mailbox(): MailboxState {
    return this.#life.cell.inbox.state
  }

  stop(): Promise<void> {
    return this.#life.stop()
  }
}

export function createAgentRef<TLogic extends AnyStateMachine>(life: Life, services: Services): AgentRef<TLogic> {
  return new Ref<TLogic>(life, services)
}
