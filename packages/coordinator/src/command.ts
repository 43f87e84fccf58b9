/** Commands of the replicated state and their bytes (doc/spec/29-coordinator.md, section 4): an array of code and fields. */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import { CoordinatorError } from './coordinator-error.ts'
import { memberBytesMax, nameBytesMax, sequenceCountMax, ttlMsMax, ttlMsMin } from './limits.ts'

/** A session is the life of one member's process; `request` counts within it, and requests below `floor` are over. */
export type Command =
  | { readonly kind: 'open'; readonly member: string; readonly nonce: number }
  | {
      readonly kind: 'acquire'
      readonly session: number
      readonly request: number
      readonly floor: number
      readonly name: string
      readonly ttlMs: number
      /** False: fail instead of waiting in the queue. */
      readonly queue: boolean
    }
  | { readonly kind: 'renew'; readonly session: number; readonly name: string; readonly token: number }
  | { readonly kind: 'release'; readonly session: number; readonly name: string; readonly token: number }
  | { readonly kind: 'cancel'; readonly session: number; readonly name: string; readonly request: number }
  | { readonly kind: 'expire'; readonly name: string; readonly token: number; readonly renewals: number }
  | { readonly kind: 'break'; readonly name: string; readonly token: number }
  | {
      readonly kind: 'sequence'
      readonly session: number
      readonly request: number
      readonly floor: number
      readonly name: string
      readonly count: number
    }
  | { readonly kind: 'close'; readonly session: number }

const codes = {
  open: 1,
  acquire: 2,
  renew: 3,
  release: 4,
  cancel: 5,
  expire: 6,
  break: 7,
  sequence: 8,
  close: 9
} as const

export function encodeCommand(command: Command): Uint8Array {
  const writer = new CanonicalWriter(96)
  const begin = (fields: number): CanonicalWriter => writer.array(fields + 1).uint(codes[command.kind])
  switch (command.kind) {
    case 'open':
      return begin(2).str(command.member).uint(command.nonce).finish()
    case 'acquire':
      begin(6).uint(command.session).uint(command.request).uint(command.floor).str(command.name)
      return writer.uint(command.ttlMs).boolean(command.queue).finish()
    case 'renew':
    case 'release':
      return begin(3).uint(command.session).str(command.name).uint(command.token).finish()
    case 'cancel':
      return begin(3).uint(command.session).str(command.name).uint(command.request).finish()
    case 'expire':
      return begin(3).str(command.name).uint(command.token).uint(command.renewals).finish()
    case 'break':
      return begin(2).str(command.name).uint(command.token).finish()
    case 'sequence':
      begin(5).uint(command.session).uint(command.request).uint(command.floor)
      return writer.str(command.name).uint(command.count).finish()
    case 'close':
      return begin(1).uint(command.session).finish()
  }
}

/** Errors: `ERR_COORDINATOR_MALFORMED`, or that of the codec. */
export function decodeCommand(bytes: Uint8Array): Command {
  const reader = new CanonicalReader(bytes)
  const fields = reader.array(7, 2) - 1
  const command = readFields(reader, reader.uint(9, 1), fields)
  reader.end()
  return command
}

function readFields(reader: CanonicalReader, code: number, fields: number): Command {
  const expect = (count: number): void => {
    if (fields !== count) throw malformed(`command ${code} has ${fields} fields instead of ${count}`)
  }
  switch (code) {
    case codes.open:
      expect(2)
      return { kind: 'open', member: reader.str(memberBytesMax), nonce: reader.uint() }
    case codes.acquire:
      expect(6)
      return {
        kind: 'acquire',
        ...readRequest(reader),
        name: readName(reader),
        ttlMs: reader.uint(ttlMsMax, ttlMsMin),
        queue: reader.boolean()
      }
    case codes.renew:
      expect(3)
      return { kind: 'renew', session: reader.uint(), name: readName(reader), token: reader.uint() }
    case codes.release:
      expect(3)
      return { kind: 'release', session: reader.uint(), name: readName(reader), token: reader.uint() }
    case codes.cancel:
      expect(3)
      return { kind: 'cancel', session: reader.uint(), name: readName(reader), request: reader.uint() }
    case codes.expire:
      expect(3)
      return { kind: 'expire', name: readName(reader), token: reader.uint(), renewals: reader.uint() }
    case codes.break:
      expect(2)
      return { kind: 'break', name: readName(reader), token: reader.uint() }
    case codes.sequence:
      expect(5)
      return {
        kind: 'sequence',
        ...readRequest(reader),
        name: readName(reader),
        count: reader.uint(sequenceCountMax, 1)
      }
    default:
      expect(1)
      return { kind: 'close', session: reader.uint() }
  }
}

function readRequest(reader: CanonicalReader): { session: number; request: number; floor: number } {
  return { session: reader.uint(), request: reader.uint(), floor: reader.uint() }
}

function readName(reader: CanonicalReader): string {
  const name = reader.str(nameBytesMax)
  if (name === '') throw malformed('the name of a lock or a sequence is empty')
  return name
}

function malformed(message: string): CoordinatorError {
  return new CoordinatorError('ERR_COORDINATOR_MALFORMED', message)
}
