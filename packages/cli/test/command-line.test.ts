import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readCommandLine } from '../src/command-line.ts'
import { commandTable, findCommand } from '../src/command-table.ts'
import { commandHelp, overview, reference, settingsHelp } from '../src/help.ts'
import { main } from '../src/main.ts'
import { settingOptions } from '../src/setting-options.ts'

function definitionOf(name: string) {
  const found = findCommand(name.split(' '))
  if (found === undefined) throw new Error(`no command ${name}`)
  return found.definition
}

async function run(words: readonly string[]) {
  const written = { stdout: '', stderr: '' }
  const stream = (name: 'stdout' | 'stderr') => ({
    write(text: string | Uint8Array) {
      written[name] += typeof text === 'string' ? text : new TextDecoder().decode(text)
      return true
    }
  })
  const code = await main({
    words,
    environment: { HOME: '/nowhere', BLOCKTREE_DATA: '/nowhere/data' },
    workingDirectory: '/',
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    onInterrupt: () => () => undefined
  })
  return { code, ...written }
}

describe('readCommandLine', () => {
  test('takes options anywhere, long, short, joined, with values either way', () => {
    const line = readCommandLine(definitionOf('ls'), ['-l', '/a', '--id'])
    expect(line.arguments).toEqual(['/a'])
    expect(line.options.all).toEqual({ long: true, id: true })
    expect(readCommandLine(definitionOf('cp'), ['-rf', 'a', 'b']).options.all).toEqual({
      recursive: true,
      replace: true
    })
    expect(readCommandLine(definitionOf('tree'), ['-L2']).options.integer('depth')).toBe(2)
    expect(readCommandLine(definitionOf('tree'), ['--depth=3']).options.integer('depth')).toBe(3)
    expect(readCommandLine(definitionOf('tree'), ['--depth', '4']).options.integer('depth')).toBe(4)
  })

  test('takes what follows -- as it is, and - as an argument', () => {
    expect(readCommandLine(definitionOf('rm'), ['--', '-r', '--x']).arguments).toEqual(['-r', '--x'])
    expect(readCommandLine(definitionOf('put'), ['-', '/x']).arguments).toEqual(['-', '/x'])
  })

  test.each([
    ['ls', ['--lnog'], 'ERR_OPTION_UNKNOWN'],
    ['ls', ['-x'], 'ERR_OPTION_UNKNOWN'],
    ['tree', ['--depth'], 'ERR_OPTION_VALUE'],
    ['ls', ['--long=yes'], 'ERR_OPTION_VALUE'],
    ['mv', ['a'], 'ERR_ARGUMENT_MISSING'],
    ['mkdir', ['a', 'b'], 'ERR_ARGUMENT_EXTRA']
  ])('refuses %s %j', (name, words, code) => {
    expect(() => readCommandLine(definitionOf(name), words)).toThrow(expect.objectContaining({ code }))
  })
})

describe('the command table', () => {
  test('names each command once, each with a module that runs', async () => {
    expect(new Set(commandTable.map(({ name }) => name)).size).toBe(commandTable.length)
    for (const command of commandTable.filter(({ name }) => !['init', 'start'].includes(name))) {
      expect(await command.load()).toHaveProperty('run', expect.any(Function))
    }
  })

  test('gives options of one command different names and letters', () => {
    for (const { name, options } of commandTable) {
      expect(new Set(options.map((option) => option.name)).size, name).toBe(options.length)
      const letters = options.flatMap(({ short }) => (short === undefined ? [] : [short]))
      expect(new Set(letters).size, name).toBe(letters.length)
    }
  })

  test('has examples that can be read', () => {
    for (const { name, examples } of commandTable) {
      for (const [example] of examples) expect(example, name).toContain('blocktree ')
    }
  })

  test('is what doc/CLI.md says (write it with "blocktree help --markdown")', () => {
    const page = readFileSync(new URL('../../../doc/CLI.md', import.meta.url), 'utf8')
    expect(page.trimEnd()).toBe(reference(commandTable).trimEnd())
  })

  test('shows every command in the overview and its options in its help, rare settings in that of all settings', () => {
    const text = overview(commandTable).join('\n')
    const settings = settingsHelp(settingOptions).join('\n')
    for (const command of commandTable) {
      expect(text.includes(`  ${command.name}  `), command.name).toBe(command.isHidden !== true)
      const help = commandHelp(command).join('\n')
      for (const { name, isRare } of command.options)
        expect((isRare === true ? settings : help).includes(`--${name}`), `${command.name} --${name}`).toBe(
          true
        )
      expect(help.includes('further settings of the node'), command.name).toBe(
        command.options.some(({ isRare }) => isRare === true)
      )
    }
  })
})

describe('main', () => {
  test('shows the overview without words', async () => {
    expect(await run([])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('usage: blocktree COMMAND')
    })
  })

  test('shows help of a command, also of two words, also of a group', async () => {
    expect((await run(['ls', '--help'])).stdout).toContain('List a directory')
    expect((await run(['help', 'key', 'backup'])).stdout).toContain('sealed under a passphrase')
    expect((await run(['key'])).stdout).toContain('key restore')
    expect(await run(['node', '--help'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('node join')
    })
  })

  test.each([
    [['lss'], 2, 'did you mean "ls"'],
    [['principal', 'creat', 'x'], 2, 'principal create'],
    [['nod', 'list'], 2, 'did you mean "node"'],
    [['app', 'instal'], 2, 'did you mean "app install"'],
    [['app', 'frobnicate'], 2, 'see "blocktree help app"'],
    [['app', 'verify', 'nowhere'], 1, 'there is no such file'],
    [['ls', '--lon'], 2, 'did you mean --long'],
    [['mv', 'a'], 2, 'usage: blocktree mv'],
    [['ls'], 5, 'ERR_NODE_ABSENT'],
    [['completion', 'tcsh'], 2, 'bash, zsh, fish'],
    [['grant', '/a'], 2, 'say who'],
    [['grant', '/a', 'bob', '--rights', 'wriet'], 2, 'did you mean "write"'],
    [['grant', '/a', 'bob', '--expires', 'soon'], 2, 'a time to come']
  ])('%j ends with %i and says what to do', async (words, code, text) => {
    const { code: found, stderr, stdout } = await run(words)
    expect({ found, stdout }).toEqual({ found: code, stdout: '' })
    expect(stderr).toContain(text)
  })

  test('says errors as JSON with --json, and nothing on stdout', async () => {
    const { code, stdout, stderr } = await run(['ls', '--json'])
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' })
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'ERR_NODE_ABSENT', advice: expect.any(String) }
    })
  })

  test.each(['bash', 'zsh', 'fish'])('prints a completion script for %s', async (shell) => {
    expect((await run(['completion', shell])).stdout).toContain('blocktree complete --')
  })

  test('completes commands, options and shells without a node', async () => {
    expect((await run(['complete', '--', 'sh'])).stdout.trim().split('\n')).toEqual(['shutdown', 'share'])
    expect((await run(['complete', '--', 'key', ''])).stdout.trim().split('\n')).toEqual([
      'backup',
      'restore',
      'passphrase'
    ])
    expect((await run(['complete', '--', 'ls', '--lo'])).stdout.trim()).toBe('--long')
    expect((await run(['complete', '--', 'completion', 'f'])).stdout.trim()).toBe('fish')
    expect((await run(['complete', '--', 'put', ''])).stdout.trim()).toBe(':files')
  })
})
