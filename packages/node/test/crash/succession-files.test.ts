/**
 * The files of a succession: whatever step the process was killed at, the next start leaves the key of the root that the
 * tree names, and a second start changes nothing more. What the tree itself does is in ./long-operations.test.ts.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createPrincipal, type TreeState } from '@blocktree/tree'
import { createKeyFileStorage } from '@blocktree/crypto/key-file-storage'
import { createPrincipalSecret, type KeyStorage } from '@blocktree/crypto'
import { formatId } from '@blocktree/codec'
import { describe, expect, test } from 'vitest'
import { type DataDirectory, dataDirectoryAt } from '../../src/data-directory.ts'
import { createLog } from '../../src/log.ts'
import { completeSuccession, prepareSuccession } from '../../src/succession.ts'
import { temporaryDirectory } from '../temporary-directory.ts'
import { crypto, firstImage, nextProcess, people } from './crash-world.ts'

const log = createLog({ level: 'error', format: 'json', now: () => 0, write: () => undefined })
const passphrase = 'a passphrase for the new root key'
const password = new TextEncoder().encode(passphrase)

interface Place {
  readonly directory: DataDirectory
  readonly keys: KeyStorage
  readonly newRoot: string
  readonly next: string
  readonly root: string
  readonly journal: string
}

/** A former root key, and a new one that was prepared. */
async function prepared(path: string): Promise<Place> {
  const directory = dataDirectoryAt(path)
  mkdirSync(directory.keys, { mode: 0o700 })
  const cost = { memoryKib: 32, passes: 1, parallelism: 1 }
  const keys = createKeyFileStorage({ folder: directory.keys, crypto, cost })
  await keys.create('root', createPrincipalSecret(new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)))
  const before = await keys.list()
  const { newRoot } = await prepareSuccession({ directory, keys, crypto }, passphrase)
  const name = (await keys.list()).find((found) => !before.includes(found)) ?? ''
  const next = join(directory.keys, `${name}.key`)
  const root = join(directory.keys, 'root.key')
  return { directory, keys, newRoot, next, root, journal: join(path, 'succession.json') }
}

/** The tree before the succession, or a view of it in which the new root rules. */
async function treeOf(place: Place, hasSucceeded: boolean): Promise<TreeState> {
  const { tree, sharing, owner } = await nextProcess(await firstImage(), 'succession files')
  if (!hasSucceeded) return tree
  const secret = await place.keys.open(existsSync(place.next) ? nameOf(place.next) : 'root', { password })
  if (secret === undefined) throw new Error('the new root has a key')
  const newRoot = createPrincipal(crypto, secret)
  expect(formatId(newRoot.id)).toBe(place.newRoot)
  await sharing.succeedRoot(owner, { recovery: people.recovery, newRoot })
  return tree
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1, -'.key'.length)
}

async function rootIn({ keys }: Place): Promise<string> {
  const secret = await keys.open('root', { password })
  if (secret === undefined) return 'none'
  const principal = createPrincipal(crypto, secret)
  secret.close()
  return formatId(principal.id)
}

interface Stop {
  readonly where: string
  readonly hasSucceeded: boolean
  readonly lose: (place: Place) => void
  /** Of the journal and the prepared key after the start. */
  readonly isKept: boolean
}

const stops: readonly Stop[] = [
  {
    where: 'the key is made, the journal is not',
    hasSucceeded: false,
    lose: ({ journal }) => rmSync(journal),
    isKept: false
  },
  { where: 'the journal is there', hasSucceeded: false, lose: () => undefined, isKept: true },
  {
    where: 'the journal is there and its key was thrown away',
    hasSucceeded: false,
    lose: ({ next }) => rmSync(next),
    isKept: false
  },
  { where: 'the tree has the new root', hasSucceeded: true, lose: () => undefined, isKept: false },
  {
    where: 'the key was put in its place',
    hasSucceeded: true,
    lose: ({ next, root }) => renameSync(next, root),
    isKept: false
  }
]

describe('completeSuccession after a kill where', () => {
  test.each(stops)('$where', async ({ hasSucceeded, lose, isKept }) => {
    await using temporary = await temporaryDirectory()
    const place = await prepared(temporary.path)
    const { directory, keys, newRoot } = place
    const former = await rootIn(place)
    lose(place)
    const tree = await treeOf(place, hasSucceeded)
    for (const start of ['first', 'second']) {
      await completeSuccession({ directory, keys, tree, log })
      expect(await rootIn(place), start).toBe(hasSucceeded ? newRoot : former)
      expect([existsSync(place.next), existsSync(place.journal)], start).toEqual([isKept, isKept])
    }
  })
})
