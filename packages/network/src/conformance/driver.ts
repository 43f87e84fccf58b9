/** What the suite needs of a driver, and how its tests are declared. */
import type { ByteLink } from '../byte-link.ts'
import type { NetworkLimits } from '../limits.ts'
import type { Network } from '../port.ts'

/** What the suite needs of a driver. */
export interface ConformanceDriver {
  /** A network with a key of its own, different each time, that can be dialled. */
  open(limits?: Partial<NetworkLimits>): Promise<Network>
  /**
   * A link to the network as a peer with a fresh key gets it, before any byte of the session.
   * @param isDeaf nothing that is sent to it arrives, nor is it confirmed; by itself that is so until the link is opened
   */
  dialRaw(address: string, isDeaf?: boolean): Promise<ByteLink>
  /** An address of the same network through something that can stop passing bytes without a word. */
  cuttable(address: string): Promise<{ readonly address: string; readonly cut: () => void }>
  /** Ends everything that was opened, also the networks. */
  close(): Promise<void>
}

/** Declares a test with a driver of its own, closed at its end. */
export type Check = (title: string, run: (driver: ConformanceDriver) => Promise<void>) => void
