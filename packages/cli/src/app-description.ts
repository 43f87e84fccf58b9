/** An app in lines: what a person reads before installing it, and afterwards. Nothing of it is trusted as text. */
import type { AppDescription, AppPermission, AppSummary } from '@blocktree/node/method-table'
import { formatTable, printable, shortId } from './format.ts'
import type { Output } from './output.ts'

type Described = Omit<AppDescription, 'permissions'> & {
  readonly permissions: readonly Omit<AppPermission, 'object'>[]
}

export function descriptionLines(output: Output, app: Described): readonly string[] {
  const rows = [
    ['description', printable(app.description)],
    ['licence', printable(app.licence)],
    ['size', app.size],
    ['signed by', `${app.author} (fingerprint ${fingerprint(app.author)})`],
    ['module', `sha256 ${app.moduleHash}`]
  ]
  return [
    `${output.bold(printable(app.title))} ${printable(app.versionText)} (version ${app.version}), as "${printable(app.name)}"`,
    ...formatTable(rows.map(([name = '', value = '']) => [output.dim(name), value])),
    '',
    ...(app.permissions.length === 0 ? ['It asks for no permissions.'] : ['It asks for:']),
    ...app.permissions.flatMap((permission) => permissionLines(output, permission)),
    ...app.limits.map((sentence) => `  ${output.yellow(sentence)}`)
  ]
}

export function upgradeLines(output: Output, app: AppDescription): readonly string[] {
  const { upgrade } = app
  if (upgrade === undefined) return []
  const { fromVersion, added, changed, removed, limits, needsConsent } = upgrade
  const part = (title: string, sentences: readonly string[]): readonly string[] =>
    sentences.map((sentence) => `  ${output.bold(title)} ${printable(sentence)}`)
  return [
    `${output.bold(printable(app.title))}: version ${fromVersion} → ${app.version} (${printable(app.versionText)})`,
    `signed by ${app.author} (fingerprint ${fingerprint(app.author)}), as the installed version`,
    ...part('new:', added),
    ...part('changed:', changed),
    ...part('no longer:', removed),
    ...part('limit:', limits),
    ...(needsConsent ? [] : ['It asks for nothing that it did not ask for before.'])
  ]
}

export function permissionLines(
  output: Output,
  { name, sentence, reason, optional }: Omit<AppPermission, 'object'>
): readonly string[] {
  return [
    `  ${output.bold(printable(name))}${optional ? ' (optional)' : ''}: ${printable(sentence)}`,
    `    ${output.dim(`the author says: "${printable(reason)}"`)}`
  ]
}

export function summaryLine(output: Output, app: AppSummary): string {
  const where = app.url === undefined ? '' : `  ${app.url}`
  const problem = app.problem === undefined ? '' : `  ${output.red(printable(app.problem))}`
  return `${app.name} ${printable(app.versionText)} is ${stateWord(output, app.state)}${where}${problem}`
}

export function stateWord(output: Output, state: string): string {
  if (state === 'running' || state === 'idle') return output.green(state)
  return state === 'stopped' ? output.dim(state) : output.red(state)
}

/** Enough to read aloud, and to compare with what the author publishes. */
function fingerprint(author: string): string {
  return shortId(author)
}
