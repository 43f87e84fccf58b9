/** share.*, grant.*, cap.*, access.*, bundle.*: handlers over sharing, in the name of the connection's principal. */
import { createReadStream } from 'node:fs'
import { isAbsolute } from 'node:path'
import { formatId, parseId } from '@blocktree/codec'
import type { Actor, Sharing } from '@blocktree/files'
import type { Handlers } from '@blocktree/rpc'
import { right } from '@blocktree/tree'
import type { NodeParts } from '../create-node.ts'
import { expectNewFile } from '../key-backup.ts'
import type {
  AccessRequest,
  CapSummary,
  GrantSummary,
  SharingMethods
} from '../method-table/sharing-methods.ts'
import { NodeError } from '../node-error.ts'
import type { Peer } from '../peer.ts'
import { addRequest, listRequests, removeRequest } from '../pending-requests.ts'
import { writeStreamedFile } from '../streamed-file.ts'

type SharingHandlers = Handlers<SharingMethods, Peer>
type GrantHandlers = Pick<
  SharingHandlers,
  'grant.issue' | 'grant.list' | 'grant.revoke' | 'cap.issue' | 'cap.list' | 'cap.revoke' | 'access.why'
>
type BundleHandlers = Pick<
  SharingHandlers,
  'bundle.export' | 'bundle.import' | 'share.create' | 'share.remove'
>

export function createSharingHandlers(parts: NodeParts): SharingHandlers {
  return { ...grantHandlers(parts), ...accessHandlers(parts), ...bundleHandlers(parts) }
}

type GrantView = ReturnType<Sharing['listGrants']>[number]
type CapView = ReturnType<Sharing['listCaps']>[number]

function toGrantSummary({ principals }: NodeParts, view: GrantView): GrantSummary {
  return {
    id: formatId(view.grant.id),
    path: view.path ?? '',
    target: view.target,
    recipient: view.isLink ? 'link' : principals.nameOf(view.recipient),
    recipientId: formatId(view.recipient),
    ...(view.notAfterMs === undefined ? {} : { notAfterMs: view.notAfterMs }),
    state: view.state
  }
}

function toCapSummary({ principals }: NodeParts, view: CapView): CapSummary {
  return {
    id: formatId(view.cap.id),
    path: view.path ?? '',
    scope: view.scope,
    subject: principals.nameOf(view.subject),
    subjectId: formatId(view.subject),
    rights: view.rights,
    ...(view.notBeforeMs === undefined ? {} : { notBeforeMs: view.notBeforeMs }),
    ...(view.notAfterMs === undefined ? {} : { notAfterMs: view.notAfterMs }),
    depth: view.depth,
    state: view.state
  }
}

