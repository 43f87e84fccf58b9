/** `app questions` and `app answer`: what apps ask for while they run; the person picks the object. */
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { formatTable, formatTime, printable } from '../format.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output } = context
  const node = await context.node()
  const { questions } = await node.call('app.questions', {})
  if (output.isJson) for (const question of questions) output.item(question, () => [])
  else if (questions.length === 0) output.note('No app asks for anything.')
  else {
    const head = ['number', 'app', 'wants', 'to', 'asked', 'it says'].map((cell) => output.dim(cell))
    const rows = questions.map(({ number, app, object, rights, askedMs, reason }) => [
      String(number),
      printable(app),
      `a ${object}`,
      rights.join(', '),
      formatTime(askedMs),
      printable(reason)
    ])
    output.result(undefined, () => formatTable([head, ...rows]))
  }
}

export async function answer(context: CommandContext): Promise<void> {
  const [text = '', path] = context.arguments
  const declines = context.options.has('decline')
  if (!/^[1-9]\d*$/.test(text))
    throw new CliError('ERR_ARGUMENT_VALUE', `"${text}" is not the number of a question`)
  if (declines === (path !== undefined))
    throw new CliError('ERR_ARGUMENT_MISSING', 'pick a PATH, or give --decline', {
      advice: 'usage: blocktree app answer NUMBER PATH, or blocktree app answer NUMBER --decline'
    })
  const node = await context.node()
  const object = path === undefined ? {} : { path: treePath(path) }
  const outcome = await node.call('app.answer', { number: Number(text), ...object })
  context.output.result(outcome, () => [
    outcome.outcome === 'granted'
      ? `${outcome.app} may use ${printable(path ?? '')} now`
      : `${outcome.app} gets nothing`
  ])
}
