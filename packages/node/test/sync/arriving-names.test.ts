/** Names of blocks that are held, whose keys come later than they did. */
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { systemTimers } from '@blocktree/network'
import { createMemoryNetwork } from '@blocktree/network/memory'
import type { Id } from '@blocktree/tree'
import { admit, connect, type DiskNode, newPrincipal, startDiskNode } from './disk-node.ts'

const hub = createMemoryNetwork({ timers: systemTimers, random: Math.random })
const known = new Map<string, Id>()
const nodes: DiskNode[] = []

afterEach(async () => {
  for (const node of nodes.splice(0)) {
    await node.stop()
    node.remove()
  }
})

function isNamed({ held, actor }: DiskNode): boolean {
  return held.files.exists(actor, '/letter.txt')
}

/** Turns one bit of the last byte of a record over, wherever it lies in the log. */
function damage(directory: string, bytes: Uint8Array): void {
  const segments = join(directory, 'segments')
  for (const name of readdirSync(segments)) {
    const content = readFileSync(join(segments, name))
    const at = content.indexOf(bytes)
    if (at < 0) continue
    const last = at + bytes.length - 1
    content[last] = (content[last] ?? 0) ^ 1
    return writeFileSync(join(segments, name), content)
  }
  throw new Error('the record lies in no segment')
}

test('names that no key opened after damage are there when the keys have come again, without a restart', async () => {
  const box = await startDiskNode({ name: 'names-box', hub, known })
  nodes.push(box)
  const principal = newPrincipal()
  const { grant } = await admit(box, principal)
  const options = { name: 'names-laptop', hub, known, principal, tree: box.held.id }
  const before = await startDiskNode(options)
  await box.held.files.create(box.actor, '/letter.txt', new TextEncoder().encode('hello'))
  await connect(before, box, known)
  await expect.poll(() => isNamed(before), { timeout: 15_000 }).toBe(true)
  const record = before.held.store.readRecord(grant.id)
  await before.stop()

  damage(before.directory, record?.bytes ?? new Uint8Array())
  rmSync(join(before.directory, 'index'), { recursive: true })
  const laptop = await startDiskNode({ ...options, directory: before.directory })
  nodes.push(laptop)
  expect(laptop.held.store.recovery.rebuilt).toBeDefined()
  expect(isNamed(laptop)).toBe(false)

  await connect(laptop, box, known)
  await expect.poll(() => isNamed(laptop), { timeout: 15_000 }).toBe(true)
})
