/** What an inviting node hands to a new one once it is let in (doc/spec/27-cluster.md, section 5). */
import { CanonicalReader, CanonicalWriter, CodecError } from '@blocktree/codec'
import { limits } from '@blocktree/cluster'
import { NodeError } from '../node-error.ts'

export interface JoinPackage {
  /** The answer to its request for access. */
  readonly line: string
  /** Headers to begin with, of the directories from the root to the share, each after what it rests on. */
  readonly records: readonly Uint8Array[]
  readonly members: readonly JoinMember[]
}

export interface JoinMember {
  /** Envelopes. The endpoint of the new node itself is empty: of it only the name is told. */
  readonly principal: Uint8Array
  readonly endpoint: Uint8Array
  /** What the inviting node calls it. */
  readonly name: string
}

const format = 1
const recordsMax = 2048
const nameBytesMax = 64

export function encodeJoinPackage({ line, records, members }: JoinPackage): Uint8Array {
  const writer = new CanonicalWriter(line.length + 16 * 1024).array(4).uint(format).str(line)
  writer.array(records.length)
  for (const record of records) writer.bin(record)
  writer.array(members.length)
  for (const { principal, endpoint, name } of members) writer.array(3).bin(principal).bin(endpoint).str(name)
  return writer.finish()
}

/** @throws ERR_ACCESS_LINE */
export function decodeJoinPackage(bytes: Uint8Array): JoinPackage {
  const most = limits.joinAnswerBytesMax
  try {
    const reader = new CanonicalReader(bytes)
    reader.arrayOf(4)
    reader.uint(format, format)
    const line = reader.str(most)
    const records: Uint8Array[] = []
    for (let left = reader.array(recordsMax); left > 0; left--) records.push(reader.bin(most).slice())
    const members: JoinMember[] = []
    for (let left = reader.array(limits.exchangedEndpointsMax); left > 0; left--) {
      reader.arrayOf(3)
      const principal = reader.bin(most).slice()
      const endpoint = reader.bin(most).slice()
      members.push({ principal, endpoint, name: reader.str(nameBytesMax) })
    }
    reader.end()
    return { line, records, members }
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause
    throw new NodeError('ERR_ACCESS_LINE', `what the inviting node sent is damaged: ${cause.message}`, {
      cause
    })
  }
}
