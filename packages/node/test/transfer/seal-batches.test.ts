/** Many creations at once over real workers and a real store. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sealingJobsMax } from '../../src/transfer/limits.ts'
import {
  newPrincipal,
  newTransferFixture,
  openTransferFixture,
  type TransferFixture
} from './transfer-fixture.ts'

function contentOf(index: number): Uint8Array {
  return new Uint8Array(1 + ((index * 61) % 4096)).fill(index + 1)
}

async function createAll({ files, actor }: TransferFixture, from: number, to: number): Promise<void> {
  const asked = Array.from({ length: to - from }, (_, at) =>
    files.create(actor, `/d/file-${from + at}`, contentOf(from + at))
  )
  await Promise.all(asked)
}

function expectAll({ files, actor }: TransferFixture, count: number): void {
  for (let index = 0; index < count; index++)
    expect(files.read(actor, `/d/file-${index}`).bytes).toEqual(contentOf(index))
}

/** Counts the batches that were sealed in a worker. */
function watchSealer({ transfer }: TransferFixture): { sealed: number; failed: number } {
  const seen = { sealed: 0, failed: 0 }
  const seal = transfer.sealer.seal.bind(transfer.sealer)
  transfer.sealer.seal = (actor, batch) => {
    const result = seal(actor, batch)
    result?.then(
      () => seen.sealed++,
      () => seen.failed++
    )
    return result
  }
  return seen
}

describe('creations sealed in workers', () => {
  test('are read back, verify, and are there after the node was opened again', async () => {
    await using fixture = await newTransferFixture({ keepKey: true })
    const seen = watchSealer(fixture)
    await fixture.files.makeDirectory(fixture.actor, '/d')
    await createAll(fixture, 0, 1)
    await Promise.all([createAll(fixture, 1, 100), createAll(fixture, 100, 200)])
    expect(seen.failed).toBe(0)
    expect(seen.sealed).toBeGreaterThanOrEqual(6)
    expectAll(fixture, 200)
    expect(await Array.fromAsync(fixture.tree.verifyAll())).toEqual([])
    await fixture.close()
    const again = await openTransferFixture(fixture.directory)
    expectAll(again, 200)
    const report = await again.store.check()
    expect(report.findings).toEqual([])
    await again.close()
  })

  test('are made in place by a key that is closed for export, and when the workers were stopped', async () => {
    await using fixture = await newTransferFixture()
    const seen = watchSealer(fixture)
    await fixture.files.makeDirectory(fixture.actor, '/d')
    await createAll(fixture, 0, 1)
    const { key } = fixture.actor.signer
    const exportSeed = key.exportSeed.bind(key)
    key.exportSeed = () => {
      throw new Error('the key stays where it is')
    }
    await createAll(fixture, 1, 60)
    expect(seen).toEqual({ sealed: 0, failed: 0 })
    key.exportSeed = exportSeed
    const under = createAll(fixture, 60, 120)
    await fixture.transfer.close()
    await under
    expectAll(fixture, 120)
  })

  test('are all told how they ended when their job ends with batches that no worker has begun', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    await fixture.files.makeDirectory(fixture.actor, '/d')
    await createAll(fixture, 0, 1)
    const waiting = createAll(fixture, 1, 400)
    await Promise.resolve() // they are on their way: six batches to the worker, the others in the queue
    const { key } = fixture.actor.signer
    key.exportSeed = () => {
      throw new Error('the key stays where it is')
    }
    await createAll(fixture, 400, 420)
    await waiting
    expectAll(fixture, 420)
  })

  test('a key that was closed before its job began is in the way of no later job', async () => {
    await using fixture = await newTransferFixture({ workers: 2 })
    const { files, transfer } = fixture
    const source = join(fixture.directory, 'source')
    mkdirSync(source)
    writeFileSync(join(source, 'a'), 'content')
    const closed = newPrincipal()
    const actor = files.actor(closed)
    closed.close()
    await expect(transfer.importTree(actor, source, '/closed', {}, {})).rejects.toThrow()
    const report = await transfer.importTree(fixture.actor, source, '/open', {}, {})
    expect([report.files, report.problems]).toEqual([1, []])
  })

  test('are for few signers at a time', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const { files, node, transfer } = fixture
    await files.makeDirectory(fixture.actor, '/d')
    const sealed = Array.from({ length: sealingJobsMax + 1 }, (_, index) => {
      const actor = files.actor(node)
      const target = files.bulkTarget(actor, '/d')
      const file = { name: `file-${index}`, bytes: contentOf(index), modifiedMs: 1 }
      return transfer.sealer.seal(actor, { target, sectorLog2: 17, files: [file] })
    })
    expect(sealed.map((batch) => batch !== undefined)).toEqual([
      ...Array.from({ length: sealingJobsMax }, () => true),
      false
    ])
    for (const batch of sealed) expect((await batch)?.blocks.length ?? 32).toBe(32)
  })
})
