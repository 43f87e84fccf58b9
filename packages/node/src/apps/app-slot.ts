/**
 * What is held in memory of one app, and its two chains. Acts on an app (installing, upgrading, starting …) run one after
 * another. Changes of its grant have a chain of their own, since an app may give something back in the middle of an act:
 * whoever reads a grant to write another one does both in one turn of it.
 */
import type { VerifiedPackage } from '@blocktree/app-package'
import type { AppInstance } from '@blocktree/apps'
import type { ServedApp } from '@blocktree/gateway'
import type { Installation } from './installation.ts'

export interface AppSlot {
  readonly name: string
  instance: AppInstance | undefined
  /** What the gateway serves; undefined when nothing was ever started. */
  served: ServedApp | undefined
  /** What was started last, held so that it is verified once (./installation.ts). */
  package: VerifiedPackage | undefined
  /** Lets go of its package, which is held here while it runs. */
  releasePackage: (() => void) | undefined
  /** Why it does not run though it should. */
  problem: string | undefined
  /** What it was started with, or follows since; undefined before. */
  applied: Installation | undefined
  /** Takes the chain of grants; within an act too. Never within itself. */
  changingGrants<T>(act: () => Promise<T>): Promise<T>
}

export class AppSlots {
  readonly #slots = new Map<string, { readonly slot: AppSlot; readonly acts: Chain }>()

  find(name: string): AppSlot | undefined {
    return this.#slots.get(name)?.slot
  }

  names(): readonly string[] {
    return [...this.#slots.keys()]
  }

  /** Takes the chain of acts. */
  async inTurn<T>(name: string, act: (slot: AppSlot) => Promise<T>): Promise<T> {
    const found = this.#slots.get(name) ?? { slot: createSlot(name), acts: createChain() }
    this.#slots.set(name, found)
    return await found.acts(() => act(found.slot))
  }
}

function createSlot(name: string): AppSlot {
  const grants = createChain()
  const nothing = {
    instance: undefined,
    served: undefined,
    package: undefined,
    releasePackage: undefined,
    problem: undefined,
    applied: undefined
  }
  return { name, ...nothing, changingGrants: grants }
}

type Chain = <T>(act: () => Promise<T>) => Promise<T>

/** One after another, whatever becomes of those before. */
function createChain(): Chain {
  let last: Promise<unknown> = Promise.resolve()
  return async (act) => {
    const done = last.then(act)
    last = done.catch(() => undefined)
    return await done
  }
}
