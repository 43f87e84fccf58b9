/** `publish`: content of the tree by URN, alone on stdout. */
import type { CommandContext } from '../command.ts'
import { blockSizeName } from '../eris-options.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options, output, signal } = context
  const node = await context.node()
  const bar = output.progress('publish')
  try {
    const blockSize = blockSizeName(context)
    const params = {
      path: context.arguments[0] ?? '/',
      unique: options.has('unique'),
      ...(blockSize === undefined ? {} : { blockSize })
    }
    const published = await node.call('content.publish', params, {
      signal,
      onProgress: (report) => bar.update(report)
    })
    bar.finish()
    output.result(published, () => [published.urn])
  } finally {
    bar.finish()
  }
}
