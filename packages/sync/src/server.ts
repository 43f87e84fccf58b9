/**
 * Answers to peers (spec 28, sections 3 to 8). Every request is judged by the caps and grants that its principal has at
 * that moment; what is asked about a tree that is not held, or without any right, gets one and the same refusal.
 */
import { CodecError } from '@blocktree/codec'
import { TokenBucket } from '@blocktree/network'
import {
  type AnyRecord,
  type HeaderRecord,
  type Id,
  type ReceiptRecord,
  coverage,
  createReceipt,
  decodeRecord,
  durabilityClass,
  homeZone,
  recordType
} from '@blocktree/tree'
import { packFrames, partLength } from './byte-stream.ts'
import type { Claim } from './content-keeper.ts'
import type { ChangeFeed } from './change-feed.ts'
import {
  answersBurst,
  answersPerSecond,
  leavesPerNodeMax,
  nodesAnswerBytesMax,
  receiptIdsWaitingMax,
  receiptsWaitingMax,
  requestsBurst,
  requestsPerSecond,
  scopesBurst,
  scopesPerMinute,
  streamsMax,
  summaryCost,
  tipsPerBlockMax
} from './limits.ts'
import {
  type Ask,
  type HeadersAsk,
  type NodesAsk,
  type ReceiptAsk,
  type RecordsAsk,
  type SectorsAsk,
  type SeenAsk,
  type ToldNode,
  decodeChallengeAsk,
  decodeHeadersAsk,
  decodeNodesAsk,
  decodeOpen,
  decodeReceiptAsk,
  decodeRecordsAsk,
  decodeSectorsAsk,
  decodeSeenAsk,
  decodeWatchAsk,
  encodeNodesAnswer,
  encodeOpenAnswer,
  encodeReceiptAnswer,
  encodeSeenAnswer,
  encodeStreamed,
  encodeToldChange,
  summarySet
} from './messages.ts'
import { type PartMemories, PartSender } from './part-sender.ts'
import { partsOf, payloadOf } from './payload-parts.ts'
import type { SyncPorts } from './ports.ts'
import { inOrder, zonesOf } from './record-order.ts'
import { type PeerRights, type Scope, type ScopeView, scopeKey } from './scope.ts'
import type { Summaries, SummaryRow } from './summaries.ts'
import { SyncError } from './sync-error.ts'
import { type TriePath, childPath, isBelow, rangeOfPath } from './trie-node.ts'

export interface ServerDeps {
  readonly ports: SyncPorts
  readonly rights: PeerRights
  readonly summaries: Summaries
  readonly feed: ChangeFeed
  /** Bytes of sectors a second, to all peers together. */
  readonly upload: TokenBucket
  /** What this node says about a version that is held. */
  readonly claimOf: (header: HeaderRecord) => Claim
  /** Resolves when something was stored, or after a while. */
  readonly progress: (signal: AbortSignal) => Promise<void>
  /** A peer says that this node gave it versions that are not held here. */
  readonly wentBack: (principal: Id, lacking: readonly Id[], scope: Scope) => void
  /** What streams of parts are read to. */
  readonly partMemories: PartMemories
  /** Waits without keeping anything alive. */
  readonly sleep: (milliseconds: number) => Promise<void>
}

const receiptsAtOnce = 1024
const ownersKept = 16 // payloads whose parts are remembered for one peer with a part of the tree

/** Answers one peer. */
export class SyncServer {
  readonly #deps: ServerDeps
  readonly #principal: Id
  readonly #requests: TokenBucket
  /** Bytes of answers that had to be worked out. */
  readonly #answers: TokenBucket
  readonly #scopes: TokenBucket
  /** Of which summaries were made for this peer. */
  readonly #knownScopes: Set<string> = new Set()
  #turn: Promise<unknown> = Promise.resolve()
  #streams = 0
  #receiptsWaiting = 0
  #idsWaiting = 0
  readonly #parts: Map<string, ReadonlySet<string>> = new Map()
  /** The peer was told that it has no right; it does not ask again for a while. */
  hasRefused = false

