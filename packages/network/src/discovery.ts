/**
 * Finding where a key can be reached. What is found is a hint and nothing more: only a dial proves that the holder of
 * the key is there, and signed address records are the business of the layer above.
 */
import type { TransportKey } from './port.ts'

export interface Discovery {
  /** Where the holder of the key made itself known in the local network lately; empty when it did not. */
  nearby(key: TransportKey): readonly string[]
  /** Addresses at which the holder of the key may be, each once and ending in its `/p2p/…`; empty when none is known. */
  find(key: TransportKey, options?: FindOptions): Promise<readonly string[]>
  /**
   * Makes this node known to those who `find` its key; to be repeated within a day, and when addresses change. Resolves
   * when some were told; `ERR_NETWORK_UNREACHABLE` when there was nobody to tell.
   */
  announce(options?: FindOptions): Promise<void>
  /**
   * Puts a record into the distributed table, under a name of 32 bytes. Its servers keep it when the rule that they were
   * given lets them; to be repeated within a day. `ERR_NETWORK_UNREACHABLE` when there was nobody to tell.
   */
  publish(name: Uint8Array, record: Uint8Array, options?: FindOptions): Promise<void>
  /** Records under the name that our own rule lets pass; empty when there are none. */
  resolve(name: Uint8Array, options?: FindOptions): Promise<readonly Uint8Array[]>
  /** Peers that make themselves known nearby, without being asked. */
  onFound(listener: (key: TransportKey, addresses: readonly string[]) => void): () => void
}

export interface FindOptions {
  readonly signal?: AbortSignal
  /** Milliseconds; what was found by then is the answer. 5,000 when left out. */
  readonly timeoutMs?: number
}
