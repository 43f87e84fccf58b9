/** `app upgrade`: shows what is new, then puts the version in place. */
import type { AppDescription, AppPermission } from '@blocktree/node/method-table'
import { decideConsent } from '../app-consent.ts'
import { summaryLine, upgradeLines } from '../app-description.ts'
import type { CommandContext } from '../command.ts'
import { printable } from '../format.ts'
import { readLocalFile } from '../local-file.ts'
import type { NodeClient } from '../node-client.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options, output, signal } = context
  const bytes = readLocalFile(context, context.arguments[0] ?? '-')
  const chosen = options.text('name')
  const node = await context.node()
  const params = chosen === undefined ? {} : { name: chosen }
  const app = await node.call('app.inspect', params, { upload: [bytes], signal })
  const lines = upgradeLines(output, app)
  if (lines.length > 0) output.note([...lines, ''].join('\n'))
  const agreed = app.upgrade?.needsConsent === true ? await agree(context, node, app, app.upgrade) : {}
  const summary = await node.call('app.upgrade', { name: app.name, ...agreed }, { upload: [bytes], signal })
  output.result(summary, () => [summaryLine(output, summary)])
}

interface Agreed {
  readonly accept: readonly string[]
  readonly decline: readonly string[]
  readonly objects: Readonly<Record<string, string>>
  readonly limits: Readonly<Record<string, number>>
}

async function agree(
  context: CommandContext,
  node: NodeClient,
  app: AppDescription,
  { asksFor, raises }: NonNullable<AppDescription['upgrade']>
): Promise<Agreed> {
  const { grants } = await node.call('app.grants', { name: app.name })
  const picked = new Set(grants.filter(({ path }) => path !== undefined).map(({ name }) => name))
  const consent = await decideConsent(context, {
    permissions: app.permissions
      .filter(({ name }) => asksFor.includes(name))
      .map((permission) => (picked.has(permission.name) ? withoutPick(permission) : permission)),
    question: `Upgrade "${printable(app.title)}"?`,
    raisesLimits: Object.keys(raises).length > 0
  })
  const accept = asksFor.filter((name) => !consent.decline.includes(name))
  return { ...consent, accept, limits: raises }
}

/** What was picked for it before stays. */
function withoutPick(permission: AppPermission): AppPermission {
  return { ...permission, object: undefined }
}
