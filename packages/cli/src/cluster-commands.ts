/** Commands about other nodes: joining, members, addresses, peers; part of ./command-table.ts. */
import type { CommandDefinition, Option } from './command.ts'

const candidate = { name: 'NODE', completes: 'nothing', isOptional: true } as const
const member = { name: 'NODE', completes: 'principal' } as const

/** @param settingOptions of `start` */
export function clusterCommands(settingOptions: readonly Option[]): readonly CommandDefinition[] {
  return [...joining(settingOptions), ...members]
}

function joining(settingOptions: readonly Option[]): readonly CommandDefinition[] {
  return [
    {
      name: 'node invite',
      group: 'Nodes',
      summary: 'Make a one-time code with which another machine joins this tree',
      description:
        'Whoever has the code can use it, once. You are asked before the new node is let in ("node approve"), unless --approved is given.',
      arguments: [],
      options: [
        { name: 'path', value: 'PATH', completes: 'tree', summary: 'directory that the new node gets [/]' },
        {
          name: 'rights',
          value: 'LIST',
          summary:
            'what it may do beside hosting; all that this node may when not given; "host" alone stores without reading'
        },
        {
          name: 'name',
          value: 'NAME',
          summary: 'how it is called here; what it calls itself when not given'
        },
        { name: 'expires', value: 'TIME', summary: 'how long the code can be used, such as 10m or 2d [1h]' },
        {
          name: 'share',
          summary:
            'for the node of somebody else: it follows the share at --path and is no node of this tree; may read when no --rights are given'
        },
        { name: 'approved', summary: 'let it in without asking again' },
        { name: 'no-qr', summary: 'show the code as text alone' }
      ],
      examples: [
        ['blocktree node invite --name attic', 'a box at home'],
        ['blocktree node invite --rights host --name rented', 'a rented server that stores and cannot read'],
        ['blocktree node invite --share --path /photos', 'photos for the node of a friend, over the network']
      ],
      load: () => import('./commands/node-invite.ts')
    },
    {
      name: 'node join',
      group: 'Nodes',
      summary: 'Make this machine a node of the tree that a code is for',
      description:
        'For a data directory without a node; then "blocktree start". A node that runs takes part in a further tree, beside its own. Waits until the owner has agreed.',
      arguments: [{ name: 'CODE', completes: 'local' }],
      options: [
        {
          name: 'name',
          value: 'NAME',
          summary: 'how this node calls itself; the name of the machine when not given'
        },
        ...settingOptions
      ],
      examples: [
        ['blocktree node join BTJ-…', ''],
        ['blocktree node join code.txt', 'the code in a file']
      ],
      load: () => import('./commands/node-join.ts')
    },
    {
      name: 'node approve',
      group: 'Nodes',
      summary: 'Let a node in that has used a code; without an argument, show those that wait',
      arguments: [candidate],
      options: [{ name: 'refuse', summary: 'send it away instead' }],
      examples: [
        ['blocktree node approve abcd-efgh-jklm-nopq', 'compare the fingerprint on both machines first']
      ],
      load: () => import('./commands/node-approve.ts')
    },
    {
      name: 'node invitations',
      group: 'Nodes',
      summary: 'List the invitations that have not ended, or take one back',
      arguments: [],
      options: [{ name: 'revoke', value: 'ID', summary: 'take this one back' }],
      examples: [],
      load: () => import('./commands/node-invitations.ts')
    }
  ]
}

const messageOptions: readonly Option[] = [
  { name: 'app', value: 'NAME', summary: 'to this app there' },
  { name: 'topic', value: 'TOPIC', summary: 'what it is about' },
  { name: 'reply', value: 'SECONDS', summary: 'wait for a reply and print it' }
]

