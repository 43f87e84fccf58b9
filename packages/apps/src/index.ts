/** Life of installed apps and the host interface, over ports (pure). */
export {
  type AppFacts,
  AppInstance,
  type AppInstanceOptions,
  type HostServices,
  startApp
} from './app-instance.ts'
export type { AskedPermission, Granted } from './grant-table.ts'
export { HostFailure } from './host-failure.ts'
export type { AppHttpRequest, AppHttpResponse } from './http-exchange.ts'
export { type KeyValueStore, openKeyValueStore } from './key-value-store.ts'
export { LockTable } from './lock-table.ts'
export { type MessageEnvelope, MessageSwitch, type RemoteMessages } from './message-switch.ts'
export type {
  AppLogLine,
  FileChange,
  FileFacts,
  FilePort,
  FileWrite,
  HttpPort,
  Lease,
  LockPort,
  SocketPort,
  TcpListener,
  TcpSocket,
  TimerPort,
  UdpSocket
} from './ports.ts'
export { judgedAddresses } from './outgoing-address.ts'
export { type Question, QuestionDesk, type QuestionOutcome } from './question-desk.ts'
export { limitStorage } from './storage-quota.ts'
