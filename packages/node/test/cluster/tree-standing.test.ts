import { createTree } from '@blocktree/files'
import { createNativeProvider } from '@blocktree/crypto/native'
import {
  type CapRecord,
  createPrincipal,
  createRevocation,
  createTreeState,
  issueCap,
  type Principal,
  right,
  scopeType,
  type TreeState
} from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import { describe, expect, test } from 'vitest'
import { TreeStanding } from '../../src/cluster/tree-standing.ts'

const crypto = createNativeProvider()
const newPrincipal = (): Principal =>
  createPrincipal(crypto, { signSeed: crypto.random.bytes(32), kemSeed: crypto.random.bytes(32) })

interface Scene {
  readonly tree: TreeState
  readonly root: Principal
  readonly node: Principal
  readonly standing: TreeStanding
  readonly clock: { ms: number }
  readonly give: (to: Principal, rights: number, notAfter?: number) => Promise<CapRecord>
}

async function newScene(): Promise<Scene> {
  const clock = { ms: 1_800_000_000_000 }
  const now = { now: () => clock.ms }
  const tree = await createTreeState({ store: createMemoryStore(), crypto, clock: now })
  const [root, node] = [newPrincipal(), newPrincipal()]
  const made = await createTree({ crypto, random: crypto.random, tree }, { root, node })
  return {
    tree,
    root,
    node,
    clock,
    standing: new TreeStanding(tree, crypto, now),
    async give(to, rights, notAfter) {
      const cap = issueCap(
        crypto,
        node,
        {
          tree: made.tree.id,
          rootGeneration: 0,
          subject: to.id,
          scopeType: scopeType.zone,
          scopeBirth: made.nodeCap.body.scopeBirth,
          rights,
          depth: 0,
          notBefore: undefined,
          notAfter,
          quota: undefined,
          nonce: crypto.random.bytes(16)
        },
        { parent: made.nodeCap }
      )
      await tree.commitLocal({ records: [{ record: to.record }, { record: cap }] })
      return cap
    }
  }
}

describe('TreeStanding', () => {
  test('takes who may host for a member, who may anything else for a peer, and nobody else for anything', async () => {
    const { standing, give, node, root } = await newScene()
    const [host, writer, stranger] = [newPrincipal(), newPrincipal(), newPrincipal()]
    await give(host, right.host)
    await give(writer, right.write)
    expect(standing.standingOf(host.id)).toBe('member')
    expect(standing.standingOf(writer.id)).toBe('peer')
    expect(standing.standingOf(stranger.id)).toBe('stranger')
    expect(standing.standingOf(root.id)).toBe('member')
    const ids = standing.members().map((id) => id.toHex())
    expect(ids.toSorted()).toEqual([node.id.toHex(), host.id.toHex()].toSorted())
  })

  test('forgets a right in the moment in which it is taken back', async () => {
    const { standing, give, tree, root } = await newScene()
    const host = newPrincipal()
    const cap = await give(host, right.host)
    expect(standing.standingOf(host.id)).toBe('member')
    const record = createRevocation(crypto, root, {
      tree: tree.tree ?? new Uint8Array(32),
      target: cap.id,
      by: undefined,
      cuts: [],
      reason: 0
    })
    await tree.commitLocal({ records: [{ record }] })
    expect(standing.standingOf(host.id)).toBe('stranger')
    expect(standing.members().map((id) => id.toHex())).not.toContain(host.id.toHex())
    expect(standing.hadRights(host.id)).toBe(true)
    expect(standing.hadRights(newPrincipal().id)).toBe(false)
    expect(standing.knows([cap.id])).toBe(true) // though it is revoked
    expect(standing.knows([cap.id, crypto.random.bytes(32)])).toBe(false)
  })

  test('sees a cap end by the clock, within a second', async () => {
    const { standing, give, clock } = await newScene()
    const guest = newPrincipal()
    await give(guest, right.host, clock.ms + 60_000)
    expect(standing.standingOf(guest.id)).toBe('member')
    clock.ms += 62_000
    expect(standing.standingOf(guest.id)).toBe('stranger')
  })
})
