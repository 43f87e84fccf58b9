/**
 * One summary of a whole tree: heads of every zone, authority records, and the payload roots of all winners. Two nodes
 * with the same records have the same digest; a restore drill compares it with the one of the original.
 */
import { compareBytes, concatBytes } from '@blocktree/codec'
import { type Id, type PayloadDescriptor, authorityRoot, listReferences, zoneRoots } from '@blocktree/tree'
import { type FilesContext, locate } from '../files-context.ts'
import { treeId } from '../write-version.ts'
import { allZones } from './zone-tree.ts'

export interface ZoneSummary {
  readonly zone: Id
  readonly headsRoot: Uint8Array
  /** Blocks with a head, deleted ones too. */
  readonly blocks: number
  /** Digest over the payload roots of the winners, in order of (parent, block). */
  readonly payloadRoot: Uint8Array
}

export interface RootSummary {
  readonly tree: Id
  readonly zones: readonly ZoneSummary[]
  readonly authorityRoot: Uint8Array
  readonly blocks: number
  /** Over all of the above. */
  readonly digest: Uint8Array
  /** Sectors that winners refer to and that are not held; undefined when not looked for. */
  readonly missingSectors: number | undefined
}

export interface RootSummaryOptions {
  /** `present`: every sector of every winner is looked up; `read`: and compared with its hash. */
  readonly sectors?: 'present' | 'read'
  readonly signal?: AbortSignal
}

export async function rootSummary(
  context: FilesContext,
  options: RootSummaryOptions = {}
): Promise<RootSummary> {
  await context.tree.settled()
  const zones: ZoneSummary[] = []
  let missing = 0
  for (const zone of allZones(context.tree.authority)) {
    options.signal?.throwIfAborted()
    const payloads = await summarizePayloads(context, zone, options)
    missing += payloads.missing
    zones.push({ zone, ...(await zoneRoots(context.tree, context.crypto, zone)), payloadRoot: payloads.root })
  }
  const authority = authorityRoot(context.tree, context.crypto)
  const tree = treeId(context)
  const parts = zones
    .toSorted((left, right) => compareBytes(left.zone, right.zone))
    .flatMap(({ zone, headsRoot, payloadRoot }) => [zone, headsRoot, payloadRoot])
  return {
    tree,
    zones,
    authorityRoot: authority,
    blocks: zones.reduce((sum, { blocks }) => sum + blocks, 0),
    digest: context.crypto.sha256Parts([tree, authority, ...parts]),
    missingSectors: options.sectors === undefined ? undefined : missing
  }
}

async function summarizePayloads(
  context: FilesContext,
  zone: Id,
  options: RootSummaryOptions
): Promise<{ readonly root: Uint8Array; readonly missing: number }> {
  let root: Uint8Array = new Uint8Array(32)
  let missing = 0
  for await (const { block } of context.tree.blocksOfZone(zone)) {
    const header = locate(context, block)?.header
    const payload = header?.body.payload
    if (header === undefined || payload === undefined) continue
    root = context.crypto.sha256(concatBytes(root, block, payload.rootHash))
    if (options.sectors === undefined || context.tree.inlineOf(header.id) !== undefined) continue
    options.signal?.throwIfAborted()
    missing += missingSectors(context, payload, options.sectors)
  }
  return { root, missing }
}

function missingSectors(context: FilesContext, payload: PayloadDescriptor, how: 'present' | 'read'): number {
  const { store } = context
  let missing = 0
  const onMissing = (): void => undefined // a node that is not held was counted as a part
  for (const { hash } of listReferences(payload, (reference) => store.readSector(reference), { onMissing })) {
    const isHeld = how === 'read' ? store.readSector(hash) !== undefined : store.hasSector(hash)
    if (!isHeld) missing++
  }
  return missing
}
