/** `app upgrade`: shows what is new, then puts the version in place. */
import { decideConsent } from '../app-consent.ts'
import { summaryLine, upgradeLines } from '../app-description.ts'
import type { CommandContext } from '../command.ts'
import { printable } from '../format.ts'
import { readLocalFile } from '../local-file.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options, output, signal } = context
  const bytes = readLocalFile(context, context.arguments[0] ?? '-')
  const chosen = options.text('name')
  const node = await context.node()
  const params = chosen === undefined ? {} : { name: chosen }
  const app = await node.call('app.inspect', params, { upload: [bytes], signal })
  const lines = upgradeLines(output, app)
  if (lines.length > 0) output.note([...lines, ''].join('\n'))
  const known = new Set(
    app.upgrade === undefined
      ? []
      : (await node.call('app.grants', { name: app.name })).grants.map((grant) => grant.name)
  )
  const isAsked = app.upgrade?.needsConsent === true
  const consent = isAsked
    ? await decideConsent(context, {
        permissions: app.permissions.filter((permission) => !known.has(permission.name)),
        question: `Upgrade "${printable(app.title)}"?`
      })
    : { decline: [], objects: {} }
  const summary = await node.call('app.upgrade', { name: app.name, ...consent }, { upload: [bytes], signal })
  output.result(summary, () => [summaryLine(output, summary)])
}
