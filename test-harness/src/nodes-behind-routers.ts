/** Nodes at home behind routers of their own, one rented server that all reach, and how they reach each other. */
import { expectEqual, expectTrue } from './expect.ts'
import type { NetworkLab, Translation } from './network-lab.ts'
import type { Node } from './scenario.ts'
import { encodeText } from './text.ts'

/** A machine at home, behind a router of its own that translates addresses or, without a way back, just passes packets on. */
export function addHome(
  lab: NetworkLab,
  home: {
    readonly machine: string
    readonly outside: string
    readonly inside: string
    /** undefined: as they are. */
    readonly translation: Translation | undefined
  }
): void {
  const { machine, outside, inside, translation } = home
  const router = `router-${machine}`
  lab.addMachine(machine)
  lab.addMachine(router)
  lab.addSwitch(`home-${machine}`)
  lab.plug(machine, `home-${machine}`, `${inside}.2/24`)
  lab.plug(router, `home-${machine}`, `${inside}.1/24`)
  const port = lab.plug(router, 'internet', `${outside}/24`)
  lab.route(machine, 'default', `${inside}.1`)
  if (translation !== undefined) return lab.translate(router, port, translation)
  lab.forward(router)
  lab.route('server', `${inside}.0/24`, outside) // and nobody else knows the way
}

/** Where the server passes bytes on. */
export async function relayAddress(server: Node): Promise<string> {
  const { addresses, peerId = '' } = await server.call('peer.list', {})
  const address = addresses.find((one) => !one.endsWith('/tls'))
  expectTrue(address !== undefined, 'an address for libp2p of the server')
  return `${address ?? ''}/p2p/${peerId}`
}

export async function circuitsOf(node: Node): Promise<number> {
  const { addresses } = await node.call('peer.list', {})
  return addresses.filter((address) => address.endsWith('/p2p-circuit')).length
}

/** How a node reaches the others: `through` whom, or `direct, …`. */
export async function waysOf(node: Node, nodes: readonly Node[]): Promise<Readonly<Record<string, string>>> {
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

export async function ping(from: Node, to: Node): Promise<void> {
  const content = encodeText('are you there?')
  const { reply } = await from.call('message.send', {
    to: await idOf(to),
    topic: 'ping',
    content,
    replyWithinMs: 20_000
  })
  expectEqual(Buffer.from(reply ?? []).toString(), 'are you there?', 'reply')
}

/** Of a file up to a megabyte; undefined while it cannot be read. */
export async function sizeOf(node: Node, path: string): Promise<number | undefined> {
  const { data } = await node
    .call('file.read', { path, length: 1_000_000 })
    .catch(() => ({ data: undefined }))
  return data?.length
}
