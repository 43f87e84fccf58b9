/** From what files and tree say to what travels: identifiers as text, absent fields left out. */
import { formatId, parseId } from '@blocktree/codec'
import type { Actor, Entry, Files, MetadataChange, MoveReply, WriteReply } from '@blocktree/files'
import type { Id } from '@blocktree/tree'
import type { FileStatus, Metadata, MoveAnswer, WriteAnswer } from '../method-table/file-methods.ts'
import type { WritePromise } from '../method-table/write-promise.ts'

/** A reply of the file operations with what is promised of it. */
interface Stated<Reply> {
  readonly reply: Reply
  readonly promise: WritePromise
}

export function toWriteAnswer({ reply, promise }: Stated<WriteReply>): WriteAnswer {
  return {
    id: formatId(reply.block),
    versionId: formatId(reply.versionId),
    size: reply.size,
    exposed: reply.exposed.map(formatId),
    promise
  }
}

export function toMoveAnswer({ reply, promise }: Stated<MoveReply>): MoveAnswer {
  return { id: formatId(reply.block), crossedZone: reply.crossedZone, blocks: reply.blocks, promise }
}

/** @param path where the entry was found; `/` for the root */
export function toFileStatus(files: Files, actor: Actor, path: string, entry: Entry): FileStatus {
  const { metadata } = entry
  return {
    path,
    name: entry.name,
    id: formatId(entry.block),
    kind: entry.kind,
    size: entry.size,
    version: entry.version,
    versionId: formatId(entry.versionId),
    writer: formatId(entry.signer),
    isZone: entry.zoneRoot,
    ...(metadata.modifiedMs === undefined ? {} : { modifiedMs: metadata.modifiedMs }),
    ...(metadata.mode === undefined ? {} : { mode: metadata.mode }),
    ...(metadata.mediaType === undefined ? {} : { mediaType: metadata.mediaType }),
    ...(metadata.attributes.length === 0 ? {} : { attributes: Object.fromEntries(metadata.attributes) }),
    ...(entry.kind === 'symlink' && entry.readable ? { target: files.readLink(actor, path) } : {}),
    flags: flagsOf(entry)
  }
}

function flagsOf(entry: Entry): readonly string[] {
  if (entry.readable && !entry.conflict && !entry.orphan && !entry.cycle && !entry.revived && !entry.public)
    return noFlags
  const flags = [
    entry.conflict ? 'conflict' : '',
    entry.cycle ? 'cycle' : '',
    entry.orphan ? 'orphan' : '',
    entry.revived ? 'revived' : '',
    entry.public ? 'public' : '',
    entry.readable ? '' : 'unreadable'
  ]
  return flags.filter((flag) => flag !== '')
}

const noFlags: readonly string[] = []

/** Only what was given changes. */
export function toMetadataChange(given: Metadata): MetadataChange {
  const { modifiedMs, mode, mediaType, attributes } = given
  return {
    ...(modifiedMs === undefined ? {} : { modifiedMs }),
    ...(mode === undefined ? {} : { mode }),
    ...(mediaType === undefined ? {} : { mediaType }),
    ...(attributes === undefined ? {} : { attributes })
  }
}

export function optionalId(text: string | undefined): Id | undefined {
  return text === undefined ? undefined : parseId(text)
}

/** `/a` + `b`; the root has no name of its own. */
export function childPath(directory: string, name: string): string {
  return directory.endsWith('/') ? `${directory}${name}` : `${directory}/${name}`
}

/** What is at a path; undefined when nothing is. */
export function blockAt({ files }: { readonly files: Files }, actor: Actor, path: string): Id | undefined {
  return files.exists(actor, path) ? files.stat(actor, path).block : undefined
}
