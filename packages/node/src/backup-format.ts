/**
 * What a backup is made of (doc/spec/13-configuration.md, section 8): the notes around its records, and the numbers of
 * its formats.
 */
import type { CryptoProvider } from '@blocktree/crypto'
import { decodeRecord, type PayloadDescriptor, recordType, type StoredRecord } from '@blocktree/tree'
import type { NodeRecord } from './data-directory.ts'
import type { HeldTree } from './hosted-trees.ts'
import { NodeError } from './node-error.ts'

export const backupMagic: Uint8Array = new TextEncoder().encode('btback\r\n')
export const backupFormat = 1
export const backupFormatHosted = 2 // with trees of other owners, which format 1 does not know
export const backupFormatPublished = 3 // and with what was published, which formats 1 and 2 do not know

/** The first note of a backup: what it is. */
export interface BackupHead {
  readonly format: number
  readonly kind: 'node' | 'path'
  readonly createdMs: number
  readonly node: NodeRecord
  /** Key files by name, base64; of a whole node. */
  readonly keys: Readonly<Record<string, string>>
  /** Names that a person gave to principals, by id. */
  readonly names: Readonly<Record<string, string>>
  /** No fencing token was given above this; of a whole node whose coordinator gave any. */
  readonly tokenFloor?: number
  /** Of a backup of a path in a tree of somebody else. */
  readonly hosted?: HostedHead
}

/** The note before the records of a tree of somebody else. */
export interface HostedHead {
  readonly tree: string
  /** Where in it lies what was shared: paths by block. */
  readonly shared: Readonly<Record<string, string>>
}

/** The last note of each tree: what must have arrived. */
export interface BackupTail {
  readonly records: number
  readonly sectors: number
  /** Root summary of the tree, when nothing was written while the backup was made. */
  readonly digest: string | undefined
}

export interface BackupOptions {
  readonly signal: AbortSignal
  readonly onBytes: (done: number) => void
}

/** undefined while there is nothing yet: a tree of somebody else of which no record has come. */
export async function summarize({
  tree,
  sharing
}: Pick<HeldTree, 'tree' | 'sharing'>): Promise<string | undefined> {
  if (tree.rootBlock === undefined) return undefined
  return Buffer.from((await sharing.rootSummary()).digest).toString('hex')
}

/** Payloads whose sectors are stored by themselves. */
export function payloadsOf(crypto: CryptoProvider, stored: StoredRecord): readonly PayloadDescriptor[] {
  if (stored.type !== recordType.header && stored.type !== recordType.checkpoint) return []
  const record = decodeRecord(crypto, stored.bytes)
  if (record.type === recordType.checkpoint) return [record.body.manifest]
  const isInline = stored.inline !== undefined
  return record.type === recordType.header && record.body.payload !== undefined && !isInline
    ? [record.body.payload]
    : []
}

export function corrupt(file: string, problem: string, cause?: unknown): NodeError {
  return new NodeError(
    'ERR_BACKUP_CORRUPT',
    `"${file}" is no whole backup: ${problem}; nothing of it is relied on`,
    { cause }
  )
}
