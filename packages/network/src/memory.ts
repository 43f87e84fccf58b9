/** Networks in memory, with time that can be told to pass: for tests and the simulator. */
export {
  createMemoryNetwork,
  type LinkConditions,
  type MemoryNetwork,
  type MemoryNetworkOptions,
  type MemoryNodeOptions
} from './memory-network.ts'
export { createVirtualTime, type VirtualTime } from './virtual-time.ts'
