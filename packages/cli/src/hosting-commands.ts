/** Commands about trees of other owners, links, what was set aside, and a lost root key; part of ./command-table.ts. */
import type { CommandDefinition } from './command.ts'

const link = { name: 'LINK', completes: 'local' } as const

export const hostingCommands: readonly CommandDefinition[] = [
  {
    name: 'trees',
    group: 'Sharing',
    summary: 'List the trees kept here: the own one and those of other owners',
    description: 'A tree of another owner is reached by paths that begin with its id: /TREE/folder/file.',
    arguments: [],
    options: [],
    examples: [],
    load: () => import('./commands/trees.ts')
  },
  {
    name: 'forget',
    group: 'Sharing',
    summary: 'Remove a tree of another owner from this node, with everything in it',
    arguments: [{ name: 'TREE', completes: 'nothing' }],
    options: [{ name: 'yes', short: 'y', summary: 'do it: what was written here and not sent back is lost' }],
    examples: [],
    load: () => import('./commands/forget.ts')
  },
  {
    name: 'link show',
    group: 'Sharing',
    summary: 'Say what a link opens',
    description: 'The tree of the link has to be kept here: "blocktree accept LINK", then a bundle.',
    arguments: [link],
    options: [],
    examples: [],
    load: () => import('./commands/link-show.ts')
  },
  {
    name: 'link get',
    group: 'Sharing',
    summary: 'Fetch what a link opens, or a path in it, to this machine',
    arguments: [
      link,
      { name: 'PATH', completes: 'tree', isOptional: true },
      { name: 'DESTINATION', completes: 'local', isOptional: true }
    ],
    options: [],
    examples: [['blocktree link get link.txt ./photos', 'everything that the link opens']],
    load: () => import('./commands/link-get.ts')
  },
  {
    name: 'quarantine',
    group: 'Sharing',
    summary: 'Show versions that were set aside because the right of their writer was taken back',
    arguments: [{ name: 'PATH', completes: 'tree', isOptional: true }],
    options: [],
    examples: [],
    load: () => import('./commands/quarantine.ts')
  },
  {
    name: 'take-over',
    group: 'Sharing',
    summary: 'Make a version that was set aside the newest one, under the own name',
    arguments: [
      { name: 'BLOCK', completes: 'nothing' },
      { name: 'VERSION', completes: 'nothing' }
    ],
    options: [{ name: 'tree', value: 'TREE', summary: 'in this tree of another owner' }],
    examples: [],
    load: () => import('./commands/take-over.ts')
  }
]

export const rootReplaceCommand: CommandDefinition = {
  name: 'root replace',
  group: 'Keys',
  summary: 'Put a new root key in place of a lost or stolen one, with the recovery key',
  description:
    'Prints the new passphrase and the next recovery key before anything is signed. Readers, files and daily work go on; links end.',
  arguments: [],
  options: [
    {
      name: 'recovery-file',
      value: 'FILE',
      completes: 'local',
      summary: 'file with the recovery key; asked for when not given'
    },
    {
      name: 'new-passphrase-file',
      value: 'FILE',
      completes: 'local',
      summary: 'seal the new key under the first line of a file, in place of a generated passphrase'
    },
    { name: 'keep', value: 'LIST', summary: 'caps that go on, by their ids, or "none"; all when not given' },
    {
      name: 'since',
      value: 'TIME',
      summary: 'after a theft: what was written after this time counts no longer'
    }
  ],
  examples: [['blocktree root replace --recovery-file /media/stick/recovery', '']],
  load: () => import('./commands/root-replace.ts')
}
