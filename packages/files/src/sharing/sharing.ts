/**
 * Sharing: who else may read and write, and how that is taken back (MODEL B.2, B.5, B.7). One object over the context
 * of the file operations; each method is one file of this folder. Decisions: doc/adr/0009-sharing.md, text forms:
 * doc/spec/14-access-lines.md, bundles: doc/spec/15-bundles.md.
 *
 * Actors: `actor` signs with its own caps and opens with its own grants. Where only the root principal may act, pass
 * an actor made from the unlocked root key; a call that needs it and gets another answers ERR_ROOT_NEEDED.
 */
import type { Admission, Id } from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import type { FilesContext } from '../files-context.ts'
import { type AcceptedAccess, acceptAccess } from './access-accept.ts'
import { type Approval, type ApprovedAccess, approveAccess } from './access-approve.ts'
import { type AccessRequest, type RequestDraft, parseAccessRequest, requestAccess } from './access-request.ts'
import { type BundleReport, type BundleSelection, exportBundle } from './bundle-export.ts'
import { type ImportReport, importBundle } from './bundle-import.ts'
import { type AccessExplanation, type ExplainRequest, explainAccess } from './explain-access.ts'
import { type GrantRequest, type IssuedGrant, issueGrant } from './issue-grant.ts'
import { type CapRequest, type CapView, issueWriteCap } from './issue-write-cap.ts'
import { type ListCapsOptions, listCaps } from './list-caps.ts'
import { type GrantView, type ListGrantsOptions, listGrants } from './list-grants.ts'
import { type ExposureReport, type RevokeReaderOptions, resumeRekeys, revokeReader } from './revoke-reader.ts'
import {
  type CapRevocationReport,
  type RevokeCapOptions,
  resumeRevocations,
  revokeCap
} from './revoke-cap.ts'
import { type ZonePruneOptions, type ZonePruneReport, pruneZone } from './prune-zone.ts'
import { type QuarantinedBlock, listQuarantine, takeOver } from './quarantine.ts'
import { type KeyUpkeepReport, keepKeys } from './keep-keys.ts'
import { type OpenedLink, openLink } from './open-link.ts'
import { type RootSummary, type RootSummaryOptions, rootSummary } from './root-summary.ts'
import { type ShareOptions, type ShareReport, createShare, removeShare } from './share-directory.ts'
import { type SuccessionReport, type SuccessionRequest, succeedRoot } from './succeed-root.ts'
import { type UndoneRevocation, undoneRevocations } from './undone-revocations.ts'
import { type ZoneCheckpoint, makeCheckpoint } from './zone-checkpoint.ts'

export interface Sharing {
  /** Makes a plain directory a zone. Blocks get new ids, content is not sealed again. */
  createShare(actor: Actor, path: string, options?: ShareOptions): Promise<ShareReport>
  /** Makes a zone a plain directory of the zone around it; its grants and caps end. */
  removeShare(actor: Actor, path: string, options?: ShareOptions): Promise<ShareReport>

  issueGrant(actor: Actor, request: GrantRequest): Promise<IssuedGrant>
  listGrants(actor: Actor, options?: ListGrantsOptions): readonly GrantView[]
  /** The keys that the text of a link opens. */
  openLink(text: string): OpenedLink
  /** Takes a grant back and changes the keys of everything it opened (B.5). Resumable: see `resumeRekeys`. */
  revokeReader(actor: Actor, grant: Id, options?: RevokeReaderOptions): Promise<ExposureReport>
  /** Goes on with key changes that a crash cut short; `resume` includes it. */
  resumeRekeys(actor: Actor): Promise<readonly ExposureReport[]>
  /**
   * For each start: goes on with key changes and revocations of caps that a crash cut short, then does the upkeep of
   * keys. Does what the actor may do and leaves the rest.
   */
  resume(actor: Actor): Promise<ResumeReport>
  /** Rotates zones that a former reader can still open or that have two current epochs, and delivers missing keys. */
  keepKeys(actor: Actor): Promise<KeyUpkeepReport>

  issueWriteCap(actor: Actor, request: CapRequest): Promise<CapView>
  listCaps(actor: Actor, options?: ListCapsOptions): readonly CapView[]
  /** ERR_ROOT_NEEDED unless the actor holds a cap above the target, or is the root. */
  revokeCap(actor: Actor, cap: Id, options?: RevokeCapOptions): Promise<CapRevocationReport>
  /** Blocks with versions that no longer count because their signer's cap was revoked. */
  listQuarantine(actor: Actor): AsyncIterable<QuarantinedBlock>
  /** Makes a quarantined version the newest one, under the actor's own cap. @returns the new version */
  takeOver(actor: Actor, block: Id, version: Id): Promise<Id>

