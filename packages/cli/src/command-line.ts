/** Reading a command line against a command's definition: options anywhere, `--` ends them. */
import { nearestName } from '@blocktree/rpc'
import { CliError } from './cli-error.ts'
import { type CommandDefinition, globalOptions, type Option, type OptionValues } from './command.ts'

export interface CommandLine {
  readonly arguments: readonly string[]
  readonly options: OptionValues
}

/** Lists are of options that may be given several times. */
type Values = Record<string, string | boolean | string[]>

/** @throws ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE, ERR_ARGUMENT_MISSING, ERR_ARGUMENT_EXTRA */
export function readCommandLine(definition: CommandDefinition, words: readonly string[]): CommandLine {
  const known = [...definition.options, ...globalOptions]
  const values: Values = {}
  const positionals: string[] = []
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? ''
    if (word === '--') {
      positionals.push(...words.slice(index + 1))
      break
    }
    if (word === '-' || !word.startsWith('-')) {
      positionals.push(word)
      continue
    }
    const used = word.startsWith('--')
      ? readLong(known, word.slice(2), words[index + 1], values)
      : readShort(known, word.slice(1), words[index + 1], values)
    index += used
  }
  if (values['help'] !== true) checkCount(definition, positionals)
  return { arguments: positionals, options: optionValues(values, known) }
}

/** @returns how many of the following words belong to it */
function readLong(known: readonly Option[], text: string, next: string | undefined, values: Values): number {
  const equals = text.indexOf('=')
  const name = equals < 0 ? text : text.slice(0, equals)
  const given = equals < 0 ? undefined : text.slice(equals + 1)
  const option = known.find((candidate) => candidate.name === name)
  if (option === undefined) throw unknownOption(`--${name}`, name, known)
  if (option.value === undefined) {
    if (given !== undefined) throw new CliError('ERR_OPTION_VALUE', `--${name} takes no value`)
    values[name] = true
    return 0
  }
  return takeValue(option, given, next, values)
}

function readShort(
  known: readonly Option[],
  letters: string,
  next: string | undefined,
  values: Values
): number {
  for (let index = 0; index < letters.length; index++) {
    const letter = letters[index] ?? ''
    const option = known.find((candidate) => candidate.short === letter)
    if (option === undefined) throw unknownOption(`-${letter}`, letters, known)
    if (option.value === undefined) {
      values[option.name] = true
      continue
    }
    const rest = letters.slice(index + 1)
    return takeValue(option, rest === '' ? undefined : rest, next, values)
  }
  return 0
}

function takeValue(
  option: Option,
  given: string | undefined,
  next: string | undefined,
  values: Values
): number {
  const value = given ?? next
  if (value === undefined)
    throw new CliError(
      'ERR_OPTION_VALUE',
      `--${option.name} needs a value: --${option.name} ${option.value ?? ''}`
    )
  const before = values[option.name]
  if (option.isRepeated !== true) values[option.name] = value
  else if (Array.isArray(before)) before.push(value)
  else values[option.name] = [value]
  return given === undefined ? 1 : 0
}

function unknownOption(shown: string, name: string, known: readonly Option[]): CliError {
  const nearest = nearestName(
    name,
    known.map((option) => option.name)
  )
  return new CliError('ERR_OPTION_UNKNOWN', `there is no option ${shown}`, {
    advice: nearest === undefined ? undefined : `did you mean --${nearest}?`
  })
}

function checkCount(definition: CommandDefinition, positionals: readonly string[]): void {
  const missing = definition.arguments[positionals.length]
  if (missing !== undefined && missing.isOptional !== true) {
    throw new CliError('ERR_ARGUMENT_MISSING', `${definition.name} needs ${missing.name}`, {
      advice: `usage: blocktree ${usageOf(definition)}`
    })
  }
  const takesRest = definition.arguments.at(-1)?.isRest === true
  const extra = positionals[definition.arguments.length]
  if (extra !== undefined && !takesRest) {
    throw new CliError('ERR_ARGUMENT_EXTRA', `${definition.name} does not take "${extra}"`, {
      advice: `usage: blocktree ${usageOf(definition)}`
    })
  }
}

export function usageOf(definition: CommandDefinition): string {
  const options = definition.options.length > 0 ? ' [options]' : ''
  const parts = definition.arguments.map((argument) => {
    const name = argument.isRest === true ? `${argument.name}...` : argument.name
    return argument.isOptional === true ? ` [${name}]` : ` ${name}`
  })
  return `${definition.name}${options}${parts.join('')}`
}

function optionValues(values: Readonly<Values>, known: readonly Option[]): OptionValues {
  const all = Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string | boolean] => !Array.isArray(entry[1]))
  )
  const text = (name: string): string | undefined => {
    const value = all[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    all,
    has: (name) => values[name] !== undefined,
    list(name) {
      const value = values[name]
      return Array.isArray(value) ? value : []
    },
    text,
    integer(name, min = 0) {
      const value = text(name)
      if (value === undefined) return undefined
      if (/^\d+$/.test(value) && Number(value) >= min) return Number(value)
      throw new CliError(
        'ERR_OPTION_VALUE',
        `--${name} ${unitOf(known, name)}takes a whole number of at least ${min}, not "${value}"`
      )
    }
  }
}

/** What the number counts, as help names it: `DAYS `. */
function unitOf(known: readonly Option[], name: string): string {
  const unit = known.find((option) => option.name === name)?.value
  return unit === undefined ? '' : `${unit} `
}