  constructor(deps: ServerDeps, principal: Id) {
    this.#deps = deps
    this.#principal = principal
    const now = deps.ports.pace.now()
    this.#requests = new TokenBucket(requestsPerSecond, requestsBurst, now)
    this.#answers = new TokenBucket(answersPerSecond, answersBurst, now)
    this.#scopes = new TokenBucket(scopesPerMinute / 60, scopesBurst, now)
  }

  /** @throws SyncError; the method is one of page 28 without its `sync.` */
  async request(method: string, body: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    this.#assertAllowed()
    switch (method) {
      case 'open':
        return this.#inTurn(signal, () => this.#open(wellFormed(() => decodeOpen(body))))
      case 'nodes':
        return this.#inTurn(signal, () => this.#nodes(wellFormed(() => decodeNodesAsk(body))))
      case 'receipt':
        return this.#receipt(
          wellFormed(() => decodeReceiptAsk(body)),
          signal
        )
      case 'seen':
        return this.#seen(wellFormed(() => decodeSeenAsk(body)))
      case 'challenge':
        return this.#inTurn(signal, () => this.#challenge(body))
      default:
        throw new SyncError('ERR_SYNC_MALFORMED', `there is no request sync.${method}`)
    }
  }

  stream(method: string, head: Uint8Array, signal: AbortSignal): AsyncIterable<Uint8Array> {
    this.#assertAllowed()
    return this.#counted(() => this.#chunks(method, head, signal))
  }

  #chunks(method: string, head: Uint8Array, signal: AbortSignal): AsyncIterable<Uint8Array> {
    switch (method) {
      case 'records': {
        const ask = wellFormed(() => decodeRecordsAsk(head))
        return this.#whileAllowed(ask, packFrames(this.#records(ask, this.#viewOf(ask))))
      }
      case 'headers': {
        const ask = wellFormed(() => decodeHeadersAsk(head))
        return this.#whileAllowed(ask, packFrames(this.#headers(ask, this.#viewOf(ask), signal)))
      }
      case 'sectors': {
        const ask = wellFormed(() => decodeSectorsAsk(head))
        return this.#whileAllowed(ask, this.#sectors(ask, this.#viewOf(ask), signal))
      }
      case 'watch': {
        const ask = wellFormed(() => decodeWatchAsk(head))
        return this.#watch(ask, signal)
      }
      default:
        throw new SyncError('ERR_SYNC_MALFORMED', `there is no stream sync.${method}`)
    }
  }

  async *#counted(open: () => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    if (this.#streams >= streamsMax)
      throw new SyncError('ERR_SYNC_BUSY', `${streamsMax} streams of this tree are under way`)
    this.#streams++
    try {
      yield* open()
    } finally {
      this.#streams--
    }
  }

  /**
   * What has to be worked out is worked out one after another, and everybody else gets a turn in between: many questions
   * at once make their asker wait, and nobody else.
   */
  async #inTurn(signal: AbortSignal, work: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const turn = this.#turn.then(async () => {
      await this.#deps.sleep(0)
      if (signal.aborted) throw new SyncError('ERR_SYNC_BUSY', 'the request was given up before its turn')
      if (!this.#answers.take(1, this.#now))
        throw new SyncError('ERR_SYNC_BUSY', 'more summaries and proofs than are worked out for one peer')
      const answer = await work()
      this.#answers.borrow(answer.length * summaryCost, this.#now)
      this.#assertAllowed(0) // rights may have ended meanwhile
      return answer
    })
    this.#turn = turn.catch(() => undefined)
    return await turn
  }

  /** A right that ends while a stream is under way ends the stream: nothing is sent after it but what was sent before. */
  async *#whileAllowed(ask: Ask, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      if (!this.#deps.rights.mayRead(this.#principal, ask.scope)) throw this.#forbid()
      yield chunk
    }
  }

  get #now(): number {
    return this.#deps.ports.pace.now()
  }

  /** One answer for a tree that is not here and for a stranger: neither learns which. */
  #forbid(): SyncError {
    this.hasRefused = true
    return new SyncError('ERR_SYNC_FORBIDDEN', 'nothing of this tree is given to this principal')
  }

  /** Before anything is read: nobody without a right costs more than this. */
  #assertAllowed(cost = 1): void {
    if (this.#deps.rights.scopeOf(this.#principal).length === 0) throw this.#forbid()
    if (this.#requests.take(cost, this.#now)) return
    throw new SyncError('ERR_SYNC_BUSY', `more than ${requestsPerSecond} requests a second; slow down`)
  }

  /** A summary of a scope that was not asked about before costs a look at everything that is held. */
  #assertScope(scope: Scope): void {
    const key = scopeKey(scope)
    if (this.#knownScopes.has(key)) return
    if (!this.#scopes.take(1, this.#now))
      throw new SyncError('ERR_SYNC_BUSY', `more than ${scopesPerMinute} other scopes a minute; later`)
    if (this.#knownScopes.size >= scopesBurst) this.#knownScopes.clear()
    this.#knownScopes.add(key)
  }

  #viewOf({ tree, scope }: Ask): ScopeView {
    const { ports, rights, summaries } = this.#deps
    const held = ports.tree.tree
    if (held === undefined || held.toHex() !== tree.toHex() || !rights.mayRead(this.#principal, scope))
      throw this.#forbid()
    this.#assertScope(scope)
    return summaries.of(scope).view
  }

  async #open(ask: Ask): Promise<Uint8Array> {
    const { ports, rights, summaries } = this.#deps
    if (ports.tree.tree?.toHex() !== ask.tree.toHex()) throw this.#forbid()
    const allowed = rights.scopeOf(this.#principal)
    const scope =
      ask.scope.length === 0 ? allowed : ask.scope.filter((id) => rights.mayRead(this.#principal, [id]))
    if (scope.length === 0) throw this.#forbid()
    this.hasRefused = false
    this.#assertScope(scope)
    const { authority, receipts, headers } = summaries.of(scope)
    const top = new Uint8Array(0)
    return encodeOpenAnswer({
      scope,
      roots: [await authority.node(top), await receipts.node(top), await headers.node(top)]
    })
  }

  /** Which of the versions that this node gave the peer before are not held here any more. */
  #seen(ask: SeenAsk): Uint8Array {
    this.#viewOf(ask)
    const lacking = ask.ids.filter((id) => !this.#deps.ports.store.hasRecord(id))
    if (lacking.length > 0) this.#deps.wentBack(this.#principal, lacking, ask.scope)
    return encodeSeenAnswer(lacking)
  }

  async #nodes(ask: NodesAsk): Promise<Uint8Array> {
    this.#viewOf(ask)
    const summary = this.#deps.summaries.of(ask.scope).of(ask.set)
    const told: ToldNode[] = []
    let bytes = 0
    const tell = async (path: TriePath, count: number | undefined): Promise<ToldNode | undefined> => {
      if (bytes >= nodesAnswerBytesMax) return undefined
      const known = count ?? (await summary.node(path)).count
      const node: ToldNode =
        known <= leavesPerNodeMax || path.length >= 63
          ? { path, kind: 'rows', rows: toldRows(await summary.rows(path)) }
          : { path, kind: 'inner', children: await summary.children(path) }
      bytes += bytesOf(node)
      told.push(node)
      return node
    }
    for (const path of ask.paths) {
      const node = await tell(path, undefined)
      if (node?.kind !== 'inner' || ask.levels === 1) continue
      for (const [nibble, child] of node.children.entries()) {
        if (child.count > leavesPerNodeMax) await tell(childPath(path, nibble), child.count)
      }
    }
    return encodeNodesAnswer(told)
  }

  async *#records(ask: RecordsAsk, view: ScopeView): AsyncGenerator<Uint8Array> {
    const { tree, store } = this.#deps.ports
    const births = new BirthSender(this.#deps)
    const ids = [...ask.ids]
    const summary = this.#deps.summaries.of(ask.scope).of(ask.set)
    if (ask.set !== summarySet.headers) {
      for (const path of ask.paths) for (const { key } of await summary.rows(path)) ids.push(key)
    }
    // receipts rest on nothing of one another: not all of them have to be in memory at once
    const piece = ask.set === summarySet.receipts ? receiptsAtOnce : ids.length
    for (let at = 0; at < ids.length; at += piece) {
      const records: AnyRecord[] = []
      for (const id of ids.slice(at, at + piece)) {
        const record = tree.record(id)
        if (record !== undefined && isWithin(view, record)) records.push(record)
      }
      for (const record of inOrder(tree.authority, records)) {
        for (const zone of zonesOf(record)) yield* births.before(zone)
        const inline = record.type === recordType.header ? store.readRecord(record.id)?.inline : undefined
        yield encodeStreamed({ kind: 'record', bytes: record.bytes, inline })
      }
    }
  }

  async *#headers(ask: HeadersAsk, view: ScopeView, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { tree } = this.#deps.ports
    const births = new BirthSender(this.#deps)
    for (const path of ask.paths) {
      for await (const { block, zone, tips } of tree.blockTips(rangeOfPath(path))) {
        if (signal.aborted) return
        if (!isBelow(block, path) || !view.hasBlock(block, zone)) continue
        yield* births.before(zone)
        yield* this.#versions(block, tips, new Set())
      }
    }
    for (const { block, have } of ask.blocks) {
      if (signal.aborted) return
      // Also of one that is buried and left out of the summary: its removal settles what the asker has of it.
      const zone = tree.zoneOf(block)
      if (zone === undefined || !view.hasBlock(block, zone)) continue
      yield* births.before(zone)
      const ids = tree.headersOf(block).map(({ id }) => id)
      yield* this.#versions(block, ids, new Set(have.map((id) => id.toHex())))
    }
  }

  /** Held headers from these tips down to what the asker holds, ancestors first. */
  *#versions(block: Id, tips: readonly Id[], have: ReadonlySet<string>): Generator<Uint8Array> {
    const { store, crypto } = this.#deps.ports
    const read = (id: Id): { readonly header: HeaderRecord; readonly frame: Uint8Array } | undefined => {
      const stored = store.readRecord(id)
      if (stored === undefined) return undefined
      const record = decodeRecord(crypto, stored.bytes)
      if (record.type !== recordType.header || record.body.block.toHex() !== block.toHex()) return undefined
      return {
        header: record,
        frame: encodeStreamed({ kind: 'record', bytes: stored.bytes, inline: stored.inline })
      }
    }
    const done = new Set(have)
    const open: { readonly id: Id; frame: Uint8Array | undefined }[] = tips.map((id) => ({
      id,
      frame: undefined
    }))
    for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
      const key = last.id.toHex()
      if (last.frame !== undefined || done.has(key)) {
        open.pop()
        if (last.frame !== undefined) yield last.frame
        continue
      }
      done.add(key)
      const found = read(last.id)
      if (found === undefined) {
        open.pop()
        continue
      }
      last.frame = found.frame
      for (const prev of found.header.body.prev)
        if (!done.has(prev.toHex())) open.push({ id: prev, frame: undefined })
    }
  }

  async *#sectors(ask: SectorsAsk, view: ScopeView, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { upload, sleep, partMemories } = this.#deps
    const memory = partMemories.take()
    const sender = new PartSender(memory)
    try {
      for (const { owner, references } of ask.owners) {
        const mayHave = this.#partsFor(owner, view)
        for (const reference of references) {
          if (signal.aborted) return
          const bytes = mayHave(reference) ? this.#readSector(owner, reference, memory.part) : undefined
          const wait = upload.borrow(bytes?.length ?? 0, this.#now)
          if (wait > 0) await sleep(wait)
          for (const chunk of sender.add(bytes)) yield chunk
        }
      }
      for (const chunk of sender.rest()) yield chunk
    } finally {
      partMemories.giveBack(memory)
    }
  }

  /** @param into memory that may be read to, and of which a view may be returned */
  #readSector(owner: Id, reference: Id, into?: Uint8Array): Uint8Array | undefined {
    const { store, tree } = this.#deps.ports
    try {
      const bytes = store.readSector(reference, 'checksum', into) // the peer compares the hash
      if (bytes !== undefined) return bytes
    } catch {
      return undefined // damaged here: somebody else has it
    }
    const payload = payloadOf(tree.record(owner))
    return payload?.rootHash.toHex() === reference.toHex() ? store.readRecord(owner)?.inline : undefined
  }

  /** A peer with the whole tree may have any sector; others only those of records in their scope (A24). */
  #partsFor(owner: Id, view: ScopeView): (reference: Id) => boolean {
    if (view.isWhole) return () => true
    const key = owner.toHex()
    let parts = this.#parts.get(key)
    if (parts === undefined) {
      const { tree, store } = this.#deps.ports
      const record = tree.record(owner)
      const payload = record !== undefined && isWithin(view, record) ? payloadOf(record) : undefined
      parts = new Set(payload === undefined ? [] : partsOf(store, payload).map((id) => id.toHex()))
      if (this.#parts.size >= ownersKept) this.#parts.clear()
      this.#parts.set(key, parts)
    } else if (!isWithin(view, this.#deps.ports.tree.record(owner))) return () => false
    const known = parts
    return (reference) => known.has(reference.toHex())
  }

  async #receipt(ask: ReceiptAsk, signal: AbortSignal): Promise<Uint8Array> {
    const view = this.#viewOf(ask)
    const { ports } = this.#deps
    const signer = ports.self.signer()
    const promise = ports.self.promiseCap(ask.zone)
    if (signer === undefined || promise === undefined || !view.hasZone(ask.zone))
      throw new SyncError('ERR_SYNC_NOT_HELD', 'this node makes no promise about that zone')
    let missing = this.#missingFor(ask)
    if (this.#isComing(ask, missing)) missing = await this.#untilHeld(ask, missing, signal)
    const absent = new Set(missing.map((id) => id.toHex()))
    const held = ask.records.filter((id) => !absent.has(id.toHex()))
    if (held.length === 0) return encodeReceiptAnswer({ receipt: undefined, missing })
    await ports.store.flush() // a promise is about the disk
    const receipt: ReceiptRecord = createReceipt(ports.crypto, signer, {
      tree: ask.tree,
      zone: ask.zone,
      records: held.toSorted((left, right) => (left.toHex() < right.toHex() ? -1 : 1)),
      coverage: ask.coverage === 1 ? coverage.header : coverage.payload,
      durability: durabilityClass.group,
      timeMs: ports.clock.now(),
      keepUntilMs: undefined,
      term: undefined,
      fence: undefined,
      challenge: undefined,
      cap: promise.cap
    })
    return encodeReceiptAnswer({ receipt: receipt.bytes, missing })
  }

  /** One of those that are missing may still come, and the asker waits for it. */
  #isComing({ coverage: wanted }: ReceiptAsk, missing: readonly Id[]): boolean {
    if (wanted === 3) return false
    return missing.some((id) => {
      const record = this.#deps.ports.tree.record(id)
      return record?.type !== recordType.header || this.#deps.claimOf(record) !== 'no'
    })
  }

  /** Waits for what is missing, as long as the peer does. @returns what is missing still */
  async #untilHeld(ask: ReceiptAsk, absent: readonly Id[], signal: AbortSignal): Promise<readonly Id[]> {
    const count = absent.length
    if (this.#receiptsWaiting >= receiptsWaitingMax || this.#idsWaiting + count > receiptIdsWaitingMax)
      throw new SyncError('ERR_SYNC_BUSY', `${this.#receiptsWaiting} requests for a receipt wait already`)
    this.#receiptsWaiting++
    this.#idsWaiting += count
    try {
      let missing = absent
      while (!signal.aborted && this.#isComing(ask, missing)) {
        await this.#deps.progress(signal)
        this.#viewOf(ask) // rights may have ended meanwhile
        missing = this.#missingFor({ ...ask, records: missing })
      }
      return this.#missingFor(ask) // what was held may have been let go
    } finally {
      this.#receiptsWaiting--
      this.#idsWaiting -= count
    }
  }

  #missingFor({ zone, records, coverage: wanted }: ReceiptAsk): readonly Id[] {
    const { tree } = this.#deps.ports
    return records.filter((id) => {
      const record = tree.record(id)
      if (record?.type !== recordType.header) return record === undefined
      if (homeZone(record.body.birth, record.body.block).toHex() !== zone.toHex()) return true
      return wanted !== 1 && this.#deps.claimOf(record) !== 'kept'
    })
  }

  #challenge(body: Uint8Array): Promise<Uint8Array> {
    const ask = wellFormed(() => decodeChallengeAsk(body))
    const mayHave = this.#partsFor(ask.owner, this.#viewOf(ask))
    const { crypto } = this.#deps.ports
    const parts: Uint8Array[] = [ask.nonce]
    for (const reference of ask.references) {
      const bytes = mayHave(reference) ? this.#readSector(ask.owner, reference) : undefined
      if (bytes === undefined || crypto.sha256(bytes).toHex() !== reference.toHex())
        throw new SyncError('ERR_SYNC_NOT_HELD', 'a sector of the challenge is not held here, or is damaged')
      parts.push(bytes)
    }
    const size = parts.reduce((sum, { length }) => sum + length, 0)
    this.#answers.borrow(size, this.#now)
    return Promise.resolve(crypto.sha256(joined(parts, size)))
  }

  #watch(ask: ReturnType<typeof decodeWatchAsk>, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const { feed } = this.#deps
    const changes = feed.watch(this.#viewOf(ask), ask.token, signal)
    const viewOf = (): ScopeView => this.#viewOf(ask)
    async function* frames(): AsyncGenerator<Uint8Array> {
      for await (const change of changes) {
        viewOf() // rights may have ended since the watch began
        const frame = encodeToldChange(change)
        yield joined([partLength(frame.length), frame], frame.length + 4)
      }
    }
    return frames()
  }
}