const members: readonly CommandDefinition[] = [
  {
    name: 'node list',
    group: 'Nodes',
    summary: 'List the nodes of this tree, what they may do and whether they are connected',
    arguments: [],
    options: [{ name: 'tree', value: 'TREE', summary: 'of this tree of another owner' }],
    examples: [],
    load: () => import('./commands/node-list.ts')
  },
  {
    name: 'node rename',
    group: 'Nodes',
    summary: 'Say what this node is called, on all nodes of its trees',
    description: 'A name that another node has too is shown with the end of the id behind it.',
    arguments: [{ name: 'NAME', completes: 'nothing' }],
    options: [],
    examples: [['blocktree node rename attic', '']],
    load: () => import('./commands/node-rename.ts')
  },
  {
    name: 'node remove',
    group: 'Nodes',
    summary: 'Take all rights of a node back: for a machine that was sold, lost or stolen',
    description:
      'Keys change, so that it reads nothing new. What it wrote up to now stays; with --since only what was written before. The other nodes hold everything.',
    arguments: [member],
    options: [
      {
        name: 'since',
        value: 'TIME',
        summary: 'after a theft: what it wrote after this time counts no longer'
      },
      { name: 'yes', short: 'y', summary: 'do it' }
    ],
    examples: [['blocktree node remove attic --yes', '']],
    load: () => import('./commands/node-remove.ts')
  },
  {
    name: 'node address add',
    group: 'Nodes',
    summary: 'Say where a node can be dialled, beside what it says itself',
    arguments: [member, { name: 'ADDRESS', completes: 'nothing' }],
    options: [],
    examples: [['blocktree node address add attic /dns4/attic.example/tcp/4781/tls', '']],
    load: () => import('./commands/node-address.ts')
  },
  {
    name: 'node address remove',
    group: 'Nodes',
    summary: 'Forget an address that was added',
    arguments: [member, { name: 'ADDRESS', completes: 'nothing' }],
    options: [],
    examples: [],
    load: () => import('./commands/node-address.ts').then(({ runRemove }) => ({ run: runRemove }))
  },
  {
    name: 'node address list',
    group: 'Nodes',
    summary: 'Show where the nodes of this tree are reached',
    arguments: [{ ...member, isOptional: true }],
    options: [],
    examples: [],
    load: () => import('./commands/node-address.ts').then(({ runList }) => ({ run: runList }))
  },
  {
    name: 'cluster reset',
    group: 'Nodes',
    summary: 'Begin locks and numbers anew with this node alone: when most voting nodes are lost for good',
    description:
      'Only while no majority of the voters answers ("status" says so), and on one node alone. All locks end; tokens and numbers go on above all that were given. The nodes that are left join this one by themselves, and so do lost ones that come back.',
    arguments: [],
    options: [{ name: 'yes', short: 'y', summary: 'do it' }],
    examples: [['blocktree cluster reset --yes', 'two of three machines have burnt']],
    load: () => import('./commands/cluster-reset.ts')
  },
  {
    name: 'peers',
    group: 'Nodes',
    summary: 'Show who is connected to this node now',
    arguments: [],
    options: [],
    examples: [],
    load: () => import('./commands/peers.ts')
  },
  {
    name: 'message send',
    group: 'Nodes',
    summary: 'Send a message to a node, or to a program or app on it',
    description:
      'NODE is a name, an id, or a path: then it goes to a node that hosts it, in this tree or another one ("/TREE/folder"). It says whether it was taken, or what kept it.',
    arguments: [member, { name: 'TEXT', completes: 'nothing' }],
    options: messageOptions,
    examples: [
      ['blocktree message send attic hello --topic ping --reply 5', 'is it there?'],
      ['blocktree message send attic hello --app notes', ''],
      ['blocktree message send /backups done --topic reports', 'to who listens there']
    ],
    load: () => import('./commands/message.ts')
  },
  {
    name: 'message listen',
    group: 'Nodes',
    summary: 'Print messages to this node on a topic until Ctrl-C, and answer them',
    description:
      'One program takes a topic; who sends is told when nobody does. Senders are nodes with a right in a tree that is kept here.',
    arguments: [{ name: 'TOPIC', completes: 'nothing' }],
    options: [
      { name: 'count', value: 'NUMBER', summary: 'end after so many' },
      { name: 'reply', value: 'TEXT', summary: 'answer each that awaits an answer with this' },
      { name: 'path', value: 'PATH', completes: 'tree', summary: 'of the tree that this is in alone' }
    ],
    examples: [['blocktree message listen reports --json', 'one JSON value a line']],
    load: () => import('./commands/message-listen.ts')
  },
  {
    name: 'message',
    group: 'Nodes',
    summary: 'The same as "message send"',
    arguments: [member, { name: 'TEXT', completes: 'nothing' }],
    options: messageOptions,
    examples: [],
    isHidden: true,
    load: () => import('./commands/message.ts')
  }
]
