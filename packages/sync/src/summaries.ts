/**
 * The three summaries of a scope (spec 28, section 4): ids of authority records, ids of receipts, blocks with the tips
 * of their headers. They follow the tree: every record of the first two that is taken marks its place, and so does every
 * row of a block that is written, whatever wrote it. What rows mean besides hangs on the bases in force; a summary that
 * was made under others is made anew.
 */
import { compareBytes, concatBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { type Id, type TakenRecord, type TreeState, recordType } from '@blocktree/tree'
import { type SummarySet, summarySet } from './messages.ts'
import { type Scope, ScopeView, scopeKey } from './scope.ts'
import { Summary } from './summary.ts'
import type { TrieRow } from './trie-node.ts'

/** A row of any summary; `tips` only of blocks. */
export interface SummaryRow extends TrieRow {
  readonly tips: readonly Id[]
  /** Of a block: an ancestor of its tips is not held. */
  readonly incomplete: boolean
}

type Rows = Summary<SummaryRow>

const noBytes = new Uint8Array(0)
const scopesKept = 16 // summaries of so many scopes at a time: 2.4 MB each at a million blocks

/** What a block's leaf commits to: tips, and ancestors that are missing, so that a gap shows as a difference. */
export function tipsValue(
  crypto: CryptoProvider,
  sortedTips: readonly Id[],
  sortedMissing: readonly Id[] = []
): Uint8Array {
  const gap = sortedMissing.length === 0 ? noBytes : gapMark
  return crypto.sha256(concatBytes(...sortedTips, gap, ...sortedMissing))
}

const gapMark = Uint8Array.of(0)

export class ScopeSummaries {
  readonly view: ScopeView
  readonly authority: Rows
  readonly receipts: Rows
  readonly headers: Rows
  readonly #tree: TreeState
  #sorted: { readonly change: number; readonly rows: readonly SummaryRow[] } | undefined

  constructor(tree: TreeState, crypto: CryptoProvider, scope: Scope) {
    this.#tree = tree
    this.view = new ScopeView(tree, crypto, scope)
    this.authority = new Summary(crypto, ({ from, to }) => this.#authorityRows(from, to))
    this.receipts = new Summary(crypto, (range) => this.#receiptRows(range))
    this.headers = new Summary(
      crypto,
      (range) => this.#headerRows(crypto, range),
      () => tree.basesInForce
    )
  }

  of(set: SummarySet): Rows {
    if (set === summarySet.authority) return this.authority
    return set === summarySet.receipts ? this.receipts : this.headers
  }

  take(taken: readonly TakenRecord[]): void {
    for (const { id, type } of taken) {
      if (type === recordType.header) continue
      if (type === recordType.receipt) this.receipts.mark(id)
      // A cap or a birth may bring other records into a part of the tree, or blocks into its zones.
      else if (this.view.isWhole) this.authority.mark(id)
      else this.#forgetPart(type)
    }
  }

  #forgetPart(type: number): void {
    this.authority.forget()
    if (type === recordType.cap) this.headers.forget()
    if (type === recordType.cap) this.receipts.forget()
  }

  /** Kept sorted in memory between changes, as the records themselves are. */
  *#authorityRows(from: Uint8Array, to: Uint8Array | undefined): Generator<SummaryRow> {
    const rows = this.#sortedAuthority()
    for (let at = firstAtOrAfter(rows, from); at < rows.length; at++) {
      const row = rows[at]
      if (row === undefined || (to !== undefined && compareBytes(row.key, to) >= 0)) return
      yield row
    }
  }

  #sortedAuthority(): readonly SummaryRow[] {
    const change = this.#tree.authority.changeCount
    if (this.#sorted?.change === change) return this.#sorted.rows
    const rows: SummaryRow[] = []
    for (const record of this.#tree.authorityRecords()) {
      if (this.view.concerns(record))
        rows.push({ key: record.id, value: noBytes, tips: [], incomplete: false })
    }
    rows.sort((left, right) => compareBytes(left.key, right.key))
    this.#sorted = { change, rows }
    return rows
  }

  async *#receiptRows(range: Parameters<TreeState['receiptIds']>[0]): AsyncGenerator<SummaryRow> {
    for await (const id of this.#tree.receiptIds(range)) {
      if (!this.view.isWhole) {
        const record = this.#tree.record(id)
        if (record === undefined || !this.view.concerns(record)) continue
      }
      yield { key: id, value: noBytes, tips: [], incomplete: false }
    }
  }

  async *#headerRows(
    crypto: CryptoProvider,
    range: Parameters<TreeState['blockTips']>[0]
  ): AsyncGenerator<SummaryRow> {
    const { isWhole } = this.view
    for await (const { block, zone, tips, incomplete } of this.#tree.blockTips(range)) {
      if (tips.length === 0 || (!isWhole && !this.view.hasBlock(block, zone))) continue
      const sorted = tips.length === 1 ? tips : tips.toSorted(compareBytes)
      const missing = incomplete ? this.#tree.missingOf(block) : []
      yield { key: block, value: tipsValue(crypto, sorted, missing), tips: sorted, incomplete }
    }
  }
}

function firstAtOrAfter(rows: readonly SummaryRow[], key: Uint8Array): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const row = rows[middle]
    if (row !== undefined && compareBytes(row.key, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** Summaries by scope, made when first asked for; the least recently used go. */
export class Summaries {
  readonly #tree: TreeState
  readonly #crypto: CryptoProvider
  readonly #scopes: Map<string, ScopeSummaries> = new Map()

  constructor(tree: TreeState, crypto: CryptoProvider) {
    this.#tree = tree
    this.#crypto = crypto
  }

  of(scope: Scope): ScopeSummaries {
    const key = scopeKey(scope)
    const summaries = this.#scopes.get(key) ?? new ScopeSummaries(this.#tree, this.#crypto, scope)
    this.#scopes.delete(key)
    this.#scopes.set(key, summaries)
    if (this.#scopes.size > scopesKept) {
      for (const [oldest, { view }] of this.#scopes) {
        if (view.isWhole) continue // that of the nodes of the owner: nobody else can have it thrown away
        this.#scopes.delete(oldest)
        break
      }
    }
    return summaries
  }

  /** Their rows were written or removed. */
  markBlocks(blocks: readonly Id[]): void {
    for (const { headers } of this.#scopes.values()) for (const block of blocks) headers.mark(block)
  }

  /** @returns set and place of what was kept otherwise than the records say, and is put right now */
  async verify(): Promise<readonly string[]> {
    const wrong: string[] = []
    for (const { authority, receipts, headers } of [...this.#scopes.values()])
      for (const [set, summary] of Object.entries({ authority, receipts, headers }))
        for (const place of await summary.verify(noBytes))
          wrong.push(`${set} ${place.toString(16).padStart(4, '0')}`)
    return wrong
  }

  take(taken: readonly TakenRecord[]): void {
    for (const summaries of this.#scopes.values()) summaries.take(taken)
  }
}
