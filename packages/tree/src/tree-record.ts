/**
 * The tree record: names the first root principal and commits to an offline recovery principal; its record id is
 * the tree id (B.2; body `[root, recovery|nil, flags, nonce, ext]`). The root block follows from it.
 */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { domain } from './domain.ts'
import { readExtensions, writeExtensions } from './extension.ts'
import { readId, readOptionalId, writeOptionalId } from './id-set.ts'
import type { Id, TreeBody, TreeRecord } from './records.ts'
import { recordType } from './records.ts'
import { type Draft, type Signer, createRecord } from './signed-record.ts'
import { TreeError } from './tree-error.ts'

const insecureFlag = 1

export function encodeTreeBody(body: Draft<TreeBody>): Uint8Array {
  const writer = new CanonicalWriter(128).array(5).bin(body.root)
  writeOptionalId(writer, body.recovery)
  writer.uint(body.insecure ? insecureFlag : 0).bin(body.nonce)
  writeExtensions(writer, body.ext ?? [])
  return writer.finish()
}

export function decodeTreeBody(bytes: Uint8Array): TreeBody {
  const reader = new CanonicalReader(bytes)
  reader.arrayOf(5)
  const root = readId(reader)
  const recovery = readOptionalId(reader)
  const flags = reader.uint(insecureFlag)
  const nonce = reader.binExact(16)
  const ext = readExtensions(reader)
  reader.end()
  return { root, recovery, insecure: flags === insecureFlag, nonce, ext }
}

/** What a tree record or succession says of the recovery principal, without naming it. */
export function recoveryCommitment(crypto: CryptoProvider, recoveryPrincipal: Id): Id {
  return crypto.sha256Parts([domain.recovery, recoveryPrincipal])
}

/** @returns the record whose `id` is the tree id; `signer` becomes the first root principal */
export function createTree(
  crypto: CryptoProvider,
  signer: Signer,
  draft: Omit<Draft<TreeBody>, 'root'>
): TreeRecord {
  const bodyBytes = encodeTreeBody({ ...draft, root: signer.id })
  return createRecord(crypto, recordType.tree, signer, bodyBytes, decodeTreeBody)
}

/** ERR_RECORD_SIGNER unless the root that the record names has signed it. */
export function checkTreeRecord(record: TreeRecord): void {
  if (!record.body.root.every((byte, index) => byte === record.signer[index])) {
    throw new TreeError('ERR_RECORD_SIGNER', 'a tree record is not signed by the root that it names')
  }
}
