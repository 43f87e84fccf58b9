import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expectEqual, expectRefused, expectTrue } from '../expect.ts'
import type { Node, Scenario } from '../scenario.ts'
import { encodeText } from '../text.ts'

const mountBytes = 96 * 1024 * 1024

/** A small file system in memory, to fill up without harm; only root may mount one. */
function mountSmall(directory: string): boolean {
  return (
    spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mountBytes},mode=0700`, 'blocktree-test', directory])
      .status === 0
  )
}

export const diskFull: Scenario = {
  name: 'disk-full',
  summary:
    'A full disk refuses writes with a clear code; reads go on, nothing is lost, and space brings it back',
  missing: () => (process.getuid?.() === 0 ? undefined : 'needs root to mount a small file system'),
  async run({ harness, step, random, report }) {
    const mount = join(harness.directory, 'small-disk')
    mkdirSync(mount)
    await step('a disk of 96 MiB', () => expectTrue(mountSmall(mount), 'a tmpfs can be mounted'))
    try {
      const ballast = join(mount, 'ballast')
      writeFileSync(ballast, new Uint8Array(8 * 1024 * 1024))
      const data = random.bytes(1_000_000)
      const written: string[] = []
      const careful = harness.prepareNode('careful', {
        directory: join(mount, 'data'),
        arguments: ['--space-reserve', '24 MiB', '--segment-bytes', '4 MiB']
      })
      await step('a node that keeps a reserve refuses writes in time', async () => {
        await careful.start()
        await careful.call('file.mkdir', { path: '/files' })
        await expectRefused(
          writeUntilRefused(careful, data, written),
          ['ERR_STORE_FULL'],
          'the write that does not fit'
        )
      })
      await step('it still removes, and what it gives back can be written again', async () => {
        for (const path of written.splice(0, 10)) await careful.call('file.remove', { path })
        const kept = await careful.call('store.gc', {})
        expectEqual(kept.sectorsMissing, 0, 'missing sectors: removed files can still be restored')
        const { bytesFreed } = await careful.call('store.gc', { removed: true })
        report('bytes freed within the reserve', bytesFreed)
        await careful.call('store.compact', {})
        await careful.call('file.create', { path: '/files/again', data })
        written.push('/files/again')
        await expectAllThere(careful, written, data)
        await careful.stop()
      })
      const node = harness.prepareNode('without a reserve', {
        directory: join(mount, 'data'),
        arguments: ['--space-reserve', '0']
      })
      await step('a node without one writes until the disk itself refuses', async () => {
        await node.start()
        await expectRefused(
          writeUntilRefused(node, data, written),
          ['ERR_STORE_FULL'],
          'the write that does not fit'
        )
      })
      report('files before the disk was full', written.length)
      await step('reads go on and the node answers', async () => {
        await expectAllThere(node, written, data)
        await node.call('node.ping', {})
      })
      await step('every byte of the disk is taken by somebody else, and the node is killed', async () => {
        fill(join(mount, 'others'))
        await node.call('file.create', { path: '/files/tiny', data: encodeText('x') }).catch(() => undefined)
        node.kill()
        await node.exit
      })
      await step('with space again it starts, has everything, and writes', async () => {
        rmSync(join(mount, 'others'), { force: true })
        rmSync(ballast)
        await node.start()
        await expectAllThere(node, written, data)
        await node.call('file.create', { path: '/files/after', data: encodeText('room again') })
        expectEqual((await node.call('store.check', {})).problems, [], 'problems')
      })
      await node.stop()
    } finally {
      for (const node of harness.nodes) await node[Symbol.asyncDispose]()
      spawnSync('umount', ['-l', mount])
    }
  }
}

async function writeUntilRefused(node: Node, data: Uint8Array, written: string[]): Promise<void> {
  for (let index = written.length; index * data.length < mountBytes * 2; index++) {
    const path = `/files/${node.name.replaceAll(' ', '-')}-${index}`
    await node.call('file.create', { path, data })
    written.push(path)
  }
}

async function expectAllThere(node: Node, paths: readonly string[], data: Uint8Array): Promise<void> {
  for (const path of paths) {
    const read = await node.call('file.read', { path })
    expectTrue(Buffer.compare(read.data, data) === 0, `${path} is unchanged`)
  }
}

/** Takes what is left of the disk. */
function fill(path: string): void {
  for (let size = 1 << 20; size >= 1; size >>= 1) {
    try {
      for (;;) writeFileSync(path, new Uint8Array(size), { flag: 'a' })
    } catch {
      // no room for this much: try half of it
    }
  }
}
