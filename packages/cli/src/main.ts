/** From the words of a command line to an exit code: finds the command, reads its options, runs it, says what failed. */
import { resolveDataDirectory } from '@blocktree/node/location'
import { codeOf, nearestName } from '@blocktree/rpc'
import { CliError } from './cli-error.ts'
import type { CommandContext, CommandDefinition } from './command.ts'
import { readCommandLine } from './command-line.ts'
import { commandTable, findCommand } from './command-table.ts'
import { type ExitCode, exitCode, exitCodeOf } from './exit-code.ts'
import { printable } from './format.ts'
import type { NodeClient } from './node-client.ts'
import { createOutput, type OutputStream } from './output.ts'

export interface MainInput {
  readonly words: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingDirectory: string
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  /** Calls back at Ctrl-C; @returns a function that ends it. */
  readonly onInterrupt: (listener: () => void) => () => void
}

export async function main(input: MainInput): Promise<number> {
  const isJson = input.words.includes('--json')
  try {
    return await dispatch(input, isJson)
  } catch (error) {
    return report(error, input, isJson)
  }
}

async function dispatch(input: MainInput, isJson: boolean): Promise<number> {
  const { definition, rest } = choose(input.words)
  const line = readCommandLine(definition, rest)
  if (line.options.has('help')) return await runHelp(definition, input, isJson)
  return await runCommand(definition, line, input, isJson)
}

/** `blocktree`, `blocktree --help` and `blocktree --version` are commands too. */
function choose(words: readonly string[]): {
  readonly definition: CommandDefinition
  readonly rest: readonly string[]
} {
  const leading = leadingOptions(words)
  const rest = words.slice(leading.length)
  if (rest.length === 0 || rest[0] === '--help' || rest[0] === '-h') return chosen(['help'], leading)
  if (rest[0] === '--version' || rest[0] === '-V') return chosen(['version', ...rest.slice(1)], leading)
  const found = findCommand(rest)
  if (found !== undefined) return { definition: found.definition, rest: [...leading, ...found.rest] }
  const [first = ''] = rest
  const isGroup = commandTable.some(({ name }) => name.startsWith(`${first} `))
  const asksForHelp = rest[1] === undefined || rest[1] === '--help' || rest[1] === '-h'
  if (isGroup && asksForHelp) return chosen(['help', first], leading)
  throw unknownCommand(first, rest[1], isGroup)
}

/** A word behind the name of a group is compared with the commands of that group alone. */
function unknownCommand(first: string, second: string | undefined, isGroup: boolean): CliError {
  const shown = commandTable.filter(({ isHidden }) => isHidden !== true).map(({ name }) => name)
  const names = [...shown, ...new Set(shown.map((name) => name.split(' ')[0] ?? name))]
  const typed = second === undefined ? first : `${first} ${second}`
  const near = isGroup ? names.filter((name) => name.startsWith(`${first} `)) : names
  const nearest = (isGroup ? undefined : nearestName(first, near)) ?? nearestName(typed, near)
  const list = isGroup ? `see "blocktree help ${first}"` : 'see "blocktree help"'
  return new CliError('ERR_COMMAND_UNKNOWN', `there is no command "${isGroup ? typed : first}"`, {
    advice: nearest === undefined ? list : `did you mean "${nearest}"?`
  })
}

function chosen(words: readonly string[], leading: readonly string[]): ReturnType<typeof choose> {
  const found = findCommand(words)
  if (found === undefined) throw new CliError('ERR_COMMAND_UNKNOWN', 'help is missing')
  return { definition: found.definition, rest: [...leading, ...found.rest] }
}

/** Options of every command may stand before it. */
function leadingOptions(words: readonly string[]): readonly string[] {
  let count = 0
  while (count < words.length) {
    const word = words[count] ?? ''
    if (word === '--json') count++
    else if (/^--(data|socket|as)=/.test(word)) count++
    else if (/^--(data|socket|as)$/.test(word)) count += 2
    else break
  }
  return words.slice(0, count)
}

async function runHelp(definition: CommandDefinition, input: MainInput, isJson: boolean): Promise<number> {
  const help = chosen(['help'], []).definition
  return await runCommand(help, readCommandLine(help, definition.name.split(' ')), input, isJson)
}

async function runCommand(
  definition: CommandDefinition,
  line: ReturnType<typeof readCommandLine>,
  input: MainInput,
  isJson: boolean
): Promise<number> {
  const { environment, workingDirectory } = input
  const { options } = line
  const dataDirectory = resolveDataDirectory({ environment, workingDirectory, data: options.text('data') })
  const interruption = new AbortController()
  const stopListening =
    definition.name === 'start' ? () => undefined : input.onInterrupt(() => interruption.abort())
  let client: Promise<NodeClient> | undefined
  const open = (): Promise<NodeClient> =>
    connect(dataDirectory, options.text('socket'), options.text('as'), environment)
  const context: CommandContext = {
    arguments: line.arguments,
    options,
    output: createOutput({ stdout: input.stdout, stderr: input.stderr, isJson, environment, now: Date.now }),
    environment,
    workingDirectory,
    dataDirectory,
    signal: interruption.signal,
    node: () => (client ??= open()),
    async reconnect() {
      const made = await open()
      client = Promise.resolve(made)
      return made
    }
  }
  try {
    const { run } = await definition.load()
    const code = await run(context)
    return code ?? exitCode.ok
  } catch (error) {
    if (interruption.signal.aborted) return exitCode.interrupted
    throw error
  } finally {
    stopListening()
    await client?.then((node) => node.disconnect()).catch(() => undefined)
  }
}

async function connect(
  dataDirectory: string,
  socket: string | undefined,
  as: string | undefined,
  environment: MainInput['environment']
): Promise<NodeClient> {
  const { connectToNode } = await import('./node-client.ts')
  const client = await connectToNode({ dataDirectory, socket, environment })
  try {
    if (as !== undefined) await client.call('session.as', { principal: as })
  } catch (error) {
    client.disconnect()
    throw error
  }
  return client
}

const confirmationAbsent = 'ERR_CONFIRMATION_ABSENT'
const callersAdvice = /[:;,] say "confirm": true$/ // what a program writes, a person says with an option

function adviceFor(error: unknown, code: string | undefined): string | undefined {
  if (code === confirmationAbsent) return 'add --yes when you mean it'
  return error instanceof CliError ? error.advice : undefined
}

function report(error: unknown, input: MainInput, isJson: boolean): ExitCode {
  const code = codeOf(error)
  const message = error instanceof Error ? error.message : String(error)
  const advice = adviceFor(error, code)
  const data = error instanceof Error && 'data' in error ? error.data : undefined
  if (isJson) {
    input.stderr.write(
      `${JSON.stringify({ error: { code: code ?? 'ERR_UNEXPECTED', message, advice, data } })}\n`
    )
    return exitCodeOf(code)
  }
  const shown = code === confirmationAbsent ? message.replace(callersAdvice, '') : message
  const lines = [`blocktree: ${printable(shown)}${code === undefined ? '' : ` (${code})`}`]
  if (advice !== undefined) lines.push(`  ${printable(advice)}`)
  const isDebugging = input.environment['BLOCKTREE_LOG_LEVEL'] === 'debug'
  if ((code === undefined || isDebugging) && error instanceof Error && error.stack !== undefined)
    lines.push(...error.stack.split('\n').map(printable))
  input.stderr.write(`${lines.join('\n')}\n`)
  return exitCodeOf(code)
}
