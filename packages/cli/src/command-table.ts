/** Every command as data; help, completion and doc/CLI.md come from here. Modules are loaded when a command runs. */
import { appCommands } from './app-commands.ts'
import { authorCommands } from './author-commands.ts'
import { clusterCommands } from './cluster-commands.ts'
import type { CommandDefinition } from './command.ts'
import { erisCommands } from './eris-commands.ts'
import { erisServeCommand } from './eris-serve-command.ts'
import { fileCommands } from './file-commands.ts'
import { hostingCommands, rootReplaceCommand } from './hosting-commands.ts'
import { keyCommands } from './key-commands.ts'
import { lockCommands } from './lock-commands.ts'
import { nodeCommands } from './node-commands.ts'
import { settingOptions } from './setting-options.ts'
import { sharingCommands } from './sharing-commands.ts'
import { syncCommands } from './sync-commands.ts'
import { toolCommands } from './tool-commands.ts'
import { upkeepCommands } from './upkeep-commands.ts'

export const commandTable: readonly CommandDefinition[] = [
  ...nodeCommands,
  ...clusterCommands(settingOptions),
  ...fileCommands,
  ...sharingCommands,
  ...hostingCommands,
  ...lockCommands,
  ...syncCommands,
  ...appCommands,
  ...authorCommands,
  ...erisCommands,
  erisServeCommand,
  ...keyCommands,
  rootReplaceCommand,
  ...upkeepCommands,
  ...toolCommands
]

/** The command that the words begin with: longer names are tried first. */
export function findCommand(
  words: readonly string[]
): { readonly definition: CommandDefinition; readonly rest: readonly string[] } | undefined {
  for (const count of [3, 2, 1]) {
    const name = words.slice(0, count).join(' ')
    const definition =
      words.length >= count ? commandTable.find((command) => command.name === name) : undefined
    if (definition !== undefined) return { definition, rest: words.slice(count) }
  }
  return undefined
}
