/** Who leads, who holds which lock under which token, and which number comes next: one port, three drivers. */
export { beginAnew, type NewBeginning } from './begin-anew.ts'
export { BuiltinCoordinator, type BuiltinOptions } from './builtin-coordinator.ts'
export { CoordinatorError, type CoordinatorErrorCode } from './coordinator-error.ts'
export { EtcdCoordinator, type EtcdOptions } from './etcd-coordinator.ts'
export { FileRaftStorage, type StorageFiles } from './file-storage.ts'
export {
  type LockInput,
  type Model,
  type Operation,
  type RegisterInput,
  type Verdict,
  checkLinearizability,
  lockModel,
  registerModel,
  sequenceModel
} from './linearizability.ts'
export type { CoordinatorLink, LinkListener } from './link.ts'
export { openLocalCoordinator } from './local-coordinator.ts'
export { openNodeFiles } from './node-files.ts'
export type {
  AcquireOptions,
  Coordinator,
  CoordinatorClock,
  CoordinatorKind,
  CoordinatorStatus,
  Lease,
  LockHolder,
  NameRule,
  NameVerdict
} from './port.ts'
export { MemoryRaftStorage, type RaftStorage } from './raft/storage.ts'
export { TokenFloor } from './token-floor.ts'
