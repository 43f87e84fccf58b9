/** Somebody without any right: keys of its own, and whatever it can open. */
import { connect, type Socket } from 'node:net'
import type { CryptoProvider } from '@blocktree/crypto'
import { createPrincipalSecret } from '@blocktree/crypto'
import type { Connection, Network } from '@blocktree/network'
import { createEndpoint, createPrincipal, type Principal } from '@blocktree/tree'
import * as message from './hostile-message.ts'
import { codeOf } from './member-liar.ts'

export interface Way {
  /** A network of its own with a fresh key. */
  open(): Promise<Network>
  readonly address: string
}

const dayMs = 86_400_000

function newPrincipal(crypto: CryptoProvider): Principal {
  return createPrincipal(crypto, createPrincipalSecret(crypto.random.bytes(32), crypto.random.bytes(32)))
}

/** Says hello truly, as whoever it is, and asks for one thing after another. @returns what each was answered */
export async function askForEverything(
  crypto: CryptoProvider,
  way: Way,
  tree: Uint8Array
): Promise<Record<string, string>> {
  const network = await way.open()
  try {
    const connection = await network.dial(way.address)
    await sayHello(crypto, connection, network, tree)
    const answers: Record<string, string> = {}
    const ask = async (method: string, body: Uint8Array): Promise<void> => {
      answers[method] = await connection.request(method, body).then(() => 'answered', codeOf)
    }
    await ask('sync.open', message.openAsk(tree))
    await ask('sync.nodes', message.nodesAsk(tree, [tree], [new Uint8Array(0)]))
    await ask('cluster.addresses', new Uint8Array(0))
    await ask('cluster.message', message.nodeMessage(tree, 1))
    await ask('eris.get', new Uint8Array(100))
    await ask('node.invite', new Uint8Array(0))
    await ask('cluster.join', new Uint8Array(50))
    answers['sync.headers'] = await Array.fromAsync(
      connection.pull('sync.headers', message.headersAsk(tree, [tree]))
    ).then(() => 'answered', codeOf)
    answers['cluster.join.records'] = await Array.fromAsync(
      connection.pull('cluster.join.records', new Uint8Array(8))
    ).then(() => 'answered', codeOf)
    return answers
  } finally {
    await network.close()
  }
}

/** Asks on and on until the connection is ended. @returns refusals until then, and whether the key can come again */
export async function askOnAndOn(
  crypto: CryptoProvider,
  way: Way,
  tree: Uint8Array
): Promise<{ readonly asked: number; readonly comesAgain: boolean }> {
  const network = await way.open()
  try {
    const connection = await network.dial(way.address)
    await sayHello(crypto, connection, network, tree)
    let asked = 0
    let outcome = ''
    while (outcome !== 'ERR_NETWORK_CLOSED' && asked < 5000) {
      asked++
      outcome = await connection.request('sync.open', message.openAsk(tree)).then(() => 'answered', codeOf)
    }
    const comesAgain = await network.dial(way.address).then(
      () => true,
      () => false
    )
    return { asked, comesAgain }
  } finally {
    await network.close()
  }
}

/** Hellos that prove nothing, each from a connection of its own. @returns hellos until it was not let in any more */
export async function lieAboutItself(crypto: CryptoProvider, way: Way, tree: Uint8Array): Promise<number> {
  const network = await way.open()
  try {
    for (let tries = 0; tries < 60; tries++) {
      const connection = await network.dial(way.address).catch(() => undefined)
      if (connection === undefined && tries > 10) return tries
      if (connection === undefined) continue
      await sayHello(crypto, connection, { localKey: crypto.random.bytes(32) }, tree).catch(() => undefined)
      await connection.closed
    }
    return 60
  } finally {
    await network.close()
  }
}

/** Sockets that are opened and left: some silent, some with the beginning of a handshake, a byte now and then. */
export function openHalf(way: Way, count: number): { readonly sockets: readonly Socket[]; end(): void } {
  const [, , host, , port] = way.address.split('/')
  const sockets = Array.from({ length: count }, (_, index) => {
    const socket = connect({ host: host ?? '127.0.0.1', port: Number(port) })
    socket.on('error', () => undefined)
    if (index % 2 === 0) socket.write(Uint8Array.of(0x16, 0x03, 0x01, 0x02))
    return socket
  })
  const trickle = setInterval(() => {
    for (const [index, socket] of sockets.entries()) if (index % 2 === 0) socket.write(Uint8Array.of(1))
  }, 500)
  return {
    sockets,
    end() {
      clearInterval(trickle)
      for (const socket of sockets) socket.destroy()
    }
  }
}

async function sayHello(
  crypto: CryptoProvider,
  connection: Connection,
  { localKey }: Pick<Network, 'localKey'>,
  tree: Uint8Array
): Promise<void> {
  const principal = newPrincipal(crypto)
  const endpoint = createEndpoint(crypto, principal, {
    tree,
    transportKey: localKey,
    addresses: [],
    notAfter: Date.now() + dayMs,
    sequence: 1
  })
  const said = { principal: principal.record.bytes, endpoint: endpoint.bytes, purpose: 1 }
  await connection.request('cluster.hello', message.hello(said))
}
