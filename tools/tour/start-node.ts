/** Step: a node is started in a directory of its own and makes its keys and an empty tree. */
import { duration } from './narrator.ts'
import { timed, type Tour } from './tour.ts'

export async function startNode({ narrator, node }: Tour): Promise<void> {
  narrator.step('Start a node')
  const { ms } = await timed(() => node.start())
  const status = await node.call('node.status', {})
  narrator.say(`One process, one directory: ${node.directory}`)
  narrator.say(`It made its keys and an empty tree, ${status.treeId}.`)
  narrator.say(`Its root key is sealed under a passphrase; daily work needs the node's own key only.`)
  narrator.hold(
    status.state === 'running',
    `it answers, ${duration(ms)} after it was started for the first time`
  )
  narrator.figure('very first start, with making keys', duration(ms))
}
