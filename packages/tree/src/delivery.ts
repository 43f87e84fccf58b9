/**
 * Deliveries: a zone key or block key sealed to the recipient of a grant (B.5). For a principal under X-Wing, for a
 * link under its secret with a fresh salt. Opening always ends with the commitment of the epoch or header, so a
 * hostile granter cannot hand out another key.
 */
import { CanonicalReader, CanonicalWriter, concatBytes, equalBytes } from '@blocktree/codec'
import {
  type AeadCode,
  CryptoError,
  type CryptoProvider,
  type DecapsulationKey,
  type Random,
  aead,
  xWingCiphertextBytes
} from '@blocktree/crypto'
import { blockKeyFromBytes, checkBlockKey } from './block-key.ts'
import { domain } from './domain.ts'
import { readExtensions, writeExtensions } from './extension.ts'
import { linkRecipient } from './grant.ts'
import { readId, readOptionalId, writeOptionalId } from './id-set.ts'
import type {
  DeliveryBody,
  DeliveryRecord,
  EpochRecord,
  GrantRecord,
  HeaderBody,
  Id,
  PrincipalRecord
} from './records.ts'
import { grantTarget, recipientType, recordType } from './records.ts'
import { type Draft, type Signer, createRecord } from './signed-record.ts'
import { TreeError } from './tree-error.ts'
import { checkZoneKey, openKey, sealKey, sealedKeyBytes, suiteAead } from './zone-key.ts'

const linkSaltBytes = 32

export interface DeliveryDraft {
  readonly grant: GrantRecord
  readonly epoch: Id
  /** kv of the block, for a grant of one block; undefined for a zone. */
  readonly keyVersion: number | undefined
  /** The zone key of `epoch`, or the block key at (`epoch`, `keyVersion`). */
  readonly key: Uint8Array
  readonly to: { readonly principal: PrincipalRecord } | { readonly linkSecret: Uint8Array }
  readonly cap: Id | undefined
  readonly suite?: AeadCode // AES-256-GCM when absent
}

export function encodeDeliveryBody(body: Draft<DeliveryBody>): Uint8Array {
  const writer = new CanonicalWriter(1408).array(8)
  writeDeliveryHead(writer, body)
  writer.bin(body.wrapped)
  writeOptionalId(writer, body.cap)
  writeExtensions(writer, body.ext ?? [])
  return writer.finish()
}

/** The fields before `wrapped`, which the sealing key is bound to. */
function writeDeliveryHead(writer: CanonicalWriter, body: DeliveryHead): void {
  writer.bin(body.grant).bin(body.epoch)
  writer.optional(body.keyVersion, (version) => writer.uint(version))
  writer.uint(body.suite).bin(body.encapsulation)
}
type DeliveryHead = Pick<DeliveryBody, 'grant' | 'epoch' | 'keyVersion' | 'suite' | 'encapsulation'>

export function decodeDeliveryBody(bytes: Uint8Array): DeliveryBody {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(8)
  const body: DeliveryBody = {
    grant: readId(reader),
    epoch: readId(reader),
    keyVersion: reader.optional(() => reader.uint(0xffffffff)),
    suite: suiteAead(reader.uint(255)),
    encapsulation: reader.bin(xWingCiphertextBytes, linkSaltBytes),
    wrapped: reader.binExact(sealedKeyBytes),
    cap: readOptionalId(reader),
    ext: readExtensions(reader)
  }
  reader.end()
  if (body.encapsulation.length !== xWingCiphertextBytes && body.encapsulation.length !== linkSaltBytes) {
    throw new TreeError(
      'ERR_RECORD_FIELD',
      `a delivery holds ${body.encapsulation.length} bytes where an X-Wing ciphertext or a salt stands`
    )
  }
  return body
}

/**
 * Seals a key to the recipient of a grant and signs the delivery.
 * @throws ERR_RECORD_FIELD when recipient, target and key version do not fit the grant, ERR_PRINCIPAL_KEY when the
 * recipient's key cannot be sealed to
 */
export function createDelivery(
  deps: { readonly crypto: CryptoProvider; readonly random: Random },
  signer: Signer,
  draft: DeliveryDraft
): DeliveryRecord {
  const { crypto, random } = deps
  checkDeliveryFitsGrant(draft.grant, draft.keyVersion)
  const { secret, encapsulation, salt } = encapsulateTo(crypto, random, draft)
  const head = {
    grant: draft.grant.id,
    epoch: draft.epoch,
    keyVersion: draft.keyVersion,
    suite: draft.suite ?? aead.aes256Gcm,
    encapsulation
  }
  const binding = deliveryBinding(crypto, draft.grant, head)
  const key = deliveryKey(crypto, secret, salt, binding)
  const wrapped = sealKey(crypto, head.suite, key, binding, draft.key)
  const bodyBytes = encodeDeliveryBody({ ...head, wrapped, cap: draft.cap })
  return createRecord(crypto, recordType.delivery, signer, bodyBytes, decodeDeliveryBody)
}

const noSalt = new Uint8Array(0)

