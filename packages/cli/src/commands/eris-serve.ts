/** `eris serve`: the daemon of ERIS blocks in this process. Its log goes to stderr, with `--json` as lines to stdout. */
import { once } from 'node:events'
import { type BlockServerEvent, startBlockServer } from '@blocktree/eris-store'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import { storeUrls } from '../eris-session.ts'
import { printable } from '../format.ts'

export async function run(context: CommandContext): Promise<void> {
  const { options, output, environment } = context
  const connectionsMax = options.integer('connections', 1)
  const recentBytesMax = options.integer('recent', 0)
  const ended = new AbortController()
  const end = (): void => ended.abort()
  process.once('SIGTERM', end)
  context.signal.addEventListener('abort', end, { once: true })
  try {
    const server = await startBlockServer({
      listen: listenUrls(options.list('listen'), environment),
      stores: storeUrls(context).split(/\s+/),
      peers: options.list('peer'),
      log: (entry) => report(context, entry),
      ...(connectionsMax === undefined ? {} : { connectionsMax }),
      ...(recentBytesMax === undefined ? {} : { recentBytesMax })
    })
    output.note('Ctrl-C ends')
    if (!ended.signal.aborted && !context.signal.aborted) await once(ended.signal, 'abort')
    await server.close()
  } finally {
    process.off('SIGTERM', end)
  }
}

function listenUrls(given: readonly string[], environment: CommandContext['environment']): readonly string[] {
  if (given.length > 0) return given
  const runtime = environment['XDG_RUNTIME_DIR']
  if (runtime !== undefined && runtime !== '') return [`coap+unix://${encodeURI(runtime)}/eris.sock`]
  throw new CliError('ERR_ARGUMENT_MISSING', 'no address to listen on, and XDG_RUNTIME_DIR is not set', {
    advice: 'give one: --listen coap+unix:///path/to/eris.sock'
  })
}

function report({ output }: CommandContext, entry: BlockServerEvent): void {
  if (output.isJson) {
    output.item({ time: new Date().toISOString(), ...entry }, () => [])
    return
  }
  const { event, level: _level, ...details } = entry
  const words = Object.entries(details).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${printable(String(value))}`]
  )
  output.note([event, ...words].join(' '))
}
