/** Reading everything back: each stored record must be what its id says, be signed by its principal, and be acceptable. */
import { CodecError, equalBytes } from '@blocktree/codec'
import { type AcceptanceContext, checkRecord } from './acceptance.ts'
import type { BlockStore, StoredRecord } from './ports.ts'
import { decodeRecord, verifyRecordSignature } from './record.ts'
import type { Id } from './records.ts'
import { recordType } from './records.ts'
import { TreeError } from './tree-error.ts'

/** Yields records that are damaged, with the reason; nothing when all are sound. */
export async function* verifyStoredRecords(
  store: BlockStore,
  context: AcceptanceContext,
  signal?: AbortSignal
): AsyncGenerator<{ readonly id: Id; readonly message: string }> {
  for await (const stored of store.records()) {
    signal?.throwIfAborted()
    const message = problemOf(stored, context)
    if (message !== undefined) yield { id: stored.id, message }
  }
}

function problemOf(stored: StoredRecord, context: AcceptanceContext): string | undefined {
  try {
    const record = decodeRecord(context.crypto, stored.bytes)
    if (!equalBytes(record.id, stored.id)) return 'the record does not hash to its id'
    const principal =
      record.type === recordType.principal ? record : context.authority.principal(record.signer)
    if (principal === undefined) return 'the principal of the signer is not held'
    verifyRecordSignature(context.crypto, record, principal.body.signingPublicKey)
    const verdict = checkRecord(context, record)
    return verdict.verdict === 'accepted' ? undefined : verdict.message
  } catch (error) {
    if (error instanceof TreeError || error instanceof CodecError) return error.message
    throw error
  }
}
