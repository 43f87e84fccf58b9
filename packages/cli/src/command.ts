/** What a command is: data for help, completion and reference, and a module that is loaded when it runs. */
import type { NodeClient } from './node-client.ts'
import type { Output } from './output.ts'

/** What stands at a place on the command line, for completion. */
export type Completes = 'tree' | 'local' | 'principal' | 'method' | 'shell' | 'command' | 'app' | 'nothing'

export interface Argument {
  readonly name: string
  readonly completes: Completes
  readonly isOptional?: boolean
  /** Takes all that is left. */
  readonly isRest?: boolean
}

export interface Option {
  readonly name: string
  readonly short?: string
  /** Name of its value in help; a flag when absent. */
  readonly value?: string
  readonly completes?: Completes
  /** May be given several times; read by `OptionValues.list`. */
  readonly isRepeated?: boolean
  /** A setting of the node that few need: the help of a command leaves it to `help settings`. */
  readonly isRare?: boolean
  readonly summary: string
}

export interface CommandDefinition {
  /** One to three words: `ls`, `key backup`. */
  readonly name: string
  readonly group:
    | 'Node'
    | 'Nodes'
    | 'Files'
    | 'Sharing'
    | 'Apps'
    | 'Making apps'
    | 'Content by URN'
    | 'Keys'
    | 'Upkeep'
    | 'Tools'
  /** One sentence, no full stop. */
  readonly summary: string
  readonly description?: string
  readonly arguments: readonly Argument[]
  readonly options: readonly Option[]
  readonly examples: readonly (readonly [line: string, meaning: string])[]
  readonly isHidden?: boolean
  readonly load: () => Promise<CommandModule>
}

export interface CommandModule {
  /** @returns an exit code when it is not 0 */
  readonly run: (context: CommandContext) => Promise<number | void>
}

/** Values of a command line by option name. */
export interface OptionValues {
  has(name: string): boolean
  text(name: string): string | undefined
  /** ERR_OPTION_VALUE when it is not a whole number of at least `min`. */
  integer(name: string, min?: number): number | undefined
  /** Values of an option that may be given several times, in their order. */
  list(name: string): readonly string[]
  readonly all: Readonly<Record<string, string | boolean>>
}

export interface CommandContext {
  readonly arguments: readonly string[]
  readonly options: OptionValues
  readonly output: Output
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingDirectory: string
  readonly dataDirectory: string
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
  /** Connects on first use; ERR_NODE_ABSENT when no node answers. */
  node(): Promise<NodeClient>
  /** A connection in place of one that ended; ERR_NODE_ABSENT while no node answers. */
  reconnect(): Promise<NodeClient>
}

/** Options of every command. */
export const globalOptions: readonly Option[] = [
  { name: 'data', value: 'DIR', completes: 'local', summary: 'data directory of the node (BLOCKTREE_DATA)' },
  { name: 'socket', value: 'PATH', completes: 'local', summary: 'socket of the node (BLOCKTREE_SOCKET)' },
  { name: 'as', value: 'NAME', completes: 'principal', summary: 'act as another local principal' },
  { name: 'json', summary: 'print JSON: one value, or one value a line' },
  { name: 'help', short: 'h', summary: 'show help of the command' }
]
