/** Commands that make, start and show a node; part of ./command-table.ts. */
import type { CommandDefinition } from './command.ts'
import { settingOptions } from './setting-options.ts'

export const nodeCommands: readonly CommandDefinition[] = [
  {
    name: 'init',
    group: 'Node',
    summary: 'Make the data directory of a node: its keys and an empty tree',
    description:
      'Not needed before `start`, which does the same when it finds nothing. Shows the root passphrase once.',
    arguments: [],
    options: [
      {
        name: 'restore',
        value: 'FILE',
        completes: 'local',
        summary: 'make it from a backup of a whole node: keys, tree and content as they were'
      },
      {
        name: 'backup-passphrase-file',
        value: 'FILE',
        completes: 'local',
        summary:
          'read the passphrase of the backup from a file (or BLOCKTREE_PASSPHRASE; else it is asked for)'
      },
      ...settingOptions
    ],
    examples: [
      ['blocktree init --data ~/tree', 'make a node in ~/tree'],
      ['blocktree init --data ~/tree --restore tree.backup', 'the node of a lost machine']
    ],
    load: () => import('./commands/init.ts')
  },
  {
    name: 'start',
    group: 'Node',
    summary: 'Run a node; it reads JSON-RPC on stdin and answers on stdout',
    description:
      'Ends with the end of stdin, SIGTERM, Ctrl-C or `blocktree shutdown`. With --service stdin is ignored.',
    arguments: [],
    options: settingOptions,
    examples: [
      ['blocktree start', 'run a node on the usual data directory'],
      ['blocktree start --service', 'run it under systemd or in a container']
    ],
    load: () => import('./commands/start.ts')
  },
  {
    name: 'status',
    group: 'Node',
    summary: 'Say who the node is, what it holds and how it fares',
    arguments: [],
    options: [],
    examples: [['blocktree status --json', 'the same for programs']],
    load: () => import('./commands/status.ts')
  },
  {
    name: 'shutdown',
    group: 'Node',
    summary: 'Stop the running node cleanly',
    arguments: [],
    options: [],
    examples: [],
    load: () => import('./commands/shutdown.ts')
  },
  {
    name: 'doctor',
    group: 'Node',
    summary: 'Look for what could go wrong; each finding says what to do',
    description: 'Ends with 7 when a finding is an error.',
    arguments: [],
    options: [],
    examples: [],
    load: () => import('./commands/doctor.ts')
  },
  {
    name: 'log',
    group: 'Node',
    summary: 'Show the newest log entries of the running node',
    arguments: [],
    options: [
      { name: 'limit', short: 'n', value: 'COUNT', summary: 'how many entries [50]' },
      { name: 'level', value: 'LEVEL', summary: 'the least important level: error, warn, info, debug, trace' }
    ],
    examples: [['blocktree log --level warn', 'only warnings and errors']],
    load: () => import('./commands/log.ts')
  }
]
