/** Commands for who makes apps; none needs a node. Part of ./command-table.ts. */
import type { Argument, CommandDefinition, Option } from './command.ts'

const project: Argument = { name: 'DIR', completes: 'local', isOptional: true }
const packageFile: Argument = { name: 'FILE', completes: 'local' }
const key: Option = {
  name: 'key',
  value: 'FILE',
  completes: 'local',
  summary: "the author's key file; author.key of the project, else the one of this user"
}

export const authorCommands: readonly CommandDefinition[] = [
  {
    name: 'app release',
    group: 'Making apps',
    summary: 'Encode a package into blocks and sign a release record that names them',
    description:
      'Whoever has the record installs exactly this package, from any store of its blocks or from the URL.',
    arguments: [packageFile],
    options: [
      { name: 'url', value: 'URL', summary: 'where the package can be had when its blocks cannot' },
      {
        name: 'store',
        value: 'URL',
        isRepeated: true,
        summary: 'where the blocks go (ERIS_STORE_URL; else a database of this user)'
      },
      { name: 'out', short: 'o', value: 'FILE', completes: 'local', summary: 'where to write the record' },
      key
    ],
    examples: [['blocktree app release notes.blocktree --url https://example.org/notes.blocktree', '']],
    load: () => import('./commands/app-release.ts')
  },
  {
    name: 'app new',
    group: 'Making apps',
    summary: 'Write a new app project that works',
    arguments: [{ name: 'DIR', completes: 'local' }],
    options: [
      {
        name: 'template',
        value: 'LANGUAGE',
        summary: 'assemblyscript, c, rust or wat [assemblyscript]'
      },
      { name: 'title', value: 'TEXT', summary: 'name that people see' }
    ],
    examples: [['blocktree app new visits --template wat', '']],
    load: () => import('./commands/app-new.ts')
  },
  {
    name: 'app build',
    group: 'Making apps',
    summary: 'Run the build command of app.json',
    arguments: [project],
    options: [],
    examples: [],
    load: () => import('./commands/app-build.ts')
  },
  {
    name: 'app key',
    group: 'Making apps',
    summary: "Show the author's key, and make it when there is none",
    description: 'Keep the file: only who has it can publish upgrades of your apps.',
    arguments: [],
    options: [key],
    examples: [],
    load: () => import('./commands/app-key.ts')
  },
  {
    name: 'app pack',
    group: 'Making apps',
    summary: 'Put module and assets of a project into one signed package',
    description: 'The same inputs give the same bytes. Without a key file one is made for this user.',
    arguments: [project],
    options: [
      { name: 'out', short: 'o', value: 'FILE', completes: 'local', summary: 'where to write it' },
      key
    ],
    examples: [['blocktree app pack --out notes.blocktree', '']],
    load: () => import('./commands/app-pack.ts')
  },
  {
    name: 'app inspect',
    group: 'Making apps',
    summary: 'Check a package and show what it is and asks for',
    arguments: [packageFile],
    options: [],
    examples: [],
    load: () => import('./commands/app-inspect.ts')
  },
  {
    name: 'app verify',
    group: 'Making apps',
    summary: 'Check signature, hashes and module of a package; ends with 7 when it does not verify',
    arguments: [packageFile],
    options: [{ name: 'author', value: 'PRINCIPAL', summary: 'refuse it when somebody else signed it' }],
    examples: [],
    load: () => import('./commands/app-inspect.ts').then(({ verify }) => ({ run: verify }))
  },
  {
    name: 'app dev',
    group: 'Making apps',
    summary: 'Run a project on a scratch node; build again and reload at every change',
    arguments: [project],
    options: [
      { name: 'apps-port', value: 'PORT', summary: 'port of the scratch node [0: a free one]' },
      { name: 'once', summary: 'do not watch: end after the first start' }
    ],
    examples: [['blocktree app dev', '']],
    load: () => import('./commands/app-dev.ts')
  },
  {
    name: 'app simulate',
    group: 'Making apps',
    summary:
      'Run an app on simulated nodes that crash and lose their network; ends with 1 when a rule is broken',
    description:
      'The package, or the project (built and packed first), is installed on all nodes of one tree, with everything it asks for granted. Time, chance, disks and the network between the nodes come from the seed, so the same package and options give the same run, event for event, in seconds instead of hours. ' +
      'Requests are made up from the routes, or read from a script: [{"at": seconds, "node": 1, "request": {"method": "POST", "path": "/api/entries", "headers": {}, "body": "text"}, "status": 201}…]. Shows what happened, then judges: the app never traps; every request is answered while its node runs; what was acknowledged to it is on all nodes; all nodes hold the same files; nothing was done outside the grant; it runs and is well on every node at the end. ' +
      'Not simulated: the world outside the tree (HTTP requests and sockets of the app find nobody), messages to the app on other nodes, persons who answer its questions, its wall-clock limits (fuel counts), the process around it, and the gateway in front of it.',
    arguments: [{ name: 'PACKAGE|DIR', completes: 'local', isOptional: true }],
    options: [
      { name: 'seed', value: 'N', summary: 'of all chance [1]' },
      { name: 'nodes', value: 'N', summary: 'nodes of the tree, 1 to 20 [2]' },
      { name: 'hours', value: 'N', summary: 'virtual hours, fractions too [1, or as long as the script]' },
      { name: 'faults', value: 'KINDS', summary: 'of crash,net,clock; or none [crash,net]' },
      { name: 'script', value: 'FILE', completes: 'local', summary: 'requests to send, as JSON' },
      key
    ],
    examples: [
      ['blocktree app simulate', 'the project here'],
      ['blocktree app simulate notes.blocktree --seed 7 --nodes 3 --hours 4', '']
    ],
    load: () => import('./commands/app-simulate.ts')
  }
]
