/** Commands about keys and principals; part of ./command-table.ts. */
import type { CommandDefinition } from './command.ts'
import { passphraseFile } from './shared-arguments.ts'

export const keyCommands: readonly CommandDefinition[] = [
  {
    name: 'principal list',
    group: 'Keys',
    summary: 'List principals: those of this node and those it knows',
    arguments: [],
    options: [],
    examples: [],
    load: () => import('./commands/principal-list.ts')
  },
  {
    name: 'principal create',
    group: 'Keys',
    summary: 'Make a further principal with keys of its own',
    arguments: [{ name: 'NAME', completes: 'nothing' }],
    options: [],
    examples: [['blocktree principal create alice', 'then act as it with --as alice']],
    load: () => import('./commands/principal-create.ts')
  },
  {
    name: 'principal show',
    group: 'Keys',
    summary: 'Show a principal; its record can be imported elsewhere',
    arguments: [{ name: 'PRINCIPAL', completes: 'principal', isOptional: true }],
    options: [{ name: 'record', summary: 'print the record alone, as a line' }],
    examples: [['blocktree principal show --record > me.txt', '']],
    load: () => import('./commands/principal-show.ts')
  },
  {
    name: 'principal import',
    group: 'Keys',
    summary: 'Take the record of somebody else, so that it can be granted something',
    arguments: [
      { name: 'RECORD', completes: 'local' },
      { name: 'NAME', completes: 'nothing', isOptional: true }
    ],
    options: [],
    examples: [['blocktree principal import alice.txt alice', '']],
    load: () => import('./commands/principal-import.ts')
  },
  {
    name: 'root unlock',
    group: 'Keys',
    summary: 'Open the root key for what only the owner may do; it locks itself again',
    arguments: [],
    options: [passphraseFile],
    examples: [],
    load: () => import('./commands/root-unlock.ts')
  },
  {
    name: 'root lock',
    group: 'Keys',
    summary: 'Wipe the root key from memory',
    arguments: [],
    options: [],
    examples: [],
    load: () => import('./commands/root-lock.ts')
  },
  {
    name: 'root status',
    group: 'Keys',
    summary: 'Say whether the root key is unlocked',
    arguments: [],
    options: [],
    examples: [],
    load: () => import('./commands/root-status.ts')
  },
  {
    name: 'key backup',
    group: 'Keys',
    summary: 'Write all keys of the node to one file, sealed under a passphrase',
    arguments: [{ name: 'FILE', completes: 'local' }],
    options: [passphraseFile],
    examples: [['blocktree key backup /media/stick/keys.backup', '']],
    load: () => import('./commands/key-backup.ts')
  },
  {
    name: 'key restore',
    group: 'Keys',
    summary: 'Take keys from a key backup',
    arguments: [{ name: 'FILE', completes: 'local' }],
    options: [passphraseFile],
    examples: [],
    load: () => import('./commands/key-restore.ts')
  },
  {
    name: 'key passphrase',
    group: 'Keys',
    summary: 'Seal the root key under another passphrase',
    arguments: [],
    options: [
      passphraseFile,
      {
        name: 'new-passphrase-file',
        value: 'FILE',
        completes: 'local',
        summary: 'read the new one from a file; else it is asked for'
      }
    ],
    examples: [],
    load: () => import('./commands/key-passphrase.ts')
  }
]
