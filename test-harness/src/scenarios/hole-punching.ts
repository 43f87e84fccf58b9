/** A laptop and a box behind routers that translate addresses meet through a server, and then do without it. */
import { expectEqual } from '../expect.ts'
import { joinNode, waitUntil } from '../join-node.ts'
import { createNetworkLab, networkLabMissing, translationMissing } from '../network-lab.ts'
import { addHome, circuitsOf, ping, relayAddress, sizeOf, waysOf } from '../nodes-behind-routers.ts'
import { allInStep, arrives, expectSameContent, writeText } from '../replicas.ts'
import type { Scenario } from '../scenario.ts'

export const holePunching: Scenario = {
  name: 'hole-punching',
  summary:
    'Two nodes behind routers that translate addresses meet through a server, and then reach each other without it',
  missing: () => networkLabMissing() ?? translationMissing(),
  async run({ harness, step, report, random }) {
    using lab = createNetworkLab()
    lab.addSwitch('internet')
    lab.addMachine('server')
    lab.plug('server', 'internet', '45.10.0.1/24') // within the lab alone; nobody knocks at what looks private
    const translation = 'for all destinations'
    addHome(lab, { machine: 'laptop', outside: '45.10.0.2', inside: '192.168.1', translation })
    addHome(lab, { machine: 'box', outside: '45.10.0.3', inside: '192.168.2', translation })

    const server = await harness.startNode('server', {
      environment: { ...common, BLOCKTREE_NETWORK_RELAY_SERVER: 'true' },
      launcher: lab.launcher('server')
    })
    await server.call('file.mkdir', { path: '/documents' })
    await server.call('node.invite', {}) // from now on it listens
    const environment = { ...common, BLOCKTREE_NETWORK_RELAYS: await relayAddress(server) }
    const laptop = await step('the laptop joins with a code of the server', () =>
      joinNode(harness, server, 'laptop', { environment, launcher: lab.launcher('laptop') })
    )
    await waitUntil(async () => (await circuitsOf(laptop)) > 0, 'an address through the relay')
    const box = await step('the box joins with a code of the laptop, through the server', () =>
      joinNode(harness, laptop, 'box', { environment, launcher: lab.launcher('box') })
    )
    const nodes = [server, laptop, box]
    await step('laptop and box come to reach each other directly', async () => {
      const started = performance.now()
      const isDirect = async (): Promise<boolean> =>
        (await waysOf(laptop, nodes))['box'] === 'direct, tcp' &&
        (await waysOf(box, nodes))['laptop'] === 'direct, tcp'
      await waitUntil(isDirect, 'a direct way', 120_000)
      report('directly after, ms', Math.round(performance.now() - started))
    })
    await step('the server is gone, and they do not notice', async () => {
      await allInStep(nodes)
      server.kill()
      await server.exit
      await ping(laptop, box)
      await ping(box, laptop)
      await writeText(laptop, '/documents/by-laptop.txt', 'without the server')
      await arrives([box], '/documents/by-laptop.txt', 'without the server')
      await box.call('file.create', { path: '/documents/photo.jpg', data: random.bytes(300_000) })
      await waitUntil(async () => (await sizeOf(laptop, '/documents/photo.jpg')) === 300_000, 'the photo')
      await allInStep([laptop, box])
      report('files with equal content', await expectSameContent([laptop, box], '/documents'))
      expectEqual((await waysOf(laptop, [laptop, box]))['box'], 'direct, tcp', 'the way')
    })
  }
}

const common = {
  BLOCKTREE_NETWORK_LIBP2P: 'true',
  BLOCKTREE_NETWORK_MDNS: 'false',
  BLOCKTREE_NETWORK_DHT: 'off',
  BLOCKTREE_NETWORK_HOST: '0.0.0.0',
  BLOCKTREE_NETWORK_PORT: '4781',
  BLOCKTREE_NETWORK_LIBP2P_PORT: '4783'
}
