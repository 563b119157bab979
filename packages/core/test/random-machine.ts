import { assign, createMachine, emit, fromCallback, raise, sendParent, sendTo, setup, type AnyStateMachine } from 'xstate'

export type Random = () => number

const KINDS = ['a', 'b', 'c', 'd']

export function generate(
  random: Random,
  log: string[],
  { echo, children = true }: { readonly echo: boolean; readonly children?: boolean },
): AnyStateMachine {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  // Else most of them would answer themselves for ever.
  let answers = 40
  const mayAnswer = (): boolean => {
    answers -= 1
    return answers > 0
  }
  const child = createMachine({
    id: 'kid',
    entry: () => log.push('kid enters'),
    on: {
      ping: [
        { guard: mayAnswer, actions: [() => log.push('kid pinged'), sendParent({ type: pick(KINDS) })] },
        { actions: () => log.push('kid is tired') },
      ],
    },
  })
  const device = fromCallback(({ receive, sendBack }) => {
    log.push('device begins')
    receive((event) => {
      log.push(`device has ${event.type}`)
      if (event.type === 'echo' && mayAnswer()) sendBack({ type: 'b' })
    })
    return () => log.push('device ends')
  })
  const names = ['s0', 's1', 's2', 's3']
  const action = (): unknown => {
    const n = Math.floor(random() * 1000)
    return pick<() => unknown>([
      () => () => log.push(`action ${n}`),
      () => assign({ n: ({ context }: { context: { n: number } }) => (context.n * 31 + n) % 10_007 }),
      () => emit({ type: `emitted ${n}` }),
      () => raise({ type: pick(KINDS) }, { delay: 1 + Math.floor(random() * 50) }),
      () => ({ type: 'named' }),
      ...(children
        ? [() => sendTo('kid', { type: 'ping' }), () => sendTo('device', { type: pick(echo ? ['poke', 'echo'] : ['poke']) })]
        : []),
    ])()
  }
  const actions = (): unknown[] => Array.from({ length: Math.floor(random() * 3) }, action)
  const on = (): Record<string, unknown> =>
    Object.fromEntries(
      KINDS.filter(() => random() < 0.6).map((kind) => [
        kind,
        {
          ...(random() < 0.7 && { target: `.${pick(names)}`, reenter: random() < 0.3 }),
          actions: actions(),
          ...(random() < 0.2 && { guard: ({ context }: { context: { n: number } }) => context.n % 2 === 0 }),
        },
      ]),
    )
  return setup({ actors: { child, device }, actions: { named: () => log.push('named') } }).createMachine({
    id: 'm',
    context: { n: 1 },
    initial: 's0',
    ...(children && {
      invoke: [
        { id: 'kid', src: 'child' },
        { id: 'device', src: 'device' },
      ],
    }),
    on: on(),
    states: Object.fromEntries(
      names.map((name) => [
        name,
        {
          tags: [name],
          entry: actions(),
          exit: actions(),
          ...(random() < 0.4 && { after: { [1 + Math.floor(random() * 40)]: { target: `#m.${pick(names)}`, actions: actions() } } }),
          ...(random() < 0.3 && { invoke: { id: `inner-${name}`, src: 'device' } }),
        },
      ]),
    ),
  } as never) as unknown as AnyStateMachine
}

/** Events for it, and the time between them. */
export function* script(random: Random): Iterable<string | number> {
  for (let i = 0; i < 60; i++) yield random() < 0.3 ? Math.floor(random() * 30) : (KINDS[Math.floor(random() * KINDS.length)] as string)
}
