/** Commands by which others get rights and lose them; part of ./command-table.ts. */
import type { CommandDefinition, Option } from './command.ts'
import { optionalPath, path } from './shared-arguments.ts'

const rights: Option = {
  name: 'rights',
  value: 'LIST',
  summary:
    'read, write, create, delete, delegate, grant, admin, host; or edit = read,write,create,delete [read]'
}

export const sharingCommands: readonly CommandDefinition[] = [
  {
    name: 'grant',
    group: 'Sharing',
    summary: 'Let somebody read or write what is at a path',
    description:
      'A plain directory must be made shareable first: `blocktree share PATH`. Top-level directories are already.',
    arguments: [path, { name: 'PRINCIPAL', completes: 'principal', isOptional: true }],
    options: [
      rights,
      { name: 'link', summary: 'for whoever holds the link that is printed, instead of a principal' },
      { name: 'expires', value: 'TIME', summary: 'such as 12h or 30d, or a date such as 2027-01-31' }
    ],
    examples: [
      ['blocktree grant /photos alice', 'alice may read'],
      ['blocktree grant /notes bob --rights edit --expires 30d', 'bob may change them for a month']
    ],
    load: () => import('./commands/grant.ts')
  },
  {
    name: 'grants',
    group: 'Sharing',
    summary: 'List who may read and write',
    arguments: [optionalPath],
    options: [{ name: 'all', short: 'a', summary: 'revoked and expired ones too' }],
    examples: [],
    load: () => import('./commands/grants.ts')
  },
  {
    name: 'revoke',
    group: 'Sharing',
    summary: 'Take rights back: by path and principal, or by the id of one grant or cap',
    description:
      'New content gets new keys at once. What could be read before stays known to the former reader.',
    arguments: [
      { name: 'PATH', completes: 'tree' },
      { name: 'PRINCIPAL', completes: 'principal', isOptional: true }
    ],
    options: [
      { name: 'eager', summary: 'seal existing headers under the new keys now, not at their next change' }
    ],
    examples: [['blocktree revoke /photos alice', '']],
    load: () => import('./commands/revoke.ts')
  },
  {
    name: 'why',
    group: 'Sharing',
    summary: 'Say why a principal may do something, or what is missing',
    arguments: [
      { name: 'PRINCIPAL', completes: 'principal' },
      path,
      { name: 'RIGHT', completes: 'nothing', isOptional: true }
    ],
    options: [],
    examples: [['blocktree why alice /photos write', '']],
    load: () => import('./commands/why.ts')
  },
  {
    name: 'share',
    group: 'Sharing',
    summary: 'Make a plain directory one that can be shared by itself',
    arguments: [path],
    options: [],
    examples: [['blocktree share /documents/2026', '']],
    load: () => import('./commands/share.ts')
  },
  {
    name: 'unshare',
    group: 'Sharing',
    summary: 'Make a shared directory a plain one again',
    arguments: [path],
    options: [],
    examples: [],
    load: () => import('./commands/unshare.ts')
  },
  {
    name: 'request',
    group: 'Sharing',
    summary: 'Ask another owner for access: prints a line to send by any means',
    arguments: [path],
    options: [rights, { name: 'note', value: 'TEXT', summary: 'a sentence for the owner' }],
    examples: [['blocktree request /photos --note "it is me, Alice" > request.txt', '']],
    load: () => import('./commands/request.ts')
  },
  {
    name: 'requests',
    group: 'Sharing',
    summary: 'List requests for access that wait for an answer',
    arguments: [{ name: 'LINE', completes: 'local', isOptional: true }],
    options: [],
    examples: [
      ['blocktree requests request.txt', 'take a request line (or a file with it, or "-") and list it']
    ],
    load: () => import('./commands/requests.ts')
  },
  {
    name: 'approve',
    group: 'Sharing',
    summary: 'Grant what a request asks for: prints the line to send back',
    description: '`invite` is the same command.',
    arguments: [{ name: 'REQUEST', completes: 'local' }],
    options: [
      {
        name: 'path',
        value: 'PATH',
        completes: 'tree',
        summary: 'grant this path instead of the one asked for'
      },
      { name: 'rights', value: 'LIST', summary: 'grant these rights instead of those asked for' },
      { name: 'name', value: 'NAME', summary: 'what the principal is called here' }
    ],
    examples: [
      [
        'blocktree approve request.txt > access.txt',
        'a line, a file with it, "-", or the id of a pending request'
      ]
    ],
    load: () => import('./commands/approve.ts')
  },
  {
    name: 'invite',
    group: 'Sharing',
    summary: 'The same as approve',
    arguments: [{ name: 'REQUEST', completes: 'local' }],
    options: [
      {
        name: 'path',
        value: 'PATH',
        completes: 'tree',
        summary: 'grant this path instead of the one asked for'
      },
      { name: 'rights', value: 'LIST', summary: 'grant these rights instead of those asked for' },
      { name: 'name', value: 'NAME', summary: 'what the principal is called here' }
    ],
    examples: [],
    load: () => import('./commands/approve.ts')
  },
  {
    name: 'accept',
    group: 'Sharing',
    summary: 'Take the line that answers a request, or a code for a share ("node invite --share")',
    arguments: [{ name: 'LINE', completes: 'local' }],
    options: [],
    examples: [['blocktree accept access.txt', 'a line, a file with it, or "-" for stdin']],
    load: () => import('./commands/accept.ts')
  },
  {
    name: 'bundle export',
    group: 'Sharing',
    summary: 'Write signed records and sealed content to a file for another node',
    arguments: [
      { name: 'FILE', completes: 'local' },
      { name: 'PATH', completes: 'tree', isOptional: true, isRest: true }
    ],
    options: [
      { name: 'to', value: 'PRINCIPAL', completes: 'principal', summary: 'only what this principal needs' }
    ],
    examples: [['blocktree bundle export photos.bundle /photos', '']],
    load: () => import('./commands/bundle-export.ts')
  },
  {
    name: 'bundle import',
    group: 'Sharing',
    summary: 'Take what a bundle holds',
    arguments: [{ name: 'FILE', completes: 'local' }],
    options: [],
    examples: [],
    load: () => import('./commands/bundle-import.ts')
  }
]
