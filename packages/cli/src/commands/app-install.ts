/** `app install`: shows what the app is and asks for, then installs what was agreed to. */
import { decideConsent } from '../app-consent.ts'
import { descriptionLines, summaryLine } from '../app-description.ts'
import type { CommandContext } from '../command.ts'
import { printable } from '../format.ts'
import { readPackageSource } from '../package-source.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options, output, signal } = context
  const { bytes, expectRelease } = await readPackageSource(context, context.arguments[0] ?? '-')
  const chosen = options.text('name')
  const name = chosen === undefined ? {} : { name: chosen }
  const node = await context.node()
  const app = await node.call('app.inspect', name, { upload: [bytes], signal })
  expectRelease({ author: app.author, name: app.name, version: app.version })
  output.note([...descriptionLines(output, app), ''].join('\n'))
  const consent = await decideConsent(context, {
    permissions: app.permissions,
    question: `Install "${printable(app.title)}"?`
  })
  const summary = await node.call('app.install', { ...name, ...consent }, { upload: [bytes], signal })
  output.result(summary, () => [summaryLine(output, summary)])
}
