import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createWorkerPool } from '../../src/transfer/worker-pool.ts'
import { crypto, newTransferFixture, openTransferFixture, newPrincipal } from './transfer-fixture.ts'
import { expectUnchanged, packFiles } from '../../src/transfer/worker/pack-files.ts'
import { FrameBuffers, FrameOutput } from '../../src/transfer/worker/frame-output.ts'
import { SourceReader, openSource } from '../../src/transfer/worker/seal-source.ts'

function makeMany(directory: string, count: number): string {
  const source = join(directory, 'source')
  for (let index = 0; index < count; index++) {
    const inside = join(source, `d${Math.floor(index / 50)}`)
    if (index % 50 === 0) mkdirSync(inside, { recursive: true })
    writeFileSync(join(inside, `f${index}`), `${index} `.repeat(index % 900))
  }
  return source
}

function partsIn(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.includes('.blocktree-part')
  )
}

function isSame(left: string, right: string): boolean {
  execFileSync('diff', ['-r', left, right])
  return true
}

describe('an interrupted transfer', () => {
  test('stops when it is cancelled and goes on where it ended', async () => {
    await using fixture = await newTransferFixture()
    const { transfer, actor, directory } = fixture
    const source = makeMany(directory, 2000)
    const cut = new AbortController()
    let seen = 0
    const control = {
      signal: cut.signal,
      onProgress: ({ files }: { files: number }): void => {
        seen = files
        if (files > 100) cut.abort(new Error('enough'))
      }
    }
    await expect(transfer.importTree(actor, source, '/many', {}, control)).rejects.toThrow('enough')
    expect(seen).toBeLessThan(2000)
    const rest = await transfer.importTree(actor, source, '/many')
    expect(rest.unchanged).toBeGreaterThan(100)
    expect(rest.files + rest.unchanged).toBe(2000)
    const out = join(directory, 'out')
    const cutExport = new AbortController()
    const exporting = {
      signal: cutExport.signal,
      onProgress: (): void => cutExport.abort(new Error('enough'))
    }
    await transfer.exportTree(actor, '/many', out, {}, exporting).catch((error: unknown) => {
      expect(error).toMatchObject({ message: 'enough' })
    })
    const rewritten = await transfer.exportTree(actor, '/many', out)
    expect(rewritten.problems).toEqual([])
    expect(isSame(source, out)).toBe(true)
    expect(partsIn(out)).toEqual([])
  })

  test('a signal that is aborted already stops it before any work', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const signal = AbortSignal.abort(new Error('never mind'))
    const importing = fixture.transfer.importTree(fixture.actor, fixture.directory, '/x', {}, { signal })
    await expect(importing).rejects.toThrow('never mind')
    expect(fixture.files.exists(fixture.actor, '/x')).toBe(false)
  })

  test(
    'a killed process leaves whole files only, and the next import takes the rest',
    { timeout: 120_000 },
    async () => {
      await using scratch = await newTransferFixture({ workers: 1 })
      const source = makeMany(scratch.directory, 6000)
      const program = new URL('./killed-import.ts', import.meta.url).pathname
      const room = join(scratch.directory, 'killed')
      mkdirSync(room)
      const child = spawn(process.execPath, ['--conditions=source', program, room, source], {
        stdio: ['ignore', 'pipe', 'inherit']
      })
      // it says where its store is, then how many files it has taken
      for await (const chunk of child.stdout) if (String(chunk).includes('taken')) break
      child.kill('SIGKILL')
      await once(child, 'exit')
      const fixture = await openTransferFixture(join(room, 'fixture'))
      try {
        const { transfer, actor, files } = fixture
        const first = await files.list(actor, '/many/d0', { limit: 100 })
        for (const { name, size } of first.entries) {
          expect(files.read(actor, `/many/d0/${name}`).bytes.length).toBe(size)
          expect(size).toBe(readFileSync(join(source, 'd0', name)).length)
        }
        const rest = await transfer.importTree(actor, source, '/many')
        expect(rest.problems).toEqual([])
        expect(rest.files + rest.unchanged).toBe(6000)
        await transfer.exportTree(actor, '/many', join(scratch.directory, 'out'))
        expect(isSame(source, join(scratch.directory, 'out'))).toBe(true)
      } finally {
        await fixture.close()
      }
    }
  )

  test('parts that a killed export left are replaced by the next one', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const { transfer, actor, directory, files } = fixture
    const source = makeMany(directory, 60)
    await transfer.importTree(actor, source, '/many')
    const out = join(directory, 'out')
    mkdirSync(join(out, 'd0'), { recursive: true })
    const { block } = files.stat(actor, '/many/d0/f7')
    writeFileSync(
      join(out, 'd0', `.blocktree-part-${Buffer.from(block.subarray(0, 8)).toString('hex')}`),
      'half'
    )
    await transfer.exportTree(actor, '/many', out)
    expect(isSame(source, out)).toBe(true)
  })

  test('a worker that dies fails its job, and the next job gets a new one', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const pool = createWorkerPool({
      provider: 'native',
      storeDirectory: fixture.directory,
      frameSalt: 1,
      workers: 1
    })
    const hooks = {
      secrets: () => ({ signerId: new Uint8Array(32), signSeed: undefined, nameSecret: undefined }),
      onFrames: () => Promise.resolve(),
      placesOf: () => new Float64Array(0),
      read: () => undefined
    }
    const job = pool.openJob(hooks)
    const former = pool.openJob(hooks)
    expect((await job.run('scan', { path: fixture.directory, followLinks: false })).names).toEqual(['store'])
    former.end()
    former.addEpoch(new Uint8Array(32), new Uint8Array(32)) // of a job that is over: the worker gives up
    await expect(job.run('scan', { path: fixture.directory, followLinks: false })).rejects.toMatchObject({
      code: 'ERR_TRANSFER_WORKER'
    })
    job.end()
    const next = pool.openJob(hooks)
    expect((await next.run('scan', { path: fixture.directory, followLinks: false })).names).toEqual(['store'])
    next.end()
    await pool.close()
  })

  test('stopping the workers fails the transfer, the node lives, and the next transfer works', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const { transfer, actor, directory } = fixture
    const source = makeMany(directory, 300)
    const running = transfer.importTree(actor, source, '/many')
    const failed = expect(running).rejects.toMatchObject({
      code: expect.stringMatching(/ERR_NODE_STOPPING|ERR_TRANSFER_WORKER/)
    })
    await transfer.close() // stops the workers under its feet
    await failed
    expect(await transfer.importTree(actor, source, '/many')).toMatchObject({ problems: [] })
  })
})

