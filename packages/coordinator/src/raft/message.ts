/**
 * What members tell each other (doc/spec/29-coordinator.md, section 2): one-way messages, any of which may be lost. Who
 * sent one is proven by the connection and is not in its bytes.
 */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import { CoordinatorError } from '../coordinator-error.ts'
import { entriesPerMessageMax, stateBytesMax } from '../limits.ts'
import {
  type Entry,
  type Membership,
  readEntry,
  readMembership,
  writeEntry,
  writeMembership
} from './entry.ts'

export type Message =
  /** `trial`: would you vote? Asked before a term is begun, so that a member that was cut off disturbs nobody. */
  | {
      readonly kind: 'ask-vote'
      readonly term: number
      readonly trial: boolean
      readonly handedOn: boolean
      readonly lastIndex: number
      readonly lastTerm: number
    }
  | { readonly kind: 'vote'; readonly term: number; readonly trial: boolean; readonly granted: boolean }
  | {
      readonly kind: 'append'
      readonly term: number
      readonly round: number
      readonly previousIndex: number
      readonly previousTerm: number
      readonly commit: number
      readonly entries: readonly Entry[]
    }
  /** `index`: the last one that is equal when it succeeded, else where to try next. */
  | {
      readonly kind: 'appended'
      readonly term: number
      readonly round: number
      readonly success: boolean
      readonly index: number
    }
  | {
      readonly kind: 'snapshot'
      readonly term: number
      readonly round: number
      readonly lastIndex: number
      readonly lastTerm: number
      readonly membership: Membership
      readonly state: Uint8Array
    }
  /** The leader is about to stop: stand at once. */
  | { readonly kind: 'stand'; readonly term: number }

const format = 1
const codes = { 'ask-vote': 1, vote: 2, append: 3, appended: 4, snapshot: 5, stand: 6 } as const
/** A snapshot is somewhat larger than what its parts count for. */
const snapshotBytesMax = 2 * stateBytesMax

export function encodeMessage(message: Message): Uint8Array {
  const writer = new CanonicalWriter(message.kind === 'append' ? 64 + message.entries.length * 96 : 64)
  const begin = (fields: number): CanonicalWriter => {
    return writer
      .array(fields + 3)
      .uint(format)
      .uint(codes[message.kind])
      .uint(message.term)
  }
  switch (message.kind) {
    case 'ask-vote':
      begin(4).boolean(message.trial).boolean(message.handedOn).uint(message.lastIndex).uint(message.lastTerm)
      break
    case 'vote':
      begin(2).boolean(message.trial).boolean(message.granted)
      break
    case 'append':
      begin(5).uint(message.round).uint(message.previousIndex).uint(message.previousTerm).uint(message.commit)
      writer.array(message.entries.length)
      for (const entry of message.entries) writeEntry(writer, entry)
      break
    case 'appended':
      begin(3).uint(message.round).boolean(message.success).uint(message.index)
      break
    case 'snapshot':
      begin(5).uint(message.round).uint(message.lastIndex).uint(message.lastTerm)
      writeMembership(writer, message.membership)
      writer.bin(message.state)
      break
    case 'stand':
      begin(0)
      break
  }
  return writer.finish()
}

/** Errors: `ERR_COORDINATOR_MALFORMED`, or that of the codec. */
export function decodeMessage(bytes: Uint8Array): Message {
  const reader = new CanonicalReader(bytes)
  const fields = reader.array(8, 3) - 3
  if (reader.uint() !== format) throw malformed('a message has another format')
  const code = reader.uint(6, 1)
  const term = reader.uint()
  const expected = { 1: 4, 2: 2, 3: 5, 4: 3, 5: 5, 6: 0 }[code]
  if (fields !== expected) throw malformed(`message ${code} has ${fields} fields instead of ${expected ?? 0}`)
  const message = readMessage(reader, code, term)
  reader.end()
  return message
}

function readMessage(reader: CanonicalReader, code: number, term: number): Message {
  switch (code) {
    case codes['ask-vote']:
      return {
        kind: 'ask-vote',
        term,
        trial: reader.boolean(),
        handedOn: reader.boolean(),
        lastIndex: reader.uint(),
        lastTerm: reader.uint()
      }
    case codes.vote:
      return { kind: 'vote', term, trial: reader.boolean(), granted: reader.boolean() }
    case codes.append:
      return readAppend(reader, term)
    case codes.appended:
      return { kind: 'appended', term, round: reader.uint(), success: reader.boolean(), index: reader.uint() }
    case codes.snapshot:
      return {
        kind: 'snapshot',
        term,
        round: reader.uint(),
        lastIndex: reader.uint(),
        lastTerm: reader.uint(),
        membership: readMembership(reader),
        state: new Uint8Array(reader.bin(snapshotBytesMax))
      }
    default:
      return { kind: 'stand', term }
  }
}

function readAppend(reader: CanonicalReader, term: number): Message {
  const head = {
    round: reader.uint(),
    previousIndex: reader.uint(),
    previousTerm: reader.uint(),
    commit: reader.uint()
  }
  const count = reader.array(entriesPerMessageMax)
  const entries: Entry[] = []
  for (let index = 0; index < count; index++) {
    const entry = readEntry(reader)
    if (entry.index !== head.previousIndex + 1 + index)
      throw malformed('the entries of a message leave a gap')
    entries.push(entry)
  }
  return { kind: 'append', term, ...head, entries }
}

function malformed(message: string): CoordinatorError {
  return new CoordinatorError('ERR_COORDINATOR_MALFORMED', message)
}
