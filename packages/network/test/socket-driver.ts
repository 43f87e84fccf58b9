/** What the conformance suite needs of a driver over real sockets. */
import { randomBytes } from 'node:crypto'
import type { Network, NetworkLimits } from '@blocktree/network'
import type { ConformanceDriver } from '@blocktree/network/conformance'
import type { ByteLink } from '../src/byte-link.ts'
import { type CuttableProxy, startProxy } from './cuttable-proxy.ts'

export interface SocketDriverOptions {
  open(seed: Uint8Array, limits: Partial<NetworkLimits> | undefined): Promise<Network>
  dialRaw(address: string): Promise<{ readonly link: ByteLink; close(): Promise<void> }>
}

export function createSocketDriver(options: SocketDriverOptions): ConformanceDriver {
  const networks: Network[] = []
  const proxies: CuttableProxy[] = []
  const raw: { close(): Promise<void> }[] = []
  return {
    async open(limits) {
      const network = await options.open(randomBytes(32), limits)
      networks.push(network)
      return network
    },
    async dialRaw(address) {
      const dialled = await options.dialRaw(address)
      raw.push(dialled)
      return dialled.link
    },
    async cuttable(address) {
      const port = /\/tcp\/(\d+)/.exec(address)?.[1] ?? ''
      const proxy = await startProxy(Number(port))
      proxies.push(proxy)
      return { address: address.replace(`/tcp/${port}`, `/tcp/${proxy.port}`), cut: proxy.cut }
    },
    async close() {
      await Promise.all(raw.map((one) => one.close()))
      await Promise.all(networks.map((network) => network.close()))
      await Promise.all(proxies.map((proxy) => proxy.close()))
    }
  }
}
