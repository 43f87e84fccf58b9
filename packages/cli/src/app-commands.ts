/** Commands about installed apps; part of ./command-table.ts. */
import type { Argument, CommandDefinition, Option } from './command.ts'

const app: Argument = { name: 'NAME', completes: 'app' }
const packageFile: Argument = { name: 'FILE', completes: 'local' }
const permission: Argument = { name: 'PERMISSION', completes: 'nothing' }
const name: Option = {
  name: 'name',
  value: 'NAME',
  completes: 'app',
  summary: 'name of the installation; the one in the package when not given'
}

const consent: readonly Option[] = [
  {
    name: 'grant',
    value: 'PERMISSION[=PATH]',
    isRepeated: true,
    summary: 'grant a permission, with the folder or file that is picked for it; may be given several times'
  },
  {
    name: 'decline',
    value: 'PERMISSION',
    isRepeated: true,
    summary: 'do not grant an optional permission; may be given several times'
  },
  {
    name: 'yes',
    short: 'y',
    summary: 'do not ask: grant what is asked for, but folders and files only with --grant'
  }
]

export const appCommands: readonly CommandDefinition[] = [
  {
    name: 'app install',
    group: 'Apps',
    summary: 'Install an app from its package, after showing what it asks for',
    description:
      'The package is a file, stdin ("-"), a URN, or a release record (FILE.release), which gives exactly what the author signed. ' +
      'Shows author, permissions with the reasons the author gives, and limits, and asks. Without a terminal it needs --yes, or a --grant or --decline for every permission. Ends with 4 when nobody agreed, with 7 when the package does not verify.',
    arguments: [packageFile],
    options: [
      name,
      ...consent,
      {
        name: 'url',
        value: 'URL',
        summary: 'where the package is taken from when its blocks are missing, damaged or slow'
      }
    ],
    examples: [
      ['blocktree app install notes.blocktree', ''],
      ['blocktree app install notes-2.release', 'from blocks, or from the URL in the release'],
      ['blocktree app install files.blocktree --grant photos=/photos --yes', 'without questions'],
      ['curl -s https://example.org/notes.blocktree | blocktree app install - --yes', 'from stdin']
    ],
    load: () => import('./commands/app-install.ts')
  },
  {
    name: 'app upgrade',
    group: 'Apps',
    summary: 'Put a newer version of an app in place; code and data go back when it fails',
    description: 'Shows what the new version asks for that the old one did not.',
    arguments: [packageFile],
    options: [name, ...consent],
    examples: [['blocktree app upgrade notes-2.blocktree', '']],
    load: () => import('./commands/app-upgrade.ts')
  },
  {
    name: 'app list',
    group: 'Apps',
    summary: 'List installed apps and how they fare',
    arguments: [],
    options: [],
    examples: [],
    load: () => import('./commands/app-list.ts')
  },
  {
    name: 'app info',
    group: 'Apps',
    summary: 'Show everything about an installed app',
    arguments: [app],
    options: [],
    examples: [],
    load: () => import('./commands/app-info.ts')
  },
  {
    name: 'app grants',
    group: 'Apps',
    summary: 'Show what an app asks for, and what of it is granted',
    arguments: [app],
    options: [],
    examples: [],
    load: () => import('./commands/app-grants.ts')
  },
  {
    name: 'app grant',
    group: 'Apps',
    summary: 'Grant a permission that was declined or taken back',
    arguments: [app, permission, { name: 'PATH', completes: 'tree', isOptional: true }],
    options: [],
    examples: [['blocktree app grant files photos /photos', 'the folder that is picked']],
    load: () => import('./commands/app-grants.ts').then(({ grant }) => ({ run: grant }))
  },
  {
    name: 'app revoke',
    group: 'Apps',
    summary: 'Take a permission back; holds at once',
    arguments: [app, permission],
    options: [],
    examples: [['blocktree app revoke files photos', '']],
    load: () => import('./commands/app-grants.ts').then(({ revoke }) => ({ run: revoke }))
  },
  {
    name: 'app logs',
    group: 'Apps',
    summary: 'Show what an app says, and what the node says about it',
    arguments: [app],
    options: [
      { name: 'follow', short: 'f', summary: 'go on with new lines until Ctrl-C' },
      { name: 'limit', short: 'n', value: 'COUNT', summary: 'how many lines [100]' }
    ],
    examples: [['blocktree app logs -f notes', '']],
    load: () => import('./commands/app-logs.ts')
  },
  {
    name: 'app start',
    group: 'Apps',
    summary: 'Start an app, now and with the node; also one that was suspended',
    description:
      'An app that was installed on another node of the tree comes with the tree: here it runs when somebody here agrees. ' +
      'Shows what it was granted, and asks; without a terminal it needs --yes.',
    arguments: [app],
    options: [
      { name: 'yes', short: 'y', summary: 'do not ask: agree that an app of another node runs on this one' }
    ],
    examples: [['blocktree app start notes', '']],
    load: () => import('./commands/app-life.ts').then(({ start }) => ({ run: start }))
  },
  {
    name: 'app stop',
    group: 'Apps',
    summary: 'Stop an app until it is started again',
    arguments: [app],
    options: [],
    examples: [],
    load: () => import('./commands/app-life.ts').then(({ stop }) => ({ run: stop }))
  },
  {
    name: 'app restart',
    group: 'Apps',
    summary: 'Stop and start an app',
    arguments: [app],
    options: [],
    examples: [],
    load: () => import('./commands/app-life.ts').then(({ restart }) => ({ run: restart }))
  },
  {
    name: 'app uninstall',
    group: 'Apps',
    summary: 'Remove an app, its grants and its data',
    arguments: [app],
    options: [{ name: 'keep-data', summary: 'copy its files to /NAME-data first' }],
    examples: [],
    load: () => import('./commands/app-uninstall.ts')
  },
  {
    name: 'app export',
    group: 'Apps',
    summary: 'Write the package of an installed app to a file, as it was installed',
    arguments: [app, { name: 'FILE', completes: 'local', isOptional: true }],
    options: [],
    examples: [['blocktree app export notes - | sha256sum', '']],
    load: () => import('./commands/app-export.ts')
  },
  {
    name: 'app questions',
    group: 'Apps',
    summary: 'List what apps ask for while they run',
    arguments: [],
    options: [],
    examples: [],
    load: () => import('./commands/app-questions.ts')
  },
  {
    name: 'app answer',
    group: 'Apps',
    summary: 'Answer a question of an app with the folder or file that you pick, or decline it',
    arguments: [
      { name: 'NUMBER', completes: 'nothing' },
      { name: 'PATH', completes: 'tree', isOptional: true }
    ],
    options: [{ name: 'decline', summary: 'grant nothing' }],
    examples: [['blocktree app answer 3 /photos', '']],
    load: () => import('./commands/app-questions.ts').then(({ answer }) => ({ run: answer }))
  },
  {
    name: 'engine install',
    group: 'Apps',
    summary: 'Install another engine for apps: wasmtime, of the one version this release speaks to',
    description:
      'Fetched from the Python package index when no file is given; its SHA-256 decides. Used from the next start of the node on.',
    arguments: [{ name: 'ENGINE', completes: 'nothing' }],
    options: [
      {
        name: 'file',
        value: 'FILE',
        completes: 'local',
        summary: 'the library, the wheel, or a release archive of the C API on this machine'
      },
      {
        name: 'sha256',
        value: 'HASH',
        summary: 'hash of a library that is not pinned here; you vouch for it'
      }
    ],
    examples: [['blocktree engine install wasmtime', '']],
    load: () => import('./commands/engine-install.ts')
  }
]
