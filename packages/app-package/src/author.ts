/**
 * The record of a principal, carried beside what it signed, so that a package can be verified on its own. The layout is
 * that of doc/spec/05-records.md, section 2; here it is only verified and its key taken out.
 */
import { CanonicalReader, decodeEnvelope, equalBytes, signInput } from '@blocktree/codec'
import { type CryptoProvider, type SigningKey, xWingPublicKeyBytes } from '@blocktree/crypto'
import { PackageError, refuseAs } from './package-error.ts'

/** A principal that can sign here and now. */
export interface AppSigner {
  readonly id: Uint8Array // 32 bytes, principal id
  readonly key: SigningKey
}

export interface VerifiedPrincipal {
  readonly id: Uint8Array
  readonly signingPublicKey: Uint8Array
}

const principalType = 1
const principalDomain = new TextEncoder().encode('blocktree/principal/1\0')

/** ERR_PACKAGE_AUTHOR unless it is a sound, self-signed record of a principal. */
export function verifyPrincipal(crypto: CryptoProvider, bytes: Uint8Array): VerifiedPrincipal {
  return refuseAs('ERR_PACKAGE_AUTHOR', "the author's record", () => {
    const envelope = decodeEnvelope(bytes)
    if (envelope.type !== principalType || envelope.format !== 1) {
      fail(
        `is of type ${envelope.type}, format ${envelope.format}: expected a principal, ${principalType}, 1`
      )
    }
    const signingPublicKey = readSigningKey(envelope.body)
    const id = crypto.sha256Parts([principalDomain, envelope.body])
    if (!equalBytes(id, envelope.signer)) fail('is not signed in the name of its own id')
    if (!crypto.isSigningPublicKey(signingPublicKey))
      fail('has a key that is not canonical or of small order')
    if (!crypto.verify(signingPublicKey, signInput(envelope), envelope.signature))
      fail('has a signature that does not hold')
    return { id, signingPublicKey }
  })
}

/** Body `[1, signing key, 1, encapsulation key, ext]`. */
function readSigningKey(body: Uint8Array): Uint8Array {
  const reader = new CanonicalReader(body)
  reader.arrayOf(5)
  if (reader.uint(255) !== 1) fail('has another signature algorithm')
  const key = reader.binExact(32)
  if (reader.uint(255) !== 1) fail('has another encapsulation algorithm')
  reader.binExact(xWingPublicKeyBytes)
  const extensions = reader.array(64)
  for (let index = 0; index < extensions; index++) {
    reader.arrayOf(3)
    reader.uint()
    if (reader.boolean()) fail('has a critical extension that is not known here')
    reader.bin(body.length)
  }
  reader.end()
  return key
}

function fail(problem: string): never {
  throw new PackageError('ERR_PACKAGE_AUTHOR', `the author's record ${problem}`)
}
