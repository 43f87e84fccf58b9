/** A laptop and a box at home that cannot reach each other, and a rented server that both reach: it passes their bytes. */
import { joinNode, loopback, waitUntil } from '../join-node.ts'
import { createNetworkLab, networkLabMissing, translationMissing } from '../network-lab.ts'
import { addHome, circuitsOf, ping, relayAddress, sizeOf, waysOf } from '../nodes-behind-routers.ts'
import { allInStep, arrives, expectSameContent, writeText } from '../replicas.ts'
import type { Node, Scenario } from '../scenario.ts'

export const relay: Scenario = {
  name: 'relay',
  summary:
    'Laptop and box behind routers of their own reach each other through a rented server, which dies and comes back',
  async run({ harness, step, report, random }) {
    using place = await createPlace()
    report('place', place.description)
    const server = await harness.startNode('server', {
      environment: { ...place.settings('server'), BLOCKTREE_NETWORK_RELAY_SERVER: 'true' },
      launcher: place.launcher('server')
    })
    await server.call('file.mkdir', { path: '/documents' })
    await server.call('node.invite', {}) // from now on it listens
    const relays = await relayAddress(server)
    const behind = (name: string): { environment: Record<string, string>; launcher: readonly string[] } => ({
      environment: { ...place.settings(name), BLOCKTREE_NETWORK_RELAYS: relays },
      launcher: place.launcher(name)
    })

    const laptop = await step('the laptop joins with a code of the server', () =>
      joinNode(harness, server, 'laptop', behind('laptop'))
    )
    await step('the laptop has a place at the relay', () =>
      waitUntil(async () => (await circuitsOf(laptop)) > 0, 'an address through the relay')
    )
    const box = await step(
      'the box joins with a code of the laptop, which it reaches through the relay',
      () => joinNode(harness, laptop, 'box', behind('box'))
    )
    const nodes = [server, laptop, box]
    await step('all are in step, laptop and box through the server, the others directly', async () => {
      await allInStep(nodes)
      const isAsWanted = async (node: Node, other: string): Promise<boolean> => {
        const ways = await waysOf(node, nodes)
        return ways[other] === 'through server' && ways['server']?.startsWith('direct') === true
      }
      await waitUntil(() => isAsWanted(laptop, 'box'), 'the laptop reaches the box through the server')
      await waitUntil(() => isAsWanted(box, 'laptop'), 'the box reaches the laptop through the server')
    })
    await step('what is written on each is on all', async () => {
      for (const node of nodes) {
        await writeText(node, `/documents/${node.name}.txt`, `${node.name} wrote this`)
        await arrives(nodes, `/documents/${node.name}.txt`, `${node.name} wrote this`)
      }
      const photo = random.bytes(300_000)
      await laptop.call('file.create', { path: '/documents/photo.jpg', data: photo })
      await allInStep(nodes)
      await waitUntil(async () => (await sizeOf(box, '/documents/photo.jpg')) === photo.length, 'the photo')
      report('files with equal content', await expectSameContent(nodes, '/documents'))
    })
    await step('a message of the laptop is answered by the box', () => ping(laptop, box))

    await step('the relay dies: both go on alone, and say nothing of each other', async () => {
      server.kill()
      await server.exit
      for (const node of [laptop, box])
        await waitUntil(
          async () => Object.keys(await waysOf(node, nodes)).length === 0,
          `${node.name} is alone`
        )
      await writeText(laptop, '/documents/alone-1.txt', 'by the laptop alone')
      await writeText(box, '/documents/alone-2.txt', 'by the box alone')
    })
    await step('it comes back, and so does the way through it', async () => {
      await server.start()
      const started = performance.now()
      await waitUntil(
        async () => (await waysOf(laptop, nodes))['box'] === 'through server',
        'the way',
        120_000
      )
      report('laptop and box met again after, ms', Math.round(performance.now() - started))
      await arrives(nodes, '/documents/alone-1.txt', 'by the laptop alone')
      await arrives(nodes, '/documents/alone-2.txt', 'by the box alone')
      await allInStep(nodes)
      await expectSameContent(nodes, '/documents')
      await ping(box, laptop)
    })
  }
}

/** Where the three stand. */
interface Place extends Disposable {
  readonly description: string
  settings(name: string): Readonly<Record<string, string>>
  launcher(name: string): readonly string[]
}

const common = {
  BLOCKTREE_NETWORK_LIBP2P: 'true',
  BLOCKTREE_NETWORK_MDNS: 'false',
  // others are found in the tree of the three and nowhere else
  BLOCKTREE_NETWORK_DHT: 'off'
}
const ports = { BLOCKTREE_NETWORK_PORT: '4781', BLOCKTREE_NETWORK_LIBP2P_PORT: '4783' }
const serverHost = '45.10.0.1' // within the lab alone; what looks private would not be dialled directly

async function createPlace(): Promise<Place> {
  return networkLabMissing() === undefined ? createRouters() : await createSilence()
}

/** Each behind a router, with translated addresses where that can be had, else without a route to the other. */
function createRouters(): Place {
  const lab = createNetworkLab()
  try {
    // another port for each destination: no hole can be punched
    const translation = translationMissing() === undefined ? 'for each destination' : undefined
    lab.addSwitch('internet')
    lab.addMachine('server')
    lab.plug('server', 'internet', `${serverHost}/24`)
    addHome(lab, { machine: 'laptop', outside: '45.10.0.2', inside: '192.168.1', translation })
    addHome(lab, { machine: 'box', outside: '45.10.0.3', inside: '192.168.2', translation })
    return {
      description: `network namespaces, routers ${translation === undefined ? 'without' : 'with'} translation of addresses`,
      settings: () => ({ ...common, ...ports, BLOCKTREE_NETWORK_HOST: '0.0.0.0' }),
      launcher: (name) => lab.launcher(name),
      [Symbol.dispose]: () => lab[Symbol.dispose]()
    }
  } catch (error) {
    lab[Symbol.dispose]()
    throw error
  }
}

/** On one machine: laptop and box tell nobody where they listen, so there is no way but through the relay. */
async function createSilence(): Promise<Place> {
  const server = await loopback()
  const { BLOCKTREE_NETWORK_PORT: libp2pPort = '0' } = await loopback()
  const ownPorts = { ...server, BLOCKTREE_NETWORK_LIBP2P_PORT: libp2pPort } // the same after a restart
  const anyPorts = {
    BLOCKTREE_NETWORK_HOST: '127.0.0.1',
    BLOCKTREE_NETWORK_PORT: '0',
    BLOCKTREE_NETWORK_LIBP2P_PORT: '0'
  }
  return {
    description: 'loopback, laptop and box keep their addresses to themselves',
    settings: (name) => ({
      ...common,
      ...(name === 'server' ? ownPorts : anyPorts),
      BLOCKTREE_NETWORK_HOLE_PUNCHING: 'false',
      BLOCKTREE_NETWORK_ANNOUNCE_ONLY: String(name !== 'server')
    }),
    launcher: () => [],
    [Symbol.dispose]: () => undefined
  }
}
