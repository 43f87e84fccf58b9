/** `why`: the chain of records that decides; of a shared folder what is in it, and beside that its own entry. */
import type { CommandContext } from '../command.ts'
import { exitCode } from '../exit-code.ts'
import { printable, shortId } from '../format.ts'
import type { Output } from '../output.ts'
import { treePath } from '../tree-path.ts'

/** Ends with 4 when it is not allowed, so that scripts can ask. */
export async function run(context: CommandContext): Promise<number> {
  const { output } = context
  const node = await context.node()
  const [principal = '', path = '', right = 'read'] = context.arguments
  const answer = await node.call('access.why', { principal, path: treePath(path), right })
  const { entry } = answer
  const shown = printable(answer.path)
  const what = entry === undefined ? shown : `what is in ${shown}`
  output.result(answer, () => [
    verdict(output, answer, `${right} ${what}`),
    ...steps(output, answer.steps),
    ...(entry === undefined
      ? []
      : [
          'its own entry belongs to the zone around it',
          verdict(output, { ...answer, allowed: entry.allowed }, entryAct(right)),
          ...steps(output, entry.steps)
        ])
  ])
  return answer.allowed ? exitCode.ok : exitCode.denied
}

function verdict(
  output: Output,
  { principal, allowed }: { readonly principal: string; readonly allowed: boolean },
  act: string
): string {
  return allowed
    ? output.green(`yes: ${principal} may ${act}`)
    : output.red(`no: ${principal} may not ${act}`)
}

function steps(
  output: Output,
  explained: readonly {
    readonly ok: boolean
    readonly text: string
    readonly recordId?: string | undefined
  }[]
): readonly string[] {
  return explained.map(({ ok, text, recordId }) => {
    const record = recordId === undefined ? '' : output.dim(`  ${shortId(recordId)}`)
    return `  ${ok ? '✓' : '✗'} ${printable(text)}${record}`
  })
}

function entryAct(right: string): string {
  return right === 'read' ? 'read its name there' : 'rename, move or remove it'
}
