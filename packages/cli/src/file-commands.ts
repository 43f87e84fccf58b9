/** Commands on files, directories and their history; part of ./command-table.ts. */
import type { CommandDefinition } from './command.ts'
import { optionalPath, path, waitOptions } from './shared-arguments.ts'

export const fileCommands: readonly CommandDefinition[] = [
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
      ...waitOptions
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
      {
        name: 'parents',
        short: 'p',
        summary: 'make the directories above it too; no error when it is there'
      },
      ...waitOptions
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
    options: [
      { name: 'replace', short: 'f', summary: 'replace what is at the destination' },
      { name: 'fence', value: 'TOKEN', summary: 'only while the lock of SOURCE is held under this token' },
      ...waitOptions
    ],
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
      { name: 'replace', short: 'f', summary: 'replace what is at the destination' },
      ...waitOptions
    ],
    examples: [['blocktree cp -r /photos /photos-2026', '']],
    load: () => import('./commands/cp.ts')
  },
  {
    name: 'rm',
    group: 'Files',
    summary: 'Remove files or directories; earlier versions stay in the history',
    arguments: [path, { name: 'PATH', completes: 'tree', isOptional: true, isRest: true }],
    options: [
      { name: 'recursive', short: 'r', summary: 'remove directories with everything below' },
      ...waitOptions
    ],
    examples: [['blocktree rm -r /photos', '']],
    load: () => import('./commands/rm.ts')
  },
  {
    name: 'ln',
    group: 'Files',
    summary: 'Make a symbolic link',
    arguments: [{ name: 'TARGET', completes: 'tree' }, path],
    options: waitOptions,
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
    options: waitOptions,
    examples: [['blocktree restore /documents/letter.txt 3', 'by its number or id in the history']],
    load: () => import('./commands/restore.ts')
  },
  {
    name: 'undelete',
    group: 'Files',
    summary: 'Bring back what was removed at a path last',
    arguments: [path],
    options: waitOptions,
    examples: [['blocktree undelete /documents/letter.txt', '']],
    load: () => import('./commands/undelete.ts')
  },
  {
    name: 'resolve',
    group: 'Files',
    summary: 'End a conflict: keep the shown version, or another one',
    description:
      'Of a file that was removed for good while somebody wrote in it nothing is shown: name it by the id that "conflicts" prints. --keep brings a version back as a new file, --drop leaves it removed.',
    arguments: [path, { name: 'PATH', completes: 'tree', isOptional: true, isRest: true }],
    options: [
      { name: 'keep', value: 'VERSION', summary: 'the version to keep, by its id (see history)' },
      {
        name: 'drop',
        summary: 'settle versions that wait, are late or were set aside too; they stay in the history'
      },
      {
        name: 'to',
        value: 'PATH',
        completes: 'tree',
        summary: 'where to put back what is not shown; else where it was'
      },
      ...waitOptions
    ],
    examples: [],
    load: () => import('./commands/resolve.ts')
  },
  {
    name: 'conflicts',
    group: 'Files',
    summary: 'List versions that compete with the shown ones',
    description:
      'Nothing is lost: "blocktree conflicts show PATH" shows the versions of one of them, "blocktree resolve PATH" keeps the shown version, or with --keep another one.',
    arguments: [],
    options: [],
    examples: [],
    load: () => import('./commands/conflicts.ts')
  },
  {
    name: 'conflicts show',
    group: 'Files',
    summary: 'Show the competing versions of one file or directory, and who wrote them',
    arguments: [{ name: 'PATH', completes: 'tree' }],
    options: [],
    examples: [['blocktree conflicts show /documents/letter.txt', '']],
    load: () => import('./commands/conflicts-show.ts')
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
