/**
 * Grants: who may read a zone or one block (B.5). A grant holds no key; keys come in deliveries. A recipient is a
 * principal, or a link: a 32-byte secret that travels in the fragment of a URL.
 */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { domain } from './domain.ts'
import { readExtensions, writeExtensions } from './extension.ts'
import { readId, readOptionalId, writeOptionalId } from './id-set.ts'
import type { Extension, GrantBody, GrantRecord, Id } from './records.ts'
import { grantTarget, recipientType, recordType } from './records.ts'
import { type Draft, type Signer, createRecord } from './signed-record.ts'

export function encodeGrantBody(body: Draft<GrantBody>): Uint8Array {
  const writer = new CanonicalWriter(256).array(9).bin(body.tree).uint(body.targetType).bin(body.target)
  writer.uint(body.recipientType).bin(body.recipient)
  writer.optional(body.notAfter, (time) => writer.uint(time))
  writeOptionalId(writer, body.cap)
  writer.bin(body.nonce)
  writeExtensions(writer, body.ext ?? [])
  return writer.finish()
}

export function decodeGrantBody(bytes: Uint8Array): GrantBody {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(9)
  const body: GrantBody = {
    tree: readId(reader),
    targetType: reader.uint(1) === 0 ? grantTarget.zone : grantTarget.block,
    target: readId(reader),
    recipientType: reader.uint(2, 1) === 1 ? recipientType.principal : recipientType.link,
    recipient: readId(reader),
    notAfter: reader.optional(() => reader.uint()),
    cap: readOptionalId(reader),
    nonce: reader.binExact(16),
    ext: readExtensions(reader)
  }
  reader.end()
  return body
}

export function createGrant(crypto: CryptoProvider, signer: Signer, draft: Draft<GrantBody>): GrantRecord {
  return createRecord(crypto, recordType.grant, signer, encodeGrantBody(draft), decodeGrantBody)
}

/** The recipient id of a link with this 32-byte secret. */
export function linkRecipient(crypto: CryptoProvider, secret: Uint8Array): Id {
  return crypto.sha256Parts([domain.link, secret])
}

const renewsCode = 1 // page 07
const idBytes = 32

/** The extension by which a new root says of a grant that it stands for this one, which its former root signed. */
export function renewsGrant(grant: Id): Extension {
  return { code: renewsCode, critical: false, bytes: grant }
}

/** The grant that this one stands for since the root key was replaced; undefined for any other. */
export function renewedGrant({ body }: GrantRecord): Id | undefined {
  const bytes = body.ext.find(({ code }) => code === renewsCode)?.bytes
  return bytes?.length === idBytes ? bytes : undefined
}
