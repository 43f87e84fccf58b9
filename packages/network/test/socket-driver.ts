/** What the conformance suite needs of a driver over real sockets. */
import { randomBytes } from 'node:crypto'
import type { Network, NetworkLimits } from '@blocktree/network'
import type { ConformanceDriver } from '@blocktree/network/conformance'
import type { ByteLink } from '../src/byte-link.ts'
import { startDatagramProxy } from './cuttable-datagrams.ts'
import { type CuttableProxy, startProxy } from './cuttable-proxy.ts'

export interface SocketDriverOptions {
  open(seed: Uint8Array, limits: Partial<NetworkLimits> | undefined): Promise<Network>
  dialRaw(address: string): Promise<{ readonly link: ByteLink; close(): Promise<void> }>
}

export function createSocketDriver(options: SocketDriverOptions): ConformanceDriver {
  const networks: Network[] = []
  const proxies: CuttableProxy[] = []
  const raw: { close(): Promise<void> }[] = []
  const through = async <Proxy extends CuttableProxy>(
    start: (port: number) => Promise<Proxy>,
    address: string
  ): Promise<Proxy & { readonly address: string }> => {
    const [place = '', kind = '', port = ''] = /\/(tcp|udp)\/(\d+)/.exec(address) ?? []
    const proxy = await start(Number(port))
    proxies.push(proxy)
    return { ...proxy, address: address.replace(place, `/${kind}/${proxy.port}`) }
  }
  return {
    async open(limits) {
      const network = await options.open(randomBytes(32), limits)
      networks.push(network)
      return network
    },
    async dialRaw(address, isDeaf = false) {
      // the library for QUIC reads whether or not anybody wants it, so there the way back is closed
      const proxy =
        isDeaf && address.includes('/udp/') ? await through(startDatagramProxy, address) : undefined
      const dialled = await options.dialRaw(proxy?.address ?? address)
      proxy?.mute()
      raw.push(dialled)
      return dialled.link
    },
    cuttable: (address) => through(address.includes('/udp/') ? startDatagramProxy : startProxy, address),
    async close() {
      await Promise.all(raw.map((one) => one.close()))
      await Promise.all(networks.map((network) => network.close()))
      await Promise.all(proxies.map((proxy) => proxy.close()))
    }
  }
}
