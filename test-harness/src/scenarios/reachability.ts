/** Nodes that ask others whether they can be dialled: one that can says where it is, one behind a barred door does not. */
import { expectEqual, expectTrue } from '../expect.ts'
import { waitUntil } from '../join-node.ts'
import { createNetworkLab, networkLabMissing, translationMissing } from '../network-lab.ts'
import type { Node, Scenario } from '../scenario.ts'

const server = '45.10.0.1' // within the lab alone; nobody is asked about what looks private
const open = '45.10.0.2'
const barred = '45.10.0.3'

export const reachability: Scenario = {
  name: 'reachability',
  summary:
    'Nodes ask others whether they can be dialled (AutoNAT): one tells its address, one behind a barred door does not',
  missing: () => networkLabMissing() ?? translationMissing(),
  async run({ harness, step, report }) {
    using lab = createNetworkLab()
    lab.addSwitch('internet')
    const ports = new Map<string, string>()
    for (const [name, host] of Object.entries({ server, open, barred })) {
      lab.addMachine(name)
      ports.set(name, lab.plug(name, 'internet', `${host}/24`))
    }
    lab.bar('barred', ports.get('barred') ?? '')
    const start = async (name: string, host: string, more: Record<string, string>): Promise<Node> => {
      const environment = { ...common, ...more, BLOCKTREE_NETWORK_HOST: host }
      const node = await harness.startNode(name, { environment, launcher: lab.launcher(name) })
      await node.call('node.invite', {}) // from now on it listens
      return node
    }
    const first = await start('server', server, { BLOCKTREE_NETWORK_DHT: 'server' })
    const { peerId = '' } = await first.call('peer.list', {})
    const bootstrap = { BLOCKTREE_NETWORK_BOOTSTRAP: `/ip4/${server}/tcp/4783/p2p/${peerId}` }
    const [dialable, shut] = await Promise.all([
      start('open', open, bootstrap),
      start('barred', barred, bootstrap)
    ])
    await step('one that can be dialled learns so, and says where it is', async () => {
      const started = performance.now()
      await waitUntil(async () => (await toldBy(dialable)).length > 0, 'an address', 60_000)
      expectEqual(await toldBy(dialable), [`/ip4/${open}/tcp/4783`], 'addresses')
      report('known to be reachable after, ms', Math.round(performance.now() - started))
      // who is asked asks in turn
      await waitUntil(async () => (await toldBy(first)).length > 0, 'an address of the server', 60_000)
    })
    await step('one behind a barred door says nothing', async () => {
      expectEqual(await toldBy(shut), [], 'addresses')
    })
    await step('the door is opened, and it says where it is after its next start', async () => {
      lab.unbar('barred')
      await shut.restart()
      await shut.call('node.invite', {})
      await waitUntil(async () => (await toldBy(shut)).length > 0, 'an address', 60_000)
      expectTrue((await toldBy(shut)).includes(`/ip4/${barred}/tcp/4783`), 'its own address')
    })
  }
}

const common = {
  BLOCKTREE_NETWORK_PORT: '4781',
  BLOCKTREE_NETWORK_LIBP2P: 'true',
  BLOCKTREE_NETWORK_LIBP2P_PORT: '4783',
  BLOCKTREE_NETWORK_MDNS: 'false',
  BLOCKTREE_NETWORK_AUTONAT: 'true'
}

/** Addresses that it tells others; those of TLS are not asked about. */
async function toldBy(node: Node): Promise<readonly string[]> {
  const { addresses } = await node.call('peer.list', {})
  return addresses.filter((address) => !address.endsWith('/tls'))
}
