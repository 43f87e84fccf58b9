/** A part of a large file, 32 MiB: its sectors and the node over them. Units of one file are sealed by all workers. */
import { closeSync } from 'node:fs'
import type { CryptoProvider } from '@blocktree/crypto'
import { type SealContext, holeReference } from '@blocktree/tree'
import { sectorLog2 } from '../limits.ts'
import { systemReason } from '../transfer-problem.ts'
import type { UnitResult, UnitWork, ZoneTarget } from '../worker-message.ts'
import type { FrameOutput } from './frame-output.ts'
import { expectUnchanged } from './pack-files.ts'
import { type SourceReader, SourceRefusal, openSource, sealUnitNode } from './seal-source.ts'

const sectorBytes = 2 ** sectorLog2
const nothing = new Uint8Array(0)

export async function sealUnit(
  context: {
    readonly crypto: CryptoProvider
    readonly zone: ZoneTarget
    readonly output: FrameOutput
    readonly reader: SourceReader
  },
  work: UnitWork
): Promise<UnitResult> {
  const { crypto, zone, output } = context
  const sealing: SealContext = {
    crypto,
    random: crypto.random,
    block: work.directory,
    aead: zone.isPublic ? 0 : 1
  }
  try {
    const source = openSource(work.path, work.followLinks)
    const expected = {
      fd: source.fd,
      state: { ...source.state, size: work.size, modifiedMs: work.modifiedMs }
    }
    try {
      expectUnchanged(expected)
      const start = work.firstLeaf * sectorBytes
      const run = {
        firstLeaf: work.firstLeaf,
        length: Math.min(work.size - start, work.leaves * sectorBytes)
      }
      const { references, stored } = await context.reader.sealRun(source.fd, run, sealing, output)
      expectUnchanged(expected)
      const node = sealUnitNode(sealing, work.firstLeaf / work.leaves, references)
      if (node === undefined) {
        output.flush()
        return { ...holeReference(sealing.aead), stored: 0, failure: undefined }
      }
      await output.add({ reference: node.hash, bytes: node.bytes })
      output.flush()
      return {
        hash: node.hash.slice(),
        key: node.key.slice(),
        stored: stored + node.bytes.length,
        failure: undefined
      }
    } finally {
      closeSync(source.fd)
    }
  } catch (error) {
    output.flush()
    if (error instanceof SourceRefusal) return failed(error.code, error.message)
    if (error instanceof Error && 'syscall' in error)
      return failed('ERR_ENTRY_UNREADABLE', systemReason(error))
    throw error
  }
}

function failed(code: NonNullable<UnitResult['failure']>['code'], reason: string): UnitResult {
  return { hash: nothing, key: nothing, stored: 0, failure: { index: 0, code, reason } }
}
