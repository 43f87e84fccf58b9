/** Which locks and numbers are whose: what a node with one directory may name, and what it may not. */
import { createFiles, createTree } from '@blocktree/files'
import { createNativeProvider } from '@blocktree/crypto/native'
import {
  createPrincipal,
  createTreeState,
  type Id,
  issueCap,
  type Principal,
  right,
  scopeType
} from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import { describe, expect, test } from 'vitest'
import { TreeStanding } from '../../src/cluster/tree-standing.ts'
import { lockName } from '../../src/coordinator/lock-name.ts'
import { type LockedTree, mayName, mayVote } from '../../src/coordinator/member-nodes.ts'

const crypto = createNativeProvider()
const clock = { now: () => 1_800_000_000_000 }
const newPrincipal = (): Principal =>
  createPrincipal(crypto, { signSeed: crypto.random.bytes(32), kemSeed: crypto.random.bytes(32) })

interface Scene {
  readonly locked: LockedTree
  readonly blockAt: (path: string) => Id
  /** @returns a new principal with rights over one directory and what is below it */
  readonly admit: (path: string, rights: number) => Promise<Id>
}

/** /mine, /mine/file and /theirs, /theirs/file, both directories zones of their own. */
async function newScene(): Promise<Scene> {
  const store = createMemoryStore()
  const tree = await createTreeState({ store, crypto, clock })
  const [root, node] = [newPrincipal(), newPrincipal()]
  const made = await createTree({ crypto, random: crypto.random, tree }, { root, node })
  const nameSecret = crypto.random.bytes(32)
  const files = createFiles({ tree, store, crypto, random: crypto.random, clock, nameSecret })
  const owner = files.actor(node)
  for (const path of ['/mine', '/theirs']) {
    await files.makeDirectory(owner, path)
    await files.create(owner, `${path}/file`, new Uint8Array([1]))
  }
  const blockAt = (path: string): Id => files.stat(owner, path).block
  return {
    locked: { tree, standing: new TreeStanding(tree, crypto, clock) },
    blockAt,
    async admit(path, rights) {
      const subject = newPrincipal()
      const scopeBirth = tree.zoneBirth(blockAt(path)) ?? made.nodeCap.body.scopeBirth
      const cap = issueCap(
        crypto,
        node,
        {
          tree: made.tree.id,
          rootGeneration: 0,
          subject: subject.id,
          scopeType: scopeType.zone,
          scopeBirth,
          rights,
          depth: 0,
          notBefore: undefined,
          notAfter: undefined,
          quota: undefined,
          nonce: crypto.random.bytes(16)
        },
        { parent: made.nodeCap }
      )
      await tree.commitLocal({ records: [{ record: subject.record }, { record: cap }] })
      return subject.id
    }
  }
}

describe('names of locks', () => {
  test('are all for a node that may keep the whole tree, which has a vote', async () => {
    const { locked, blockAt, admit } = await newScene()
    const node = await admit('/', right.host)
    expect(mayVote(locked, node)).toBe(true)
    for (const path of ['/', '/mine', '/theirs/file'])
      expect(mayName(locked, node, lockName(blockAt(path)))).toBe('allowed')
    expect(mayName(locked, node, 'reset')).toBe('allowed')
  })

  test('are for a node with one directory those of what is in it, and it has no vote', async () => {
    const { locked, blockAt, admit } = await newScene()
    const edge = await admit('/mine', right.host)
    expect(mayVote(locked, edge)).toBe(false)
    for (const path of ['/mine', '/mine/file'])
      expect(mayName(locked, edge, lockName(blockAt(path))), path).toBe('allowed')
    for (const path of ['/', '/theirs', '/theirs/file'])
      expect(mayName(locked, edge, lockName(blockAt(path))), path).toBe('refused')
  })

  test('are for nobody with rights to write alone, nor for a stranger', async () => {
    const { locked, blockAt, admit } = await newScene()
    for (const id of [await admit('/mine', right.write | right.admin), newPrincipal().id])
      expect(mayName(locked, id, lockName(blockAt('/mine/file')))).toBe('refused')
  })

  test('wait for the first version of what is locked, and are refused when no file can have them', async () => {
    const { locked, blockAt, admit } = await newScene()
    const edge = await admit('/mine', right.host)
    expect(mayName(locked, edge, lockName(crypto.random.bytes(32)))).toBe('unknown')
    const name = lockName(blockAt('/mine/file'))
    for (const other of ['reset', `${name}0`, name.toUpperCase(), `x${name}`, `${name}\n`])
      expect(mayName(locked, edge, other), other).toBe('refused')
  })
})
