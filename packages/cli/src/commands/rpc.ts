/** `rpc`: any method, JSON in and out. */
import { nodeMethodTable } from '@blocktree/node/method-table'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'

export async function run(context: CommandContext): Promise<void> {
  const { output, signal } = context
  const [method = '', text = '{}'] = context.arguments
  const params = parse(text)
  const definition = nodeMethodTable.methods.get(method)
  // bytes are base64 in JSON on both sides of this command
  const sent =
    definition === undefined
      ? params
      : definition.params.read(params, { framing: 'json', unknownMembers: 'keep' })
  const node = await context.node()
  const result = await node.request(method, sent, { signal })
  output.result(toJson(result), () => [JSON.stringify(toJson(result), undefined, 2)])
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new CliError(
      'ERR_ARGUMENT_VALUE',
      `the parameters are not JSON: ${cause instanceof Error ? cause.message : ''}`,
      {
        advice: `for example: blocktree rpc file.stat '{"path":"/"}'`
      }
    )
  }
}

function toJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.toBase64()
  if (Array.isArray(value)) return value.map(toJson)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toJson(member)]))
}
