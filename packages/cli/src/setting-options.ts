/** The settings of a node as options of commands. */
import { settings, describeKind } from '@blocktree/node/settings'
import type { Option } from './command.ts'

/** The settings of a node as options of `start` and `init`. */
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
    return isFlag ? { name: setting.flag, summary } : { name: setting.flag, value: 'VALUE', summary }
  })
]