function grantHandlers(parts: NodeParts): GrantHandlers {
  const { sharing, principals } = parts
  return {
    async 'grant.issue'({ path, to, link, notAfterMs }, { peer }) {
      const { actor } = peer.session
      if ((to === undefined) !== (link === true)) {
        throw new NodeError(
          'ERR_PRINCIPAL_UNKNOWN',
          'a grant is for a principal ("to") or for a link ("link": true); name one of them'
        )
      }
      const recipient = to === undefined ? 'link' : { principal: principals.find(to).record }
      const issued = await sharing.issueGrant(actor, {
        path,
        to: recipient,
        ...(notAfterMs === undefined ? {} : { notAfterMs })
      })
      const view = sharing
        .listGrants(actor, { all: true })
        .find(({ grant }) => formatId(grant.id) === formatId(issued.grant.id))
      if (view === undefined) throw new Error('the grant that was just made is not listed')
      return { ...toGrantSummary(parts, view), ...(issued.link === undefined ? {} : { link: issued.link }) }
    },
    'grant.list'({ path, all }, { peer }) {
      const views = sharing.listGrants(peer.session.actor, {
        all: all ?? false,
        ...(path === undefined ? {} : { path })
      })
      return { grants: views.map((view) => toGrantSummary(parts, view)) }
    },
    async 'grant.revoke'({ grant, eager }, { peer }) {
      const report = await sharing.revokeReader(peer.session.actor, parseId(grant), { eager: eager ?? false })
      return {
        zonesRekeyed: report.rekeyed.length,
        zonesSkipped: report.skipped.length,
        exposed: report.exposed.map(({ path, recipient, isLink, untilMs }) => ({
          path: path ?? '',
          principal: isLink ? 'link' : principals.nameOf(recipient),
          untilMs
        }))
      }
    },
    async 'cap.issue'({ path, to, rights, depth, notBeforeMs, notAfterMs }, { peer }) {
      const view = await sharing.issueWriteCap(peer.session.actor, {
        path,
        to: principals.find(to).record,
        rights: rightBits(rights),
        ...(depth === undefined ? {} : { depth }),
        ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
        ...(notAfterMs === undefined ? {} : { notAfterMs })
      })
      return toCapSummary(parts, view)
    },
    'cap.list'({ path, all }, { peer }) {
      const views = sharing.listCaps(peer.session.actor, {
        all: all ?? false,
        ...(path === undefined ? {} : { path })
      })
      return { caps: views.map((view) => toCapSummary(parts, view)) }
    },
    async 'cap.revoke'({ cap, reason, sinceMs }, { peer }) {
      const report = await sharing.revokeCap(peer.session.actor, parseId(cap), {
        ...(reason === undefined ? {} : { reason }),
        ...(sinceMs === undefined ? {} : { sinceMs })
      })
      const { quarantined, cuts, restored, lost } = report
      return { quarantined, cuts, restored, lost }
    },
    'access.why'({ principal, path, right: name }, { peer }) {
      const { id } = principals.find(principal)
      const nameOf = (found: Uint8Array): string => principals.nameOf(found)
      const { allowed, steps } = sharing.explainAccess(peer.session.actor, {
        principal: id,
        path,
        right: name,
        nameOf
      })
      return {
        allowed,
        principal: nameOf(id),
        path,
        right: name,
        steps: steps.map(({ text, ok, recordId }) => ({
          text,
          ok,
          ...(recordId === undefined ? {} : { recordId: formatId(recordId) })
        }))
      }
    }
  }
}

/** @throws ERR_RIGHT_UNKNOWN */
function rightBits(names: readonly string[]): number {
  let bits = 0
  for (const name of names) {
    const found = Object.entries(right).find(([known]) => known === name)
    if (found === undefined) {
      throw new NodeError(
        'ERR_RIGHT_UNKNOWN',
        `"${name}" is no right to write; known: ${Object.keys(right).join(', ')}`
      )
    }
    bits |= found[1]
  }
  return bits
}

/** `read` stands apart: it is a grant, the others are one cap. */
function splitRights(names: readonly string[]): { readonly read: boolean; readonly rights: number } {
  return { read: names.includes('read'), rights: rightBits(names.filter((name) => name !== 'read')) }
}

function joinRights(read: boolean, bits: number): readonly string[] {
  const names = Object.entries(right).filter(([, bit]) => (bits & bit) !== 0)
  return [...(read ? ['read'] : []), ...names.map(([name]) => name)]
}

type AccessHandlers = Omit<SharingHandlers, keyof GrantHandlers | keyof BundleHandlers>

