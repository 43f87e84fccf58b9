/** A node in a temporary directory, for as long as a command runs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CliError } from './cli-error.ts'
import type { CommandContext } from './command.ts'
import { connectToNode, type NodeClient } from './node-client.ts'

export interface ScratchNode {
  readonly node: NodeClient
  /** Ends it and removes everything that it kept. */
  stop(): Promise<void>
}

const startMsMax = 30_000
const pollMs = 50

/** @throws ERR_START_FAILED with what the node said */
export async function startScratchNode({ options, environment }: CommandContext): Promise<ScratchNode> {
  const directory = await mkdtemp(join(tmpdir(), 'blocktree-dev-'))
  const data = join(directory, 'data')
  const words = ['start', '--service', '--data', data, '--apps-port', options.text('apps-port') ?? '0']
  const child = spawn(process.execPath, [process.argv[1] ?? '', ...words, '--log-level', 'error'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: environment
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)))
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGTERM'))
      await once(child, 'exit')
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const node = await connected(data, environment, () => child.exitCode !== null)
    return {
      node,
      async stop() {
        node.disconnect()
        await stop()
      }
    }
  } catch (cause) {
    await stop()
    throw new CliError('ERR_START_FAILED', `the scratch node did not start: ${said.trim()}`, { cause })
  }
}

async function connected(
  dataDirectory: string,
  environment: CommandContext['environment'],
  hasEnded: () => boolean
): Promise<NodeClient> {
  const endMs = Date.now() + startMsMax
  for (;;) {
    try {
      return await connectToNode({
        dataDirectory,
        socket: undefined,
        environment: { ...environment, BLOCKTREE_SOCKET: undefined }
      })
    } catch (error) {
      if (hasEnded() || Date.now() > endMs) throw error
    }
    await delay(pollMs)
  }
}
