/**
 * The network between nodes of one machine: before each of them stands a proxy, whose address is the only one that the
 * others learn, so every connection between two nodes meets the fault that is set for the pair.
 */
import {
  createFaultProxy,
  type Fault,
  type FaultProxy,
  knowsPortOwners,
  ownerOfPort
} from '@blocktree/harness'
import { loopback } from './join-node.ts'
import type { Node } from './scenario.ts'

export interface FaultNetwork extends AsyncDisposable {
  /** Settings of a node to be, with a proxy before it. */
  place(name: string): Promise<Readonly<Record<string, string>>>
  /** Connections of this node are known as its own from now on, over restarts too. */
  add(node: Node): void
  /** Between two, whoever dials. */
  between(one: string, other: string, fault: Fault): void
  /** Between one and all others. */
  around(name: string, fault: Fault): void
  /** Ends all faults. */
  heal(): void
  /** Connections to the node and bytes on them, both ways. */
  traffic(name: string): { readonly connections: number; readonly bytes: number }
}

/** Why it cannot be had on this machine; undefined when it can. */
export function faultNetworkMissing(): string | undefined {
  return knowsPortOwners ? undefined : 'needs Linux, to tell whose connection it is'
}

const noFault: Fault = {}

export function createFaultNetwork(): FaultNetwork {
  const proxies = new Map<string, FaultProxy>()
  const nodes = new Map<string, Node>()
  const faults = new Map<string, Fault>()
  /** Of connections that are known: the dialler's port at a proxy. */
  const diallers = new Map<string, string>()

  function diallerOf(target: string, port: number): string | undefined {
    const key = `${target} ${port}`
    const known = diallers.get(key)
    if (known !== undefined) return known
    const running = [...nodes.values()].filter(({ pid }) => pid !== undefined)
    const pids = running.flatMap(({ pid }) => (pid === undefined ? [] : [pid]))
    const owner = ownerOfPort(port, proxies.get(target)?.port ?? 0, pids)
    const found = running.find(({ pid }) => pid === owner)?.name
    if (owner === undefined || found === undefined) return undefined // a node that is joining, or is gone
    diallers.set(key, found)
    return found
  }

  function set(one: string, other: string, fault: Fault): void {
    faults.set(pairOf(one, other), fault)
  }

  function refresh(): void {
    for (const proxy of proxies.values()) proxy.refresh()
  }

  return {
    async place(name) {
      const environment = await loopback()
      const faultOf = (port: number): Fault => {
        const dialler = diallerOf(name, port)
        return (dialler === undefined ? undefined : faults.get(pairOf(dialler, name))) ?? noFault
      }
      const targetPort = Number(environment['BLOCKTREE_NETWORK_PORT'])
      const proxy = await createFaultProxy({ targetPort, faultOf })
      proxies.set(name, proxy)
      // A node tells addresses of 127.0.0.1 only when it has no other: so the port behind the proxy stays unknown.
      const announced = `/ip6/::ffff:127.0.0.1/tcp/${proxy.port}/tls`
      return { ...environment, BLOCKTREE_NETWORK_ANNOUNCE: announced }
    },
    add: (node) => void nodes.set(node.name, node),
    between(one, other, fault) {
      set(one, other, fault)
      refresh()
    },
    around(name, fault) {
      for (const other of proxies.keys()) if (other !== name) set(name, other, fault)
      refresh()
    },
    heal() {
      faults.clear()
      refresh()
    },
    traffic(name) {
      const { connections = 0, bytes = 0 } = proxies.get(name) ?? {}
      return { connections, bytes }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...proxies.values()].map((proxy) => proxy.close()))
    }
  }
}

function pairOf(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`
}
