/** `node join`: a node on this machine, of the tree that the code is for; a running one takes part in a further tree. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { printable } from '../format.ts'
import type { NodeClient } from '../node-client.ts'
import { runInput } from '../run-input.ts'

export async function run(context: CommandContext): Promise<void> {
  const code = readJoinCode(context.arguments[0] ?? '')
  const node = await runningNode(context)
  if (node === undefined) await makeNode(context, code)
  else await joinFurther(context, node, code)
}

/** The node of the data directory, when there is one and it runs. */
async function runningNode(context: CommandContext): Promise<NodeClient | undefined> {
  if (!existsSync(join(context.dataDirectory, 'node.json'))) return undefined
  try {
    return await context.node()
  } catch (error) {
    if (error instanceof CliError && error.code === 'ERR_NODE_ABSENT') return undefined
    throw error
  }
}

async function makeNode(context: CommandContext, code: string): Promise<void> {
  const { output, options, signal } = context
  const { initializeNode, fingerprintText } = await import('@blocktree/node')
  const name = options.text('name')
  const { treeId } = await initializeNode(runInput(context, { 'log-level': 'error' }), {
    join: {
      code,
      signal,
      ...(name === undefined ? {} : { name }),
      onWaiting: (self) => noteWaiting(context, fingerprintText(self.principal))
    }
  })
  output.result({ treeId, dataDirectory: context.dataDirectory }, () => [
    `This machine is a node of the tree ${treeId}`,
    `data directory ${context.dataDirectory}`,
    'Start it with "blocktree start"; its content comes from the other nodes.'
  ])
}

/** A tree beside the own one, or a share of it. */
export async function joinFurther(context: CommandContext, node: NodeClient, code: string): Promise<void> {
  const { output, options, signal } = context
  const { fingerprintText } = await import('@blocktree/node')
  const { node: self } = await node.call('node.status', {})
  const name = options.text('name')
  const answer = await node.call(
    'node.join',
    { code, ...(name === undefined ? {} : { name }) },
    { signal, onProgress: () => noteWaiting(context, fingerprintText(self.id)) }
  )
  output.result(answer, () => [
    `you may ${answer.rights.join(', ')} ${printable(answer.path)} in tree ${answer.treeId}`,
    'It is kept here and in step with the nodes of that tree from now on.'
  ])
}

function noteWaiting({ output }: CommandContext, fingerprint: string): void {
  output.note('The owner is asked now. On the other machine:')
  output.note(`  blocktree node approve ${fingerprint}`)
}

/** The code itself, a file that holds it, or `-`. */
export function readJoinCode(text: string): string {
  if (isJoinCode(text)) return text.trim()
  try {
    return readFileSync(text === '-' ? 0 : text, 'utf8').trim()
  } catch (cause) {
    throw new CliError(
      'ERR_LOCAL_FILE',
      `"${text}" is neither a code ("BTJ-…") nor a file that can be read`,
      {
        cause
      }
    )
  }
}

export function isJoinCode(text: string): boolean {
  return /^\s*btj/i.test(text)
}
