/** A laptop and a box at home that cannot reach each other, and a rented server that both reach: it passes their bytes. */
import { expectEqual, expectTrue } from '../expect.ts'
import { joinNode, loopback, waitUntil } from '../join-node.ts'
import { createNetworkLab, networkLabMissing, type NetworkLab, translationMissing } from '../network-lab.ts'
import { allInStep, arrives, expectSameContent, writeText } from '../replicas.ts'
import type { Node, Scenario } from '../scenario.ts'
import { encodeText } from '../text.ts'

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
    const relays = await relayAddress(server, place)
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
    const isTranslated = translationMissing() === undefined
    lab.addSwitch('internet')
    lab.addMachine('server')
    lab.plug('server', 'internet', `${serverHost}/24`)
    addHome(lab, { machine: 'laptop', outside: '45.10.0.2', inside: '192.168.1', isTranslated })
    addHome(lab, { machine: 'box', outside: '45.10.0.3', inside: '192.168.2', isTranslated })
    return {
      description: `network namespaces, routers ${isTranslated ? 'with' : 'without'} translation of addresses`,
      settings: () => ({ ...common, ...ports, BLOCKTREE_NETWORK_HOST: '0.0.0.0' }),
      launcher: (name) => lab.launcher(name),
      [Symbol.dispose]: () => lab[Symbol.dispose]()
    }
  } catch (error) {
    lab[Symbol.dispose]()
    throw error
  }
}

function addHome(
  lab: NetworkLab,
  home: {
    readonly machine: string
    readonly outside: string
    readonly inside: string
    readonly isTranslated: boolean
  }
): void {
  const { machine, outside, inside, isTranslated } = home
  const router = `router-${machine}`
  lab.addMachine(machine)
  lab.addMachine(router)
  lab.addSwitch(`home-${machine}`)
  lab.plug(machine, `home-${machine}`, `${inside}.2/24`)
  lab.plug(router, `home-${machine}`, `${inside}.1/24`)
  const port = lab.plug(router, 'internet', `${outside}/24`)
  lab.route(machine, 'default', `${inside}.1`)
  if (isTranslated) return lab.translate(router, port)
  lab.forward(router)
  lab.route('server', `${inside}.0/24`, outside) // and nobody else knows the way
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

/** Where the server passes bytes on. */
async function relayAddress(server: Node, place: Place): Promise<string> {
  const { addresses, peerId = '' } = await server.call('peer.list', {})
  const address = addresses.find((one) => !one.endsWith('/tls'))
  expectTrue(address !== undefined, `an address for libp2p of the server (${place.description})`)
  return `${address ?? ''}/p2p/${peerId}`
}

async function circuitsOf(node: Node): Promise<number> {
  const { addresses } = await node.call('peer.list', {})
  return addresses.filter((address) => address.endsWith('/p2p-circuit')).length
}

/** How a node reaches the others: `through` whom, or `direct, …`. */
async function waysOf(node: Node, nodes: readonly Node[]): Promise<Readonly<Record<string, string>>> {
  const ids = await Promise.all(
    nodes.filter(({ isRunning }) => isRunning).map(async (one) => [await idOf(one), one.name] as const)
  )
  const { peers } = await node.call('peer.list', {})
  // each calls the others as it learnt to when it joined
  const called = new Map(peers.map(({ name, principal }) => [name, new Map(ids).get(principal) ?? name]))
  return Object.fromEntries(
    peers.map(({ name, isRelayed, relay: by = '', transport }) => [
      called.get(name) ?? name,
      isRelayed ? `through ${called.get(by) ?? by}` : `direct, ${transport}`
    ])
  )
}

async function idOf(node: Node): Promise<string> {
  return (await node.call('session.show', {})).id
}

async function sizeOf(node: Node, path: string): Promise<number | undefined> {
  const { data } = await node
    .call('file.read', { path, length: 1_000_000 })
    .catch(() => ({ data: undefined }))
  return data?.length
}

async function ping(from: Node, to: Node): Promise<void> {
  const content = encodeText('are you there?')
  const { reply } = await from.call('message.send', {
    to: await idOf(to),
    topic: 'ping',
    content,
    replyWithinMs: 20_000
  })
  expectEqual(Buffer.from(reply ?? []).toString(), 'are you there?', 'reply')
}
