/**
 * Writing a bundle: what another node needs to hold a tree, or the part of it below some paths. For a named recipient
 * only zones that it may read or host go in (A24). Streamed: memory is one frame and a bounded memory of sectors sent.
 * The whole tree, `exportBundle` without a selection, is also what a backup holds (keys are added by who makes one).
 */
import { equalBytes } from '@blocktree/codec'
import {
  type AnyRecord,
  type CheckpointRecord,
  type HeaderRecord,
  type Id,
  type PayloadDescriptor,
  decodeRecord,
  grantTarget,
  listReferences,
  recordType,
  right
} from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import { type FilesContext, zoneOfChildren } from '../files-context.ts'
import { idKey } from '../id-key.ts'
import { LruCache } from '../lru-cache.ts'
import { resolvePath } from '../resolve-path.ts'
import { walkTree } from '../walk-tree.ts'
import { treeId } from '../write-version.ts'
import { type BundleCounts, BundleEncoder, type BundleFrame } from './bundle-frame.ts'
import { waysInto } from './epoch-reach.ts'
import { SupportingRecords } from './supporting-records.ts'
import { liveBlockGrants } from './zone-delivery.ts'
import { allZones } from './zone-tree.ts'

export interface BundleSelection {
  /** Only what lies below these; everything when absent. */
  readonly paths?: readonly string[]
  /** Only what this principal may hold. */
  readonly to?: Id
  /** Older versions too; true when absent. */
  readonly history?: boolean
}

export interface BundleReport extends BundleCounts {
  readonly bytes: number
  /** Sectors that are referenced but not held here. */
  readonly missingSectors: number
}

const sectorsRemembered = 65_536 // references sent; one that is sent twice costs space, not correctness

/** Every record and sector of the tree, for backups: births and records first, each header before its sectors. */
export function collectTree(
  context: FilesContext,
  actor: Actor
): AsyncGenerator<Uint8Array, BundleReport, undefined> {
  return exportBundle(context, actor, {})
}

export async function* exportBundle(
  context: FilesContext,
  actor: Actor,
  selection: BundleSelection = {}
): AsyncGenerator<Uint8Array, BundleReport, undefined> {
  const encoder = new BundleEncoder(context.crypto)
  const source = new BundleSource(context, actor, selection)
  let bytes = 0
  const first = encoder.start(treeId(context))
  bytes += first.length
  yield first
  for await (const frame of source.frames()) {
    const encoded = encoder.frame(frame)
    bytes += encoded.length
    yield encoded
  }
  const last = encoder.end()
  yield last
  return { ...encoder.counts, bytes: bytes + last.length, missingSectors: source.missingSectors }
}

class BundleSource {
  missingSectors = 0
  readonly #context: FilesContext
  readonly #actor: Actor
  readonly #selection: BundleSelection
  readonly #sent = new LruCache<string, true>(sectorsRemembered)
  readonly #allowed = new Map<string, boolean>()
  readonly #afterHeaders: AnyRecord[] = []

  constructor(context: FilesContext, actor: Actor, selection: BundleSelection) {
    this.#context = context
    this.#actor = actor
    this.#selection = selection
  }

