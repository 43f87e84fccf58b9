/** `resolve`: ends a conflict. */
import type { FileConflict } from '@blocktree/node/method-table'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { formatCount, printable } from '../format.ts'
import { findConflicts, namedConflict } from '../named-conflict.ts'
import type { NodeClient } from '../node-client.ts'
import { treePath } from '../tree-path.ts'
import { createPromiseNotes, type PromiseNotes, waitParams } from '../write-promise.ts'

export async function run(context: CommandContext): Promise<void> {
  waitParams(context)
  const node = await context.node()
  const notes = createPromiseNotes(context)
  for (const text of context.arguments) await resolve(context, node, text, notes)
  notes.end()
}

async function resolve(
  context: CommandContext,
  node: NodeClient,
  text: string,
  notes: PromiseNotes
): Promise<void> {
  const isPath = text.startsWith('/')
  const found = isPath ? await findConflicts(node, text) : [await namedConflict(node, text)]
  const hidden = found.every(({ isShown }) => !isShown) ? found[0] : undefined
  if (hidden !== undefined) {
    await settle(context, node, found.length > 1 ? await namedConflict(node, text) : hidden, notes)
    return
  }
  if (context.options.has('to'))
    throw new CliError('ERR_OPTION_VALUE', `"${text}" is shown where it is: --to is for what is not shown`)
  const path = found[0]?.path ?? treePath(text)
  const keep = context.options.text('keep')
  const params = {
    path,
    drop: context.options.has('drop'),
    ...(keep === undefined ? {} : { keep }),
    ...waitParams(context)
  }
  const answer = await node.call('file.resolve', params, { signal: context.signal })
  context.output.item({ path, ...answer }, () => [`${printable(path)} has one version again`])
  notes.say(answer.promise)
}

/** Of what is not shown. */
async function settle(
  context: CommandContext,
  node: NodeClient,
  { id, path, treeId }: FileConflict,
  notes: PromiseNotes
): Promise<void> {
  const keep = context.options.text('keep')
  const to = context.options.text('to')
  const params = {
    block: id,
    drop: context.options.has('drop'),
    ...(treeId === undefined ? {} : { treeId }),
    ...(keep === undefined ? {} : { keep }),
    ...(to === undefined ? {} : { path: treePath(to) }),
    ...waitParams(context)
  }
  const answer = await node.call('file.settle', params, { signal: context.signal })
  context.output.item({ block: id, ...answer }, () => [
    answer.path === undefined
      ? `${printable(path ?? id)} stays removed; ${formatCount(answer.settled, 'version')} given up`
      : `${printable(answer.path)} is back as a new file`
  ])
  notes.say(answer.promise)
}
