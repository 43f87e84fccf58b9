/** `root replace`: a new root key in place of a lost or stolen one. What has to be written down is shown before anything is signed. */
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { formatCount } from '../format.ts'
import { readSecret } from '../secret-input.ts'
import { localPath } from '../local-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options, output } = context
  const node = await context.node()
  const file = options.text('recovery-file')
  const recovery =
    file === undefined
      ? {
          recovery: await readSecret(context, {
            prompt: 'Recovery key',
            option: 'recovery-file',
            fromVariable: false
          })
        }
      : { recoveryFile: localPath(context, file) }
  const given =
    options.text('new-passphrase-file') === undefined
      ? undefined
      : await readSecret(context, {
          prompt: 'New passphrase',
          option: 'new-passphrase-file',
          fromVariable: false
        })
  const keepCaps = options
    .text('keep')
    ?.split(',')
    .filter((id) => id !== '' && id !== 'none')
  const sinceMs = readTime(options.text('since'))

  const prepared = await node.call('root.prepareSuccession', given === undefined ? {} : { passphrase: given })
  const passphrase = prepared.passphrase ?? given ?? ''
  output.item({ type: 'prepared', ...prepared }, () => secretLines(prepared))
  const answer = await node.call('root.succeed', {
    ...recovery,
    passphrase,
    ...(keepCaps === undefined ? {} : { keepCaps }),
    ...(sinceMs === undefined ? {} : { sinceMs })
  })
  output.item({ type: 'replaced', ...answer }, () => [
    `The root key was replaced: root ${answer.generation} is ${answer.root}`,
    `${formatCount(answer.keptCaps, 'cap')} kept, ${formatCount(answer.regranted, 'grant')} issued again, ${formatCount(answer.zonesRekeyed, 'zone')} got new keys`,
    ...(answer.linksEnded > 0
      ? [`${formatCount(answer.linksEnded, 'link')} ended; make new ones where they are needed`]
      : []),
    ...answer.skipped.map(({ target, reason }) => `not changed: ${target} (${reason})`)
  ])
}

function secretLines(prepared: {
  readonly passphrase?: string | undefined
  readonly recovery: readonly string[]
}): readonly string[] {
  const words =
    prepared.passphrase === undefined
      ? []
      : [
          'The passphrase of the new root key. It is shown once and kept nowhere: write it down.',
          '',
          `    ${prepared.passphrase}`,
          ''
        ]
  return [
    ...words,
    'The next recovery key; the one just used is used up. Keep it away from this machine.',
    '',
    ...prepared.recovery,
    ''
  ]
}

function readTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const time = Date.parse(text)
  if (Number.isNaN(time))
    throw new CliError('ERR_OPTION_VALUE', `--since "${text}" is no time; write it like 2027-01-31T08:00`)
  return time
}
