/** `eris encode`: a file, a directory or stdin into blocks; the URN alone on stdout. */
import { lstat } from 'node:fs/promises'
import {
  type Block,
  type EncodedContent,
  type EncodedTree,
  type TreeEncodingOptions,
  chooseBlockSize,
  encodeContent,
  encodeTree,
  formatUrn,
  putBlocks
} from '@blocktree/eris'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { blockSizeOption, type ErisSession, openErisSession, secretOption } from '../eris-session.ts'
import { localPath } from '../local-path.ts'
import { localContent, localTree } from '../local-tree.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, options } = context
  const source = context.arguments[0] ?? '-'
  const blockSize = blockSizeOption(context)
  const secret = secretOption(context)
  const bar = output.progress('encode')
  await using session = await openErisSession(context)
  let done = 0
  const put = async (blocks: readonly Block[]): Promise<void> => {
    if (!options.has('dry-run')) await putBlocks(session.store, blocks, { signal: context.signal })
    for (const { bytes } of blocks) done += bytes.length
    bar.update({ done, unit: 'bytes' })
  }
  const { kernel, workers } = session.reading
  try {
    const encoding = { kernel, workers, blockSize, secret, put, signal: context.signal }
    const encoded = await encode(context, source, encoding)
    bar.finish()
    const { capability, contentBytes, blockCount } = encoded
    const urn = formatUrn(capability)
    const kind = 'items' in encoded ? 'tree' : 'content'
    const { blockSize: used, level } = capability
    const repeated = 'items' in encoded ? repeatedFiles(encoded) : 0
    if (repeated > 0) output.note(`files with the content of another one, not stored again: ${repeated}`)
    output.result(
      {
        urn,
        kind,
        contentBytes,
        blockCount,
        repeatedFiles: repeated,
        blockSize: used,
        level,
        store: storeName(session)
      },
      () => [urn]
    )
  } finally {
    bar.finish()
  }
}

async function encode(
  context: CommandContext,
  source: string,
  encoding: TreeEncodingOptions
): Promise<EncodedContent | EncodedTree> {
  if (source === '-')
    return await encodeContent(
      { ...encoding, blockSize: encoding.blockSize ?? chooseBlockSize(undefined) },
      process.stdin
    )
  const real = localPath(context, source)
  const status = await lstat(real).catch(() => undefined)
  if (status === undefined) throw new CliError('ERR_LOCAL_FILE', `there is no "${source}" on this machine`)
  if (status.isDirectory()) {
    return await encodeTree(
      encoding,
      localTree(real, (path) => context.output.note(`left out: ${path}`))
    )
  }
  const blockSize = encoding.blockSize ?? chooseBlockSize(status.size)
  return await encodeContent({ ...encoding, blockSize }, localContent(real))
}

function storeName({ store }: ErisSession): string {
  return store.name
}

/** How many files have the content of another one. */
function repeatedFiles({ items }: EncodedTree): number {
  const urns = items.flatMap(({ entry }) => (entry.kind === 'symlink' ? [] : [formatUrn(entry.capability)]))
  return urns.length - new Set(urns).size
}
