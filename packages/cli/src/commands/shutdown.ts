/** `shutdown`: asks the node to stop and waits until it is gone. */
import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { lockPath } from '@blocktree/node/location'
import type { CommandContext } from '../command.ts'

const waitMsMax = 15_000
const stepMs = 20

export async function run(context: CommandContext): Promise<void> {
  const node = await context.node()
  await node.call('node.shutdown', {})
  for (let waited = 0; waited < waitMsMax && existsSync(lockPath(context.dataDirectory)); waited += stepMs) {
    await delay(stepMs)
  }
  context.output.result({ stopped: true }, () => ['The node has stopped.'])
}
