/** Commands for content by URN; those that begin with `eris` need no node. Part of ./command-table.ts. */
import type { Argument, CommandDefinition, Option } from './command.ts'
import { waitOptions } from './shared-arguments.ts'

const urn: Argument = { name: 'URN', completes: 'nothing' }
const store: Option = {
  name: 'store',
  value: 'URL',
  isRepeated: true,
  summary:
    'store of blocks, or several in the order they are asked (ERIS_STORE_URL; else a database of this user)'
}
const blockSize: Option = {
  name: 'block-size',
  value: 'SIZE',
  summary: '1k or 32k; by the length of each file when not given'
}
const secretOptions: readonly Option[] = [
  {
    name: 'convergent',
    summary: 'equal content gets the same URN for everybody; so it is when nothing is said'
  },
  { name: 'unique', summary: 'a URN that nobody else can get from the same content' },
  {
    name: 'secret',
    value: 'HEX',
    summary: 'a convergence secret of 32 bytes: the same URN for all who know it'
  }
]
const wherever = 'In place of URN a magnet link or a link file (FILE.eris) will do.'

export const erisCommands: readonly CommandDefinition[] = [
  {
    name: 'publish',
    group: 'Content by URN',
    summary: 'Publish a file or directory of the tree, and print the URN',
    description:
      'The node keeps the encrypted blocks and answers them where eris.listen says. Whoever has the URN can read the content; whoever has blocks cannot.',
    arguments: [{ name: 'PATH', completes: 'tree' }],
    options: [blockSize, { name: 'unique', summary: 'a URN that nobody else can get from the same content' }],
    examples: [['blocktree publish /photos', 'prints urn:eris:...']],
    load: () => import('./commands/publish.ts')
  },
  {
    name: 'unpublish',
    group: 'Content by URN',
    summary: 'Forget a publication and remove its blocks from this node',
    arguments: [urn],
    options: [],
    examples: [],
    load: () => import('./commands/unpublish.ts')
  },
  {
    name: 'published',
    group: 'Content by URN',
    summary: 'List what this node has published',
    arguments: [],
    options: [],
    examples: [],
    load: () => import('./commands/published.ts')
  },
  {
    name: 'fetch',
    group: 'Content by URN',
    summary: 'Write the content of a URN into the tree, where nothing is yet',
    arguments: [urn, { name: 'PATH', completes: 'tree' }],
    options: waitOptions,
    examples: [['blocktree fetch urn:eris:B4... /photos-of-a-friend', '']],
    load: () => import('./commands/fetch.ts')
  },
  {
    name: 'eris encode',
    group: 'Content by URN',
    summary: 'Cut a file, a directory or stdin ("-") into encrypted blocks, store them and print the URN',
    arguments: [{ name: 'SOURCE', completes: 'local' }],
    options: [
      store,
      blockSize,
      ...secretOptions,
      { name: 'dry-run', summary: 'store nothing, only print the URN' }
    ],
    examples: [
      ['blocktree eris encode letter.pdf', 'prints urn:eris:...'],
      ['blocktree eris encode photos --store sqlite:blocks.sqlite', 'a directory, into a database']
    ],
    load: () => import('./commands/eris-encode.ts')
  },
  {
    name: 'eris decode',
    group: 'Content by URN',
    summary: 'Write the content of a URN to a file, or to stdout ("-"); of a directory, to a new folder',
    description: `Every block is verified; a file gets its name when it is complete. ${wherever}`,
    arguments: [urn, { name: 'OUT', completes: 'local' }],
    options: [
      store,
      { name: 'path', value: 'PATH', summary: 'only this file of a directory' },
      { name: 'offset', value: 'BYTES', summary: 'begin here' },
      { name: 'length', value: 'BYTES', summary: 'at most this many bytes' }
    ],
    examples: [
      ['blocktree eris decode urn:eris:B4... letter.pdf', ''],
      ['blocktree eris decode urn:eris:B4... - --path docs/readme', 'one file of a directory, to stdout']
    ],
    load: () => import('./commands/eris-decode.ts')
  },
  {
    name: 'eris info',
    group: 'Content by URN',
    summary: 'Say what a URN tells, and how long its content is',
    description: wherever,
    arguments: [urn],
    options: [store],
    examples: [],
    load: () => import('./commands/eris-info.ts')
  },
  {
    name: 'eris verify',
    group: 'Content by URN',
    summary: 'Read every block of a URN and say whether all are there and good',
    description: `Ends with 7 when something is missing or damaged. ${wherever}`,
    arguments: [urn],
    options: [store],
    examples: [],
    load: () => import('./commands/eris-verify.ts')
  },
  {
    name: 'eris copy',
    group: 'Content by URN',
    summary: 'Copy the blocks of a URN from one store to another',
    description: `The blocks stay encrypted on the way. ${wherever}`,
    arguments: [urn, { name: 'TARGET-URL', completes: 'nothing' }],
    options: [store],
    examples: [['blocktree eris copy urn:eris:B4... cbor+file:for-a-friend.cbor', 'everything in one file']],
    load: () => import('./commands/eris-copy.ts')
  },
  {
    name: 'eris list',
    group: 'Content by URN',
    summary: 'List the files of a directory that was encoded',
    description: wherever,
    arguments: [urn],
    options: [store, { name: 'long', short: 'l', summary: 'show length and URN of each file' }],
    examples: [],
    load: () => import('./commands/eris-list.ts')
  },
  {
    name: 'eris link',
    group: 'Content by URN',
    summary: 'Write a link file, which desktops open like a file',
    arguments: [urn, { name: 'OUT', completes: 'local' }],
    options: [
      store,
      { name: 'type', value: 'TYPE', summary: 'media type of the content [application/octet-stream]' },
      { name: 'name', value: 'TEXT', summary: 'what people call it' }
    ],
    examples: [['blocktree eris link urn:eris:B4... letter.eris --type application/pdf', '']],
    load: () => import('./commands/eris-link.ts')
  },
  {
    name: 'eris magnet',
    group: 'Content by URN',
    summary: 'Print a magnet link',
    arguments: [urn],
    options: [store, { name: 'name', value: 'TEXT', summary: 'what people call it' }],
    examples: [],
    load: () => import('./commands/eris-magnet.ts')
  }
]
