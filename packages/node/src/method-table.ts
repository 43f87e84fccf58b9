/**
 * Everything a node can be asked, as data: names, schemas, errors (doc/spec/10-rpc.md). Importable without the
 * node itself, so that clients have the types for the price of the schemas.
 */
import type { MethodTable } from '@blocktree/rpc'
import { type AppMethods, appMethodTable } from './method-table/app-methods.ts'
import { type ClusterMethods, clusterMethodTable } from './method-table/cluster-methods.ts'
import { type ContentMethods, contentMethodTable } from './method-table/content-methods.ts'
import { type FileMethods, fileMethodTable } from './method-table/file-methods.ts'
import { type LockMethods, lockMethodTable } from './method-table/lock-methods.ts'
import { type ProcessMethods, processMethodTable } from './method-table/node-methods.ts'
import { type PrincipalMethods, principalMethodTable } from './method-table/principal-methods.ts'
import { joinTables } from './method-table/shape.ts'
import { type SharingMethods, sharingMethodTable } from './method-table/sharing-methods.ts'
import { type StoreMethods, storeMethodTable } from './method-table/store-methods.ts'
import { type SyncMethods, syncMethodTable } from './method-table/sync-methods.ts'
import { type TreeMethods, treeMethodTable } from './method-table/tree-methods.ts'

export interface NodeMethods
  extends
    AppMethods,
    ClusterMethods,
    ContentMethods,
    ProcessMethods,
    FileMethods,
    LockMethods,
    PrincipalMethods,
    SharingMethods,
    StoreMethods,
    SyncMethods,
    TreeMethods {}

export const nodeMethodTable: MethodTable<NodeMethods> = joinTables<NodeMethods>(
  processMethodTable,
  fileMethodTable,
  principalMethodTable,
  sharingMethodTable,
  storeMethodTable,
  syncMethodTable,
  treeMethodTable,
  appMethodTable,
  clusterMethodTable,
  contentMethodTable,
  lockMethodTable
)

export type {
  AppDescription,
  AppDetails,
  AppGrantSummary,
  AppLogEntry,
  AppMethods,
  AppPermission,
  AppQuestion,
  AppSummary
} from './method-table/app-methods.ts'
export type { ContentMethods, PublishedContent } from './method-table/content-methods.ts'
export type {
  ClusterMethods,
  IncomingMessage,
  InvitationSummary,
  JoinCandidate,
  MemberSummary,
  PeerSummary
} from './method-table/cluster-methods.ts'
export type {
  FileConflict,
  FileEvent,
  FileKind,
  FileMethods,
  FileStatus,
  FileVersion,
  Metadata,
  MoveAnswer,
  RemoveAnswer,
  SettleAnswer,
  WriteAnswer
} from './method-table/file-methods.ts'
export type { LockAnswer, LockMethods, LockSummary } from './method-table/lock-methods.ts'
export type {
  AppsStatus,
  CoordinatorStatus,
  Finding,
  LogLine,
  NetworkStatus,
  NodeStatus,
  ProcessMethods
} from './method-table/node-methods.ts'
export type {
  PrincipalMethods,
  PrincipalSummary,
  RootStatus,
  SuccessionAnswer
} from './method-table/principal-methods.ts'
export type {
  AccessRequest,
  CapSummary,
  ExposureReport,
  Explanation,
  GrantSummary,
  SharingMethods
} from './method-table/sharing-methods.ts'
export type {
  BackupReport,
  CheckReport,
  CollectReport,
  DrillReport,
  ImportReport,
  SpaceReport,
  StoreMethods,
  PruneReport,
  TransferReport
} from './method-table/store-methods.ts'
export type { LinkSummary, QuarantinedBlock, TreeMethods, TreeSummary } from './method-table/tree-methods.ts'
export type { Wait, WritePromise } from './method-table/write-promise.ts'
