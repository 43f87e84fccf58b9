/** Every command as data; help, completion and doc/CLI.md come from here. Modules are loaded when a command runs. */
import { settings, describeKind } from '@blocktree/node/settings'
import { appCommands } from './app-commands.ts'
import { clusterCommands } from './cluster-commands.ts'
import { authorCommands } from './author-commands.ts'
import type { Argument, CommandDefinition, Option } from './command.ts'
import { erisCommands } from './eris-commands.ts'
import { erisServeCommand } from './eris-serve-command.ts'
import { hostingCommands, rootReplaceCommand } from './hosting-commands.ts'
import { lockCommands } from './lock-commands.ts'
import { syncCommands } from './sync-commands.ts'

const path: Argument = { name: 'PATH', completes: 'tree' }
const optionalPath: Argument = { name: 'PATH', completes: 'tree', isOptional: true }
const passphraseFile: Option = {
  name: 'passphrase-file',
  value: 'FILE',
  completes: 'local',
  summary: 'read the passphrase from the first line of a file (or BLOCKTREE_PASSPHRASE; else it is asked for)'
}

/** The settings of a node as options of `start` and `init`. */
const settingOptions: readonly Option[] = [
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

const nodeCommands: readonly CommandDefinition[] = [
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

const fileCommands: readonly CommandDefinition[] = [
  {
    name: 'ls',
    group: 'Files',
    summary: 'List a directory',
    arguments: [optionalPath],
    options: [
      { name: 'long', short: 'l', summary: 'show kind, size and time' },
      { name: 'id', summary: 'show identifiers too' }
    ],
    examples: [['blocktree ls -l /documents', 'with sizes and times']],
    load: () => import('./commands/ls.ts')
  },
  {
    name: 'tree',
    group: 'Files',
    summary: 'Show a directory and everything below it as a tree',
    arguments: [optionalPath],
    options: [{ name: 'depth', short: 'L', value: 'LEVELS', summary: 'how deep to go' }],
    examples: [['blocktree tree -L 2 /', 'two levels']],
    load: () => import('./commands/tree.ts')
  },
  {
    name: 'put',
    group: 'Files',
    summary: 'Take files or directories of this machine into the tree',
    description:
      'Into a directory when PATH is one or ends with "/". Unchanged files are skipped, an interrupted put goes on where it was. "-" reads stdin.',
    arguments: [
      { name: 'SOURCE', completes: 'local' },
      { name: 'PATH', completes: 'tree', isRest: true }
    ],
    options: [
      { name: 'no-replace', summary: 'refuse to replace what is there' },
      { name: 'follow', summary: 'take what symbolic links point to' },
      {
        name: 'fence',
        value: 'TOKEN',
        summary: 'of a single file: refuse when its lock was given to somebody else since ("lock")'
      },
      {
        name: 'wait',
        value: 'NODES',
        summary:
          'of a single file: wait half a minute until so many nodes, this one counted, promised to keep it'
      }
    ],
    examples: [
      ['blocktree put letter.txt /documents/', 'a file into a directory'],
      ['blocktree put photos /photos', 'a directory under a name'],
      ['date | blocktree put - /now.txt', 'from stdin']
    ],
    load: () => import('./commands/put.ts')
  },
  {
    name: 'get',
    group: 'Files',
    summary: 'Write a file or directory of the tree to this machine',
    arguments: [path, { name: 'DESTINATION', completes: 'local', isOptional: true }],
    options: [
      { name: 'replace', summary: 'replace files that are there and differ' },
      { name: 'version', value: 'ID', summary: 'an earlier version of a file (see history)' }
    ],
    examples: [
      ['blocktree get /photos', 'into the working directory'],
      ['blocktree get /documents/letter.txt -', 'to stdout']
    ],
    load: () => import('./commands/get.ts')
  },
  {
    name: 'cat',
    group: 'Files',
    summary: 'Write files to stdout',
    arguments: [
      { name: 'PATH', completes: 'tree' },
      { name: 'PATH', completes: 'tree', isOptional: true, isRest: true }
    ],
    options: [
      { name: 'offset', value: 'BYTES', summary: 'begin here' },
      { name: 'length', value: 'BYTES', summary: 'at most this many bytes' }
    ],
    examples: [['blocktree cat /documents/letter.txt', '']],
    load: () => import('./commands/cat.ts')
  },
  {
    name: 'mkdir',
    group: 'Files',
    summary: 'Make a directory',
    arguments: [path],
    options: [
      { name: 'parents', short: 'p', summary: 'make the directories above it too; no error when it is there' }
    ],
    examples: [['blocktree mkdir -p /documents/2026/letters', '']],
    load: () => import('./commands/mkdir.ts')
  },
  {
    name: 'mv',
    group: 'Files',
    summary: 'Rename or move a file or directory',
    arguments: [
      { name: 'SOURCE', completes: 'tree' },
      { name: 'DESTINATION', completes: 'tree' }
    ],
    options: [{ name: 'replace', short: 'f', summary: 'replace what is at the destination' }],
    examples: [['blocktree mv /letter.txt /documents/', '']],
    load: () => import('./commands/mv.ts')
  },
  {
    name: 'cp',
    group: 'Files',
    summary: 'Copy within the tree; content is shared, not stored twice',
    arguments: [
      { name: 'SOURCE', completes: 'tree' },
      { name: 'DESTINATION', completes: 'tree' }
    ],
    options: [
      { name: 'recursive', short: 'r', summary: 'copy directories' },
      { name: 'replace', short: 'f', summary: 'replace what is at the destination' }
    ],
    examples: [['blocktree cp -r /photos /photos-2026', '']],
    load: () => import('./commands/cp.ts')
  },
  {
    name: 'rm',
    group: 'Files',
    summary: 'Remove files or directories; earlier versions stay in the history',
    arguments: [path, { name: 'PATH', completes: 'tree', isOptional: true, isRest: true }],
    options: [{ name: 'recursive', short: 'r', summary: 'remove directories with everything below' }],
    examples: [['blocktree rm -r /photos', '']],
    load: () => import('./commands/rm.ts')
  },
  {
    name: 'ln',
    group: 'Files',
    summary: 'Make a symbolic link',
    arguments: [{ name: 'TARGET', completes: 'tree' }, path],
    options: [],
    examples: [['blocktree ln letters/today.txt /documents/now', '']],
    load: () => import('./commands/ln.ts')
  },
  {
    name: 'history',
    group: 'Files',
    summary: 'List the versions of a file or directory, newest first',
    arguments: [path],
    options: [{ name: 'limit', short: 'n', value: 'COUNT', summary: 'how many versions' }],
    examples: [['blocktree history /documents/letter.txt', '']],
    load: () => import('./commands/history.ts')
  },
  {
    name: 'restore',
    group: 'Files',
    summary: 'Make an earlier version the current one again',
    arguments: [path, { name: 'VERSION', completes: 'nothing' }],
    options: [],
    examples: [['blocktree restore /documents/letter.txt 3', 'by its number or id in the history']],
    load: () => import('./commands/restore.ts')
  },
  {
    name: 'undelete',
    group: 'Files',
    summary: 'Bring back what was removed at a path last',
    arguments: [path],
    options: [],
    examples: [['blocktree undelete /documents/letter.txt', '']],
    load: () => import('./commands/undelete.ts')
  },
  {
    name: 'resolve',
    group: 'Files',
    summary: 'End a conflict: keep the shown version, or another one',
    arguments: [path],
    options: [{ name: 'keep', value: 'VERSION', summary: 'the version to keep, by its id (see history)' }],
    examples: [],
    load: () => import('./commands/resolve.ts')
  },
  {
    name: 'conflicts',
    group: 'Files',
    summary: 'List versions that compete with the shown ones',
    arguments: [],
    options: [],
    examples: [],
    load: () => import('./commands/conflicts.ts')
  },
  {
    name: 'watch',
    group: 'Files',
    summary: 'Print changes below a path until Ctrl-C',
    arguments: [optionalPath],
    options: [{ name: 'resume', value: 'TOKEN', summary: 'go on after an event seen before' }],
    examples: [['blocktree watch /documents --json', 'one JSON value a line']],
    load: () => import('./commands/watch.ts')
  }
]

const rights: Option = {
  name: 'rights',
  value: 'LIST',
  summary:
    'read, write, create, delete, delegate, grant, admin, host; or edit = read,write,create,delete [read]'
}

const sharingCommands: readonly CommandDefinition[] = [
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

const keyCommands: readonly CommandDefinition[] = [
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

const upkeepCommands: readonly CommandDefinition[] = [
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

const toolCommands: readonly CommandDefinition[] = [
  {
    name: 'rpc',
    group: 'Tools',
    summary: 'Call any method of the node with JSON parameters',
    arguments: [
      { name: 'METHOD', completes: 'method' },
      { name: 'JSON', completes: 'nothing', isOptional: true }
    ],
    options: [],
    examples: [
      [`blocktree rpc file.stat '{"path":"/"}'`, ''],
      ['blocktree rpc rpc.discover', 'all methods with their schemas']
    ],
    load: () => import('./commands/rpc.ts')
  },
  {
    name: 'completion',
    group: 'Tools',
    summary: 'Print the completion script of a shell',
    arguments: [{ name: 'SHELL', completes: 'shell' }],
    options: [],
    examples: [
      ['source <(blocktree completion bash)', 'in ~/.bashrc'],
      ['blocktree completion fish > ~/.config/fish/completions/blocktree.fish', '']
    ],
    load: () => import('./commands/completion.ts')
  },
  {
    name: 'complete',
    group: 'Tools',
    summary: 'Print completions of a command line; called by the completion scripts',
    arguments: [{ name: 'WORD', completes: 'nothing', isOptional: true, isRest: true }],
    options: [],
    examples: [],
    isHidden: true,
    load: () => import('./commands/complete.ts')
  },
  {
    name: 'version',
    group: 'Tools',
    summary: 'Print the version of this command; "status" prints that of the running node',
    arguments: [],
    options: [],
    examples: [['blocktree --version', 'the same']],
    load: () => import('./commands/version.ts')
  },
  {
    name: 'help',
    group: 'Tools',
    summary: 'Show all commands, or one of them',
    arguments: [{ name: 'COMMAND', completes: 'command', isOptional: true, isRest: true }],
    options: [{ name: 'markdown', summary: 'print the reference of all commands' }],
    examples: [['blocktree help put', '']],
    load: () => import('./commands/help.ts')
  }
]

export const commandTable: readonly CommandDefinition[] = [
  ...nodeCommands,
  ...clusterCommands(settingOptions),
  ...fileCommands,
  ...sharingCommands,
  ...hostingCommands,
  ...lockCommands,
  ...syncCommands,
  ...appCommands,
  ...authorCommands,
  ...erisCommands,
  erisServeCommand,
  ...keyCommands,
  rootReplaceCommand,
  ...upkeepCommands,
  ...toolCommands
]

/** The command that the words begin with: longer names are tried first. */
export function findCommand(
  words: readonly string[]
): { readonly definition: CommandDefinition; readonly rest: readonly string[] } | undefined {
  for (const count of [3, 2, 1]) {
    const name = words.slice(0, count).join(' ')
    const definition =
      words.length >= count ? commandTable.find((command) => command.name === name) : undefined
    if (definition !== undefined) return { definition, rest: words.slice(count) }
  }
  return undefined
}
