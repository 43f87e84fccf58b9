/**
 * Zone epochs: each has one random zone key, seals the keys of the epochs before it, and may be sealed itself under
 * the outer zone's key (B.5; doc/spec/07-keys-and-sharing.md). Rotating a zone = one new epoch.
 */
import { CanonicalReader, CanonicalWriter, compareBytes } from '@blocktree/codec'
import { type AeadCode, type CryptoProvider, type Random, aead } from '@blocktree/crypto'
import { readExtensions, writeExtensions } from './extension.ts'
import { readId, readIdSet, readOptionalId, writeOptionalId } from './id-set.ts'
import { epochPreviousMax } from './limits.ts'
import type { EpochBody, EpochRecord, Id } from './records.ts'
import { recordType } from './records.ts'
import { type Draft, type Signer, createRecord } from './signed-record.ts'
import { TreeError } from './tree-error.ts'
import {
  checkZoneKey,
  childKey,
  epochAssociatedData,
  openKey,
  pastKey,
  sealKey,
  sealedKeyBytes,
  suiteAead,
  zoneKeyBytes,
  zoneKeyCommitment
} from './zone-key.ts'

/** An epoch whose key is at hand. */
export interface OpenEpoch {
  readonly id: Id
  readonly number: number
  readonly key: Uint8Array // 32, secret
}

export interface EpochDraft {
  readonly tree: Id
  readonly zone: Id
  /** The epochs this one replaces; their keys are sealed into it. */
  readonly previous: readonly OpenEpoch[]
  /** The current epoch of the outer zone; undefined keeps its readers out. */
  readonly inherit: { readonly id: Id; readonly key: Uint8Array } | undefined
  readonly cap: Id | undefined
  readonly suite?: AeadCode // AES-256-GCM when absent
  readonly ext?: EpochBody['ext']
}

/** @param body `prev` ascending, `past` aligned with it */
export function encodeEpochBody(body: Draft<EpochBody>): Uint8Array {
  const writer = new CanonicalWriter(384).array(10).bin(body.tree).bin(body.zone).uint(body.number)
  writer.array(body.prev.length)
  for (const id of body.prev) writer.bin(id)
  writer.uint(body.suite).bin(body.keyCommitment).array(body.past.length)
  for (const sealed of body.past) writer.bin(sealed)
  writer.optional(body.inherit, (inherit) => writer.array(2).bin(inherit.parentEpoch).bin(inherit.sealedKey))
  writeOptionalId(writer, body.cap)
  writeExtensions(writer, body.ext ?? [])
  return writer.finish()
}

export function decodeEpochBody(bytes: Uint8Array): EpochBody {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(10)
  const body: EpochBody = {
    tree: readId(reader),
    zone: readId(reader),
    number: reader.uint(0xffffffff, 1),
    prev: readIdSet(reader, epochPreviousMax),
    suite: suiteAead(reader.uint(255)),
    keyCommitment: readId(reader),
    past: readSealedKeys(reader),
    inherit: reader.optional(() => {
      reader.arrayOf(2)
      return { parentEpoch: readId(reader), sealedKey: reader.binExact(sealedKeyBytes) }
    }),
    cap: readOptionalId(reader),
    ext: readExtensions(reader)
  }
  reader.end()
  if (body.past.length !== body.prev.length) {
    throw new TreeError(
      'ERR_RECORD_FIELD',
      `an epoch names ${body.prev.length} previous epochs and holds ${body.past.length} of their keys`
    )
  }
  if ((body.number === 1) !== (body.prev.length === 0)) {
    throw new TreeError('ERR_RECORD_FIELD', 'epoch 1, and only epoch 1, has no previous epoch')
  }
  return body
}

function readSealedKeys(reader: CanonicalReader): readonly Uint8Array[] {
  const count = reader.array(epochPreviousMax)
  const keys: Uint8Array[] = []
  for (let index = 0; index < count; index++) keys.push(reader.binExact(sealedKeyBytes))
  return keys
}

/** Draws a zone key and signs the epoch. @returns the record and the key, owned by the caller */
export function createEpoch(
  deps: { readonly crypto: CryptoProvider; readonly random: Random },
  signer: Signer,
  draft: EpochDraft
): { readonly record: EpochRecord; readonly key: Uint8Array } {
  const { crypto, random } = deps
  const key = random.bytes(zoneKeyBytes)
  const previous = draft.previous.toSorted((left, right) => compareBytes(left.id, right.id))
  const suite = draft.suite ?? aead.aes256Gcm
  const context = {
    tree: draft.tree,
    zone: draft.zone,
    number: 1 + Math.max(0, ...previous.map((epoch) => epoch.number)),
    keyCommitment: zoneKeyCommitment(crypto, key)
  }
  const associated = epochAssociatedData(context)
  const { inherit } = draft
  const bodyBytes = encodeEpochBody({
    ...context,
    prev: previous.map(({ id }) => id),
    suite,
    past: previous.map((epoch) =>
      sealKey(crypto, suite, pastKey(crypto, key, epoch.id), associated, epoch.key)
    ),
    inherit: inherit && {
      parentEpoch: inherit.id,
      sealedKey: sealKey(crypto, suite, childKey(crypto, inherit.key, context), associated, key)
    },
    cap: draft.cap,
    ext: draft.ext ?? []
  })
  return { record: createRecord(crypto, recordType.epoch, signer, bodyBytes, decodeEpochBody), key }
}

/**
 * The zone key of `previous`, opened with the key of a later epoch that names it.
 * @throws ERR_ZONE_KEY when it does not open or is not the key that `previous` commits to
 */
export function openPastKey(
  crypto: CryptoProvider,
  later: { readonly body: EpochBody; readonly key: Uint8Array },
  previous: EpochRecord
): Uint8Array {
  const index = later.body.prev.findIndex((id) => compareBytes(id, previous.id) === 0)
  const sealed = later.body.past[index]
  const key =
    sealed &&
    openKey(
      crypto,
      suiteAead(later.body.suite),
      pastKey(crypto, later.key, previous.id),
      epochAssociatedData(later.body),
      sealed
    )
  if (key === undefined) throw new TreeError('ERR_ZONE_KEY', 'the later epoch does not open the previous one')
  checkZoneKey(crypto, previous.body, key)
  return key
}

/**
 * The zone key of an epoch that inherits, opened with the key of the outer epoch that it names.
 * @throws ERR_ZONE_KEY when it does not inherit, does not open, or breaks its commitment
 */
export function openInheritedKey(
  crypto: CryptoProvider,
  epoch: EpochBody,
  parentKey: Uint8Array
): Uint8Array {
  const key =
    epoch.inherit &&
    openKey(
      crypto,
      suiteAead(epoch.suite),
      childKey(crypto, parentKey, epoch),
      epochAssociatedData(epoch),
      epoch.inherit.sealedKey
    )
  if (key === undefined) throw new TreeError('ERR_ZONE_KEY', 'the outer epoch does not open this one')
  checkZoneKey(crypto, epoch, key)
  return key
}

/** Sorts the better epoch first: higher number, then lower record id (B.5). */
export function compareEpochs(left: EpochRecord, right: EpochRecord): number {
  return right.body.number - left.body.number || compareBytes(left.id, right.id)
}
