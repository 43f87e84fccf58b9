/**
 * Principals: users, nodes, apps. A principal is a signing key and an encapsulation key, self-signed; its id is a
 * hash over both, so neither can be swapped (B.1.5; body `[1, signing key, 1, encapsulation key, ext]`).
 */
import { CanonicalReader, CanonicalWriter, decodeEnvelope, equalBytes } from '@blocktree/codec'
import type { CryptoProvider, DecapsulationKey, PrincipalSecret, SigningKey } from '@blocktree/crypto'
import { xWingPublicKeyBytes } from '@blocktree/crypto'
import { domain } from './domain.ts'
import { readExtensions, writeExtensions } from './extension.ts'
import type { Id, PrincipalBody, PrincipalRecord } from './records.ts'
import { recordType } from './records.ts'
import { type Draft, type Signer, createRecord } from './signed-record.ts'
import { TreeError } from './tree-error.ts'

const ed25519 = 1
const xWing = 1

/** A principal whose secrets are at hand. `close` wipes them. */
export interface Principal extends Signer {
  readonly id: Id
  readonly key: SigningKey
  readonly decapsulation: DecapsulationKey
  readonly record: PrincipalRecord
  close(): void
}

export function encodePrincipalBody(body: Draft<PrincipalBody>): Uint8Array {
  const writer = new CanonicalWriter(1280).array(5)
  writer.uint(ed25519).bin(body.signingPublicKey).uint(xWing).bin(body.encapsulationPublicKey)
  writeExtensions(writer, body.ext ?? [])
  return writer.finish()
}

/** @throws ERR_RECORD_UNKNOWN_FORMAT for algorithms of a later version */
export function decodePrincipalBody(bytes: Uint8Array): PrincipalBody {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(5)
  readAlgorithm(reader, ed25519, 'signature')
  const signingPublicKey = reader.binExact(32)
  readAlgorithm(reader, xWing, 'encapsulation')
  const encapsulationPublicKey = reader.binExact(xWingPublicKeyBytes)
  const ext = readExtensions(reader)
  reader.end()
  return { signingPublicKey, encapsulationPublicKey, ext }
}

function readAlgorithm(reader: CanonicalReader, known: number, purpose: string): void {
  const code = reader.uint(255)
  if (code !== known) {
    throw new TreeError('ERR_RECORD_UNKNOWN_FORMAT', `${purpose} algorithm ${code} is not known here`)
  }
}

export function principalId(crypto: CryptoProvider, bodyBytes: Uint8Array): Id {
  return crypto.sha256Parts([domain.principal, bodyBytes])
}

/** Keys and self-signed record of the principal that `secret` belongs to; the same secret gives the same id. */
export function createPrincipal(crypto: CryptoProvider, secret: PrincipalSecret): Principal {
  const key = crypto.signingKey(secret.signSeed)
  const decapsulation = crypto.decapsulationKey(secret.kemSeed)
  const bodyBytes = encodePrincipalBody({
    signingPublicKey: key.publicKey,
    encapsulationPublicKey: decapsulation.publicKey
  })
  const id = principalId(crypto, bodyBytes)
  const record = createRecord(crypto, recordType.principal, { id, key }, bodyBytes, decodePrincipalBody)
  return {
    id,
    key,
    decapsulation,
    record,
    close() {
      key.close()
      decapsulation.close()
    }
  }
}

/**
 * The rules a principal record must meet beside its signature: the signer is the principal itself and the signing
 * key is canonical and of prime order. ERR_RECORD_SIGNER, ERR_PRINCIPAL_KEY.
 */
export function checkPrincipalRecord(crypto: CryptoProvider, record: PrincipalRecord): void {
  if (!equalBytes(principalId(crypto, decodeEnvelope(record.bytes).body), record.signer)) {
    throw new TreeError('ERR_RECORD_SIGNER', 'a principal record is not signed in the name of its own id')
  }
  if (!crypto.isSigningPublicKey(record.body.signingPublicKey)) {
    throw new TreeError('ERR_PRINCIPAL_KEY', 'the signing key is not a canonical Ed25519 key of prime order')
  }
}
