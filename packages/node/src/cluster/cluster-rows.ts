/** What the cluster keeps beside the tree: addresses (rows `node/address/<id>`) and invitations (`node/invitation/<id>`). */
import type { AddressStore, InvitationStore } from '@blocktree/cluster'
import type { BlockStore } from '@blocktree/tree'

const addresses = 'node/address/'
const invitations = 'node/invitation/'

export function createAddressRows(store: BlockStore): AddressStore {
  return {
    async load() {
      const rows = await readRows(store, addresses)
      return rows.map(([key, value]) => [key.slice(addresses.length), value] as const)
    },
    save: (principal, value) => store.commit({ local: [{ key: rowKey(addresses, principal), value }] })
  }
}

/** A use is on disk before it is answered. */
export function createInvitationRows(store: BlockStore): InvitationStore {
  return {
    load: async () => (await readRows(store, invitations)).map(([, value]) => value),
    save: (id, value) =>
      store.commit({ local: [{ key: rowKey(invitations, id), value }] }, { durability: 'each' })
  }
}

/** True when an invitation was made and not taken back; it may have ended. */
export async function hasInvitations(store: BlockStore): Promise<boolean> {
  return (await readRows(store, invitations)).length > 0
}

/** True when anybody who had a right here has been connected. */
export async function hasAddresses(store: BlockStore): Promise<boolean> {
  return (await readRows(store, addresses)).length > 0
}

function rowKey(prefix: string, id: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(prefix), id])
}

async function readRows(
  store: BlockStore,
  prefix: string
): Promise<readonly (readonly [key: Uint8Array, value: Uint8Array])[]> {
  const from = Buffer.from(prefix)
  const to = Buffer.from(`${prefix.slice(0, -1)}0`) // "0" follows "/"
  return await Array.fromAsync(store.local.range({ from, to }))
}
