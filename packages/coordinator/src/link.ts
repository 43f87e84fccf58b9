/**
 * The way between members, and what one asks of the leader (doc/spec/29-coordinator.md, section 6). Whoever implements the
 * port vouches for `from` and lets nobody through who is no host of the cluster.
 */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import { type CommandResult, readResult, writeResult } from './command-result.ts'
import { CoordinatorError } from './coordinator-error.ts'
import { commandBytesMax, memberBytesMax } from './limits.ts'

export interface CoordinatorLink {
  /** One-way and without promise: may be lost, never changed. */
  send(member: string, bytes: Uint8Array): void
  /** Rejects when the member cannot be reached or does not answer in time. */
  ask(
    member: string,
    bytes: Uint8Array,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal }
  ): Promise<Uint8Array>
  /** Called once. */
  listen(listener: LinkListener): void
}

export interface LinkListener {
  message(from: string, bytes: Uint8Array): void
  ask(from: string, bytes: Uint8Array): Promise<Uint8Array>
  /** The connection to a member broke. */
  lost(member: string): void
}

export type LeaderQuestion =
  | { readonly kind: 'propose'; readonly command: Uint8Array }
  /** an index at which a read sees everything acknowledged before */
  | { readonly kind: 'read' }
  | { readonly kind: 'add'; readonly member: string }
  | { readonly kind: 'remove'; readonly member: string }

export type LeaderAnswer =
  | { readonly kind: 'result'; readonly index: number; readonly result: CommandResult }
  /** This member leads no longer, or lost its majority: ask the one named, or whoever leads later. */
  | { readonly kind: 'elsewhere'; readonly leader: string | undefined }
  /** The name is not for this member; or nothing of that name is known yet, and it may ask again. */
  | { readonly kind: 'refused'; readonly isKnown: boolean }

const format = 1
const answerCodes = { result: 0, elsewhere: 1, refused: 2, unknown: 3 } as const
const questionCodes = { propose: 1, read: 2, add: 3, remove: 4 } as const

export function encodeQuestion(question: LeaderQuestion): Uint8Array {
  const writer = new CanonicalWriter(128).array(3).uint(format).uint(questionCodes[question.kind])
  if (question.kind === 'propose') writer.bin(question.command)
  else if (question.kind === 'read') writer.nil()
  else writer.str(question.member)
  return writer.finish()
}

/** Errors: `ERR_COORDINATOR_MALFORMED`, or that of the codec. */
export function decodeQuestion(bytes: Uint8Array): LeaderQuestion {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(3)
  expectFormat(reader)
  const question = readQuestion(reader, reader.uint(4, 1))
  reader.end()
  return question
}

function readQuestion(reader: CanonicalReader, code: number): LeaderQuestion {
  if (code === questionCodes.propose)
    return { kind: 'propose', command: new Uint8Array(reader.bin(commandBytesMax, 1)) }
  if (code === questionCodes.read) {
    if (!reader.skipNil()) throw new CoordinatorError('ERR_COORDINATOR_MALFORMED', 'a read has no argument')
    return { kind: 'read' }
  }
  const member = reader.str(memberBytesMax)
  if (member === '') throw new CoordinatorError('ERR_COORDINATOR_MALFORMED', 'the name of a member is empty')
  return code === questionCodes.add ? { kind: 'add', member } : { kind: 'remove', member }
}

export function encodeAnswer(answer: LeaderAnswer): Uint8Array {
  const writer = new CanonicalWriter(64).array(4).uint(format)
  switch (answer.kind) {
    case 'result':
      writeResult(writer.uint(answerCodes.result).uint(answer.index), answer.result)
      break
    case 'elsewhere':
      writer.uint(answerCodes.elsewhere)
      if (answer.leader === undefined) writer.nil().nil()
      else writer.str(answer.leader).nil()
      break
    case 'refused':
      writer
        .uint(answer.isKnown ? answerCodes.refused : answerCodes.unknown)
        .nil()
        .nil()
  }
  return writer.finish()
}

/** Errors: `ERR_COORDINATOR_MALFORMED`, or that of the codec. */
export function decodeAnswer(bytes: Uint8Array): LeaderAnswer {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(4)
  expectFormat(reader)
  const answer = readAnswer(reader)
  reader.end()
  return answer
}

function readAnswer(reader: CanonicalReader): LeaderAnswer {
  const code = reader.uint(answerCodes.unknown)
  if (code === answerCodes.result) return { kind: 'result', index: reader.uint(), result: readResult(reader) }
  const isElsewhere = code === answerCodes.elsewhere
  const leader = reader.skipNil() || !isElsewhere ? undefined : reader.str(memberBytesMax)
  if (!reader.skipNil())
    throw new CoordinatorError('ERR_COORDINATOR_MALFORMED', 'an answer has a field too many')
  return isElsewhere
    ? { kind: 'elsewhere', leader }
    : { kind: 'refused', isKnown: code === answerCodes.refused }
}

function expectFormat(reader: CanonicalReader): void {
  if (reader.uint() !== format)
    throw new CoordinatorError('ERR_COORDINATOR_MALFORMED', 'a question has another format')
}
