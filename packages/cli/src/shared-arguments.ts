/** Arguments and options that several groups of commands take. */
import type { Argument, Option } from './command.ts'

export const path: Argument = { name: 'PATH', completes: 'tree' }
export const optionalPath: Argument = { name: 'PATH', completes: 'tree', isOptional: true }
export const passphraseFile: Option = {
  name: 'passphrase-file',
  value: 'FILE',
  completes: 'local',
  summary: 'read the passphrase from the first line of a file (or BLOCKTREE_PASSPHRASE; else it is asked for)'
}
/** Of commands that write. */
export const waitOptions: readonly Option[] = [
  {
    name: 'wait',
    value: 'NODES',
    summary:
      'wait until so many nodes, this one counted, promised to keep it; "all": as many as should ("policy show")'
  },
  { name: 'timeout', value: 'SECONDS', summary: 'with --wait: how long to wait [30]' }
]
