/** The enemy as a process of its own: carries out what the scenario says over the channel to its parent, and ends with it. */
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { parseId } from '@blocktree/codec'
import { createKeyFileStorage } from '@blocktree/crypto/key-file-storage'
import { createNativeProvider } from '@blocktree/crypto/native'
import type { Network } from '@blocktree/network'
import { createPrincipal } from '@blocktree/tree'
import type { LiarOrder, LiarReply } from './liar-order.ts'
import { codeOf, MemberLiar } from './member-liar.ts'
import { askForEverything, askOnAndOn, lieAboutItself, openHalf, type Way } from './stranger.ts'

const crypto = createNativeProvider()
let member: MemberLiar | undefined
let half: { readonly sockets: readonly Socket[]; end(): void } | undefined

async function openNetwork(address: string, seed: Uint8Array): Promise<Network> {
  if (address.includes('/tls')) {
    const { createTlsNetwork } = await import('@blocktree/network/tls')
    return await createTlsNetwork({ seed })
  }
  const { createLibp2pNetwork } = await import('@blocktree/network/libp2p')
  return (await createLibp2pNetwork({ seed, listen: [] })).network
}

/** With the keys of a node that joined: the machine was taken over. */
async function becomeMember(order: LiarOrder & { readonly act: 'member' }): Promise<void> {
  const keys = createKeyFileStorage({ folder: join(order.directory, 'keys'), crypto })
  const own = await keys.open('node')
  const transport = await keys.open('transport')
  if (own === undefined || transport === undefined) throw new Error('the keys are not there')
  const network = await openNetwork(order.address, transport.signSeed.slice())
  const principal = createPrincipal(crypto, own)
  member = new MemberLiar({ crypto, network, principal, address: order.address, treeId: order.treeId })
}

function liar(): MemberLiar {
  if (member === undefined) throw new Error('the liar is no member')
  return member
}

async function obey(order: LiarOrder): Promise<unknown> {
  const way = (address: string): Way => ({
    address,
    open: async () => await openNetwork(address, Uint8Array.from(randomBytes(32)))
  })
  switch (order.act) {
    case 'ask':
      return await askForEverything(crypto, way(order.address), parseId(order.treeId))
    case 'ask on':
      return await askOnAndOn(crypto, way(order.address), parseId(order.treeId))
    case 'false hellos':
      return await lieAboutItself(crypto, way(order.address), parseId(order.treeId))
    case 'half open':
      half = openHalf(way(order.address), order.count)
      return half.sockets.length
    case 'half close':
      return half?.end()
    case 'member':
      return await becomeMember(order)
    case 'connect':
      return await liar().connect(order.habit)
    case 'read':
      return await liar().read()
    case 'forge':
      return liar().forge(order.count)
    case 'alter':
      return liar().alter(order.count)
    case 'replay':
      return liar().replay(order.count)
    case 'garbage':
      return liar().garbage(order.count)
    case 'events':
      return await liar().events(order.count)
    case 'requests':
      return await liar().requests(order.kind, order.count)
    case 'unread':
      return await liar().unread(order.count)
    case 'asked':
      return liar().asked
  }
}

function isOrder(value: unknown): value is { readonly id: number; readonly order: LiarOrder } {
  return typeof value === 'object' && value !== null && 'id' in value && 'order' in value
}

function reply(answer: LiarReply): void {
  process.send?.(answer)
}

process.on('message', (value: unknown) => {
  if (!isOrder(value)) return
  const { id, order } = value
  obey(order).then(
    (result) => reply({ id, result }),
    (error: unknown) =>
      reply({ id, error: `${codeOf(error)} ${error instanceof Error ? error.message : ''}` })
  )
})
process.on('disconnect', () => process.exit())