function encapsulateTo(
  crypto: CryptoProvider,
  random: Random,
  { grant, to }: DeliveryDraft
): { secret: Uint8Array; encapsulation: Uint8Array; salt: Uint8Array } {
  if ('principal' in to) {
    const isRecipient =
      grant.body.recipientType === recipientType.principal &&
      equalBytes(grant.body.recipient, to.principal.signer)
    if (!isRecipient) {
      throw new TreeError('ERR_RECORD_FIELD', 'the principal is not the recipient of the grant')
    }
    const isSeeded = random !== crypto.random // a simulator, or vectors
    const publicKey = to.principal.body.encapsulationPublicKey
    const sealed = encapsulate(crypto, publicKey, isSeeded ? random.bytes(64) : undefined)
    return { secret: sealed.sharedSecret, encapsulation: sealed.ciphertext, salt: noSalt }
  }
  checkLinkSecret(crypto, grant, to.linkSecret)
  const salt = random.bytes(linkSaltBytes)
  return { secret: to.linkSecret, encapsulation: salt, salt }
}

function encapsulate(
  crypto: CryptoProvider,
  publicKey: Uint8Array,
  randomness: Uint8Array | undefined
): ReturnType<CryptoProvider['encapsulate']> {
  try {
    return crypto.encapsulate(publicKey, randomness)
  } catch (cause) {
    if (!(cause instanceof CryptoError) || cause.code !== 'ERR_KEY_INVALID') throw cause
    throw new TreeError('ERR_PRINCIPAL_KEY', 'the encapsulation key of the recipient is refused', { cause })
  }
}

function checkLinkSecret(crypto: CryptoProvider, grant: GrantRecord, secret: Uint8Array): void {
  const isRecipient =
    grant.body.recipientType === recipientType.link &&
    equalBytes(grant.body.recipient, linkRecipient(crypto, secret))
  if (!isRecipient) throw new TreeError('ERR_RECORD_FIELD', 'the link secret does not belong to the grant')
}

/** ERR_RECORD_FIELD unless a block grant comes with a key version and a zone grant without. */
export function checkDeliveryFitsGrant(grant: GrantRecord, keyVersion: number | undefined): void {
  if ((grant.body.targetType === grantTarget.block) !== (keyVersion !== undefined)) {
    throw new TreeError(
      'ERR_RECORD_FIELD',
      'a delivery has a key version exactly when its grant is for one block'
    )
  }
}

/** SHA-256(tree | recipient | fields before `wrapped`): what the sealed key is for and for whom. */
function deliveryBinding(crypto: CryptoProvider, grant: GrantRecord, head: DeliveryHead): Uint8Array {
  const writer = new CanonicalWriter(1280)
  writeDeliveryHead(writer, head)
  return crypto.sha256Parts([grant.body.tree, grant.body.recipient, writer.finish()])
}

function deliveryKey(
  crypto: CryptoProvider,
  secret: Uint8Array,
  salt: Uint8Array,
  binding: Uint8Array
): Uint8Array {
  return crypto.hkdfSha256(secret, salt, concatBytes(domain.delivery, binding), 32)
}

/**
 * Opens a delivery. The commitment is not optional: an epoch for a zone grant, a header at the delivered epoch and
 * key version for a block grant.
 * @returns the zone key or the block key
 * @throws ERR_RECORD_FIELD when the parts do not belong together, ERR_DELIVERY_SEALED when it does not open,
 * ERR_ZONE_KEY or ERR_BLOCK_KEY when the content is not the committed key
 */
export function openDelivery(
  crypto: CryptoProvider,
  delivery: DeliveryRecord,
  grant: GrantRecord,
  recipient: { readonly decapsulation: DecapsulationKey } | { readonly linkSecret: Uint8Array },
  commitment: { readonly epoch: EpochRecord } | { readonly header: HeaderBody }
): Uint8Array {
  const { body } = delivery
  checkDeliveryFitsGrant(grant, body.keyVersion)
  if (!equalBytes(body.grant, grant.id)) {
    throw new TreeError('ERR_RECORD_FIELD', 'the delivery is for another grant')
  }
  const isForLink = grant.body.recipientType === recipientType.link
  if (
    isForLink !== (body.encapsulation.length === linkSaltBytes) ||
    isForLink !== 'linkSecret' in recipient
  ) {
    throw new TreeError('ERR_RECORD_FIELD', 'the delivery is for another sort of recipient')
  }
  checkCommitmentFits(body, grant, commitment)
  const binding = deliveryBinding(crypto, grant, body)
  const key =
    'linkSecret' in recipient
      ? deliveryKey(crypto, recipient.linkSecret, body.encapsulation, binding)
      : deliveryKey(crypto, recipient.decapsulation.decapsulate(body.encapsulation), noSalt, binding)
  const opened = openKey(crypto, suiteAead(body.suite), key, binding, body.wrapped)
  if (opened === undefined) {
    throw new TreeError('ERR_DELIVERY_SEALED', 'the delivery does not open for this recipient')
  }
  if ('epoch' in commitment) checkZoneKey(crypto, commitment.epoch.body, opened)
  else checkBlockKey(commitment.header, blockKeyFromBytes(crypto, opened))
  return opened
}

function checkCommitmentFits(
  body: DeliveryBody,
  grant: GrantRecord,
  commitment: { readonly epoch: EpochRecord } | { readonly header: HeaderBody }
): void {
  const fits =
    'epoch' in commitment
      ? grant.body.targetType === grantTarget.zone &&
        equalBytes(commitment.epoch.id, body.epoch) &&
        equalBytes(commitment.epoch.body.zone, grant.body.target)
      : grant.body.targetType === grantTarget.block &&
        equalBytes(commitment.header.block, grant.body.target) &&
        commitment.header.epoch !== undefined &&
        equalBytes(commitment.header.epoch, body.epoch) &&
        commitment.header.keyVersion === body.keyVersion
  if (!fits)
    throw new TreeError('ERR_RECORD_FIELD', 'the epoch or header is not the one that the delivery is for')
}
