/**
 * The part of a full check that knows what the index should say: all derived rows are made again from the records, in a
 * scratch index, and compared with the rows that are held. Writes may go on meanwhile: a row counts as wrong when two
 * passes find the same thing wrong with the same bytes.
 */
import { equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { type Actor, type Files, locate, nameKeyFor } from '@blocktree/files'
import type { IndexDriver, IndexStore } from '@blocktree/store'
import {
  type BlockStore,
  type Clock,
  rowProblems,
  type Id,
  type IndexReader,
  nameProblems,
  reindex,
  type RowProblem,
  type StoreBatch,
  type TreeState
} from '@blocktree/tree'

const problemsMax = 1000 // more say nothing new

export interface RowCheckParts {
  readonly store: BlockStore
  readonly tree: TreeState
  readonly files: Files
  readonly crypto: CryptoProvider
  readonly clock: Clock
  /** Whose keys open names. */
  readonly actor: Actor
  /** An index of its own, emptied before use; the caller removes it afterwards. */
  readonly scratch: IndexDriver
}

export async function checkRows(parts: RowCheckParts, signal?: AbortSignal): Promise<readonly RowProblem[]> {
  const found = await onePass(parts, signal)
  if (found.length === 0) return []
  const before = new Map(found.map((row) => [textOf(row), valueText(parts.store.index, row)]))
  const again = await onePass(parts, signal)
  return again.filter(
    (row) => before.has(textOf(row)) && before.get(textOf(row)) === valueText(parts.store.index, row)
  )
}

async function onePass(
  parts: RowCheckParts,
  signal: AbortSignal | undefined
): Promise<readonly RowProblem[]> {
  const { store, tree, files, crypto, clock, actor, scratch } = parts
  await tree.settled()
  const index = await scratch.create()
  const problems: RowProblem[] = []
  const nameKeyOf = (block: Id): Uint8Array | undefined => {
    const located = locate(files.context, block)
    return located === undefined ? undefined : nameKeyFor(files.context, actor, located)
  }
  try {
    const made = new ScratchRows(index)
    const again = await reindex({
      store: scratchStore(store, made),
      crypto,
      clock,
      ...(signal && { signal })
    })
    await again.settled()
    again.close()
    await made.written()
    for (const rows of [
      rowProblems(store.index, made, signal),
      nameProblems(store.index, nameKeyOf, signal)
    ]) {
      for await (const row of rows) {
        if (isPrunedCheckpoint(tree, row)) continue
        problems.push(row)
        if (problems.length >= problemsMax) return problems
      }
    }
    return problems
  } finally {
    await index.close()
  }
}

const completeRow = 'k'.charCodeAt(0)

/** That a checkpoint was complete once cannot be seen any more when entries of it lie below a base and were given up. */
function isPrunedCheckpoint(tree: TreeState, { key }: RowProblem): boolean {
  const checkpoint = key[0] === completeRow ? tree.authority.checkpoint(key.slice(1)) : undefined
  if (checkpoint === undefined) return false
  const seen = new Set<string>()
  const open = tree.bases(checkpoint.body.zone).flatMap(({ body }) => body.prev)
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (equalBytes(id, checkpoint.id)) return true
    if (seen.has(id.toHex())) continue
    seen.add(id.toHex())
    open.push(...(tree.authority.checkpoint(id)?.body.prev ?? []))
  }
  return false
}

/** Rows on their way into the scratch index, seen at once by who reads. */
class ScratchRows implements IndexReader {
  readonly #index: IndexStore
  readonly #waiting = new Map<string, { readonly value: Uint8Array | undefined }>()
  #last: Promise<void> = Promise.resolve()

  constructor(index: IndexStore) {
    this.#index = index
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const waiting = this.#waiting.get(keyText(key))
    return waiting === undefined ? this.#index.get(key) : waiting.value
  }

  async *range(
    options: Parameters<IndexReader['range']>[0]
  ): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
    await this.#last
    yield* this.#index.range(options)
  }

  write(rows: NonNullable<StoreBatch['rows']>): Promise<void> {
    const entries = rows.map(({ key, value }) => [keyText(key), { value }] as const)
    for (const [key, entry] of entries) this.#waiting.set(key, entry)
    const done = this.#index.write(rows).then(() => {
      for (const [key, entry] of entries) if (this.#waiting.get(key) === entry) this.#waiting.delete(key)
    })
    this.#last = Promise.all([this.#last, done]).then(() => undefined)
    return done
  }

  written(): Promise<void> {
    return this.#last
  }
}

/** The records of a store over rows of their own; nothing reaches the store itself. */
function scratchStore(store: BlockStore, rows: ScratchRows): BlockStore {
  return {
    index: rows,
    local: store.local,
    readSector: (reference) => store.readSector(reference),
    hasSector: (reference) => store.hasSector(reference),
    readRecord: (id) => store.readRecord(id),
    hasRecord: (id) => store.hasRecord(id),
    records: () => store.records(),
    commit: ({ rows: derived = [] }) => rows.write(derived),
    flush: () => rows.written(),
    close: async () => undefined
  }
}

function textOf({ key, problem }: RowProblem): string {
  return `${keyText(key)}\n${problem}`
}

function valueText(index: IndexReader, { key }: RowProblem): string | undefined {
  const value = index.get(key)
  return value === undefined ? undefined : keyText(value)
}

function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
}
