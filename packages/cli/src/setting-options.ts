/** The settings of a node as options of commands. */
import { settings, describeKind } from '@blocktree/node/settings'
import type { Option } from './command.ts'

/** Shown by the help of the commands that take settings; all others by `help settings`. */
const usualSettings: ReadonlySet<string> = new Set([
  'log.level',
  'root.passphraseFile',
  'root.recovery',
  'network.enabled',
  'network.host',
  'network.port',
  'network.announce',
  'network.libp2p',
  'network.relays',
  'sync.content',
  'service'
])

/** The settings of a node as options of `start`, `init` and `node join`. */
export const settingOptions: readonly Option[] = [
  {
    name: 'config',
    value: 'FILE',
    completes: 'local',
    summary: 'configuration file; config.yaml in the data directory when not given'
  },
  ...settings.map((setting): Option => {
    const isFlag = setting.kind.type === 'boolean' && setting.fallback === 'false'
    const fallback = setting.fallback === undefined ? '' : ` [${setting.fallback}]`
    const kind = isFlag ? '' : `; ${describeKind(setting.kind)}`
    const summary = `${setting.summary}${kind}${fallback}`
    const isRare = !usualSettings.has(setting.key)
    return { name: setting.flag, summary, isRare, ...(isFlag ? {} : { value: 'VALUE' }) }
  })
]