/** Sends the births of a zone and of the zones around it, each once, before what rests on them. */
class BirthSender {
  readonly #deps: ServerDeps
  readonly #sent: Set<string> = new Set()

  constructor(deps: ServerDeps) {
    this.#deps = deps
  }

  *before(zone: Id): Generator<Uint8Array> {
    for (const bytes of birthsAround(this.#deps.ports, zone, this.#sent))
      yield encodeStreamed({ kind: 'birth', bytes })
  }
}

/** Births of a zone and of those around it that are not in `sent` yet, outermost first. */
export function birthsAround(
  ports: Pick<SyncPorts, 'tree'>,
  zone: Id,
  sent: Set<string>
): readonly Uint8Array[] {
  const births: Uint8Array[] = []
  let next: Id | undefined = zone
  while (next !== undefined && !sent.has(next.toHex())) {
    sent.add(next.toHex())
    const birth = ports.tree.authority.zoneBirth(next)
    if (birth === undefined) break
    births.push(birth.bytes)
    next = birth.birth.zone
  }
  return births.toReversed()
}

function isWithin(view: ScopeView, record: AnyRecord | undefined): boolean {
  if (record === undefined) return false
  if (record.type !== recordType.header) return view.concerns(record)
  return view.hasBlock(record.body.block, homeZone(record.body.birth, record.body.block))
}

function toldRows(
  rows: readonly SummaryRow[]
): readonly { readonly key: Id; readonly tips: readonly Id[] }[] {
  return rows.map(({ key, tips }) => ({ key, tips: tips.slice(0, tipsPerBlockMax) }))
}

function bytesOf(node: ToldNode): number {
  if (node.kind === 'inner') return 80 + 16 * 36
  return node.rows.reduce((sum, { tips }) => sum + 40 + tips.length * 32, 80)
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const [only] = parts
  if (parts.length === 1 && only !== undefined) return only
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}

function wellFormed<Message>(decode: () => Message): Message {
  try {
    return decode()
  } catch (error) {
    if (!(error instanceof CodecError)) throw error
    throw new SyncError('ERR_SYNC_MALFORMED', `the message is not what it should be: ${error.message}`)
  }
}
