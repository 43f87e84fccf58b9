/** Commands that check, repair, save and restore; part of ./command-table.ts. */
import type { CommandDefinition } from './command.ts'
import { optionalPath, passphraseFile } from './shared-arguments.ts'

export const upkeepCommands: readonly CommandDefinition[] = [
  {
    name: 'backup',
    group: 'Upkeep',
    summary: 'Write the tree, or what is below a path, to one encrypted file',
    arguments: [{ name: 'FILE', completes: 'local' }, optionalPath],
    description:
      'A backup of a whole node holds its keys too, and the trees of other owners that it keeps: "init --restore" makes the node again on an empty machine. --restore brings back what this node lost, not what was removed since: for that see undelete and history.',
    options: [
      passphraseFile,
      { name: 'restore', summary: 'take everything a backup holds into this node instead' }
    ],
    examples: [
      ['blocktree backup /media/disk/tree.backup', ''],
      ['blocktree backup --restore /media/disk/tree.backup', 'into this node']
    ],
    load: () => import('./commands/backup.ts')
  },
  {
    name: 'drill',
    group: 'Upkeep',
    summary: 'Prove a backup: restore it to a scratch place and compare',
    description:
      'Without a file a fresh backup is made, restored and removed again. Ends with 7 when they differ.',
    arguments: [{ name: 'FILE', completes: 'local', isOptional: true }],
    options: [passphraseFile],
    examples: [['blocktree drill', '']],
    load: () => import('./commands/drill.ts')
  },
  {
    name: 'check',
    group: 'Upkeep',
    summary: 'Read back and verify everything that is stored',
    description: 'Trees of other owners that are kept here included. Ends with 7 when something is damaged.',
    arguments: [],
    options: [
      { name: 'quick', summary: 'the structure only' },
      { name: 'rebuild-index', summary: 'make the index again from the segments' }
    ],
    examples: [],
    load: () => import('./commands/check.ts')
  },
  {
    name: 'gc',
    group: 'Upkeep',
    summary: 'Remove content that no version needs any more',
    arguments: [],
    options: [
      { name: 'removed', summary: 'the content of removed files too; they cannot be brought back afterwards' }
    ],
    examples: [],
    load: () => import('./commands/gc.ts')
  },
  {
    name: 'prune',
    group: 'Upkeep',
    summary: 'Give up old versions, and files removed long ago',
    description:
      'What is shown stays. What was replaced or removed before a checkpoint of that age ("blocktree checkpoint") goes, and cannot be restored on this node any more; other nodes keep theirs until they prune.',
    arguments: [{ name: 'PATH', isOptional: true, completes: 'tree' }],
    options: [
      { name: 'older-than', value: 'DAYS', summary: 'age of what may go; default 30' },
      {
        name: 'versions',
        value: 'COUNT',
        summary: 'older versions of each file to keep all the same; default 0'
      },
      { name: 'dry-run', summary: 'only count' },
      { name: 'force', summary: 'less than 30 days: nodes that are away find their work listed as late' }
    ],
    examples: [
      ['blocktree prune --dry-run', 'what could go'],
      ['blocktree prune && blocktree gc', 'give it up, and its space back']
    ],
    load: () => import('./commands/prune.ts')
  },
  {
    name: 'compact',
    group: 'Upkeep',
    summary: 'Rewrite segment files that are mostly dead',
    arguments: [],
    options: [],
    examples: [],
    load: () => import('./commands/compact.ts')
  },
  {
    name: 'space',
    group: 'Upkeep',
    summary: 'Show what the data directory takes on the disk',
    arguments: [],
    options: [],
    examples: [],
    load: () => import('./commands/space.ts')
  },
  {
    name: 'checkpoint',
    group: 'Upkeep',
    summary: 'Sign a summary of a zone, or of all of them',
    arguments: [optionalPath],
    options: [],
    examples: [],
    load: () => import('./commands/checkpoint.ts')
  }
]
