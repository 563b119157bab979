import type { AskOptions, ReplyTo } from '../agent.ts'
import { functionOption, numberOption, optionsOf, quote, signalOption, type Names } from '../check.ts'
import { Deadline } from '../deadlines.ts'
import type { AgentEvent, Sender } from './envelope.ts'
import { CoreError } from '../errors.ts'
import type { DeadLetterReason } from '../hooks.ts'
import type { Life } from '../life/life.ts'
import { cycleOf, type Question } from './question.ts'
import type { Services } from '../services.ts'

const ASK_MS = 1000
const NAMES: Names<AskOptions> = { timeoutMs: true, signal: true, from: true, answering: true }

export function endedError(life: Life): CoreError {
  return new CoreError('AGENT_STOPPED', `agent ${quote(life.info.id)} is ${life.status}`)
}

/** Where an answer address has its question. No property that anybody would store. */
const QUESTION = Symbol('question')

/** The answer address that an asked agent is given: it knows its question. */
interface Address<R> extends ReplyTo<R> {
  readonly [QUESTION]: Question
}

/** One question: what is known of it, its deadline, and who is told of the fate of its event. One object, since there are many of them. */
class Asking<R> extends Deadline implements Question, Sender {
  readonly asker: string | undefined
  readonly asked: string
  readonly because: Question | undefined
  readonly live = true
  open = true
  readonly #life: Life
  readonly #services: Services
  readonly #timeoutMs: number
  readonly #signal: AbortSignal | undefined
  readonly #resolve: (reply: R) => void
  readonly #reject: (error: unknown) => void
  #event: AgentEvent | undefined
  #unlisten: (() => void) | undefined
  #waits = false

  constructor(
    life: Life,
    services: Services,
    { timeoutMs, signal, from, answering }: AskOptions,
    resolve: (reply: R) => void,
    reject: (error: unknown) => void,
  ) {
    super()
    const { turn } = services
    this.#life = life
    this.#services = services
    this.#timeoutMs = numberOption('timeoutMs', timeoutMs, ASK_MS, 0, Infinity)
    this.#signal = signalOption(signal)
    this.#resolve = resolve
    this.#reject = reject
    this.asked = life.info.id
    this.because = answering === undefined ? turn.question : (answering as Partial<Address<R>>)[QUESTION]
    this.asker = from ?? (answering === undefined ? turn.agentId : this.because?.asked)
  }

  /** Of the sender that it is. */
  get question(): Question {
    return this
  }

  /** Sends the event that `make` gives. Throws why it is not asked at all. */
  begin(make: (replyTo: ReplyTo<R>) => AgentEvent): void {
    const { asked, asker, because } = this
    const services = this.#services
    this.#signal?.throwIfAborted()
    const cycle = cycleOf(asker, asked, because)
    if (!services.admits(asker)) {
      throw new CoreError('DRAINING', `the system is being drained: ${this.#name} is asked nothing any more`)
    }
    if (cycle !== undefined) throw new CoreError('ASK_CYCLE', `${cycle.map(quote).join(' waits for ')}: that has no end`)
    // Not a method: it may be taken off its object.
    const address: Address<R> = { [QUESTION]: this, send: (reply) => this.#answer(reply) }
    const event = make(address)
    this.#event = event
    // It may have been answered meanwhile.
    if (!this.open) return
    services.deadlines.set(this, this.#timeoutMs)
    if (this.#signal !== undefined) this.#listen(this.#signal)
    this.#life.inbox.post(event, services.grid.trace.current, this)
  }

  get #name(): string {
    return `agent ${quote(this.asked)}`
  }

  #answer(reply: R): void {
    if (this.#end()) this.#resolve(reply)
    else this.#services.lateReply()
  }

  fail(error: unknown): void {
    if (this.#end()) this.#reject(error)
  }

  #end(): boolean {
    if (!this.open) return false
    this.open = false
    this.#services.deadlines.clear(this)
    this.#unlisten?.()
    if (this.#waits) this.#life.answered(this)
    return true
  }

  /** Of the sender that it is: its event was handled, and it is not answered yet. */
  waits(): void {
    this.#waits = true
    this.#life.asked(this)
  }

  /** The agent has ended. */
  over(): void {
    this.fail(endedError(this.#life))
  }

  #listen(signal: AbortSignal): void {
    const onAbort = (): void => this.fail(signal.reason)
    signal.addEventListener('abort', onAbort)
    this.#unlisten = () => signal.removeEventListener('abort', onAbort)
  }

  override late(): void {
    this.fail(new CoreError('ASK_TIMEOUT', `${this.#name} did not answer within ${this.#timeoutMs} ms`))
  }

  /** Of the sender that it is. */
  lost(reason: DeadLetterReason): boolean {
    this.fail(this.#lostError(reason))
    return false
  }

  #lostError(reason: DeadLetterReason): CoreError {
    switch (reason) {
      case 'mailbox-full':
        return new CoreError('MAILBOX_FULL', `the mailbox of ${this.#name} is full`)
      case 'stash-full':
        return new CoreError('MAILBOX_FULL', `the stash of ${this.#name} is full`)
      case 'crashed':
        return new CoreError('AGENT_CRASHED', `${this.#name} crashed on ${quote(this.#event?.type)}`)
      case 'bad-event':
        return new CoreError('BAD_OPTION', `${this.#name} was asked with what is no event: ${quote(this.#event)}`)
      default:
        return endedError(this.#life)
    }
  }
}

/** A question that waits for its answer, as the life it is asked knows it. */
export type OpenAsk = Pick<Asking<never>, 'over'>

/** See `AgentRef.ask`. */
export function ask<R>(life: Life, services: Services, make: (replyTo: ReplyTo<R>) => AgentEvent, options: AskOptions): Promise<R> {
  return new Promise<R>((resolve, reject) => {
    functionOption('what makes the question', make)
    optionsOf('ask', options, NAMES)
    const asking = new Asking<R>(life, services, options, resolve, reject)
    try {
      asking.begin(make)
    } catch (error) {
      asking.fail(error)
    }
  })
}
