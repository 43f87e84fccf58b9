/** Small files that are created by calls, sealed and signed here many at a time while the main thread answers. */
import { type FileRecipe, buildFileRecords } from '@blocktree/files'
import type { CryptoProvider } from '@blocktree/crypto'
import { type Signer, noMetadata } from '@blocktree/tree'
import type { SealResult, SealWork, ZoneTarget } from '../worker-message.ts'
import { frameHeaders } from './pack-files.ts'

export interface SealFilesContext {
  readonly crypto: CryptoProvider
  readonly signer: Signer
  readonly nameSecret: Uint8Array
  readonly zone: ZoneTarget
  /** Of the frames of the store. */
  readonly salt: number
}

export function sealFiles(context: SealFilesContext, work: SealWork): SealResult {
  const { crypto, signer, nameSecret, zone } = context
  const deps = { crypto, random: crypto.random }
  const target = {
    tree: zone.tree,
    directory: work.directory,
    zone: zone.zone,
    isPublic: zone.isPublic,
    cap: { cap: zone.cap, rank: zone.rank },
    writeKey: { epoch: zone.epoch, key: zone.key }
  }
  let offset = 0
  const files = work.names.map((name, index) => {
    const end = offset + (work.lengths[index] ?? 0)
    const recipe: FileRecipe = {
      name,
      metadata: { ...noMetadata, modifiedMs: work.modifiedMs[index] },
      kind: 'file',
      bytes: work.contents.subarray(offset, end),
      sectorLog2: work.sectorLog2
    }
    offset = end
    return { index, ...buildFileRecords(deps, signer, nameSecret, target, recipe) }
  })
  const newFiles = frameHeaders(context, work, files)
  const [first] = files
  if (newFiles === undefined || first === undefined || files.some(({ sectors }) => sectors.length > 0))
    throw new RangeError('a batch to seal has files, and each fits beside its header')
  return { sample: first.header.bytes.slice(), newFiles }
}
