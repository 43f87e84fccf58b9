/** Commands about replication with other nodes; part of ./command-table.ts. */
import type { CommandDefinition } from './command.ts'

export const syncCommands: readonly CommandDefinition[] = [
  {
    name: 'sync status',
    group: 'Node',
    summary: 'Show the peers of each tree and how far this node is in step with them',
    arguments: [],
    options: [],
    examples: [],
    load: () => import('./commands/sync-status.ts')
  },
  {
    name: 'sync scrub',
    group: 'Node',
    summary: 'Have others prove what they promised, read what is held here, repair what is damaged',
    arguments: [],
    options: [],
    examples: [],
    load: () => import('./commands/sync-scrub.ts')
  },
  {
    name: 'receipts',
    group: 'Node',
    summary: 'Show which nodes promised to keep a version, and when that was last proven',
    arguments: [{ name: 'PATH', completes: 'tree' }],
    options: [{ name: 'version', value: 'VERSION', summary: 'this version in place of the shown one' }],
    examples: [['blocktree receipts /documents/letter.txt', '']],
    load: () => import('./commands/receipts.ts')
  }
]
