/** `get`: from the tree to this machine. */
import { createWriteStream, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { TransferReport } from '@blocktree/node/method-table'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { exitCode } from '../exit-code.ts'
import { formatBytes } from '../format.ts'
import { localPath } from '../local-path.ts'
import type { NodeClient } from '../node-client.ts'
import { getByStreams } from '../stream-transfer.ts'
import { transferLines } from '../transfer-report.ts'
import { baseName, treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<number> {
  const { output } = context
  const node = await context.node()
  const source = treePath(context.arguments[0] ?? '')
  const target = context.arguments[1] ?? '.'
  const version = context.options.text('version')
  if (target === '-') {
    await download(context, node, source, version, undefined)
    return exitCode.ok
  }
  const destination = targetFor(context, target, source)
  if (version !== undefined) {
    const size = await download(context, node, source, version, destination)
    output.result({ source, destination, size }, () => [`${destination}  ${formatBytes(size)}`])
    return exitCode.ok
  }
  const report = await transfer(context, node, source, destination)
  output.result({ source, destination, ...report }, () => transferLines(output, destination, report))
  return report.problemCount > 0 ? exitCode.failure : exitCode.ok
}

/** Into the target when that is a directory. */
function targetFor(context: CommandContext, target: string, source: string): string {
  const real = localPath(context, target)
  const isDirectory =
    target.endsWith('/') || statSync(real, { throwIfNoEntry: false })?.isDirectory() === true
  return isDirectory ? join(real, baseName(source)) : real
}

async function download(
  context: CommandContext,
  node: NodeClient,
  path: string,
  version: string | undefined,
  destination: string | undefined
): Promise<number> {
  const isTaken = destination !== undefined && existsSync(destination) && !context.options.has('replace')
  if (isTaken)
    throw new CliError('ERR_LOCAL_EXISTS', `"${destination}" exists`, {
      advice: 'use --replace to replace it'
    })
  const call = node.callStream(
    'file.get',
    { path, ...(version === undefined ? {} : { version }) },
    { signal: context.signal }
  )
  if (destination === undefined) for await (const chunk of call.download) await context.output.bytes(chunk)
  else await pipeline(call.download, createWriteStream(destination))
  return (await call.result).bytes
}

async function transfer(
  context: CommandContext,
  node: NodeClient,
  source: string,
  destination: string
): Promise<TransferReport> {
  const { options, output, signal } = context
  const bar = output.progress('get')
  const params = { source, destination, replace: options.has('replace') }
  try {
    return await node.call('transfer.export', params, { signal, onProgress: (report) => bar.update(report) })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_METHOD_UNAVAILABLE')) throw error
    return await getByStreams({ node, ...params, signal, onProgress: (report) => bar.update(report) })
  } finally {
    bar.finish()
  }
}
