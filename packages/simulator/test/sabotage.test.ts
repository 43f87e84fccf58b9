/** Each invariant is tested by code that breaks it: a run in which it is not noticed says that nothing is looked at. */
import type { FileSystem } from '@blocktree/store'
import type { TreeState } from '@blocktree/tree'
import { describe, expect, it, vi } from 'vitest'
import { type FaultKind, runSimulation } from '../src/index.ts'
import type { SimulatedNode } from '../src/node.ts'
import type { Visitor } from '../src/owner-at-work.ts'
import type { Sabotage } from '../src/sabotage.ts'
import type { Simulation } from '../src/simulation.ts'
import type { Workload } from '../src/workload.ts'

vi.setConfig({ testTimeout: 600_000 }) // a busy machine takes its time

interface Case {
  readonly rule: string
  readonly broken: string
  readonly sabotage: Sabotage
  readonly faults?: readonly FaultKind[]
  readonly nodes?: number
  readonly hours?: number
  readonly seeds?: readonly string[]
}

const cases: readonly Case[] = [
  {
    rule: 'all replicas agree after healing',
    broken: 'a node that replicates nothing',
    sabotage: { isDeaf: (node) => node === 'node-2' }
  },
  {
    rule: 'no write under a token that another one has followed',
    broken: 'tokens that nobody looks at',
    sabotage: { locks: (locks) => ({ ...locks, fenced: async (_block, _token, write) => await write() }) }
  },
  {
    rule: 'no lock held twice, every token higher',
    broken: 'a lock that everybody gets',
    sabotage: {
      locks: (locks) => ({
        ...locks,
        acquire: async (_block, request) =>
          await locks.acquire(
            nothing.map(() => counter.next++),
            request
          )
      })
    }
  },
  {
    rule: 'no two leaders in a term',
    broken: 'a second one that was seen',
    sabotage: {
      async end({ leaders }) {
        for (const seen of leaders.values()) seen.add('somebody else')
        await Promise.resolve()
      }
    }
  },
  {
    rule: 'no acknowledged write is lost',
    broken: 'a disk that says that it has synced, and has not',
    sabotage: { disk: lyingDisk },
    faults: ['crash'],
    nodes: 1
  },
  {
    rule: 'what was written is read',
    broken: 'content that became another one',
    sabotage: {
      end: async (_, { acknowledged, removed }) => {
        acknowledged
          .find(({ content, path }) => content !== undefined && !removed.has(path))
          ?.content?.fill(0)
        await Promise.resolve()
      }
    }
  },
  {
    rule: 'what was written after a revocation never counts',
    broken: 'a revocation that nobody made',
    sabotage: {
      async end(simulation, { owner }) {
        const node = nodeOf(simulation)
        const visitor = await owner.letIn(node)
        const path = '/guests/after-all'
        const { versionId } = await node.files.create(node.files.actor(visitor.principal), path, nothing)
        visitor.written.add(versionId.toHex())
        visitor.putOut = putOutAt(simulation, node)
      }
    }
  },
  {
    rule: 'a former reader opens nothing later',
    broken: 'keys that stay as they were',
    sabotage: {
      async end(simulation, { owner }) {
        const node = nodeOf(simulation)
        const visitor = await owner.letIn(node)
        const { versionId } = await node.files.create(node.owner, '/guests/told', nothing)
        visitor.secrets.add(versionId.toHex())
        visitor.putOut = putOutAt(simulation, node)
      }
    }
  },
  {
    rule: 'who was kept may go on',
    broken: 'a root that takes the rights of a member',
    sabotage: {
      async end(simulation, { owner }) {
        const node = nodeOf(simulation)
        const [cap] = node.tree.authority.capsOf(simulation.principalOf('node-2'))
        if (cap === undefined) throw new Error('the member has no cap')
        await node.sharing.revokeCap(node.files.actor(owner.rootAt(node)), cap.id)
      }
    }
  },
  {
    rule: 'a revocation that was acknowledged holds, or is told to be undone',
    broken: 'a change of the root key that says nothing of what it undid',
    sabotage: { sharing: (sharing) => ({ ...sharing, undoneRevocations: () => [] }) },
    faults: ['root', 'net'],
    hours: 0.1,
    seeds: ['9', '10', '2', '8', '11', '12', '13', '14'] // about every eighth meets it: the first of those that did
  },
  {
    rule: 'a node that went back writes nothing before it has caught up',
    broken: 'a node that does not listen when it is told so',
    sabotage: { replicated: (tree) => careless(tree), end: goBack }
  },
  {
    rule: 'no record is held without a valid chain',
    broken: 'a record that nobody signed',
    sabotage: {
      async end(simulation, { acknowledged }) {
        const node = nodeOf(simulation)
        const id = acknowledged.at(0)?.version ?? nothing
        const record = node.store.readRecord(id)
        if (record === undefined) throw new Error('the first write is not held')
        await node.store.commit({ records: [{ ...record, id: nothing }] })
      }
    }
  }
]

const nothing = new Uint8Array(32)
const counter = { next: 0 }

function nodeOf(simulation: Simulation): SimulatedNode {
  const [node] = simulation.running()
  if (node === undefined) throw new Error('no node runs')
  return node
}

function putOutAt({ time }: Simulation, { identity }: SimulatedNode): Visitor['putOut'] {
  const revoked = { by: identity.name, atMs: time.now(), records: [] }
  return { versionsKnown: new Set(), cap: revoked, grant: revoked }
}

/** A disk is put back, and people write on while its node is told of it and catches up slowly. */
async function goBack(simulation: Simulation, workload: Workload): Promise<void> {
  const { time, hub } = simulation
  const name = 'node-2'
  const change = async (): Promise<void> => {
    const node = simulation.node(name)
    if (node !== undefined) await time.until(workload.changeOnce(node).catch(() => undefined))
  }
  await simulation.keepImage(name)
  for (let count = 0; count < 40; count++) await change()
  await time.advance(10_000)
  for (const other of ['node-1', 'node-3']) hub.setConditions(other, name, { bytesPerSecond: 4000 })
  await simulation.putBack(name)
  for (let step = 0; step < 200; step++) {
    await time.advance(100)
    await change()
  }
}

/** Does not hold its writes, whatever it is told. */
function careless(tree: TreeState): TreeState {
  return new Proxy(tree, {
    get(target, name) {
      if (name === 'setHoldsWrites') return () => Promise.resolve()
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}

/** Private parts of the disk stay with it: what is not listed goes to it. */
function lyingDisk(files: FileSystem): FileSystem {
  return {
    open(path, mode) {
      const file = files.open(path, mode)
      return { ...file, dataSync: () => Promise.resolve() }
    },
    readFile: (path) => files.readFile(path),
    list: (path) => files.list(path),
    makeDirectory: (path) => files.makeDirectory(path),
    rename: (source, target) => files.rename(source, target),
    unlink: (path) => files.unlink(path),
    syncDirectory: (path) => files.syncDirectory(path),
    freeBytes: () => files.freeBytes()
  }
}

describe('an invariant', () => {
  it.each(cases)(
    '"$rule" notices $broken',
    async ({ rule, sabotage, faults = [], nodes = 3, hours = 0.03, seeds = ['1', '2', '3', '4'] }) => {
      const found = new Set<string>()
      for (const seed of seeds) {
        const report = await runSimulation({ seed: `sabotage ${seed}`, nodes, hours, faults, sabotage })
        for (const violation of report.violations) found.add(violation.rule)
        if (found.has(rule)) break
      }
      expect([...found]).toContain(rule)
    }
  )
})
