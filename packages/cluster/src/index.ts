/** Who is in the cluster: hello, gate, addresses, joining, messages between nodes (pure over ports). */
export {
  type AddressBookDeps,
  type AddressEntry,
  type AddressStore,
  type DialTarget,
  AddressBook,
  openAddressBook
} from './address-book.ts'
export { type AddressExchangeDeps, announceEndpoint, exchangeAddresses } from './address-exchange.ts'
export { ClusterError, type ClusterErrorCode } from './cluster-error.ts'
export { Gate, type GateDeps, type PeerWrong, type Penalty, type ShutOut } from './gate.ts'
export { type Hello, type HelloPurpose, helloPurpose, protocolVersion } from './hello.ts'
export { type Introduction, type TakeIntroduction, introduce, takeIntroductions } from './introduction.ts'
export {
  type InvitationCode,
  fingerprintOf,
  formatInvitationCode,
  parseInvitationCode
} from './invitation-code.ts'
export {
  type Candidate,
  type InvitationDeskDeps,
  type InvitationStore,
  InvitationDesk,
  openInvitationDesk
} from './invitation-desk.ts'
export type { Invitation, InvitationTerms } from './invitation.ts'
export { type JoinOptions, type Joined, join } from './join.ts'
export { type KnownEndpoint, encodeKnownEndpoints, openKnownEndpoint } from './known-endpoint.ts'
export * as limits from './limits.ts'
export {
  type MessageExchangeDeps,
  type MessageTaker,
  type OutgoingMessage,
  type ReceivedMessage,
  type Recipient,
  MessageExchange
} from './message-exchange.ts'
export type { NodeMessage } from './message.ts'
export { type PeerDirectoryDeps, type PeerListener, PeerDirectory } from './peer-directory.ts'
export type { Peer } from './peer.ts'
export type {
  AddressDiscovery,
  AddressOrigin,
  AddressSource,
  ClusterDeps,
  HelloTree,
  LocalNode,
  Standing,
  StandingSource,
  Timers
} from './ports.ts'
export { type MethodPolicy, type RequestRouterDeps, RequestRouter } from './request-router.ts'
