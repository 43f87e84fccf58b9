/**
 * Link grants: a 32-byte secret opens what the grant gives (MODEL B.5, A27). The secret travels in the fragment of a
 * URL, which browsers do not send. For later deliveries, after a key change, the issuer finds it again in an extension
 * of the grant, sealed to the issuer alone. Layouts: doc/spec/14-access-lines.md, sections 5 and 6.
 */
import { concatBytes, equalBytes } from '@blocktree/codec'
import { type CryptoProvider, type Random, aead, aeadTagBytes, xWingCiphertextBytes } from '@blocktree/crypto'
import type { Extension, GrantBody, GrantRecord, Id, Principal } from '@blocktree/tree'
import { FilesError } from '../files-error.ts'
import { formatLine, parseLine } from './text-line.ts'

export const linkSecretBytes = 32
/** Code of the sealed secret among the extensions of a grant. */
export const linkSecretExtension = 1
const domain: Uint8Array = new TextEncoder().encode('blocktree/link-secret/1\0')
const nonce = new Uint8Array(12) // the key is used once
const linePrefix = 'blocktree-link:'
const format = 1

type Target = Pick<GrantBody, 'tree' | 'target' | 'recipient'>
interface Deps {
  readonly crypto: CryptoProvider
  readonly random: Random
}

/** The secret sealed to the issuer, to be put into the grant. */
export function sealLinkSecret(deps: Deps, issuer: Principal, target: Target, secret: Uint8Array): Extension {
  const { crypto, random } = deps
  const { sharedSecret, ciphertext } = crypto.encapsulate(
    issuer.record.body.encapsulationPublicKey,
    random === crypto.random ? undefined : random.bytes(64)
  )
  const binding = secretBinding(crypto, target, issuer.id)
  const key = crypto.hkdfSha256(sharedSecret, new Uint8Array(0), concatBytes(domain, binding), 32)
  const sealed = crypto.aeadSeal(aead.aes256Gcm, key, nonce, binding, secret)
  return { code: linkSecretExtension, critical: false, bytes: concatBytes(ciphertext, sealed) }
}

/** undefined when the grant was issued by somebody else, or holds no secret that opens and fits. */
export function openLinkSecret(
  crypto: CryptoProvider,
  issuer: Principal,
  grant: GrantRecord
): Uint8Array | undefined {
  const bytes = grant.body.ext.find(({ code }) => code === linkSecretExtension)?.bytes
  if (bytes?.length !== xWingCiphertextBytes + linkSecretBytes + aeadTagBytes) return undefined
  if (!equalBytes(grant.signer, issuer.id)) return undefined
  const shared = issuer.decapsulation.decapsulate(bytes.subarray(0, xWingCiphertextBytes))
  const binding = secretBinding(crypto, grant.body, issuer.id)
  const key = crypto.hkdfSha256(shared, new Uint8Array(0), concatBytes(domain, binding), 32)
  return crypto.aeadOpen(aead.aes256Gcm, key, nonce, binding, bytes.subarray(xWingCiphertextBytes))
}

function secretBinding(crypto: CryptoProvider, target: Target, issuer: Id): Uint8Array {
  return crypto.sha256Parts([target.tree, target.target, target.recipient, issuer])
}

export interface LinkText {
  readonly tree: Id
  readonly secret: Uint8Array
}

/** Text for the fragment of a URL. Whoever has it can read. */
export function formatLink(crypto: CryptoProvider, link: LinkText): string {
  const body = concatBytes(Uint8Array.of(format), link.tree, link.secret)
  return formatLine(linePrefix, concatBytes(body, crypto.sha256(body).subarray(0, 4)))
}

/** @throws ERR_ACCESS_LINE for anything but the exact text, a mistyped character included */
export function parseLink(crypto: CryptoProvider, text: string): LinkText {
  const bytes = parseLine(linePrefix, text, 256)
  const body = bytes.subarray(0, -4)
  if (
    body.length !== 65 ||
    body[0] !== format ||
    !equalBytes(bytes.subarray(-4), crypto.sha256(body).subarray(0, 4))
  ) {
    throw new FilesError('ERR_ACCESS_LINE', 'the link is cut off or mistyped: copy it again as a whole')
  }
  return { tree: body.slice(1, 33), secret: body.slice(33) }
}