  async *frames(): AsyncGenerator<BundleFrame> {
    const { paths, to } = this.#selection
    if (paths === undefined && to === undefined) yield* this.#everything()
    else yield* this.#selected(paths ?? ['/'])
    for (const { bytes } of this.#afterHeaders) yield { kind: 'record', bytes, inline: undefined }
  }

  async *#everything(): AsyncGenerator<BundleFrame> {
    const { tree, store, crypto } = this.#context
    const support = new SupportingRecords(tree.authority)
    for (const zone of allZones(tree.authority)) support.addZone(zone)
    for (const record of tree.authorityRecords()) support.add(record)
    yield* this.#authority(support)
    for await (const { id, type, bytes, inline } of store.records()) {
      if (type !== recordType.header && type !== recordType.receipt) continue
      if (this.#selection.history === false && !this.#isHead(id)) continue
      yield { kind: 'record', bytes, inline }
      if (type !== recordType.header) continue
      const record = decodeRecord(crypto, bytes)
      if (record.type === recordType.header && inline === undefined) yield* this.#sectors(record.body.payload)
    }
  }

  async *#selected(paths: readonly string[]): AsyncGenerator<BundleFrame> {
    const { tree } = this.#context
    const tops = paths.map((path) => resolvePath(this.#context, this.#actor, path))
    const zones = new Map<string, Id>()
    /** Zones of headers that are sent: a header is taken once the epoch that it names is held. */
    const sealing = new Set<string>()
    for (const { block } of tops) {
      await walkTree(this.#context, block, true, {
        enter: (at) => {
          const summary = tree.blockSummary(at)
          if (summary === undefined) return undefined
          for (const zone of [summary.zone, zoneOfChildren(summary)]) zones.set(idKey(zone), zone)
          if (this.#mayHold(at)) sealing.add(idKey(summary.zone))
          return true
        }
      })
    }
    const above = new Map<string, Id>()
    for (const { block } of tops) this.#collectAbove(block, above)
    for (const block of above.values()) {
      const zone = tree.zoneOf(block)
      if (zone !== undefined) sealing.add(idKey(zone))
    }
    yield* this.#authority(this.#supportOf([...zones.values()], sealing))
    for (const block of [...above.values()].toReversed()) yield* this.#winnerOf(block)
    for (const { block } of tops) yield* this.#below(block)
  }

  /** Depth first, as `walkTree`, but as a stream. */
  async *#below(top: Id): AsyncGenerator<BundleFrame> {
    yield* this.#block(top)
    let after: Id | undefined
    for (;;) {
      const page: Id[] = []
      for await (const child of this.#context.tree.children(top, { limit: 256, ...(after && { after }) })) {
        page.push(child.block)
      }
      for (const child of page) yield* this.#below(child)
      after = page.at(-1)
      if (page.length < 256) return
    }
  }

  /** Directories on the way from the root, so that the paths resolve on the other side. */
  #collectAbove(block: Id, above: Map<string, Id>): void {
    let at = this.#context.tree.blockSummary(block)?.shownParent
    while (at !== undefined && !above.has(idKey(at))) {
      above.set(idKey(at), at)
      at = this.#context.tree.blockSummary(at)?.shownParent
    }
  }

  async *#block(block: Id): AsyncGenerator<BundleFrame> {
    if (!this.#mayHold(block)) return
    if (this.#selection.history === false) {
      yield* this.#winnerOf(block)
      return
    }
    const headers: HeaderRecord[] = []
    for await (const { header } of this.#context.tree.history(block)) headers.push(header)
    for (const header of headers.toReversed()) yield* this.#header(header)
  }

  *#winnerOf(block: Id): Generator<BundleFrame> {
    for (const { id } of this.#context.tree.blockSummary(block)?.heads ?? []) {
      const header = this.#context.tree.header(id)
      if (header !== undefined) yield* this.#header(header)
    }
  }

