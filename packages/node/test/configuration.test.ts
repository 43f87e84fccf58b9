import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ConfigurationInput, loadConfiguration } from '../src/configuration.ts'
import { describeKind, otherVariables, settings } from '../src/settings.ts'
import { temporaryDirectory } from './temporary-directory.ts'

function input(data: string, rest: Partial<ConfigurationInput> = {}): ConfigurationInput {
  return { environment: {}, workingDirectory: '/work', ...rest, flags: { data, ...rest.flags } }
}

async function withFile(
  text: string,
  rest: Partial<ConfigurationInput> = {}
): ReturnType<typeof loadConfiguration> {
  await using directory = await temporaryDirectory()
  writeFileSync(join(directory.path, 'config.yaml'), text)
  return await loadConfiguration(input(directory.path, rest))
}

describe('loadConfiguration', () => {
  test('gives the defaults where nothing is said', async () => {
    await using directory = await temporaryDirectory()
    const configuration = await loadConfiguration(input(directory.path))
    expect(configuration).toMatchObject({
      dataDirectory: directory.path,
      file: undefined,
      log: { level: 'info', format: 'auto' },
      store: { durability: 'group', segmentBytes: 64 * 1024 * 1024 },
      root: { autoLockMs: 300_000, recovery: false },
      service: false
    })
    expect(configuration.sources.size).toBe(0)
  })

  test('takes the file, over it the environment, over it the flags', async () => {
    const file = 'log: { level: error, format: json }\nroot.autoLock: 1m\nstore: { durability: each }\n'
    const configuration = await withFile(file, {
      environment: { BLOCKTREE_LOG_LEVEL: 'warn', BLOCKTREE_STORE_DURABILITY: 'none' },
      flags: { 'log-level': 'trace' }
    })
    expect(configuration.log).toEqual({ level: 'trace', format: 'json' })
    expect(configuration.store.durability).toBe('none')
    expect(configuration.root.autoLockMs).toBe(60_000)
    expect(Object.fromEntries(configuration.sources)).toEqual({
      'log.level': 'flag',
      'log.format': 'file',
      'root.autoLock': 'file',
      'store.durability': 'variable'
    })
  })

  test.each([
    ['loggg: { level: info }', 'loggg'],
    ['log: { levle: info }', 'did you mean "log.level"'],
    ['store: { durabilty: group }', 'did you mean "store.durability"']
  ])('refuses the unknown key of %s', async (text, expected) => {
    await expect(withFile(text)).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION_KEY',
      message: expect.stringContaining(expected)
    })
  })

  test('refuses an unknown variable and names the nearest one', async () => {
    const error = loadConfiguration(input('/nowhere', { environment: { BLOCKTREE_LOG_LEVLE: 'info' } }))
    await expect(error).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION_KEY',
      data: { nearest: 'BLOCKTREE_LOG_LEVEL' }
    })
  })

  test('refuses an unknown flag and names the nearest one', async () => {
    const error = loadConfiguration(input('/nowhere', { flags: { 'log-levl': 'info' } }))
    await expect(error).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION_KEY',
      data: { nearest: 'log-level' }
    })
  })

  test.each([
    ['log: { level: loud }', 'one of error, warn'],
    ['store: { segmentBytes: 12 }', 'a size'],
    ['root: { autoLock: 5 }', 'a time'],
    ['store: { workers: -1 }', 'a whole number'],
    ['service: maybe', 'true or false'],
    ['log: info', 'names with values'],
    ['- a list', 'names with values']
  ])('refuses the value of %s', async (text, expected) => {
    await expect(withFile(text)).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION_VALUE',
      message: expect.stringContaining(expected)
    })
  })

  test.each(['log: {', 'a: 1\na: 2', 'a: &x [1]\nb: *x'])(
    'refuses %j, which is not plain YAML',
    async (text) => {
      await expect(withFile(text)).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_CONFIGURATION_(FILE|KEY)$/)
      })
    }
  )

  test('refuses a file that was named and is not there, but not the usual one', async () => {
    const missing = loadConfiguration(input('/nowhere', { flags: { config: '/nowhere/x.yaml' } }))
    await expect(missing).rejects.toMatchObject({ code: 'ERR_CONFIGURATION_FILE' })
    await expect(loadConfiguration(input('/nowhere'))).resolves.toMatchObject({ file: undefined })
  })

  test('reads paths of the file relative to it, and ~ as the home', async () => {
    await using directory = await temporaryDirectory()
    mkdirSync(join(directory.path, 'etc'))
    const file = join(directory.path, 'etc', 'node.yaml')
    writeFileSync(file, 'root: { passphraseFile: secret.txt }\nsocket: { path: ~/b.sock }\n')
    const configuration = await loadConfiguration(
      input(directory.path, { environment: { HOME: '/home/anna', BLOCKTREE_CONFIG: file } })
    )
    expect(configuration.root.passphraseFile).toBe(join(directory.path, 'etc', 'secret.txt'))
    expect(configuration.socket.path).toBe('/home/anna/b.sock')
  })

  test('reads sizes and times with units', async () => {
    const configuration = await withFile(
      'store: { segmentBytes: 8 MiB }\nroot: { autoLock: 1.5h }\nspace: { reserve: 2GB }\n'
    )
    expect(configuration.store.segmentBytes).toBe(8 * 1024 * 1024)
    expect(configuration.root.autoLockMs).toBe(5_400_000)
    expect(configuration.space.reserveBytes).toBe(2_000_000_000)
  })
})

describe('settings', () => {
  test('each has its own key, variable and flag', () => {
    for (const field of ['key', 'variable', 'flag'] as const) {
      expect(new Set(settings.map((setting) => setting[field])).size).toBe(settings.length)
    }
  })

  test('are all in the reference, with their variables, flags and values', () => {
    const page = readFileSync(new URL('../../../doc/spec/13-configuration.md', import.meta.url), 'utf8')
    for (const setting of settings) {
      const row = page.split('\n').find((line) => line.startsWith(`| \`${setting.key}\` |`))
      expect(row, setting.key).toContain(`\`${setting.variable}\``)
      expect(row).toContain(`\`--${setting.flag}\``)
      expect(row).toContain(describeKind(setting.kind))
    }
    for (const variable of otherVariables) expect(page).toContain(`\`${variable}\``)
  })
})
