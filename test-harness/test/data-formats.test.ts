/** Data directories of every released format are opened by the program of today (tools/make-fixture.ts made them). */
import { chmodSync, cpSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { createHarness } from '@blocktree/harness'
import { type NodeMethods, nodeMethodTable } from '@blocktree/node/method-table'
import { decodeText, encodeText } from '../src/text.ts'

const fixtures = fileURLToPath(new URL('../fixtures', import.meta.url))
const passphrase = 'fixture passphrase that is no secret at all'

describe('a data directory of format', () => {
  test.each(readdirSync(fixtures).map((name) => [name.replace('data-format-', ''), name] as const))(
    '%s is opened: content, history, grants and caps are there, and writes go on',
    { timeout: 60_000 },
    async (_, name) => {
      await using harness = createHarness<NodeMethods>({ table: nodeMethodTable })
      const directory = join(harness.directory, name)
      cpSync(join(fixtures, name), directory, { recursive: true })
      keepPrivate(directory)
      const node = harness.prepareNode(name, { directory })
      await node.start()
      const read = async (path: string): Promise<string> =>
        decodeText((await node.call('file.read', { path })).data)
      expect(await read('/letters/first')).toBe('second version')
      expect(await read('/letters/link')).toBe('second version')
      expect(await read('/letters/later')).toBe('after a restart')
      const large = new Uint8Array(60_000).map((_byte, index) => index % 251)
      expect(
        Buffer.compare((await node.call('file.read', { path: '/letters/Ünïcödé 名/large' })).data, large)
      ).toBe(0)
      await expect(read('/letters/gone')).rejects.toMatchObject({ code: 'ERR_FILE_NOT_FOUND' })
      const { versions } = await node.call('file.history', { path: '/letters/first' })
      expect(versions).toHaveLength(2)
      await node.call('file.restore', { path: '/letters/first', version: versions.at(-1)?.versionId ?? '' })
      expect(await read('/letters/first')).toBe('first version')
      expect((await node.call('grant.list', { path: '/letters' })).grants.length).toBeGreaterThan(0)
      expect((await node.call('cap.list', { path: '/letters' })).caps.length).toBeGreaterThan(0)
      await node.call('root.unlock', { passphrase })
      await node.call('file.create', { path: '/letters/new', data: encodeText('by the program of today') })
      expect((await node.call('store.check', {})).problems).toEqual([])
      await node.call('store.check', { rebuildIndex: true })
      expect(await read('/letters/later')).toBe('after a restart')
      expect((await node.stop()).code).toBe(0)
    }
  )
})

/** A checkout gives files the modes of its user, and a node refuses keys that others can read. */
function keepPrivate(directory: string): void {
  chmodSync(directory, 0o700)
  for (const entry of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const path = join(directory, entry)
    chmodSync(path, statSync(path).isDirectory() ? 0o700 : 0o600)
  }
}
