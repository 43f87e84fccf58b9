/** Commands around the program itself; part of ./command-table.ts. */
import type { CommandDefinition } from './command.ts'

export const toolCommands: readonly CommandDefinition[] = [
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
    examples: [
      ['blocktree help put', ''],
      ['blocktree help settings', 'all settings of a node, as options of "start"']
    ],
    load: () => import('./commands/help.ts')
  }
]
