/** App packages: signed manifest, one file, permissions, and the host interface as data (pure). */
export {
  AppRunError,
  type AppLogEntry,
  type AppRunDescription,
  type AppRunErrorCode,
  type AppRunEvent,
  type AppRunLimits,
  type AppRunner,
  type AppRunOptions,
  type AppRunState,
  type HostCall,
  type HostReply,
  type InvokeOptions,
  type OpeningEvent,
  type RunningApp,
  wholePayload
} from './app-runner.ts'
export {
  type AppGrant,
  type ChosenObject,
  type GrantedPermission,
  type SignedAppGrant,
  checkGrantWithin,
  currentAppGrant,
  decodeAppGrant,
  missingPermissions,
  signAppGrant,
  verifyAppGrant
} from './app-grant.ts'
export {
  type AppLimitName,
  type AppLimits,
  type RequestedLimits,
  appLimits,
  effectiveLimits,
  formatBytes,
  formatLimit,
  isLimitName,
  limitNames
} from './app-limits.ts'
export { assetPathProblem } from './asset-path.ts'
export { type AppSigner, type VerifiedPrincipal, verifyPrincipal } from './author.ts'
export { type PackageDescription, describePackage } from './describe-package.ts'
export type * as Host from './host-interface.ts'
export {
  type Failure,
  type HostEvent,
  type HostEventName,
  type HostEventReplies,
  type HostEvents,
  type HostOperation,
  type HostOperationName,
  type HostReplies,
  type HostRequests,
  hostEvents,
  hostOperationName,
  hostOperations,
  hostStatus
} from './host-interface.ts'
export { encodeExplanation } from './host-value.ts'
export {
  type AssetRow,
  type ContentHash,
  type Manifest,
  abiVersion,
  appId,
  checkAppName
} from './manifest.ts'
export { type ManifestSource, parseManifestSource } from './manifest-source.ts'
export { mediaTypeOf } from './media-type.ts'
export { type Origin, matchHost, matchOrigin, parseOrigin } from './origin.ts'
export { type ManifestDraft, type PackAppOptions, packApp } from './pack-app.ts'
export { PackageError, type PackageErrorCode } from './package-error.ts'
export {
  type PackageContent,
  type PackageHead,
  PackageReader,
  type VerifiedPackage,
  readPackage
} from './package-reader.ts'
export { type PermissionUse, covers, coversAny, isWithin } from './permission-cover.ts'
export { describeLimits, describePermission } from './permission-sentence.ts'
export {
  type FileObject,
  type FileRight,
  type FilesPermission,
  type HttpClientPermission,
  type HttpServerPermission,
  type MessagesPermission,
  type Permission,
  type PermissionKind,
  type PermissionScope,
  type SocketKind,
  type SocketsPermission,
  fileRights,
  ownFilesName,
  writeScope
} from './permission.ts'
export { type Route, type RouteTarget, assetOfPath, matchRoute } from './route.ts'
export { type ManifestDifference, checkUpgrade, difference } from './upgrade.ts'
export { type ProjectOptions, type ProjectTemplate, createProject, projectTemplates } from './project.ts'
