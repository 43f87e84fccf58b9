/** Two nodes of a tree that have both moved find each other again: nearby, or through a stranger's table and WebSockets. */
import { expectEqual, expectTrue } from '../expect.ts'
import { joinNode, waitUntil } from '../join-node.ts'
import { createNetworkLab, networkLabMissing } from '../network-lab.ts'
import { arrives, writeText } from '../replicas.ts'
import type { Node, Scenario } from '../scenario.ts'

const common = {
  BLOCKTREE_NETWORK_HOST: '0.0.0.0',
  BLOCKTREE_NETWORK_PORT: '4781',
  BLOCKTREE_NETWORK_LIBP2P: 'true',
  BLOCKTREE_NETWORK_LIBP2P_PORT: '4783'
}

export const discovery: Scenario = {
  name: 'discovery',
  summary:
    'Two nodes whose addresses have all changed find each other by mDNS, by a table on a third machine, and speak over QUIC',
  missing: networkLabMissing,
  async run({ harness, step, report }) {
    using lab = createNetworkLab()
    lab.addSwitch('lan')
    const ports = new Map<string, string>()
    for (const [index, name] of ['laptop', 'box', 'stranger'].entries()) {
      lab.addMachine(name)
      ports.set(name, lab.plug(name, 'lan', `10.7.0.${index + 1}/24`))
    }
    const move = (name: string, host: string): void => lab.move(name, ports.get(name) ?? '', `${host}/24`)

    const nearby = { ...common, BLOCKTREE_NETWORK_MDNS: 'true' }
    const first = await harness.startNode('laptop', { environment: nearby, launcher: lab.launcher('laptop') })
    await first.call('file.mkdir', { path: '/documents' })
    const second = await step('the box joins', () =>
      joinNode(harness, first, 'box', { environment: nearby, launcher: lab.launcher('box') })
    )
    await writeText(first, '/documents/one.txt', 'before they moved')
    await arrives([second], '/documents/one.txt', 'before they moved')

    await step('both move, and find each other by multicast', async () => {
      await Promise.all([first.stop(), second.stop()])
      move('laptop', '10.7.0.11')
      move('box', '10.7.0.12')
      await Promise.all([first.start(), second.start()])
      const started = performance.now()
      await waitUntil(async () => (await foundBy([first, second])).includes('mdns'), 'found by mDNS', 120_000)
      report('found by mDNS after, ms', Math.round(performance.now() - started))
      await writeText(second, '/documents/two.txt', 'from a new place')
      await arrives([first], '/documents/two.txt', 'from a new place')
    })

    const stranger = await harness.startNode('stranger', {
      environment: {
        ...common,
        BLOCKTREE_NETWORK_MDNS: 'false',
        BLOCKTREE_NETWORK_DHT: 'server',
        BLOCKTREE_NETWORK_QUIC: 'true'
      },
      launcher: lab.launcher('stranger')
    })
    await stranger.call('node.invite', {}) // from now on it listens
    const bootstrap = await libp2pAddress(stranger)
    const far = { ...common, BLOCKTREE_NETWORK_MDNS: 'false', BLOCKTREE_NETWORK_BOOTSTRAP: bootstrap }
    const again = (name: string, more: Readonly<Record<string, string>>, how: string): Promise<Node> =>
      harness.startNode(`${name} ${how}`, {
        directory: name === 'laptop' ? first.directory : second.directory,
        environment: { ...far, ...more, BLOCKTREE_NETWORK_ANNOUNCE_ONLY: 'true' },
        launcher: lab.launcher(name)
      })
    const [laptop, box] = await step(
      'both move without multicast; a stranger keeps the table, and what they signed',
      async () => {
        await Promise.all([first.stop(), second.stop()])
        move('laptop', '10.7.0.21')
        move('box', '10.7.0.22')
        // the laptop is reached over WebSockets alone, the box not at all: so the box has to find the laptop
        const laptop = await again(
          'laptop',
          {
            BLOCKTREE_NETWORK_WEB_SOCKET_PORT: '4784',
            BLOCKTREE_NETWORK_ANNOUNCE: '/ip4/10.7.0.21/tcp/4784/ws'
          },
          'by WebSockets'
        )
        const box = await again('box', {}, 'by WebSockets')
        const started = performance.now()
        await waitUntil(async () => (await foundBy([box])).includes('dht'), 'found in the table', 120_000)
        report('found in the table after, ms', Math.round(performance.now() - started))
        const { peers } = await box.call('peer.list', {})
        expectEqual(
          peers.map(({ transport, isRelayed }) => [transport, isRelayed]),
          [['websocket', false]],
          'the way'
        )
        await writeText(laptop, '/documents/three.txt', 'over WebSockets')
        await arrives([box], '/documents/three.txt', 'over WebSockets')
        return [laptop, box] as const
      }
    )
    if (!isQuicSpoken(stranger, (await stranger.call('peer.list', {})).addresses))
      report('QUIC', 'not tried: its package is not installed, and the node said so')
    else
      await step('the laptop is reached over QUIC alone, and found in the table', async () => {
        await Promise.all([laptop.stop(), box.stop()])
        const quic = { BLOCKTREE_NETWORK_QUIC: 'true' }
        const announce = { BLOCKTREE_NETWORK_ANNOUNCE: '/ip4/10.7.0.21/udp/4783/quic-v1' }
        const [laptopByQuic, boxByQuic] = [
          await again('laptop', { ...quic, ...announce }, 'by QUIC'),
          await again('box', quic, 'by QUIC')
        ]
        await waitUntil(async () => (await transportsOf(boxByQuic)).includes('quic'), 'QUIC', 120_000)
        await writeText(laptopByQuic, '/documents/four.txt', 'over QUIC')
        await arrives([boxByQuic], '/documents/four.txt', 'over QUIC')
        expectEqual(await transportsOf(boxByQuic), ['quic'], 'the way')
      })
    await step('the stranger learnt nothing of the tree', async () => {
      const { peers } = await stranger.call('peer.list', {})
      expectEqual(peers, [], 'peers of the stranger')
    })
  }
}

/** How the nodes found those whom they dialled. */
async function foundBy(nodes: readonly Node[]): Promise<readonly string[]> {
  const lists = await Promise.all(nodes.map((node) => node.call('peer.list', {})))
  return lists.flatMap(({ peers }) =>
    peers.flatMap(({ foundBy: origin }) => (origin === undefined ? [] : [origin]))
  )
}

async function transportsOf(node: Node): Promise<readonly string[]> {
  const { peers } = await node.call('peer.list', {})
  return peers.map(({ transport }) => transport)
}

/** False where its package is not installed; the log has to say so then. */
function isQuicSpoken(node: Node, addresses: readonly string[]): boolean {
  if (addresses.some((address) => address.includes('/quic-v1'))) return true
  const said = node.log.some((entry) => JSON.stringify(entry).includes('@chainsafe/libp2p-quic'))
  expectTrue(said, 'QUIC, or a word about it')
  return false
}

async function libp2pAddress(node: Node): Promise<string> {
  const { addresses, peerId = '' } = await node.call('peer.list', {})
  const address = addresses.find((one) => !one.endsWith('/tls'))
  expectTrue(address !== undefined, 'an address for libp2p')
  return `${address ?? ''}/p2p/${peerId}`
}
