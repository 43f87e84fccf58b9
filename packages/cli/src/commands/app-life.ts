/** `app start`, `app stop` and `app restart`. */
import type { AppGrantSummary } from '@blocktree/node/method-table'
import { summaryLine } from '../app-description.ts'
import { canAsk, openDialogue } from '../ask.ts'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { printable } from '../format.ts'

/** One from another node runs here when somebody here agrees. @throws ERR_CONSENT_ABSENT */
export async function start(context: CommandContext): Promise<void> {
  const node = await context.node()
  const name = context.arguments[0] ?? ''
  const { isHere, title, author, versionText: version } = await node.call('app.info', { name })
  const isAgreed = !isHere
  if (isAgreed && !context.options.has('yes')) {
    const { grants } = await node.call('app.grants', { name })
    await agree(
      context,
      `${printable(title)}, version ${printable(version)}, signed by ${author}: nobody agreed to it on this node.`,
      grants
    )
  }
  const app = await node.call('app.start', isAgreed ? { name, isAgreed } : { name })
  context.output.result(app, () => [summaryLine(context.output, app)])
}

async function agree(
  { output, signal }: CommandContext,
  headline: string,
  grants: readonly AppGrantSummary[]
): Promise<void> {
  if (!canAsk()) {
    throw new CliError('ERR_CONSENT_ABSENT', 'nobody agreed, and there is no terminal to ask on', {
      advice: 'give --yes'
    })
  }
  const granted = grants.filter(({ isGranted }) => isGranted)
  const lines = granted.map(
    ({ sentence, path }) => `  ${printable(sentence)}${path === undefined ? '' : `: ${printable(path)}`}`
  )
  for (const line of [headline, 'In this tree it was granted:', ...lines]) output.note(line)
  const dialogue = openDialogue(signal)
  try {
    if (/^y(es)?$/i.test(await dialogue.ask('Run it on this node too? [y/N] '))) return
    throw new CliError('ERR_CONSENT_ABSENT', 'nothing was started')
  } finally {
    dialogue.close()
  }
}

export async function stop(context: CommandContext): Promise<void> {
  await act(context, 'app.stop')
}

export async function restart(context: CommandContext): Promise<void> {
  await act(context, 'app.restart')
}

async function act(context: CommandContext, method: 'app.stop' | 'app.restart'): Promise<void> {
  const node = await context.node()
  const app = await node.call(method, { name: context.arguments[0] ?? '' })
  context.output.result(app, () => [summaryLine(context.output, app)])
}
