/**
 * What a member keeps, in two files (doc/spec/29-coordinator.md, section 7): `snapshot`, replaced as a whole, and
 * `log-<n>`, which it names and which only grows. A torn end of the log was never acknowledged and is cut off; a broken
 * frame with a whole one behind it is damage.
 */
import { CanonicalReader, CanonicalWriter, concatBytes } from '@blocktree/codec'
import { crc32 } from 'node:zlib'
import { CoordinatorError } from './coordinator-error.ts'
import { memberBytesMax, stateBytesMax } from './limits.ts'
import { type Entry, readEntry, readMembership, writeEntry, writeMembership } from './raft/entry.ts'
import {
  type RaftStorage,
  type StorageStep,
  type StoredRaft,
  applyStep,
  nothingStored
} from './raft/storage.ts'

/** The files of one directory; names are plain. Everything is durable when it resolves. */
export interface StorageFiles {
  /** Undefined when there is none. */
  read(name: string): Promise<Uint8Array | undefined>
  /** Whole or not at all. */
  replace(name: string, bytes: Uint8Array): Promise<void>
  /** Adds at `position`, cutting off what is behind it; makes the file when there is none. */
  append(name: string, position: number, bytes: Uint8Array): Promise<void>
  /** A missing file is no error. */
  remove(name: string): Promise<void>
  close(): Promise<void>
}

const format = 1
const snapshotName = 'snapshot'
const frameHeadBytes = 8 // u32 length, u32 CRC-32 of the body, both big-endian
const frameBytesMax = 8192

export class FileRaftStorage implements RaftStorage {
  readonly #files: StorageFiles
  #generation = 0
  #position = 0

  constructor(files: StorageFiles) {
    this.#files = files
  }

  async load(): Promise<StoredRaft> {
    const bytes = await this.#files.read(snapshotName)
    const base = bytes === undefined ? { generation: 0, stored: nothingStored } : readSnapshot(bytes)
    this.#generation = base.generation
    const log = (await this.#files.read(this.#logName)) ?? new Uint8Array(0)
    const { steps, end } = readLog(log)
    this.#position = end
    return steps.reduce(applyStep, base.stored)
  }

  async save(step: StorageStep): Promise<void> {
    const bytes = concatBytes(...stepFrames(step))
    await this.#files.append(this.#logName, this.#position, bytes)
    this.#position += bytes.length
  }

  async replace(stored: StoredRaft): Promise<void> {
    const former = this.#logName
    this.#generation++
    const { entries } = stored
    const log = concatBytes(...stepFrames({ vote: undefined, truncateFrom: undefined, entries }))
    await this.#files.append(this.#logName, 0, log)
    await this.#files.replace(snapshotName, writeSnapshot(this.#generation, stored))
    this.#position = log.length
    await this.#files.remove(former)
  }

  close(): Promise<void> {
    return this.#files.close()
  }

  get #logName(): string {
    return `log-${this.#generation}`
  }
}

/** One frame for the vote and the cut, one for each entry, so that no frame grows with a batch. */
function stepFrames(step: StorageStep): Uint8Array[] {
  const frames: Uint8Array[] = []
  if (step.vote !== undefined) {
    const writer = new CanonicalWriter(64).array(3).uint(1).uint(step.vote.term)
    frames.push(frame(step.vote.vote === undefined ? writer.nil() : writer.str(step.vote.vote)))
  }
  if (step.truncateFrom !== undefined)
    frames.push(frame(new CanonicalWriter(16).array(2).uint(2).uint(step.truncateFrom)))
  for (const entry of step.entries) {
    const writer = new CanonicalWriter(128).array(2).uint(3)
    writeEntry(writer, entry)
    frames.push(frame(writer))
  }
  return frames
}

function frame(writer: CanonicalWriter): Uint8Array {
  const body = writer.finish()
  const bytes = new Uint8Array(frameHeadBytes + body.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, body.length)
  view.setUint32(4, crc32(body))
  bytes.set(body, frameHeadBytes)
  return bytes
}

