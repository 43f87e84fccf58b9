/** `node join`: a node on this machine, of the tree that the code is for. */
import { readFileSync } from 'node:fs'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { runInput } from '../run-input.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, options, signal } = context
  const { initializeNode, fingerprintText } = await import('@blocktree/node')
  const name = options.text('name')
  const { treeId } = await initializeNode(runInput(context, { 'log-level': 'error' }), {
    join: {
      code: readCode(context.arguments[0] ?? ''),
      signal,
      ...(name === undefined ? {} : { name }),
      onWaiting(self) {
        output.note('The owner is asked now. On the other machine:')
        output.note(`  blocktree node approve ${fingerprintText(self.principal)}`)
      }
    }
  })
  output.result({ treeId, dataDirectory: context.dataDirectory }, () => [
    `This machine is a node of the tree ${treeId}`,
    `data directory ${context.dataDirectory}`,
    'Start it with "blocktree start"; its content comes from the other nodes.'
  ])
}

/** The code itself, a file that holds it, or `-`. */
function readCode(text: string): string {
  if (/^\s*btj/i.test(text)) return text.trim()
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
