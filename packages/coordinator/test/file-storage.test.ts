import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { FileRaftStorage } from '../src/file-storage.ts'
import { openNodeFiles } from '../src/node-files.ts'
import type { Entry } from '../src/raft/entry.ts'
import { type StoredRaft, nothingStored } from '../src/raft/storage.ts'

const directories: string[] = []

afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true })
})

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'blocktree-coordinator-'))
  directories.push(directory)
  return directory
}

async function reopened(directory: string): Promise<{ storage: FileRaftStorage; stored: StoredRaft }> {
  const storage = new FileRaftStorage(await openNodeFiles(directory))
  return { storage, stored: await storage.load() }
}

function entry(index: number, term = 1): Entry {
  return { index, term, content: { kind: 'command', bytes: new Uint8Array([index % 256, term]) } }
}

const step = { vote: undefined, truncateFrom: undefined, entries: [] }

describe('the storage of a member over files', () => {
  it('is empty at first', async () => {
    const { storage, stored } = await reopened(await newDirectory())
    expect(stored).toEqual(nothingStored)
    await storage.close()
  })

  it('keeps votes, entries and cuts', async () => {
    const directory = await newDirectory()
    const { storage } = await reopened(directory)
    await storage.save({ ...step, vote: { term: 3, vote: 'ann' }, entries: [entry(1), entry(2), entry(3)] })
    await storage.save({ ...step, truncateFrom: 2, entries: [entry(2, 3)] })
    await storage.close()
    const again = await reopened(directory)
    expect(again.stored).toMatchObject({ term: 3, vote: 'ann', entries: [entry(1), entry(2, 3)] })
    await again.storage.close()
  })

  it('replaces everything with a snapshot and goes on after it', async () => {
    const directory = await newDirectory()
    const { storage } = await reopened(directory)
    await storage.save({ ...step, entries: [entry(1), entry(2)] })
    const snapshot = {
      index: 2,
      term: 1,
      membership: { voters: ['ann'], learners: [] },
      state: new Uint8Array([4])
    }
    await storage.replace({ term: 4, vote: undefined, snapshot, entries: [entry(3)] })
    await storage.save({ ...step, entries: [entry(4)] })
    await storage.close()
    const again = await reopened(directory)
    expect(again.stored).toEqual({ term: 4, vote: undefined, snapshot, entries: [entry(3), entry(4)] })
    expect((await readdir(directory)).toSorted()).toEqual(['log-1', 'snapshot'])
    await again.storage.close()
  })

  it('cuts a torn end off at every byte and goes on writing there', async () => {
    const directory = await newDirectory()
    const { storage } = await reopened(directory)
    await storage.save({ ...step, entries: [entry(1), entry(2)] })
    await storage.close()
    const whole = await readFile(join(directory, 'log-0'))
    for (let length = whole.length / 2; length < whole.length; length++) {
      await writeFile(join(directory, 'log-0'), whole.subarray(0, length))
      const again = await reopened(directory)
      expect(again.stored.entries).toEqual([entry(1)])
      await again.storage.save({ ...step, entries: [entry(2, 2)] })
      await again.storage.close()
      const last = await reopened(directory)
      expect(last.stored.entries).toEqual([entry(1), entry(2, 2)])
      await last.storage.close()
    }
  })

  it('refuses a flipped bit with whole frames behind it, and in the snapshot', async () => {
    const directory = await newDirectory()
    const { storage } = await reopened(directory)
    const snapshot = {
      index: 0,
      term: 0,
      membership: { voters: ['ann'], learners: [] },
      state: new Uint8Array(0)
    }
    await storage.replace({ term: 1, vote: 'ann', snapshot, entries: [entry(1), entry(2)] })
    await storage.close()
    for (const name of ['log-1', 'snapshot']) {
      const path = join(directory, name)
      const bytes = await readFile(path)
      const flipped = Uint8Array.from(bytes)
      flipped[10] = (flipped[10] ?? 0) ^ 1
      await writeFile(path, flipped)
      const storageAgain = new FileRaftStorage(await openNodeFiles(directory))
      await expect(storageAgain.load()).rejects.toMatchObject({ code: 'ERR_COORDINATOR_STORAGE_DAMAGED' })
      await storageAgain.close()
      await writeFile(path, bytes)
    }
    const whole = await reopened(directory)
    expect(whole.stored.entries).toHaveLength(2)
    await whole.storage.close()
  })
})
