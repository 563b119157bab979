import type { AnyStateMachine } from 'xstate'
import type { AgentRef } from '../agent.ts'
import { AgentChild } from '../life/agent-child.ts'
import type { Launch } from '../life/launch.ts'
import { Branch, type BranchServices } from './branch.ts'
import { quote } from '../check.ts'
import type { TreeNode } from '../cell/child.ts'
import { CoreError } from '../errors.ts'
import type { LifeOptions } from '../life/life-options.ts'
import type { SpawnOptions } from '../spawn.ts'
import { checkSpec, isAgentSpec, resolveChildOptions, strategyOf, supervisionOf } from './supervise.ts'
import type { AgentSpec, ChildOptions, SupervisorRef, SupervisorSpec } from './supervise.ts'
import { resolveSupervisionOptions, type ResolvedSupervisionOptions } from './supervisor.ts'

export interface ForestOptions {
  readonly services: BranchServices
  readonly supervision: ResolvedSupervisionOptions
  readonly launch: Launch
  /** Throws `CoreError` CLOSED or DRAINING if nothing is started any more. */
  mayStart(): void
  resolve(machine: AnyStateMachine, options: SpawnOptions<AnyStateMachine>): LifeOptions
}

/** The supervisors of a system. */
export interface Forest {
  /** Ids of those that have not ended, in order of their start. */
  readonly ids: readonly string[]
  supervise(spec: SupervisorSpec): Promise<SupervisorRef>
  get(id: string): SupervisorRef | undefined
  /** Supervisors without one above them. */
  trees(): readonly TreeNode[]
  /** Nothing is restarted any more. */
  close(): void
}

export function createForest({ services, supervision, launch, mayStart, resolve }: ForestOptions): Forest {
  const branches = new Map<string, { readonly branch: Branch; readonly ref: SupervisorRef; readonly root: boolean }>()

  function grow(spec: SupervisorSpec, parent: Branch | undefined): Branch {
    const { id } = spec
    if (branches.has(id))
      throw new CoreError('AGENT_EXISTS', `a supervisor ${quote(id)} runs in this system: take another id, or stop it first`)
    const options = {
      id,
      strategy: strategyOf(spec),
      supervision: resolveSupervisionOptions(supervisionOf(spec), supervision),
      ...resolveChildOptions(spec),
    }
    const branch = new Branch(options, services, parent)
    branches.set(id, { branch, ref: refOf(branch), root: parent === undefined })
    branch.onEnd(() => branches.delete(id))
    for (const part of spec.children ?? []) branch.add(isAgentSpec(part) ? leaf(part, branch) : grow(part, branch))
    return branch
  }

  /** All of it is made before any of it is started: what cannot be made leaves nothing. */
  function make(spec: SupervisorSpec, parent: Branch | undefined): Branch {
    checkSpec(spec)
    const before = new Set(branches.keys())
    try {
      return grow(spec, parent)
    } catch (error) {
      for (const id of branches.keys()) if (!before.has(id)) branches.delete(id)
      throw error
    }
  }

  function leaf({ machine, options }: AgentSpec, branch: Branch): AgentChild {
    const { restart: _, shutdownMs: __, ...own } = options
    return new AgentChild(resolve(machine, own), resolveChildOptions(options), branch, launch, services.guests)
  }

  function refOf(branch: Branch): SupervisorRef {
    return {
      id: branch.id,
      get status() {
        return branch.status
      },
      get restarts() {
        return branch.restarts
      },
      get children() {
        return branch.children
      },
      async spawn<TLogic extends AnyStateMachine>(machine: TLogic, options: SpawnOptions<TLogic> & ChildOptions = {}) {
        mayStart()
        const made = leaf({ machine, options: options as unknown as AgentSpec['options'] }, branch)
        await branch.startChild(made)
        return made.ref as unknown as AgentRef<TLogic>
      },
      async supervise(spec) {
        mayStart()
        const made = make(spec, branch)
        await branch.startChild(made)
        return refOf(made)
      },
      tree: () => branch.describe(),
      stop: () => branch.stop(),
    }
  }

  return {
    get ids() {
      return [...branches.keys()]
    },
    async supervise(spec) {
      const branch = make(spec, undefined)
      await branch.start()
      return refOf(branch)
    },
    get: (id) => branches.get(id)?.ref,
    trees: () => [...branches.values()].filter(({ root }) => root).map(({ branch }) => branch.describe()),
    close() {
      for (const { branch } of branches.values()) branch.close()
      branches.clear()
    },
  }
}
