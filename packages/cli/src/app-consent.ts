/**
 * What the person agrees to: from --grant, --decline and --yes, and from answers on the terminal. Folders and files are
 * always picked by the person; no flag and no answer means that nothing is installed.
 */
import type { AppPermission } from '@blocktree/node/method-table'
import { canAsk, type Dialogue, openDialogue } from './ask.ts'
import { CliError } from './cli-error.ts'
import type { CommandContext } from './command.ts'
import { printable } from './format.ts'
import { treePath } from './tree-path.ts'

export interface Consent {
  readonly decline: readonly string[]
  /** By permission: the folder or file that was picked. */
  readonly objects: Readonly<Record<string, string>>
}

export interface ConsentQuestion {
  /** Permissions that need an answer. */
  readonly permissions: readonly AppPermission[]
  /** `Install "Notes"?` */
  readonly question: string
  /** Limits rise too: permissions that are all named in flags say nothing about those. */
  readonly raisesLimits?: boolean
}

/** @throws ERR_CONSENT_ABSENT, ERR_OPTION_VALUE */
export async function decideConsent(context: CommandContext, asked: ConsentQuestion): Promise<Consent> {
  const given = readFlags(context, asked.permissions)
  const open = asked.permissions.filter(({ name }) => !given.named.has(name))
  const isExplicit = open.length === 0 && asked.permissions.length > 0 && asked.raisesLimits !== true
  if (context.options.has('yes') || isExplicit) return withDefaults(given, open)
  if (!canAsk()) throw absent(open)
  const dialogue = openDialogue(context.signal)
  try {
    return await decideOnTerminal(dialogue, asked, given, open)
  } finally {
    dialogue.close()
  }
}

interface Flags extends Consent {
  readonly named: ReadonlySet<string>
}

function readFlags(context: CommandContext, permissions: readonly AppPermission[]): Flags {
  const decline = context.options.list('decline')
  const objects: Record<string, string> = {}
  const named = new Set(decline)
  for (const text of context.options.list('grant')) {
    const [name = '', ...rest] = text.split('=')
    named.add(name)
    if (rest.length > 0) objects[name] = treePath(rest.join('='))
  }
  for (const name of named) {
    if (permissions.some((permission) => permission.name === name)) continue
    const names = permissions.map((permission) => permission.name).join(', ')
    throw new CliError('ERR_OPTION_VALUE', `the app does not ask for a permission "${name}"`, {
      advice: names === '' ? 'it asks for nothing' : `it asks for ${names}`
    })
  }
  return { decline, objects, named }
}

/** Under --yes: what needs a pick and got none is declined where that is possible; else the node says what is missing. */
function withDefaults({ decline, objects }: Flags, open: readonly AppPermission[]): Consent {
  const unpicked = open.filter((permission) => permission.optional && needsPick(permission))
  return { decline: [...decline, ...unpicked.map(({ name }) => name)], objects }
}

function needsPick({ object }: AppPermission): boolean {
  return object === 'folder' || object === 'file'
}

async function decideOnTerminal(
  dialogue: Dialogue,
  { question }: ConsentQuestion,
  given: Flags,
  open: readonly AppPermission[]
): Promise<Consent> {
  const decline = [...given.decline]
  const objects = { ...given.objects }
  for (const permission of open) {
    const { name, object, optional } = permission
    const label = `${printable(name)}: `
    if (needsPick(permission)) {
      const way = optional ? 'path, or nothing to decline' : 'path'
      const answer = await dialogue.ask(`${label}which ${object ?? 'object'} (${way})? `)
      if (answer !== '') objects[name] = treePath(answer)
      else if (optional) decline.push(name)
      else throw new CliError('ERR_CONSENT_ABSENT', `nothing was picked for the permission "${name}"`)
    } else if (optional && !isYes(await dialogue.ask(`${label}grant it [y/N]? `))) decline.push(name)
  }
  if (isYes(await dialogue.ask(`${question} [y/N] `))) return { decline, objects }
  throw new CliError('ERR_CONSENT_ABSENT', 'nothing was changed')
}

function isYes(answer: string): boolean {
  return /^y(es)?$/i.test(answer)
}

function absent(open: readonly AppPermission[]): CliError {
  const options = open.map((permission) =>
    needsPick(permission) ? `--grant ${permission.name}=PATH` : `--grant ${permission.name}`
  )
  return new CliError('ERR_CONSENT_ABSENT', 'nobody agreed, and there is no terminal to ask on', {
    advice: `give --yes${options.length === 0 ? '' : `, or ${options.join(' ')} (or --decline)`}`
  })
}
