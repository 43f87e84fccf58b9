/** `put`: from this machine into the tree. The node reads the files itself; stdin is streamed to it. */
import { basename } from 'node:path'
import { createReadStream, lstatSync } from 'node:fs'
import type { Readable } from 'node:stream'
import type { TransferReport } from '@blocktree/node/method-table'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { formatBytes } from '../format.ts'
import { localPath } from '../local-path.ts'
import type { NodeClient } from '../node-client.ts'
import { putByStreams } from '../stream-transfer.ts'
import { transferLines } from '../transfer-report.ts'
import { destinationFor } from '../tree-path.ts'
import { exitCode } from '../exit-code.ts'

export async function run(context: CommandContext): Promise<number> {
  const sources = context.arguments.slice(0, -1)
  const target = context.arguments.at(-1) ?? '/'
  if (sources.length === 0)
    throw new CliError('ERR_ARGUMENT_MISSING', 'put needs a SOURCE and a PATH', {
      advice: 'usage: blocktree put SOURCE... PATH'
    })
  const node = await context.node()
  let problems = 0
  for (const source of sources) {
    if (source === '-') await putStream(context, node, await destinationFor(node, target, ''), process.stdin)
    else if (context.options.has('fence')) await putFenced(context, node, source, target)
    else problems += await putPath(context, node, source, sources.length > 1 ? `${target}/` : target)
  }
  return problems > 0 ? exitCode.failure : exitCode.ok
}

/** A single file, so that one token can be for it. */
async function putFenced(
  context: CommandContext,
  node: NodeClient,
  source: string,
  target: string
): Promise<void> {
  const real = localPath(context, source)
  if (lstatSync(real, { throwIfNoEntry: false })?.isFile() !== true)
    throw new CliError(
      'ERR_LOCAL_FILE',
      `"${source}" is no file of this machine; a token is for a single file`
    )
  const path = await destinationFor(node, target, basename(real).normalize('NFC'))
  await putStream(context, node, path, createReadStream(real))
}

async function putStream(
  context: CommandContext,
  node: NodeClient,
  path: string,
  upload: Readable
): Promise<void> {
  const { options, signal } = context
  const fence = options.integer('fence', 1)
  const params = { path, replace: !options.has('no-replace'), ...(fence === undefined ? {} : { fence }) }
  const answer = await node.call('file.put', params, { upload, signal })
  const promise = await promised(context, node, path)
  context.output.item({ path, ...answer, ...promise }, () => [
    `${path}  ${formatBytes(answer.size)}${promise === undefined ? '' : `  ${promise.promise}`}`
  ])
}

/** Waits for promises of other nodes when that was asked for. ERR_PROMISE_FEW when too few came. */
async function promised(
  context: CommandContext,
  node: NodeClient,
  path: string
): Promise<{ readonly promise: string } | undefined> {
  const copies = context.options.integer('wait', 1)
  if (copies === undefined) return undefined
  const { kept, of, promise } = await node.call('sync.wait', { path, copies }, { signal: context.signal })
  if (kept >= copies) return { promise }
  throw new CliError(
    'ERR_PROMISE_FEW',
    `"${path}" is stored, but only ${kept} of ${of} nodes promised to keep it`,
    {
      advice: '"blocktree sync status" shows the peers, "blocktree receipts PATH" who promised'
    }
  )
}

async function putPath(
  context: CommandContext,
  node: NodeClient,
  source: string,
  target: string
): Promise<number> {
  const real = localPath(context, source)
  const status = lstatSync(real, { throwIfNoEntry: false })
  if (status === undefined) throw new CliError('ERR_LOCAL_FILE', `there is no "${source}" on this machine`)
  // `put photos/ /` and `put photos /`: both make /photos
  const destination = await destinationFor(node, target, basename(real).normalize('NFC'))
  const report = await transfer(context, node, real, destination)
  const promise = status.isFile() ? await promised(context, node, destination) : undefined
  context.output.item({ source: real, destination, ...report, ...promise }, () => [
    ...transferLines(context.output, destination, report),
    ...(promise === undefined ? [] : [`kept by ${promise.promise}`])
  ])
  return report.problemCount
}

async function transfer(
  context: CommandContext,
  node: NodeClient,
  source: string,
  destination: string
): Promise<TransferReport> {
  const { options, output, signal } = context
  const bar = output.progress('put')
  const params = {
    source,
    destination,
    replace: !options.has('no-replace'),
    followLinks: options.has('follow')
  }
  try {
    return await node.call('transfer.import', params, { signal, onProgress: (report) => bar.update(report) })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_METHOD_UNAVAILABLE')) throw error
    return await putByStreams({ node, ...params, signal, onProgress: (report) => bar.update(report) })
  } finally {
    bar.finish()
  }
}
