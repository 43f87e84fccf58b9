/** Commands about exclusive locks; part of ./command-table.ts. */
import type { CommandDefinition } from './command.ts'

const path = { name: 'PATH', completes: 'tree' } as const

export const lockCommands: readonly CommandDefinition[] = [
  {
    name: 'lock',
    group: 'Files',
    summary:
      'Take the exclusive lock of a file, on all nodes of the tree; with a command, hold it as long as that runs',
    description:
      'Without a command it prints the fencing token and the lock ends after --ttl. A command finds the token in BLOCKTREE_FENCE; it is ended when the lock is lost. Locks are for those who ask for them: writes without a token go on.',
    arguments: [path, { name: 'COMMAND', completes: 'local', isOptional: true, isRest: true }],
    options: [
      { name: 'ttl', value: 'SECONDS', summary: 'how long it lasts unless renewed, 1 to 3600 [60]' },
      { name: 'wait', value: 'SECONDS', summary: 'how long to wait in the queue when it is held [0]' }
    ],
    examples: [
      ['blocktree lock /accounts.csv --wait 60 -- ./edit-accounts', 'run a program while nobody else does'],
      ['blocktree put --fence 17 - /accounts.csv', 'a write that is refused when the lock was lost']
    ],
    load: () => import('./commands/lock.ts')
  },
  {
    name: 'unlock',
    group: 'Files',
    summary: 'Give a lock back, or take it away from whoever holds it',
    arguments: [path],
    options: [
      { name: 'token', value: 'TOKEN', summary: 'only the lock under this token' },
      { name: 'break', summary: 'also when somebody else holds it; takes the right "admin"' }
    ],
    examples: [['blocktree unlock /accounts.csv --break', 'the machine that held it is gone for good']],
    load: () => import('./commands/unlock.ts')
  },
  {
    name: 'locks',
    group: 'Files',
    summary: 'Show who holds the lock of a file; without a path, the locks taken on this node',
    arguments: [{ ...path, isOptional: true }],
    options: [],
    examples: [],
    load: () => import('./commands/locks.ts')
  },
  {
    name: 'sequence',
    group: 'Files',
    summary: 'Print the next number of a file; no node of the tree gets one twice',
    description: 'Numbers begin with 1 and only rise. One whose answer is lost is given to nobody else.',
    arguments: [path],
    options: [{ name: 'count', value: 'COUNT', summary: 'so many at once, up to 1000000 [1]' }],
    examples: [['blocktree sequence /invoices --count 10', 'the first of ten numbers that are yours']],
    load: () => import('./commands/sequence.ts')
  }
]
