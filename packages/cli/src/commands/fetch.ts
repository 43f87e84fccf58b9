/** `fetch`: content of a URN into the tree. */
import type { CommandContext } from '../command.ts'
import { formatBytes, printable } from '../format.ts'
import type { ProgressReport } from '../output.ts'
import { createPromiseNotes, waitParams } from '../write-promise.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, signal } = context
  const [urn = '', path = ''] = context.arguments
  const node = await context.node()
  const params = { urn, path, ...waitParams(context) }
  const notes = createPromiseNotes(context)
  const bar = output.progress('fetch')
  try {
    const onProgress = (report: ProgressReport): void => bar.update(report)
    const fetched = await node.call('content.fetch', params, { signal, onProgress })
    bar.finish()
    const size = formatBytes(fetched.contentBytes)
    output.result({ path, ...fetched }, () => [
      fetched.kind === 'tree'
        ? `${printable(path)}/  ${fetched.files} entries, ${size}`
        : `${printable(path)}  ${size}`
    ])
    notes.say(fetched.promise)
    notes.end()
  } finally {
    bar.finish()
  }
}