function readLog(bytes: Uint8Array): { steps: StorageStep[]; end: number } {
  const steps: StorageStep[] = []
  let position = 0
  for (;;) {
    const body = frameAt(bytes, position)
    if (body === undefined) break
    steps.push(readStep(body))
    position += frameHeadBytes + body.length
  }
  for (let later = position + 1; later < bytes.length; later++) {
    if (frameAt(bytes, later) !== undefined)
      throw damaged(`the log is broken at byte ${position} and goes on at ${later}`)
  }
  return { steps, end: position }
}

/** The body of a whole frame at this place, if there is one. */
function frameAt(bytes: Uint8Array, position: number): Uint8Array | undefined {
  if (position + frameHeadBytes > bytes.length) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + position, frameHeadBytes)
  const length = view.getUint32(0)
  const start = position + frameHeadBytes
  if (length === 0 || length > frameBytesMax || start + length > bytes.length) return undefined
  const body = bytes.subarray(start, start + length)
  return crc32(body) === view.getUint32(4) ? body : undefined
}

function readStep(body: Uint8Array): StorageStep {
  const reader = new CanonicalReader(body)
  const fields = reader.array(3, 2)
  const kind = reader.uint(3, 1)
  if (fields !== (kind === 1 ? 3 : 2)) throw damaged(`a frame of kind ${kind} has ${fields} fields`)
  const step = readFields(reader, kind)
  reader.end()
  return { vote: undefined, truncateFrom: undefined, entries: [], ...step }
}

function readFields(reader: CanonicalReader, kind: number): Partial<StorageStep> {
  if (kind === 1) {
    const term = reader.uint()
    return { vote: { term, vote: reader.skipNil() ? undefined : reader.str(memberBytesMax) } }
  }
  if (kind === 2) return { truncateFrom: reader.uint() }
  const entry: Entry = readEntry(reader)
  return { entries: [entry] }
}

function writeSnapshot(generation: number, stored: StoredRaft): Uint8Array {
  const { snapshot, term, vote } = stored
  const writer = new CanonicalWriter(4096).array(8).uint(format).uint(generation).uint(term)
  if (vote === undefined) writer.nil()
  else writer.str(vote)
  writer.uint(snapshot.index).uint(snapshot.term)
  writeMembership(writer, snapshot.membership)
  const body = writer.bin(snapshot.state).finish()
  const check = new Uint8Array(4)
  new DataView(check.buffer).setUint32(0, crc32(body))
  return concatBytes(body, check)
}

function readSnapshot(bytes: Uint8Array): { generation: number; stored: StoredRaft } {
  if (bytes.length < 5) throw damaged('the snapshot is cut short')
  const body = bytes.subarray(0, -4)
  const check = new DataView(bytes.buffer, bytes.byteOffset + body.length, 4).getUint32(0)
  if (crc32(body) !== check) throw damaged('the snapshot has another check sum than it was written with')
  const reader = new CanonicalReader(body)
  reader.arrayOf(8)
  if (reader.uint() !== format) throw damaged('the snapshot has another format')
  const generation = reader.uint()
  const term = reader.uint()
  const vote = reader.skipNil() ? undefined : reader.str(memberBytesMax)
  const place = { index: reader.uint(), term: reader.uint() }
  const membership = readMembership(reader)
  const snapshot = { ...place, membership, state: new Uint8Array(reader.bin(2 * stateBytesMax)) }
  reader.end()
  return { generation, stored: { term, vote, snapshot, entries: [] } }
}

function damaged(what: string): CoordinatorError {
  return new CoordinatorError(
    'ERR_COORDINATOR_STORAGE_DAMAGED',
    `what this member stored for the coordinator is damaged: ${what}. It must not vote with it: remove the member from the ` +
      'cluster, delete the folder and add it again'
  )
}
