/**
 * Keys of installations, one set for each machine: they outlast its processes, as key files do. What of a node's
 * directory of principals an app needs, over them.
 */
import { createPrincipal } from '@blocktree/tree'
import { NodeError } from '@blocktree/node'
import type { AppDeps } from '@blocktree/node/app-host'
import type { SimulatedNode } from '../node.ts'

type Principals = AppDeps['principals']
type HeldKey = { readonly principal: ReturnType<typeof createPrincipal> }

export class InstallationKeys {
  readonly #machines = new Map<string, Map<string, HeldKey>>()

  /** For the process that runs on the machine now. */
  of(node: SimulatedNode): Principals {
    const { tree, files, random, identity } = node
    const { crypto } = files.context
    const held = this.#machines.get(identity.name) ?? new Map<string, HeldKey>()
    this.#machines.set(identity.name, held)
    const expect = (name: string): HeldKey => held.get(name) ?? unknown(name)
    const actors = new Map<string, ReturnType<typeof files.actor>>()
    return {
      find(name) {
        const { id, record } = expect(name).principal
        if (tree.authority.principal(id) === undefined) return unknown(name)
        return { id, name, record }
      },
      async actorOf(name) {
        const actor = actors.get(name) ?? files.actor(expect(name).principal)
        actors.set(name, actor)
        return actor
      },
      idOf: (name) => expect(name).principal.id,
      nameOf: (id) => id.toHex().slice(0, 16),
      async create(name) {
        const seeds = { signSeed: random.bytes(32), kemSeed: random.bytes(32) }
        const principal = createPrincipal(crypto, seeds)
        await tree.commitLocal({ records: [{ record: principal.record }] })
        held.set(name, { principal })
        return { id: principal.id, name, record: principal.record }
      },
      async remove(name) {
        held.delete(name)
        actors.delete(name)
      }
    }
  }
}

function unknown(name: string): never {
  throw new NodeError('ERR_PRINCIPAL_UNKNOWN', `the machine has no key "${name}"`)
}
