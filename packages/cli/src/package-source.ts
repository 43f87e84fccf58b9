/**
 * Where a package comes from: a file, stdin, a URN, or a release record that its author signed. Blocks are asked of the
 * stores of the node, with a URL behind them; a release record says what must come out, whoever gives it.
 */
import { formatId } from '@blocktree/codec'
import { CliError } from './cli-error.ts'
import type { CommandContext } from './command.ts'
import { formatBytes } from './format.ts'
import { readLocalFile } from './local-file.ts'

export interface PackageSource {
  readonly bytes: Uint8Array
  /** Checks what a release record said against the package itself. @throws ERR_AUTHOR_OTHER */
  readonly expectRelease: (app: {
    readonly author: string
    readonly name: string
    readonly version: number
  }) => void
}

export async function readPackageSource(context: CommandContext, source: string): Promise<PackageSource> {
  if (source.startsWith('urn:eris:')) {
    const bytes = await readContent(context, {
      urn: source,
      url: context.options.text('url'),
      isPrivateAllowed: true
    })
    return { bytes, expectRelease: () => undefined }
  }
  if (!source.endsWith('.release'))
    return { bytes: readLocalFile(context, source), expectRelease: () => undefined }
  const { verifyRelease } = await import('@blocktree/node/release-record')
  const { loadCrypto } = await import('@blocktree/node/author')
  const { formatUrn } = await import('@blocktree/eris')
  const release = verifyRelease(await loadCrypto(), readLocalFile(context, source))
  const bytes = await readContent(context, {
    urn: formatUrn(release.capability),
    url: context.options.text('url') ?? release.url,
    isPrivateAllowed: context.options.has('url'), // the other one was written by a stranger
    sha256: release.sha256.toHex()
  })
  return {
    bytes,
    expectRelease({ author, name, version }) {
      if (author === formatId(release.author) && name === release.name && version === release.version) return
      throw new CliError(
        'ERR_AUTHOR_OTHER',
        `the release names version ${release.version} of "${release.name}" by ${formatId(release.author)}, the package is version ${version} of "${name}" by ${author}`
      )
    }
  }
}

async function readContent(
  context: CommandContext,
  params: {
    readonly urn: string
    readonly url: string | undefined
    readonly isPrivateAllowed: boolean
    readonly sha256?: string
  }
): Promise<Uint8Array> {
  const { output, signal } = context
  const node = await context.node()
  const { url, ...rest } = params
  const call = node.callStream('content.read', { ...rest, ...(url === undefined ? {} : { url }) }, { signal })
  const bar = output.progress('fetch')
  const parts: Uint8Array[] = []
  let done = 0
  try {
    for await (const part of call.download) {
      parts.push(part)
      done += part.length
      bar.update({ done, unit: 'bytes' })
    }
    const answer = await call.result
    const via =
      answer.source === 'blocks' ? 'its blocks' : `${url ?? ''} (blocks did not do: ${answer.reason ?? ''})`
    output.note(`${formatBytes(answer.bytes)} from ${via}`)
    return Buffer.concat(parts)
  } finally {
    bar.finish()
  }
}