  /** Puts a new root in place of a lost or stolen one. `actor` opens the keys, the request carries the other keys. */
  succeedRoot(actor: Actor, request: SuccessionRequest): Promise<SuccessionReport>

  /** What was taken back with a root key that had been replaced already, and so counts still. */
  undoneRevocations(): readonly UndoneRevocation[]

  /** A signed checkpoint of one zone. The last one again when nothing changed since. */
  makeCheckpoint(actor: Actor, zone: Id): Promise<ZoneCheckpoint>
  /** Names a base where the actor may, buries what was removed long ago, and gives up what lies below. */
  pruneZone(actor: Actor, zone: Id, options?: ZonePruneOptions): Promise<ZonePruneReport>
  /** One summary over all heads, authority records and payload roots; equal trees give equal digests. */
  rootSummary(options?: RootSummaryOptions): Promise<RootSummary>

  /** Why a principal may read or write something, in sentences, or the first link that is missing. */
  explainAccess(actor: Actor, request: ExplainRequest): AccessExplanation

  /** A line that asks the owner of another tree for access. */
  requestAccess(actor: Actor, draft: RequestDraft): string
  /** ERR_ACCESS_LINE unless the line is whole and signed by the principal that it carries. */
  parseAccessRequest(line: string): AccessRequest
  /** Grants what was asked, or less, and makes the line to send back. */
  approveAccess(actor: Actor, request: AccessRequest, approval?: Approval): Promise<ApprovedAccess>
  /** Checks the answer as a whole; what it returns is ready for `TreeState.offer`. Nothing is stored. */
  acceptAccess(actor: Actor, line: string): Promise<AcceptedAccess>

  /** Records and sealed sectors as a stream; the report is returned at its end. */
  exportBundle(actor: Actor, selection?: BundleSelection): AsyncGenerator<Uint8Array, BundleReport, undefined>
  /**
   * Takes a bundle in, each record checked as if it came from a stranger. For a backup of one's own say `from: 'host'`:
   * what was written under a cap that has ended meanwhile is then taken as well.
   */
  importBundle(chunks: AsyncIterable<Uint8Array>, admission?: Admission): Promise<ImportReport>
}

export interface ResumeReport {
  readonly rekeys: readonly ExposureReport[]
  /** Revocations of caps that were finished. */
  readonly revocations: number
  readonly keys: KeyUpkeepReport
}

export function createSharing(context: FilesContext): Sharing {
  return {
    createShare: (actor, path, options) => createShare(context, actor, path, options),
    removeShare: (actor, path, options) => removeShare(context, actor, path, options),
    issueGrant: (actor, request) => issueGrant(context, actor, request),
    openLink: (text) => openLink(context, text),
    listGrants: (actor, options) => listGrants(context, actor, options),
    revokeReader: (actor, grant, options) => revokeReader(context, actor, grant, options),
    resumeRekeys: (actor) => resumeRekeys(context, actor),
    resume: async (actor) => ({
      rekeys: await resumeRekeys(context, actor),
      revocations: await resumeRevocations(context, actor),
      keys: await keepKeys(context, actor)
    }),
    keepKeys: (actor) => keepKeys(context, actor),
    issueWriteCap: (actor, request) => issueWriteCap(context, actor, request),
    listCaps: (actor, options) => listCaps(context, actor, options),
    revokeCap: (actor, cap, options) => revokeCap(context, actor, cap, options),
    listQuarantine: (actor) => listQuarantine(context, actor),
    takeOver: (actor, block, version) => takeOver(context, actor, block, version),
    succeedRoot: (actor, request) => succeedRoot(context, actor, request),
    undoneRevocations: () => undoneRevocations(context),
    makeCheckpoint: (actor, zone) => makeCheckpoint(context, actor, zone),
    pruneZone: (actor, zone, options = {}) => pruneZone(context, actor, zone, options),
    rootSummary: (options) => rootSummary(context, options),
    explainAccess: (actor, request) => explainAccess(context, actor, request),
    requestAccess: (actor, draft) => requestAccess(context, actor, draft),
    parseAccessRequest: (line) => parseAccessRequest(context.crypto, line),
    approveAccess: (actor, request, approval) => approveAccess(context, actor, request, approval),
    acceptAccess: (actor, line) => acceptAccess(context, actor, line),
    exportBundle: (actor, selection) => exportBundle(context, actor, selection),
    importBundle: (chunks, admission) => importBundle(context, chunks, admission)
  }
}
