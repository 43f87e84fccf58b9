/** `app inspect` and `app verify`: a package judged here, without a node. */
import { describePackage } from '@blocktree/app-package'
import { descriptionLines } from '../app-description.ts'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { printable } from '../format.ts'
import { readLocalFile } from '../local-file.ts'

export async function run(context: CommandContext): Promise<void> {
  const app = await describe(context)
  context.output.result(app, () => descriptionLines(context.output, app))
}

export async function verify(context: CommandContext): Promise<void> {
  const { output, options } = context
  const { name, title, version, author, appId, moduleHash } = await describe(context)
  const expected = options.text('author')
  if (expected !== undefined && expected !== author)
    throw new CliError('ERR_AUTHOR_OTHER', `the package is signed by ${author}, not by ${expected}`)
  output.result({ name, version, author, appId, moduleHash }, () => [
    `${printable(title)}, version ${version}, signed by ${author}: ${output.green('it verifies')}`
  ])
}

async function describe(context: CommandContext): Promise<ReturnType<typeof describePackage>> {
  const bytes = readLocalFile(context, context.arguments[0] ?? '-')
  const { loadCrypto } = await import('@blocktree/node/author')
  const { verifyPackage } = await import('@blocktree/node/verify-package')
  return describePackage(await verifyPackage(await loadCrypto(), bytes))
}
