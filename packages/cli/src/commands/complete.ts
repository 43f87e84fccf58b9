/** `complete`: candidates for the last of the given words, one a line; `:files` means files of this machine. */
import { nodeMethodTable } from '@blocktree/node/method-table'
import type { CommandContext, CommandDefinition, Completes } from '../command.ts'
import { globalOptions } from '../command.ts'
import { commandTable, findCommand } from '../command-table.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const words = context.arguments
  const candidates = await candidatesFor(context, words)
  context.output.result(candidates, () => candidates)
}

async function candidatesFor(context: CommandContext, words: readonly string[]): Promise<readonly string[]> {
  const last = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const found = findCommand(before)
  if (found === undefined) return commandNames(before, last)
  const { definition, rest } = found
  const options = [...definition.options, ...globalOptions]
  if (last.startsWith('-'))
    return options.map((option) => `--${option.name}`).filter((name) => name.startsWith(last))
  const asked = options.find((option) => `--${option.name}` === rest.at(-1) && option.value !== undefined)
  const completes = asked === undefined ? placeOf(definition, rest) : (asked.completes ?? 'nothing')
  return byKind(context, completes, last)
}

/** The second words of `key …` and the like, after their first one was typed. */
function commandNames(before: readonly string[], last: string): readonly string[] {
  const prefix = before.length === 0 ? '' : `${before[0] ?? ''} `
  const names = commandTable
    .filter((command) => command.isHidden !== true && command.name.startsWith(prefix))
    .map((command) => command.name.slice(prefix.length))
  return [...new Set(names.map((name) => name.split(' ')[0] ?? ''))].filter((name) => name.startsWith(last))
}

function placeOf(definition: CommandDefinition, rest: readonly string[]): Completes {
  const count = rest.filter((word) => !word.startsWith('-')).length
  const argument =
    definition.arguments[count] ??
    (definition.arguments.at(-1)?.isRest === true ? definition.arguments.at(-1) : undefined)
  return argument?.completes ?? 'nothing'
}

async function byKind(
  context: CommandContext,
  completes: Completes,
  last: string
): Promise<readonly string[]> {
  const startsLike = (text: string): boolean => text.startsWith(last)
  switch (completes) {
    case 'local':
      return [':files']
    case 'shell':
      return ['bash', 'zsh', 'fish'].filter(startsLike)
    case 'method':
      return [...nodeMethodTable.methods.keys(), 'rpc.discover'].filter(startsLike)
    case 'command':
      return commandNames([], last)
    case 'tree':
      return await treePaths(context, last)
    case 'principal':
      return (await principals(context)).filter(startsLike)
    case 'app':
      return (await apps(context)).filter(startsLike)
    case 'nothing':
      return []
    default:
      return completes satisfies never
  }
}

const shownMax = 200

async function treePaths(context: CommandContext, last: string): Promise<readonly string[]> {
  const slash = last.lastIndexOf('/')
  const directory = treePath(slash < 0 ? '/' : last.slice(0, slash + 1))
  const start = last.slice(slash + 1)
  const typed = slash < 0 ? '/' : last.slice(0, slash + 1)
  const node = await context.node()
  const { entries } = await node.call('file.list', { path: directory, order: 'name', limit: 5000 })
  return entries
    .filter((entry) => entry.name.startsWith(start))
    .slice(0, shownMax)
    .map((entry) => `${typed}${entry.name}${entry.kind === 'directory' ? '/' : ''}`)
}

async function principals(context: CommandContext): Promise<readonly string[]> {
  const node = await context.node()
  return (await node.call('principal.list', {})).principals.map(({ name }) => name)
}

async function apps(context: CommandContext): Promise<readonly string[]> {
  const node = await context.node()
  return (await node.call('app.list', {})).apps.map(({ name }) => name)
}