  *#header(header: HeaderRecord): Generator<BundleFrame> {
    const inline = this.#context.tree.inlineOf(header.id)
    yield { kind: 'record', bytes: header.bytes, inline }
    if (inline === undefined) yield* this.#sectors(header.body.payload)
  }

  *#authority(support: SupportingRecords): Generator<BundleFrame> {
    const { records, births } = support
    const tree = records.findIndex(({ type }) => type === recordType.tree)
    for (const record of records.slice(0, tree + 1))
      yield { kind: 'record', bytes: record.bytes, inline: undefined }
    for (const bytes of births) yield { kind: 'birth', bytes }
    for (const record of records.slice(tree + 1)) {
      if (this.#isAboutBlock(record)) {
        this.#afterHeaders.push(record)
        continue
      }
      yield { kind: 'record', bytes: record.bytes, inline: undefined }
      if (record.type === recordType.checkpoint) yield* this.#sectors(record.body.manifest)
    }
  }

  /** Grants of one block rest on its header, so they follow the headers. */
  #isAboutBlock(record: AnyRecord): boolean {
    if (record.type === recordType.grant) return record.body.targetType === grantTarget.block
    if (record.type !== recordType.delivery && record.type !== recordType.grantRevocation) return false
    return this.#context.tree.authority.grant(record.body.grant)?.body.targetType === grantTarget.block
  }

  /** Caps, revocations and successions as a whole, and what belongs to these zones. */
  #supportOf(zones: readonly Id[], sealing: ReadonlySet<string>): SupportingRecords {
    const { authority } = this.#context.tree
    const support = new SupportingRecords(authority)
    const chosen = new Set(zones.filter((zone) => this.#isZoneAllowed(zone)).map(idKey))
    for (const zone of zones) support.addZone(zone)
    for (const record of authority.records()) if (this.#belongs(record, chosen, sealing)) support.add(record)
    return support
  }

  #belongs(record: AnyRecord, zones: ReadonlySet<string>, sealing: ReadonlySet<string>): boolean {
    const { authority } = this.#context.tree
    switch (record.type) {
      case recordType.cap:
      case recordType.revocation:
      case recordType.succession:
        return true
      case recordType.epoch:
        return zones.has(idKey(record.body.zone)) || sealing.has(idKey(record.body.zone))
      case recordType.checkpoint:
        return zones.has(idKey(record.body.zone)) && this.#isNewest(record)
      case recordType.grant:
        return zones.has(idKey(this.#zoneOfTarget(record.body.target)))
      case recordType.delivery:
      case recordType.grantRevocation: {
        const grant = authority.grant(record.body.grant)
        return grant !== undefined && zones.has(idKey(this.#zoneOfTarget(grant.body.target)))
      }
      default:
        return false
    }
  }

  #zoneOfTarget(target: Id): Id {
    const { tree } = this.#context
    return tree.authority.zoneBirth(target) === undefined ? (tree.zoneOf(target) ?? target) : target
  }

  /** Older ones come along as its ancestors, without their manifests being of use. */
  #isNewest(checkpoint: CheckpointRecord): boolean {
    return this.#context.tree.authority.checkpointsAfter(checkpoint.id).length === 0
  }

  *#sectors(payload: PayloadDescriptor | undefined): Generator<BundleFrame> {
    if (payload === undefined || this.#sent.get(idKey(payload.rootHash)) === true) return
    const { store } = this.#context
    const onMissing = (): void => {
      this.missingSectors++
    }
    for (const { hash } of listReferences(payload, (reference) => store.readSector(reference), {
      onMissing
    })) {
      if (this.#sent.get(idKey(hash)) === true) continue
      const bytes = store.readSector(hash)
      if (bytes === undefined) {
        this.missingSectors++
        continue
      }
      this.#sent.set(idKey(hash), true)
      yield { kind: 'sector', reference: hash, bytes }
    }
  }

  #isHead(id: Id): boolean {
    const { tree } = this.#context
    const block = tree.header(id)?.body.block
    return (
      block !== undefined &&
      (tree.blockSummary(block)?.heads.some((head) => equalBytes(head.id, id)) ?? false)
    )
  }

  #mayHold(block: Id): boolean {
    const { to } = this.#selection
    if (to === undefined) return true
    const zone = this.#context.tree.zoneOf(block)
    if (zone === undefined) return false
    if (this.#isZoneAllowed(zone)) return true
    // the header of a zone root is of the zone around it, and the way into this one
    if (this.#context.tree.authority.zoneBirth(block) !== undefined && this.#isZoneAllowed(block)) return true
    return liveBlockGrants(this.#context, block).some(({ body }) => equalBytes(body.recipient, to))
  }

  /** True when the recipient may read, write or host the zone. */
  #isZoneAllowed(zone: Id): boolean {
    const { to } = this.#selection
    if (to === undefined) return true
    const key = idKey(zone)
    const known = this.#allowed.get(key)
    if (known !== undefined) return known
    const allowed = this.#reads(to, zone) || this.#acts(to, zone)
    this.#allowed.set(key, allowed)
    return allowed
  }

  #reads(principal: Id, zone: Id): boolean {
    const { tree } = this.#context
    if (tree.authority.zoneBirth(zone)?.birth.public === true) return true
    const current = tree.currentEpochs(zone)[0]
    if (current === undefined) return false
    return waysInto(tree.authority, current.id).some(({ epoch }) =>
      tree
        .liveGrants(epoch.body.zone)
        .some(({ body }) => body.targetType === grantTarget.zone && equalBytes(body.recipient, principal))
    )
  }

  #acts(principal: Id, zone: Id): boolean {
    const { tree } = this.#context
    return [right.write, right.create, right.host, right.keep, right.admin].some(
      (rights) => tree.capFor(principal, { block: zone, home: zone, rights }) !== undefined
    )
  }
}