function accessHandlers(parts: NodeParts): AccessHandlers {
  const { sharing, store, principals, clock } = parts
  const describe = (line: string, receivedMs: number): AccessRequest => {
    const request = sharing.parseAccessRequest(line)
    return {
      id: formatId(request.id),
      principal: formatId(request.principal.signer),
      name: request.name,
      path: request.path,
      rights: joinRights(request.read, request.rights),
      note: request.note,
      receivedMs
    }
  }
  return {
    'access.request'({ path, rights, note }, { peer }) {
      const { name, actor } = peer.session
      const draft = {
        path,
        ...splitRights(rights ?? ['read']),
        name,
        ...(note === undefined ? {} : { note })
      }
      return { line: sharing.requestAccess(actor, draft) }
    },
    async 'access.receive'({ line }) {
      const request = describe(line, clock.now())
      await addRequest(store, request.id, { line, receivedMs: request.receivedMs })
      return request
    },
    async 'access.requests'() {
      const held = await listRequests(store)
      return { requests: [...held.values()].map(({ line, receivedMs }) => describe(line, receivedMs)) }
    },
    async 'access.approve'({ request: given, path, rights }, { peer }) {
      const line = given.startsWith('blocktree-') ? given : (await listRequests(store)).get(given)?.line
      if (line === undefined) {
        throw new NodeError(
          'ERR_ACCESS_REQUEST_UNKNOWN',
          `no pending request has the id "${given.slice(0, 80)}"; list them again`
        )
      }
      const request = sharing.parseAccessRequest(line)
      const approved = await sharing.approveAccess(peer.session.actor, request, {
        ...(path === undefined ? {} : { path }),
        ...(rights === undefined ? {} : splitRights(rights))
      })
      await removeRequest(store, formatId(request.id))
      await principals.introduce(request.principal.signer, request.name)
      return {
        line: approved.line,
        grants: approved.grant === undefined ? [] : [formatId(approved.grant)],
        caps: approved.cap === undefined ? [] : [formatId(approved.cap)]
      }
    },
    async 'access.accept'({ line }, { peer }) {
      const accepted = await sharing.acceptAccess(peer.session.actor, line)
      expectOwnTree(parts, accepted.tree)
      const results = await parts.tree.offer(accepted.offer, { peer: 'access', from: 'host' })
      return {
        treeId: formatId(accepted.tree),
        path: accepted.path,
        rights: joinRights(accepted.read, accepted.rights),
        records: results.filter(({ outcome }) => outcome === 'accepted').length
      }
    }
  }
}

function expectOwnTree({ record }: NodeParts, tree: Uint8Array): void {
  if (formatId(tree) === record.treeId) return
  throw new NodeError(
    'ERR_TREE_OTHER',
    `the line is about tree ${formatId(tree)}, this node keeps ${record.treeId}; accept it on a node made with "blocktree init --join"`
  )
}

function bundleHandlers(parts: NodeParts): BundleHandlers {
  const { sharing, principals, files, bulkWrites } = parts
  return {
    async 'share.create'({ path }, context) {
      const onProgress = (done: number): void => context.progress({ done, unit: 'entries' })
      const { block, blocks } = await sharing.createShare(context.peer.session.actor, path, { onProgress })
      return { id: formatId(block), blocks }
    },
    async 'share.remove'({ path, dropShares }, context) {
      const onProgress = (done: number): void => context.progress({ done, unit: 'entries' })
      const options = { onProgress, dropShares: dropShares ?? false }
      const { block, blocks } = await sharing.removeShare(context.peer.session.actor, path, options)
      return { id: formatId(block), blocks }
    },
    async 'bundle.export'({ file, paths, to }, context) {
      expectNewFile(file)
      const selection = {
        ...(paths === undefined ? {} : { paths }),
        ...(to === undefined ? {} : { to: principals.find(to).id })
      }
      const chunks = sharing.exportBundle(context.peer.session.actor, selection)
      const { records, sectors, bytes } = await writeStreamedFile(file, chunks, {
        signal: context.signal,
        onBytes: (done) => context.progress({ done, unit: 'bytes' })
      })
      return { records, sectors, bytes }
    },
    async 'bundle.import'({ file }, { peer }) {
      const report = await bulkWrites.during(() => sharing.importBundle(readChunks(file)))
      await indexNew(files, peer.session.actor)
      const { accepted, known, parked, quarantined, refused, sectors, reasons } = report
      return { accepted, known, parked, quarantined, refused, sectors, reasons }
    }
  }
}

/** Names of what came from elsewhere, as far as this principal can open them. */
async function indexNew(files: NodeParts['files'], actor: Actor): Promise<void> {
  await files.indexNames(actor)
}

export async function* readChunks(file: string): AsyncGenerator<Uint8Array> {
  if (!isAbsolute(file))
    throw new NodeError('ERR_PATH_LOCAL', `"${file}" is not absolute; write the whole path`)
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 }))
      if (chunk instanceof Uint8Array) yield chunk
  } catch (cause) {
    if (!(cause instanceof Error) || !('syscall' in cause)) throw cause
    throw new NodeError('ERR_PATH_LOCAL', `cannot read "${file}": ${cause.message}`, { cause })
  }
}
