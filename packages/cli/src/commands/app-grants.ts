/** `app grants`, `app grant` and `app revoke`: what an app may do. */
import type { AppGrantSummary } from '@blocktree/node/method-table'
import type { CommandContext } from '../command.ts'
import { printable } from '../format.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  show(context, await node.call('app.grants', { name: context.arguments[0] ?? '' }))
}

export async function grant(context: CommandContext): Promise<void> {
  const [name = '', permission = '', path] = context.arguments
  const node = await context.node()
  const object = path === undefined ? {} : { path: treePath(path) }
  show(context, await node.call('app.grant', { name, permission, ...object }))
}

export async function revoke(context: CommandContext): Promise<void> {
  const [name = '', permission = ''] = context.arguments
  const node = await context.node()
  show(context, await node.call('app.revoke', { name, permission }))
}

function show({ output }: CommandContext, answer: { readonly grants: readonly AppGrantSummary[] }): void {
  output.result(answer, () => {
    if (answer.grants.length === 0) return ['It asks for nothing.']
    return answer.grants.flatMap(({ name, sentence, reason, isGranted, path, isAsked, optional }) => [
      `${isGranted ? output.green('granted') : output.red('not granted')}  ${output.bold(printable(name))}${optional ? ' (optional)' : ''}: ${printable(sentence)}${path === undefined ? '' : `: ${printable(path)}`}`,
      ...(reason === '' ? [] : [`  ${output.dim(`the author says: "${printable(reason)}"`)}`]),
      ...(isAsked ? [`  ${output.dim('asked for while it ran')}`] : [])
    ])
  })
}
