/** `app release`: encodes a package into blocks and signs what its users need to get exactly this one. */
import { putBlocks, chooseBlockSize, encodeContent, formatUrn, nullSecret } from '@blocktree/eris'
import { authorKeyFile, openAuthorKey } from '../author-key.ts'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { openErisSession } from '../eris-session.ts'
import { readLocalFile, writeLocalFile } from '../local-file.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options, output } = context
  const source = context.arguments[0] ?? '-'
  const bytes = readLocalFile(context, source)
  const { verifyPackage } = await import('@blocktree/node/verify-package')
  const { signRelease, verifyRelease } = await import('@blocktree/node/release-record')
  const author = await openAuthorKey(context, authorKeyFile(context))
  try {
    const { manifest } = await verifyPackage(author.crypto, bytes)
    if (Buffer.compare(manifest.author, author.signer.id) !== 0) {
      throw new CliError(
        'ERR_AUTHOR_OTHER',
        'the package is signed by another author: releases are signed by the same one'
      )
    }
    await using session = await openErisSession(context)
    const { kernel, workers } = session.reading
    const blockSize = chooseBlockSize(bytes.length)
    const { capability } = await encodeContent(
      {
        kernel,
        workers,
        blockSize,
        secret: nullSecret(),
        put: (blocks) => putBlocks(session.store, blocks),
        signal: context.signal
      },
      [bytes]
    )
    const { name, version, versionText } = manifest
    const sha256 = author.crypto.sha256(bytes)
    const release = signRelease(
      { signer: author.signer, record: author.record },
      { name, version, versionText, capability, sha256, references: [], url: options.text('url') }
    )
    verifyRelease(author.crypto, release) // what no node would take is said here
    const file = options.text('out') ?? `${name}-${version}.release`
    writeLocalFile(context, file, release)
    const urn = formatUrn(capability)
    output.result({ file, urn, name, version, store: session.store.name }, () => [file, urn])
  } finally {
    author.close()
  }
}
