import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { createHarness } from '../src/harness.ts'
import { waitFor } from '../src/wait-for.ts'

/** What these tests call; the harness itself knows no method. */
interface Methods {
  readonly 'node.ping': Shape<Record<never, never>, { readonly timeMs: number }>
  readonly 'node.status': Shape<Record<never, never>, { readonly treeId: string }>
}
interface Shape<P extends object, R> {
  readonly params: P
  readonly result: R
  readonly stream: 'none'
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function pidOf(node: { readonly pid: number | undefined }): number {
  if (node.pid === undefined) throw new Error('the node does not run')
  return node.pid
}

describe('createHarness', () => {
  test('starts a node in a directory of its own, speaks to it, and leaves nothing behind', async () => {
    const harness = createHarness<Methods>()
    const node = await harness.startNode('alice')
    const pid = pidOf(node)
    expect((await node.call('node.ping', {})).timeMs).toBeGreaterThan(0)
    expect(statSync(node.directory).mode & 0o077).toBe(0)
    await harness.close()
    expect(isAlive(pid)).toBe(false)
    expect(existsSync(harness.directory)).toBe(false)
  })

  test('runs many nodes at once, each with a tree of its own', async () => {
    await using harness = createHarness<Methods>()
    const nodes = await Promise.all(['a', 'b', 'c'].map((name) => harness.startNode(name)))
    const trees = await Promise.all(nodes.map(async (node) => (await node.call('node.status', {})).treeId))
    expect(new Set(trees).size).toBe(3)
  })

  test('leaves the directories when asked to', async () => {
    const harness = createHarness<Methods>({ keep: true })
    try {
      const node = await harness.startNode('kept')
      await harness.close()
      expect(existsSync(node.directory)).toBe(true)
    } finally {
      rmSync(harness.directory, { recursive: true, force: true })
    }
  })

  test('does not remove a directory that it did not make', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'blocktree-harness-own-'))
    try {
      const harness = createHarness<Methods>()
      await harness.startNode('guest', { directory })
      await harness.close()
      expect(existsSync(join(directory, 'node.json'))).toBe(true)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })

  test('takes its nodes and directories along when its own process is killed', async () => {
    const script = fileURLToPath(new URL('abandoned-harness.ts', import.meta.url))
    const child = spawn(process.execPath, ['--conditions=source', script], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    try {
      const { pid, directory } = await firstLine(child.stdout)
      expect(isAlive(pid)).toBe(true)
      child.kill('SIGKILL')
      await waitFor(() => !isAlive(pid), { description: 'the end of the node' })
      await waitFor(() => !existsSync(directory), { description: 'the removal of its directory' })
    } finally {
      child.kill('SIGKILL')
    }
  })
})

async function firstLine(
  stream: NodeJS.ReadableStream
): Promise<{ readonly pid: number; readonly directory: string }> {
  for await (const line of createInterface({ input: stream })) {
    const said: unknown = JSON.parse(line)
    const isWhole = typeof said === 'object' && said !== null && 'pid' in said && 'directory' in said
    if (isWhole && typeof said.pid === 'number' && typeof said.directory === 'string')
      return { pid: said.pid, directory: said.directory }
  }
  throw new Error('the process said nothing')
}

describe('NodeProcess', () => {
  test('stops by itself at the end of its input', async () => {
    await using harness = createHarness<Methods>()
    const node = await harness.startNode('alice')
    expect(await node.stop()).toEqual({ code: 0, signal: null })
    expect(node.isRunning).toBe(false)
    await expect(async () => node.call('node.ping', {})).rejects.toMatchObject({ code: 'ERR_HARNESS_ENDED' })
  })

  test('is the same node after a restart, and after a kill', async () => {
    await using harness = createHarness<Methods>()
    const node = await harness.startNode('alice')
    const before = await node.call('node.status', {})
    const first = node.pid
    await node.restart()
    expect(node.pid).not.toBe(first)
    expect((await node.call('node.status', {})).treeId).toBe(before.treeId)
    node.kill()
    expect((await node.exit).signal).toBe('SIGKILL')
    await node.start()
    expect((await node.call('node.status', {})).treeId).toBe(before.treeId)
  })

  test('answers nothing while it is paused, and everything when it goes on', async () => {
    await using harness = createHarness<Methods>()
    const node = await harness.startNode('alice')
    node.pause()
    let isAnswered = false
    const answer = node.call('node.ping', {}).then(() => {
      isAnswered = true
    })
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(isAnswered).toBe(false)
    node.resume()
    await answer
    expect(isAnswered).toBe(true)
  })

  test('serves further clients over its socket', async () => {
    await using harness = createHarness<Methods>()
    const node = await harness.startNode('alice')
    await using connection = await node.connect()
    expect((await connection.client.call('node.ping', {})).timeMs).toBeGreaterThan(0)
    await node.stop()
    await expect(node.connect()).rejects.toMatchObject({ code: 'ERR_HARNESS_ENDED' })
  })

  test('says with the end of the log why a node did not start', async () => {
    await using harness = createHarness<Methods>()
    const node = harness.prepareNode('wrong', { arguments: ['--no-such-setting', 'x'] })
    await expect(node.start()).rejects.toMatchObject({ code: 'ERR_HARNESS_START' })
    expect(node.isRunning).toBe(false)
  })
})
