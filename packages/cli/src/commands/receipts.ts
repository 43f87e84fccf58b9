/** `receipts`: who promised to keep a version, and when that was last proven. */
import type { CommandContext } from '../command.ts'
import { formatTable, printable } from '../format.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, options } = context
  const node = await context.node()
  const path = treePath(context.arguments[0] ?? '/')
  const version = options.text('version')
  const answer = await node.call('sync.receipts', { path, ...(version === undefined ? {} : { version }) })
  output.result(answer, () => {
    const good = answer.receipts.filter(
      ({ state, coverage }) => state === 'good' && coverage === 'payload'
    ).length
    const rows = answer.receipts.map(({ holder, isThisNode, coverage, signedMs, checkedMs, state }) => [
      `${printable(holder)}${isThisNode ? ' (this node)' : ''}`,
      coverage,
      signedMs === undefined ? '-' : new Date(signedMs).toISOString(),
      checkedMs === undefined ? '-' : new Date(checkedMs).toISOString(),
      state
    ])
    const head = ['holder', 'covers', 'signed', 'proven', 'state'].map((cell) => output.dim(cell))
    return [
      ...formatTable([head, ...rows], []),
      `${good} of ${answer.of} nodes keep ${answer.versionId}; at this node it is ${answer.here}`
    ]
  })
}
