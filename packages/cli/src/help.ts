/** Help for people: the overview, one command, and the reference page doc/CLI.md. */
import { type CommandDefinition, globalOptions, type Option } from './command.ts'
import { usageOf } from './command-line.ts'
import { exitCode, exitCodeMeanings } from './exit-code.ts'
import { formatTable } from './format.ts'

const groups = [
  'Node',
  'Nodes',
  'Files',
  'Sharing',
  'Apps',
  'Making apps',
  'Content by URN',
  'Keys',
  'Upkeep',
  'Tools'
] as const

export function overview(table: readonly CommandDefinition[]): readonly string[] {
  const lines = [
    'blocktree: a signed, encrypted tree of files on machines you own',
    '',
    'usage: blocktree COMMAND [options] [arguments]'
  ]
  const width = Math.max(...table.map(({ name }) => name.length))
  for (const group of groups) {
    lines.push('', group)
    for (const command of visible(table)) {
      if (command.group === group) lines.push(`  ${command.name.padEnd(width)}  ${command.summary}`)
    }
  }
  return [
    ...lines,
    '',
    'First steps: "blocktree start" in one terminal, "blocktree put FILE /" in another.',
    'More: blocktree help COMMAND'
  ]
}

export function commandHelp(command: CommandDefinition): readonly string[] {
  const lines = [`${command.summary}.`, '', `usage: blocktree ${usageOf(command)}`]
  if (command.description !== undefined) lines.push('', command.description)
  const usual = command.options.filter(({ isRare }) => isRare !== true)
  if (usual.length > 0) lines.push('', 'Options', ...optionLines(usual))
  const rare = command.options.length - usual.length
  if (rare > 0) lines.push('', `${rare} further settings of the node: blocktree help settings`)
  lines.push('', 'Options of every command', ...optionLines(globalOptions))
  if (command.examples.length > 0) lines.push('', 'Examples', ...exampleLines(command))
  return lines
}

/** `help settings`. @param options those of `start` */
export function settingsHelp(options: readonly Option[]): readonly string[] {
  return [
    'Settings of a node, as options of "start", "init" and "node join"; config.yaml and variables say the same',
    '(doc/spec/13-configuration.md).',
    '',
    ...optionLines(options)
  ]
}

function optionLines(options: readonly Option[]): readonly string[] {
  return formatTable(options.map((option) => [`  ${optionForm(option)}`, option.summary]))
}

function optionForm(option: Option): string {
  const short = option.short === undefined ? '' : `-${option.short}, `
  const value = option.value === undefined ? '' : ` ${option.value}`
  return `${short}--${option.name}${value}`
}

function exampleLines(command: CommandDefinition): readonly string[] {
  return formatTable(command.examples.map(([line, meaning]) => [`  ${line}`, meaning]))
}

function visible(table: readonly CommandDefinition[]): readonly CommandDefinition[] {
  return table.filter((command) => command.isHidden !== true)
}

/** doc/CLI.md; a test compares the two. */
export function reference(table: readonly CommandDefinition[]): string {
  const lines = [
    '# Command line',
    '',
    'Made from the command table by `blocktree help --markdown`; do not edit.',
    '',
    'Results go to stdout, everything else to stderr. With `--json` stdout holds exactly one JSON value, or one a line where',
    'a command prints many. Errors say what failed, why, what to do, and a stable code; with `--json` they are JSON on stderr.',
    '',
    '## Options of every command',
    '',
    ...optionRows(globalOptions),
    '',
    '## Exit codes',
    '',
    '| code | meaning |',
    '| --- | --- |',
    ...Object.entries(exitCode).map(([name, code]) => `| ${code} | ${meaningOf(name)} |`)
  ]
  for (const group of groups) {
    lines.push('', `## ${group}`)
    for (const command of visible(table)) if (command.group === group) lines.push('', ...section(command))
  }
  return `${lines.join('\n')}\n`
}

function meaningOf(name: string): string {
  const meanings: Readonly<Record<string, string>> = exitCodeMeanings
  return meanings[name] ?? ''
}

function section(command: CommandDefinition): readonly string[] {
  const lines = [
    `### ${command.name}`,
    '',
    `${command.summary}.`,
    '',
    '```',
    `blocktree ${usageOf(command)}`,
    '```'
  ]
  if (command.description !== undefined) lines.push('', command.description)
  const isWhole = command.name === 'start'
  const shown = command.options.filter(({ isRare }) => isWhole || isRare !== true)
  if (shown.length > 0) lines.push('', ...optionRows(shown))
  if (shown.length < command.options.length) lines.push('', 'All other settings of `start` too.')
  if (command.examples.length > 0) {
    lines.push(
      '',
      '```',
      ...command.examples.map(([line, meaning]) => (meaning === '' ? line : `${line}    # ${meaning}`)),
      '```'
    )
  }
  return lines
}

function optionRows(options: readonly Option[]): readonly string[] {
  const rows = options.map(
    (option) => `| \`${optionForm(option)}\` | ${option.summary.replaceAll('|', '\\|')} |`
  )
  return ['| option | meaning |', '| --- | --- |', ...rows]
}
