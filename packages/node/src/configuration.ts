/**
 * Configuration: defaults, overridden by one YAML file, by variables BLOCKTREE_*, by flags, in this order
 * (doc/spec/13-configuration.md). A key nobody knows is an error that names the nearest known one, wherever it stands:
 * a mistyped setting that is silently ignored is worse than a node that does not start.
 */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { nearestName } from '@blocktree/rpc'
import { type Environment, expandHome, resolveDataDirectory } from './location.ts'
import { NodeError, reasonOf, systemCode } from './node-error.ts'
import { parseSetting, type SettingValue } from './setting-kind.ts'
import { otherVariables, type Setting, type SettingKey, type Settings, settings } from './settings.ts'

export interface Configuration extends Settings {
  /** Absolute. */
  readonly dataDirectory: string
  /** The file that was read, undefined when there is none. */
  readonly file: string | undefined
  /** Where each value that is not a default came from. */
  readonly sources: ReadonlyMap<SettingKey, 'file' | 'variable' | 'flag'>
}

export interface ConfigurationInput {
  readonly environment: Environment
  /** By flag name without dashes; `data` and `config` among them. */
  readonly flags: Readonly<Record<string, string | boolean | undefined>>
  readonly workingDirectory: string
}

/** @throws ERR_CONFIGURATION_KEY, ERR_CONFIGURATION_VALUE, ERR_CONFIGURATION_FILE */
export async function loadConfiguration(input: ConfigurationInput): Promise<Configuration> {
  const { environment, workingDirectory, flags } = input
  const data = typeof flags['data'] === 'string' ? flags['data'] : undefined
  const dataDirectory = resolveDataDirectory({ environment, workingDirectory, data })
  const values = new Map<SettingKey, SettingValue>()
  const sources = new Map<SettingKey, 'file' | 'variable' | 'flag'>()
  const { file, entries } = await readConfigurationFile(input, dataDirectory)
  const layers = [
    { source: 'file', entries, base: file === undefined ? input.workingDirectory : resolve(file, '..') },
    { source: 'variable', entries: readVariables(input.environment), base: input.workingDirectory },
    { source: 'flag', entries: readFlags(input.flags), base: input.workingDirectory }
  ] as const
  for (const layer of layers) {
    for (const { setting, raw, where } of layer.entries) {
      const value = parseSetting(setting, raw, where)
      const isPath = setting.kind.type === 'path' && typeof value === 'string'
      values.set(setting.key, isPath ? resolve(layer.base, expandHome(value, input.environment)) : value)
      sources.set(setting.key, layer.source)
    }
  }
  return { ...toSettings(values), dataDirectory, file, sources }
}

interface Entry {
  readonly setting: Setting
  readonly raw: unknown
  /** How a message names the place. */
  readonly where: string
}

function readVariables(environment: Environment): readonly Entry[] {
  const byVariable = new Map(settings.map((setting) => [setting.variable, setting]))
  const found: Entry[] = []
  for (const [name, raw] of Object.entries(environment)) {
    if (!name.startsWith('BLOCKTREE_') || otherVariables.includes(name)) continue
    const setting = byVariable.get(name)
    if (setting === undefined)
      throw unknownKey(`variable ${name}`, name, [...byVariable.keys(), ...otherVariables])
    if (raw !== undefined && raw !== '') found.push({ setting, raw, where: `variable ${name}` })
  }
  return found
}

function readFlags(flags: ConfigurationInput['flags']): readonly Entry[] {
  const byFlag = new Map(settings.map((setting) => [setting.flag, setting]))
  const found: Entry[] = []
  for (const [name, raw] of Object.entries(flags)) {
    if (name === 'data' || name === 'config' || raw === undefined) continue
    const setting = byFlag.get(name)
    if (setting === undefined) throw unknownKey(`flag --${name}`, name, byFlag.keys())
    found.push({ setting, raw, where: `flag --${name}` })
  }
  return found
}

async function readConfigurationFile(
  input: ConfigurationInput,
  dataDirectory: string
): Promise<{ file: string | undefined; entries: readonly Entry[] }> {
  const chosen = input.flags['config'] ?? input.environment['BLOCKTREE_CONFIG']
  const isChosen = typeof chosen === 'string' && chosen !== ''
  const file = isChosen
    ? resolve(input.workingDirectory, expandHome(chosen, input.environment))
    : join(dataDirectory, 'config.yaml')
  const text = readText(file, isChosen)
  if (text === undefined) return { file: undefined, entries: [] }
  return { file, entries: readEntries(await parseYaml(text, file), file) }
}

const fileBytesMax = 256 * 1024 // a few dozen settings; more is not a configuration file

function readText(file: string, isRequired: boolean): string | undefined {
  try {
    const text = readFileSync(file, 'utf8')
    if (text.length > fileBytesMax)
      throw new NodeError('ERR_CONFIGURATION_FILE', `"${file}" is too large for a configuration file`)
    return text
  } catch (cause) {
    if (cause instanceof NodeError) throw cause
    const isAbsent = ['ENOENT', 'ENOTDIR'].includes(systemCode(cause) ?? '')
    if (!isRequired && isAbsent) return undefined
    throw new NodeError(
      'ERR_CONFIGURATION_FILE',
      `cannot read configuration file "${file}": ${reasonOf(cause)}`,
      { cause }
    )
  }
}