describe('a source that changes while it is read', () => {
  test('one that became shorter, longer or newer is noticed', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const path = join(fixture.directory, 'file')
    writeFileSync(path, Buffer.alloc(3_000_000, 7))
    const source = openSource(path, false)
    const id = (): Uint8Array => crypto.random.bytes(32)
    const buffers = new FrameBuffers()
    const output = new FrameOutput({ buffers, salt: 1, send: ({ buffer }) => buffers.give(buffer) })
    const sealing = { crypto, random: crypto.random, block: id(), aead: 1 } as const
    truncateSync(path, 1_000_000)
    const run = { firstLeaf: 0, length: 3_000_000 }
    await expect(new SourceReader().sealRun(source.fd, run, sealing, output)).rejects.toMatchObject({
      code: 'ERR_ENTRY_CHANGED'
    })
    expect(() => expectUnchanged(source)).toThrow('written to')
  })

  test('one that is gone is reported, and the others are taken', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const path = join(fixture.directory, 'source')
    mkdirSync(path)
    writeFileSync(join(path, 'there'), 'there')
    const signer = newPrincipal()
    const id = (): Uint8Array<ArrayBuffer> => new Uint8Array(crypto.random.bytes(32))
    const buffers = new FrameBuffers()
    const output = new FrameOutput({ buffers, salt: 1, send: ({ buffer }) => buffers.give(buffer) })
    const zone = { tree: id(), zone: id(), isPublic: false, cap: id(), rank: 1, epoch: id(), key: id() }
    const result = await packFiles(
      { crypto, signer, nameSecret: id(), zone, output, reader: new SourceReader(), salt: 1 },
      {
        path,
        names: ['gone', 'there'],
        shownNames: [undefined, undefined],
        replaces: new Uint8Array(2),
        isFresh: false,
        followLinks: false,
        target: 1,
        directory: id()
      }
    )
    expect(result.failures).toMatchObject([{ index: 0, code: 'ERR_ENTRY_UNREADABLE' }])
    expect(result.bytes).toBe(5)
  })
})

describe('an actor without rights', () => {
  test('imports and exports nothing', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const { transfer, actor, files, directory, tree } = fixture
    const source = makeMany(directory, 10)
    await transfer.importTree(actor, source, '/many')
    const stranger = newPrincipal()
    await tree.commitLocal({ records: [{ record: stranger.record }] })
    const other = files.actor(stranger)
    await expect(transfer.importTree(other, source, '/many')).rejects.toMatchObject({
      code: 'ERR_ACCESS_DENIED'
    })
    await expect(transfer.importTree(other, source, '/elsewhere')).rejects.toMatchObject({
      code: 'ERR_ACCESS_DENIED'
    })
    const out = join(directory, 'out')
    await expect(transfer.exportTree(other, '/many', out)).rejects.toMatchObject({
      code: 'ERR_ACCESS_DENIED'
    })
    expect(existsSync(out)).toBe(false)
    rmSync(source, { recursive: true })
  })
})
