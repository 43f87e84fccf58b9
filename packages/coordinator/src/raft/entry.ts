/** Entries of the replicated log and the membership that some of them set (doc/spec/29-coordinator.md, section 3). */
import type { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import { CoordinatorError } from '../coordinator-error.ts'
import { commandBytesMax, memberBytesMax, membersMax, votersMax } from '../limits.ts'

export interface Membership {
  readonly voters: readonly string[]
  readonly learners: readonly string[]
}

export type EntryContent =
  /** what a new leader begins its term with */
  | { readonly kind: 'begin' }
  | { readonly kind: 'command'; readonly bytes: Uint8Array }
  /** in force from the moment it is in the log, committed or not */
  | { readonly kind: 'membership'; readonly membership: Membership }

export interface Entry {
  readonly index: number
  readonly term: number
  readonly content: EntryContent
}

export const nobody: Membership = { voters: [], learners: [] }

export function isMember(membership: Membership, member: string): boolean {
  return membership.voters.includes(member) || membership.learners.includes(member)
}

export function writeEntry(writer: CanonicalWriter, entry: Entry): void {
  writer.array(4).uint(entry.index).uint(entry.term)
  switch (entry.content.kind) {
    case 'begin':
      writer.uint(0).nil()
      break
    case 'command':
      writer.uint(1).bin(entry.content.bytes)
      break
    case 'membership':
      writeMembership(writer.uint(2), entry.content.membership)
      break
  }
}

export function readEntry(reader: CanonicalReader): Entry {
  reader.arrayOf(4)
  return { index: reader.uint(), term: reader.uint(), content: readContent(reader) }
}

function readContent(reader: CanonicalReader): EntryContent {
  switch (reader.uint(2)) {
    case 0:
      if (!reader.skipNil()) {
        throw new CoordinatorError('ERR_COORDINATOR_MALFORMED', 'an entry that begins a term has content')
      }
      return { kind: 'begin' }
    case 1:
      return { kind: 'command', bytes: new Uint8Array(reader.bin(commandBytesMax, 1)) }
    default:
      return { kind: 'membership', membership: readMembership(reader) }
  }
}

export function writeMembership(writer: CanonicalWriter, membership: Membership): void {
  writer.array(2)
  for (const members of [membership.voters, membership.learners]) {
    writer.array(members.length)
    for (const member of members) writer.str(member)
  }
}

export function readMembership(reader: CanonicalReader): Membership {
  reader.arrayOf(2)
  const voters = readMembers(reader, votersMax)
  const learners = readMembers(reader, membersMax)
  if (new Set([...voters, ...learners]).size !== voters.length + learners.length) {
    throw new CoordinatorError('ERR_COORDINATOR_MALFORMED', 'a member is listed twice')
  }
  return { voters, learners }
}

function readMembers(reader: CanonicalReader, max: number): string[] {
  const count = reader.array(max)
  const members: string[] = []
  for (let index = 0; index < count; index++) members.push(reader.str(memberBytesMax))
  return members
}
