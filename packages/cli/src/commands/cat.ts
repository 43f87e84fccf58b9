/** `cat`: content of files on stdout. */
import type { CommandContext } from '../command.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, options, signal } = context
  const node = await context.node()
  const offset = options.integer('offset')
  const length = options.integer('length')
  for (const argument of context.arguments) {
    const path = treePath(argument)
    const range = { ...(offset === undefined ? {} : { offset }), ...(length === undefined ? {} : { length }) }
    const call = node.callStream('file.get', { path, ...range }, { signal })
    const parts: Uint8Array[] = []
    for await (const chunk of call.download) {
      if (output.isJson) parts.push(chunk)
      else await output.bytes(chunk)
    }
    const { size } = await call.result
    if (output.isJson) output.item({ path, size, data: Buffer.concat(parts).toString('base64') }, () => [])
  }
}