async function parseYaml(text: string, file: string): Promise<unknown> {
  const { parse } = await import('yaml') // loaded only where a file exists: it costs 15 ms
  try {
    return parse(text, { maxAliasCount: 0, uniqueKeys: true, strict: true })
  } catch (cause) {
    throw new NodeError(
      'ERR_CONFIGURATION_FILE',
      `"${file}" is not YAML: ${reasonOf(cause).split('\n')[0] ?? ''}`,
      { cause }
    )
  }
}

/** Nested maps and dotted keys are both read: `log: {level: debug}` and `log.level: debug`. */
function readEntries(document: unknown, file: string): readonly Entry[] {
  if (document === null || document === undefined) return []
  const byKey = new Map<string, Setting>(settings.map((setting) => [setting.key, setting]))
  const groups = new Set(
    settings.filter(({ key }) => key.includes('.')).map(({ key }) => key.slice(0, key.indexOf('.')))
  )
  const found: Entry[] = []

  function visit(value: unknown, prefix: string): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      const place = prefix === '' ? `"${file}"` : `"${file}": ${prefix}`
      throw new NodeError('ERR_CONFIGURATION_VALUE', `${place} must hold names with values`)
    }
    for (const [name, raw] of Object.entries(value)) {
      const key = prefix === '' ? name : `${prefix}.${name}`
      const setting = byKey.get(key)
      if (setting !== undefined) found.push({ setting, raw, where: `"${file}": ${key}` })
      else if (groups.has(key)) visit(raw, key)
      else throw unknownKey(`"${file}": ${key}`, key, byKey.keys())
    }
  }
  visit(document, '')
  return found
}

function unknownKey(where: string, name: string, known: Iterable<string>): NodeError {
  const nearest = nearestName(name, known)
  const hint = nearest === undefined ? 'see doc/spec/13-configuration.md' : `did you mean "${nearest}"?`
  return new NodeError('ERR_CONFIGURATION_KEY', `${where} is not a setting; ${hint}`, {
    data: nearest === undefined ? {} : { nearest }
  })
}

function toSettings(values: ReadonlyMap<SettingKey, SettingValue>): Settings {
  const byKey = new Map(settings.map((setting) => [setting.key, setting]))
  function value(key: SettingKey): SettingValue | undefined {
    const setting = byKey.get(key)
    if (values.has(key) || setting?.fallback === undefined) return values.get(key)
    return parseSetting(setting, setting.fallback, `default of ${key}`)
  }
  const text = (key: SettingKey): string | undefined => {
    const found = value(key)
    return found === undefined ? undefined : String(found)
  }
  // The choices below were checked by `parseSetting` against the table.
  return {
    log: {
      level: text('log.level') as Settings['log']['level'],
      format: text('log.format') as Settings['log']['format']
    },
    socket: { enabled: value('socket.enabled') === true, path: text('socket.path') },
    store: {
      durability: text('store.durability') as Settings['store']['durability'],
      segmentBytes: Number(value('store.segmentBytes')),
      workers: values.has('store.workers') ? Number(value('store.workers')) : undefined
    },
    root: {
      passphraseFile: text('root.passphraseFile'),
      autoLockMs: Number(value('root.autoLock')),
      recovery: value('root.recovery') === true
    },
    crypto: { provider: text('crypto.provider') as Settings['crypto']['provider'] },
    space: { reserveBytes: Number(value('space.reserve')) },
    apps: {
      enabled: value('apps.enabled') === true,
      host: text('apps.host') ?? '',
      port: Number(value('apps.port')),
      publicName: text('apps.publicName'),
      certificate: text('apps.certificate'),
      key: text('apps.key'),
      sandbox: text('apps.sandbox') as Settings['apps']['sandbox'],
      engine: text('apps.engine') as Settings['apps']['engine']
    },
    network: {
      enabled: value('network.enabled') === true,
      host: text('network.host') ?? '',
      port: Number(value('network.port')),
      announce: text('network.announce')?.split(',') ?? [],
      announceOnly: value('network.announceOnly') === true,
      libp2p: value('network.libp2p') === true,
      libp2pPort: Number(value('network.libp2pPort')),
      webSocketPort: values.has('network.webSocketPort') ? Number(value('network.webSocketPort')) : undefined,
      quic: value('network.quic') === true,
      mdns: value('network.mdns') === true,
      dht: text('network.dht') as Settings['network']['dht'],
      bootstrap: text('network.bootstrap')?.split(',') ?? [],
      relays: text('network.relays')?.split(',') ?? [],
      relayServer: value('network.relayServer') === true,
      holePunching: value('network.holePunching') === true,
      autonat: value('network.autonat') === true
    },
    sync: {
      content: text('sync.content') as Settings['sync']['content'],
      cacheBytes: Number(value('sync.cache')),
      absentMs: Number(value('sync.absentAfter')),
      uploadRate: Number(value('sync.uploadRate')),
      downloadRate: Number(value('sync.downloadRate')),
      receipts: value('sync.receipts') === true
    },
    cluster: {
      coordinator: text('cluster.coordinator') as Settings['cluster']['coordinator'],
      etcdEndpoints: text('cluster.etcdEndpoints')?.split(' ') ?? []
    },
    eris: {
      listen: text('eris.listen'),
      stores: text('eris.stores'),
      cacheBytes: Number(value('eris.cache')),
      peers: text('eris.peers') as Settings['eris']['peers']
    },
    service: value('service') === true
  }
}
