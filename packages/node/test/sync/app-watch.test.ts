/** What an app is told of writes on another node: by the copy of its own, over cuts between the two. */
import { afterEach, describe, expect, test } from 'vitest'
import { systemTimers } from '@blocktree/network'
import { createMemoryNetwork } from '@blocktree/network/memory'
import type { Id } from '@blocktree/tree'
import { createFilePort } from '../../src/apps/file-port.ts'
import { createTimerPort } from '../../src/apps/timer-port.ts'
import { createSpaceGuard } from '../../src/space-guard.ts'
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

function portAt({ held, actor }: DiskNode): ReturnType<typeof createFilePort> {
  return createFilePort({
    files: held.files,
    actor,
    owner: actor,
    space: createSpaceGuard({
      reserveBytes: 0,
      now: () => 0,
      freeBytes: () => 1024 ** 4,
      startTimer: () => () => undefined
    }),
    content: { hold: () => Promise.resolve(() => undefined) },
    timers: createTimerPort()
  })
}

const text = (content: string): Uint8Array => new TextEncoder().encode(content)
const patience = { timeout: 30_000, interval: 10 }

describe('a watch of an app', () => {
  test('tells what another node wrote, each when it can be read, and misses nothing over cuts', async () => {
    const writer = await startDiskNode({ name: 'writes', hub, known })
    nodes.push(writer)
    const principal = newPrincipal()
    await admit(writer, principal)
    const reader = await startDiskNode({ name: 'watches', hub, known, principal, tree: writer.held.id })
    nodes.push(reader)
    await writer.held.files.makeDirectory(writer.actor, '/diary')
    await connect(reader, writer, known)
    await expect.poll(() => reader.held.files.exists(reader.actor, '/diary'), patience).toBe(true)

    const { files } = reader.held
    const seen = new Map<string, string[]>()
    const overruns: unknown[] = []
    const watch = portAt(reader).watch('/diary', { isRecursive: true }, (changes) => {
      if (changes === undefined) overruns.push(changes)
      for (const { path } of changes ?? []) {
        const content = new TextDecoder().decode(files.read(reader.actor, path).bytes)
        seen.set(path, [...(seen.get(path) ?? []), content])
      }
    })
    const write = async (path: string, content: string): Promise<void> => {
      await writer.held.files.create(writer.actor, path, text(content), { replace: true })
    }
    for (let cut = 0; cut < 3; cut++) {
      await write('/diary/log', `${cut}, connected`)
      await expect.poll(() => seen.get('/diary/log')?.at(-1), patience).toBe(`${cut}, connected`)
      for (const connection of [...reader.connections]) await connection.close()
      for (let entry = 0; entry < 5; entry++) await write(`/diary/${cut}-${entry}`, `entry ${entry}`)
      await write('/diary/log', `${cut}, cut`)
      expect(seen.has(`/diary/${cut}-0`)).toBe(false)
      await connect(reader, writer, known)
      await expect.poll(() => seen.get('/diary/log')?.at(-1), patience).toBe(`${cut}, cut`)
      for (let entry = 0; entry < 5; entry++)
        await expect.poll(() => seen.get(`/diary/${cut}-${entry}`), patience).toContain(`entry ${entry}`)
    }
    // in its order: none comes after one that follows it
    const order = [0, 1, 2].flatMap((cut) => [`${cut}, connected`, `${cut}, cut`])
    const log = seen.get('/diary/log') ?? []
    expect(log.map((content) => order.indexOf(content))).toEqual(
      log.map((content) => order.indexOf(content)).toSorted((left, right) => left - right)
    )
    expect(new Set(log).size).toBe(order.length)
    expect(overruns).toEqual([])
    watch.close()
  })
})
