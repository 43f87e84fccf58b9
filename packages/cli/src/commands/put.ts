/** `put`: from this machine into the tree. The node reads the files itself; stdin is streamed to it. */
import { basename } from 'node:path'
import { createReadStream, lstatSync } from 'node:fs'
import type { Readable } from 'node:stream'
import type { ImportReport } from '@blocktree/node/method-table'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { formatBytes } from '../format.ts'
import { localPath } from '../local-path.ts'
import type { NodeClient } from '../node-client.ts'
import { putByStreams } from '../stream-transfer.ts'
import { transferLines } from '../transfer-report.ts'
import { destinationFor } from '../tree-path.ts'
import { exitCode } from '../exit-code.ts'
import { createPromiseNotes, type PromiseNotes, waitParams } from '../write-promise.ts'

export async function run(context: CommandContext): Promise<number> {
  const sources = context.arguments.slice(0, -1)
  const target = context.arguments.at(-1) ?? '/'
  if (sources.length === 0)
    throw new CliError('ERR_ARGUMENT_MISSING', 'put needs a SOURCE and a PATH', {
      advice: 'usage: blocktree put SOURCE... PATH'
    })
  waitParams(context)
  const node = await context.node()
  const notes = createPromiseNotes(context)
  let problems = 0
  for (const source of sources) {
    const put = { context, node, source, notes }
    if (source === '-') await putStream(put, await destinationFor(node, target, ''), process.stdin)
    else if (context.options.has('fence')) await putFenced(put, target)
    else problems += await putPath(put, sources.length > 1 ? `${target}/` : target)
  }
  notes.end()
  return problems > 0 ? exitCode.failure : exitCode.ok
}

interface Put {
  readonly context: CommandContext
  readonly node: NodeClient
  readonly source: string
  readonly notes: PromiseNotes
}

/** A single file, so that one token can be for it. */
async function putFenced(put: Put, target: string): Promise<void> {
  const { context, node, source } = put
  const real = localPath(context, source)
  if (lstatSync(real, { throwIfNoEntry: false })?.isFile() !== true)
    throw new CliError(
      'ERR_LOCAL_FILE',
      `"${source}" is no file of this machine; a token is for a single file`
    )
  const path = await destinationFor(node, target, basename(real).normalize('NFC'))
  await putStream(put, path, createReadStream(real))
}

async function putStream({ context, node, notes }: Put, path: string, upload: Readable): Promise<void> {
  const { options, signal } = context
  const fence = options.integer('fence', 1)
  const params = {
    path,
    replace: !options.has('no-replace'),
    ...(fence === undefined ? {} : { fence }),
    ...waitParams(context)
  }
  const answer = await node.call('file.put', params, { upload, signal })
  context.output.item({ path, ...answer }, () => [`${path}  ${formatBytes(answer.size)}`])
  notes.say(answer.promise)
}

async function putPath({ context, node, source, notes }: Put, target: string): Promise<number> {
  const real = localPath(context, source)
  const status = lstatSync(real, { throwIfNoEntry: false })
  if (status === undefined) throw new CliError('ERR_LOCAL_FILE', `there is no "${source}" on this machine`)
  // `put photos/ /` and `put photos /`: both make /photos
  const destination = await destinationFor(node, target, basename(real).normalize('NFC'))
  const report = await transfer(context, node, real, destination)
  context.output.item({ source: real, destination, ...report }, () =>
    transferLines(context.output, destination, report)
  )
  notes.say(report.promise)
  return report.problemCount
}

async function transfer(
  context: CommandContext,
  node: NodeClient,
  source: string,
  destination: string
): Promise<ImportReport> {
  const { options, output, signal } = context
  const bar = output.progress('put')
  const params = {
    source,
    destination,
    replace: !options.has('no-replace'),
    followLinks: options.has('follow'),
    ...waitParams(context)
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
