/** Principals, endpoints and a clock for tests. */
import type { CryptoProvider } from '@blocktree/crypto'
import { createNativeProvider } from '@blocktree/crypto/native'
import { type EndpointRecord, type Principal, createEndpoint, createPrincipal } from '@blocktree/tree'
import type { AddressStore } from '../src/index.ts'

export const crypto: CryptoProvider = createNativeProvider()
export const startMs = 1_800_000_000_000
export const treeId: Uint8Array = new Uint8Array(32).fill(7)

export function newPrincipal(): Principal {
  return createPrincipal(crypto, { signSeed: crypto.random.bytes(32), kemSeed: crypto.random.bytes(32) })
}

export function newEndpoint(
  principal: Principal,
  options: {
    readonly transportKey?: Uint8Array
    readonly sequence?: number
    readonly notAfter?: number
    readonly addresses?: readonly string[]
  } = {}
): EndpointRecord {
  return createEndpoint(crypto, principal, {
    tree: treeId,
    transportKey: options.transportKey ?? crypto.random.bytes(32),
    addresses: options.addresses ?? ['/ip4/192.0.2.1/tcp/4711/tls'],
    notAfter: options.notAfter ?? startMs + 86_400_000,
    sequence: options.sequence ?? 1
  })
}

export function newAddressStore(): AddressStore & { readonly values: Map<string, Uint8Array> } {
  const values = new Map<string, Uint8Array>()
  return {
    values,
    load: async () => [...values].map(([key, value]) => [Uint8Array.fromHex(key), value] as const),
    async save(principal, value) {
      if (value === undefined) values.delete(principal.toHex())
      else values.set(principal.toHex(), value)
    }
  }
}
