/** Headers opened in a worker: verified against their ids, decoded and decrypted with the keys of the job. */
import type { CryptoProvider } from '@blocktree/crypto'
import { type HeaderPrivate, type HeaderRecord, TreeError, blockKey, openHeader } from '@blocktree/tree'
import type { OpenResult, OpenWork } from '../worker-message.ts'
import {
  type Asking,
  MissingBytes,
  type ReadHeader,
  type StoreAccess,
  parseHeader,
  placeAt
} from './store-access.ts'

export interface OpenContext {
  readonly crypto: CryptoProvider
  readonly store: StoreAccess
  readonly asking: Asking
  /** Zone keys by `epochName` of their epoch. */
  readonly epochs: ReadonlyMap<string, Uint8Array>
}

export interface OpenedHeader extends ReadHeader {
  readonly opened: HeaderPrivate
}

/** Ids as keys of maps. */
export function epochName(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.length).toString('latin1')
}

export function recordAt(records: Uint8Array, index: number): Uint8Array {
  return records.subarray(index * 32, index * 32 + 32)
}

/** undefined when no key of the job opens it. @throws MissingBytes when it is not held, TreeError when it is damaged */
export async function openAt(
  context: OpenContext,
  work: OpenWork,
  index: number
): Promise<OpenedHeader | undefined> {
  const id = recordAt(work.records, index)
  const read = context.store.readHeader(id, placeAt(work.places, index)) ?? (await askHeader(context, id))
  const opened = openWith(context, read.record)
  return opened === undefined ? undefined : { ...read, opened }
}

async function askHeader(context: OpenContext, id: Uint8Array): Promise<ReadHeader> {
  const asked = await context.asking.read('record', id)
  // four bytes in front say where the envelope ends
  const length = asked === undefined ? 0 : new DataView(asked.buffer, asked.byteOffset).getUint32(0)
  const read =
    asked === undefined
      ? undefined
      : parseHeader(context.crypto, new Uint8Array(id), asked.subarray(4), length)
  if (read === undefined) throw new MissingBytes('its header is not held here')
  return read
}

function openWith(context: OpenContext, { body }: HeaderRecord): HeaderPrivate | undefined {
  const { crypto } = context
  if (body.epoch === undefined) return openHeader(crypto, body, undefined)
  const zoneKey = context.epochs.get(epochName(body.epoch))
  if (zoneKey === undefined) return undefined
  return openHeader(crypto, body, blockKey(crypto, zoneKey, body.block, body.keyVersion))
}

export async function openHeaders(context: OpenContext, work: OpenWork): Promise<OpenResult> {
  const count = work.records.length / 32
  const names: (string | undefined)[] = []
  const sizes = new Float64Array(count)
  const modifiedMs = new Float64Array(count)
  const modes = new Int32Array(count)
  for (let index = 0; index < count; index++) {
    const header = await openOrUndefined(context, work, index)
    names.push(header?.opened.name)
    sizes[index] = header?.opened.size ?? -1
    modifiedMs[index] = header?.opened.metadata.modifiedMs ?? -1
    modes[index] = header?.opened.metadata.mode ?? -1
  }
  return { names, sizes, modifiedMs, modes }
}

async function openOrUndefined(
  context: OpenContext,
  work: OpenWork,
  index: number
): Promise<OpenedHeader | undefined> {
  try {
    return await openAt(context, work, index)
  } catch (error) {
    if (error instanceof TreeError || error instanceof MissingBytes) return undefined // sealed by a hostile writer: as unreadable
    throw error
  }
}
