/** Commands about replication with other nodes; part of ./command-table.ts. */
import type { CommandDefinition } from './command.ts'

export const syncCommands: readonly CommandDefinition[] = [
  {
    name: 'sync status',
    group: 'Node',
    summary: 'Show the peers of each tree, how far this node is in step with them, and what it keeps',
    description:
      'Contents are counted when this node last looked at all of them: kept here for others too; missing, which should be here and come as soon as somebody has them; cached, which may go when room is needed ("sync.cache"); surplus, kept until enough others do; under-replicated, kept in fewer copies than asked for; elsewhere.',
    arguments: [],
    options: [],
    examples: [['blocktree sync status', '']],
    load: () => import('./commands/sync-status.ts')
  },
  {
    name: 'sync resume',
    group: 'Node',
    summary: 'Write again on a node that went back to an older state, without waiting until it caught up',
    arguments: [],
    options: [{ name: 'yes', summary: 'what was lost may come back as conflicts' }],
    examples: [],
    load: () => import('./commands/sync-resume.ts')
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
    name: 'policy show',
    group: 'Node',
    summary: 'Show which nodes keep what is at a path, and which directory says so',
    arguments: [{ name: 'PATH', completes: 'tree' }],
    options: [],
    examples: [['blocktree policy show /photos', '']],
    load: () => import('./commands/policy-show.ts')
  },
  {
    name: 'policy set',
    group: 'Node',
    summary: 'Say which nodes keep what is in a directory and below it',
    description:
      'all: every node; copies N: N nodes, which differ from file to file, and which all nodes work out alike; on-demand: who wrote it, and who reads it for as long as there is room; inherit: as the directory above says. A node whose setting "sync.content" is "on-demand" keeps nothing for others and counts for no copy. What a node need not keep it lets go only when enough others have proven that they have it.',
    arguments: [
      { name: 'PATH', completes: 'tree' },
      { name: 'all|copies|on-demand|inherit', completes: 'nothing' },
      { name: 'N', completes: 'nothing', isOptional: true }
    ],
    options: [],
    examples: [
      ['blocktree policy set /photos copies 2', 'two nodes keep each photo'],
      ['blocktree policy set /films on-demand', ''],
      ['blocktree policy set /photos inherit', 'as the directory above']
    ],
    load: () => import('./commands/policy-set.ts')
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
