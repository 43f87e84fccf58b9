/** `link get`: a file or directory, with the keys of a link. */
import { createWriteStream, existsSync, mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { formatBytes, formatCount } from '../format.ts'
import { localPath } from '../local-path.ts'
import type { NodeClient } from '../node-client.ts'
import { readLineArgument } from '../read-line.ts'
import { treePath } from '../tree-path.ts'

interface Job {
  readonly node: NodeClient
  readonly link: string
  readonly signal: AbortSignal
  files: number
  bytes: number
}

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  const [line = '', first, second] = context.arguments
  const link = readLineArgument(line)
  const job: Job = { node, link, signal: context.signal, files: 0, bytes: 0 }
  const path = second === undefined ? undefined : treePath(first ?? '')
  const destination = localPath(context, second ?? first ?? '.')
  await take(job, path, destination)
  const { files, bytes } = job
  context.output.result({ destination, files, bytes }, () => [
    `${destination}  ${formatCount(files, 'file')}, ${formatBytes(bytes)}`
  ])
}

/** A directory when it can be listed, else a file. */
async function take(job: Job, path: string | undefined, destination: string): Promise<void> {
  const place = path === undefined ? {} : { path }
  let cursor: string | undefined
  try {
    do {
      const page = await job.node.call('link.list', {
        link: job.link,
        ...place,
        ...(cursor === undefined ? {} : { cursor })
      })
      mkdirSync(destination, { recursive: true })
      for (const entry of page.entries) {
        if (entry.kind === 'symlink') continue // a link may lead out of what was granted
        const target = join(destination, basename(entry.name))
        if (entry.kind === 'directory') await take(job, entry.path, target)
        else await download(job, { path: entry.path }, target)
      }
      cursor = page.cursor
    } while (cursor !== undefined)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_FILE_NOT_DIRECTORY')) throw error
    await download(job, place, destination)
  }
}

async function download(job: Job, place: { readonly path?: string }, target: string): Promise<void> {
  if (existsSync(target))
    throw new CliError('ERR_LOCAL_EXISTS', `"${target}" exists`, { advice: 'choose another destination' })
  const call = job.node.callStream('link.read', { link: job.link, ...place }, { signal: job.signal })
  await pipeline(call.download, createWriteStream(target, { flags: 'wx' }))
  job.bytes += (await call.result).bytes
  job.files++
}
