/** `eris copy`: encrypted blocks from store to store, each verified on the way. */
import {
  type Block,
  type BlockRequest,
  ErisError,
  blocksOf,
  formatReference,
  getBlocks,
  putBlocks,
  verifyBlock
} from '@blocktree/eris'
import { openBlockStore } from '@blocktree/eris-store'
import type { CommandContext } from '../command.ts'
import { erisParts } from '../eris-parts.ts'
import { capabilityArgument, openErisSession } from '../eris-session.ts'

const blocksAtOnce = 64

export async function run(context: CommandContext): Promise<void> {
  const { output, signal } = context
  const capability = capabilityArgument(context)
  await using session = await openErisSession(context)
  await using target = await openBlockStore(context.arguments[1] ?? '')
  const bar = output.progress('copy')
  let blockCount = 0
  const copy = async (requests: readonly BlockRequest[]): Promise<void> => {
    const answers = await getBlocks(session.store, requests, { signal })
    const blocks = requests.map((request, index): Block => {
      const bytes = answers[index]
      if (bytes !== undefined) return verifyBlock(session.reading.kernel, request.reference, bytes)
      throw new ErisError(
        'ERR_ERIS_BLOCK_MISSING',
        `block ${formatReference(request.reference)} is not in ${session.store.name}`
      )
    })
    await putBlocks(target, blocks, { signal })
    blockCount += blocks.length
    bar.update({ done: blockCount, unit: 'blocks' })
  }
  try {
    let waiting: BlockRequest[] = []
    for await (const part of erisParts(session.reading, capability)) {
      for await (const request of blocksOf(session.reading, part.capability)) {
        waiting.push(request)
        if (waiting.length < blocksAtOnce) continue
        await copy(waiting)
        waiting = []
      }
    }
    await copy(waiting)
  } finally {
    bar.finish()
  }
  output.result({ blockCount, target: target.name }, () => [`${blockCount} blocks to ${target.name}`])
}
