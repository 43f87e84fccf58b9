/**
 * From a checkpoint record to an anchor (B.11): its manifest is read as soon as all its sectors are held, its rows are
 * put into the index, and the checkpoint is complete when rows and roots match, every entry is held with its block and
 * zone, and the prev chain is held. Complete once is complete for ever: nothing that is held goes away.
 */
import { equalBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { homeZone } from './birth.ts'
import type { HeldIndex } from './held-index.ts'
import { IdMap } from './id-key.ts'
import { emptyValue, encodeHeads, rowKey, rowPrefix } from './index-rows.ts'
import { ManifestDecoder, type ManifestRow } from './manifest.ts'
import { type OpenChange, journalKey, journalValue } from './open-change.ts'
import { PayloadReader } from './payload-reader.ts'
import type { BlockStore } from './ports.ts'
import type { CheckpointRecord, Id } from './records.ts'
import { TreeError } from './tree-error.ts'
import { HeadsRootBuilder, type ManifestRoots } from './trie.ts'

const chunkBytes = 64 * 1024

interface Progress {
  readonly checkpoint: CheckpointRecord
  /** undefined until the manifest was read. */
  matches: boolean | undefined
  /** The sector for which reading the manifest waits. */
  waitsFor: Id | undefined
  /** Entries that are not held yet: record id and the block that must be its own. */
  missing: readonly { readonly id: Id; readonly block: Id }[]
}

export interface CompletionDeps {
  readonly store: BlockStore
  readonly crypto: CryptoProvider
  readonly held: HeldIndex
}

export class CheckpointCompletion {
  readonly #deps: CompletionDeps
  readonly #change: (work: (open: OpenChange) => void) => Promise<void>
  readonly #watched: IdMap<Progress> = new IdMap()

  constructor(deps: CompletionDeps, change: (work: (open: OpenChange) => void) => Promise<void>) {
    this.#deps = deps
    this.#change = change
  }

  watch(checkpoint: CheckpointRecord): void {
    if (this.#deps.held.isComplete(checkpoint.id) || this.#watched.has(checkpoint.id)) return
    this.#watched.set(checkpoint.id, { checkpoint, matches: undefined, waitsFor: undefined, missing: [] })
  }

  /** True while a checkpoint is not complete. */
  get isWatching(): boolean {
    return this.#watched.size > 0
  }

  /** @returns manifests that were read now, and checkpoints that are complete now, each after its prev */
  async advance(): Promise<{ readonly read: readonly Id[]; readonly complete: readonly CheckpointRecord[] }> {
    const read: Id[] = []
    const complete: CheckpointRecord[] = []
    for (const progress of [...this.#watched.values()].toSorted(bySequence)) {
      const { id } = progress.checkpoint
      if (progress.matches === undefined && (await this.#read(progress))) read.push(id)
      if (progress.matches !== true || !this.#isAllHeld(progress)) continue
      // With a row of the journal: blocks are evaluated after it, and a crash in between must not forget them.
      await this.#change((open) => {
        open.rows.put(rowKey(rowPrefix.complete, id), emptyValue)
        open.rows.put(journalKey({ work: 'authority', record: id }), journalValue('authority'))
      })
      this.#watched.delete(id)
      complete.push(progress.checkpoint)
    }
    return { read, complete }
  }

  #isAllHeld(progress: Progress): boolean {
    const { held } = this.#deps
    if (progress.checkpoint.body.prev.some((prev) => !this.#isPrevHeld(prev))) return false
    const missing = progress.missing.filter(({ id }) => held.header(id) === undefined)
    for (const { id, block } of progress.missing) {
      const header = held.header(id)
      if (header !== undefined && !isEntryOf(header.body, block, progress.checkpoint.body.zone)) {
        progress.matches = false
        return false
      }
    }
    progress.missing = missing
    return missing.length === 0
  }

  #isPrevHeld(prev: Id): boolean {
    const { authority } = this.#deps.held
    const open: Id[] = [prev]
    const seen = new IdMap<true>()
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (seen.has(id) || this.#deps.held.isComplete(id)) continue
      seen.set(id, true)
      const before = authority.checkpoint(id)
      if (before === undefined) return false
      open.push(...before.body.prev)
    }
    return true
  }

  /** @returns false when a sector of the manifest is not held yet */
  async #read(progress: Progress): Promise<boolean> {
    if (progress.waitsFor !== undefined && !this.#deps.store.hasSector(progress.waitsFor)) return false
    const { id, body } = progress.checkpoint
    const roots = new HeadsRootBuilder(this.#deps.crypto)
    const missing: { readonly id: Id; readonly block: Id }[] = []
    let isMalformed = false
    let isWrong = false
    try {
      for (const rows of this.#rows(progress)) {
        for (const row of rows) roots.add(row)
        await this.#change((open) => {
          for (const row of rows) isMalformed = !this.#putRow(open, id, row) || isMalformed
        })
        isWrong = this.#collectMissing(rows, body.zone, missing) || isWrong
      }
    } catch (error) {
      if (!(error instanceof TreeError)) throw error
      if (error.code === 'ERR_SECTOR_MISSING') return false
      isMalformed = true
    }
    if (!isMalformed) this.#deps.held.readable.add(id)
    progress.matches = !isMalformed && !isWrong && isManifestOf(body, roots.finish())
    progress.missing = missing
    return true
  }

  *#rows(progress: Progress): Generator<readonly ManifestRow[]> {
    const { store, crypto } = this.#deps
    const { manifest } = progress.checkpoint.body
    const state = { payload: manifest, size: manifest.size, rootKey: manifest.rootKey }
    const reader = new PayloadReader(crypto, state, {
      readSector: (reference) => {
        const bytes = store.readSector(reference)
        if (bytes === undefined) progress.waitsFor = reference.slice()
        return bytes
      },
      isVerified: true
    })
    const decoder = new ManifestDecoder()
    for (let offset = 0; offset < manifest.size; offset += chunkBytes) {
      yield decoder.push(reader.read(offset, Math.min(chunkBytes, manifest.size - offset)))
    }
    yield decoder.finish()
  }

  /** @returns false when the block stands in another directory of this manifest too */
  #putRow(open: OpenChange, checkpoint: Id, row: ManifestRow): boolean {
    const key = rowKey(rowPrefix.manifest, checkpoint, row.block)
    const heads = encodeHeads(row.heads)
    const value = new Uint8Array(32 + heads.length)
    value.set(row.directory)
    value.set(heads, 32)
    const before = open.rows.get(key)
    if (before !== undefined) return equalBytes(before, value)
    open.rows.put(key, value)
    return true
  }

  /** @returns true when a held entry is of another block or zone */
  #collectMissing(
    rows: readonly ManifestRow[],
    zone: Id,
    missing: { readonly id: Id; readonly block: Id }[]
  ): boolean {
    const { held } = this.#deps
    let isWrong = false
    for (const row of rows) {
      for (const { id } of row.heads) {
        const header = held.header(id)
        if (header === undefined) missing.push({ id, block: row.block })
        else if (!isEntryOf(header.body, row.block, zone)) isWrong = true
      }
    }
    return isWrong
  }
}

function isEntryOf(body: Parameters<typeof homeOf>[0], block: Id, zone: Id): boolean {
  return equalBytes(body.block, block) && equalBytes(homeOf(body), zone)
}

function homeOf(body: { readonly birth: Parameters<typeof homeZone>[0]; readonly block: Id }): Id {
  return homeZone(body.birth, body.block)
}

function bySequence(left: Progress, right: Progress): number {
  return left.checkpoint.body.sequence - right.checkpoint.body.sequence
}

/** The rows give what the checkpoint says of them. */
export function isManifestOf(body: CheckpointRecord['body'], roots: ManifestRoots): boolean {
  const isSame = roots.blocks === body.blocks && roots.graves === body.graves
  return isSame && equalBytes(roots.headsRoot, body.headsRoot) && equalBytes(roots.graveRoot, body.graveRoot)
}
