/**
 * The commit of one new file, the most frequent change of all: its rows are known without looking anything up but its
 * directory (./new-file-rows.ts). It says the same as the general way, which takes over wherever a rule asks for more.
 */
import { checkRecord } from './acceptance.ts'
import { homeZone } from './birth.ts'
import type { HeaderTaking } from './header-taking.ts'
import { newFileRows } from './new-file-rows.ts'
import { countWithNewChild } from './placement.ts'
import type { Durability } from './ports.ts'
import type { HeaderRecord, Id } from './records.ts'
import { blockKind, recordType } from './records.ts'
import type { TreeChanges } from './tree-changes.ts'
import type { TreeParts } from './tree-parts.ts'
import type { LocalBatch } from './tree-state.ts'

/** A batch of one record under a fresh id, with the name that nothing else in its directory has. */
interface NewFile {
  readonly header: HeaderRecord
  readonly inline: Uint8Array | undefined
  readonly nameKey: Uint8Array
  readonly directory: Id
}

/** @returns undefined, with nothing done, when the batch has to go the general way */
export function commitNewFile(
  parts: TreeParts,
  deps: { readonly headers: HeaderTaking; readonly changes: TreeChanges },
  batch: LocalBatch,
  options?: { readonly durability?: Durability }
): Promise<void> | undefined {
  const file = newFileOf(batch)
  if (file === undefined) return undefined
  const { header, inline, nameKey, directory } = file
  const { birth, block } = header.body
  if (checkRecord(parts.context, header).verdict !== 'accepted') return undefined
  if (deps.headers.headsWithoutEvaluation(undefined, header) === undefined) return undefined
  const zone = homeZone(birth, block)
  const count = countWithNewChild(parts.held, zone, directory)
  if (count === undefined) return undefined
  const { id, type, bytes } = header
  const { records, headers, blocks, live, conflicts } = deps.changes.counters
  return deps.changes.commit(
    {
      records: [{ id, type, bytes, inline, isNew: true }],
      rows: [...newFileRows(header, { zone, directory, nameKey }), count],
      ...(batch.sectors === undefined ? {} : { sectors: batch.sectors }),
      ...(batch.local === undefined ? {} : { local: batch.local })
    },
    { records: records + 1, headers: headers + 1, blocks: blocks + 1, live: live + 1, conflicts },
    {
      block,
      zone,
      kind: birth.kind,
      change: 'created',
      shownParent: directory,
      shownParentBefore: undefined,
      winner: id
    },
    options
  )
}

function newFileOf({ records }: LocalBatch): NewFile | undefined {
  const [only] = records
  if (only === undefined || records.length !== 1 || only.isNew !== true) return undefined
  const { record, inline, nameKey } = only
  if (record.type !== recordType.header || nameKey === undefined) return undefined
  const { birth, parent, version } = record.body
  if (version !== 1 || parent === undefined || birth.zoneRoot || birth.kind === blockKind.directory)
    return undefined
  return { header: record, inline, nameKey, directory: parent }
}
