/** share.*, grant.*, cap.*, access.*, bundle.*: handlers over sharing, in the name of the connection's principal. */
import { createReadStream } from 'node:fs'
import { isAbsolute } from 'node:path'
import { formatId, parseId } from '@blocktree/codec'
import { type ExplainedStep, parseLink, readBundleStart, type Sharing } from '@blocktree/files'
import type { Handlers } from '@blocktree/rpc'
import { type Id, type PrincipalRecord, right } from '@blocktree/tree'
import type { NodeParts } from '../create-node.ts'
import { rememberPath } from '../hosted-paths.ts'
import type { HeldTree } from '../hosted-trees.ts'
import { expectNewFile } from '../key-backup.ts'
import type {
  AccessRequest,
  CapSummary,
  Explanation,
  GrantSummary,
  SharingMethods
} from '../method-table/sharing-methods.ts'
import { NodeError } from '../node-error.ts'
import type { Peer } from '../peer.ts'
import { addRequest, listRequests, removeRequest } from '../pending-requests.ts'
import { writeStreamedFile } from '../streamed-file.ts'
import { takeAndName } from '../take-records.ts'
import { pathIn } from '../tree-router.ts'

type SharingHandlers = Handlers<SharingMethods, Peer>
type GrantHandlers = Pick<SharingHandlers, 'grant.issue' | 'grant.list' | 'grant.revoke'>
type CapHandlers = Pick<SharingHandlers, 'cap.issue' | 'cap.list' | 'cap.revoke' | 'access.why'>
type BundleHandlers = Pick<
  SharingHandlers,
  'bundle.export' | 'bundle.import' | 'share.create' | 'share.remove'
>

export function createSharingHandlers(parts: NodeParts): SharingHandlers {
  return {
    ...grantHandlers(parts),
    ...capHandlers(parts),
    ...accessHandlers(parts),
    ...bundleHandlers(parts)
  }
}

type GrantView = ReturnType<Sharing['listGrants']>[number]
type CapView = ReturnType<Sharing['listCaps']>[number]

function toGrantSummary({ principals }: NodeParts, held: HeldTree, view: GrantView): GrantSummary {
  return {
    id: formatId(view.grant.id),
    path: pathIn(held, view.path ?? ''),
    target: view.target,
    recipient: view.isLink ? 'link' : principals.nameOf(view.recipient),
    recipientId: formatId(view.recipient),
    ...(view.notAfterMs === undefined ? {} : { notAfterMs: view.notAfterMs }),
    state: view.state
  }
}

function toCapSummary({ principals }: NodeParts, held: HeldTree, view: CapView): CapSummary {
  return {
    id: formatId(view.cap.id),
    path: pathIn(held, view.path ?? ''),
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

/** The record of a principal as the tree knows it, or as this node knows it. ERR_PRINCIPAL_UNKNOWN. */
function recordOf({ principals }: NodeParts, held: HeldTree, text: string): PrincipalRecord {
  return held.tree.authority.principal(principals.idOf(text)) ?? principals.find(text).record
}

/** By the id of a grant or cap: the tree here that holds it, the own one when none does. */
async function holderOf({ trees }: NodeParts, holds: (held: HeldTree) => boolean): Promise<HeldTree> {
  if (holds(trees.own)) return trees.own
  for (const name of trees.hosted.names) {
    const held = await trees.hosted.open(name)
    if (holds(held)) return held
  }
  return trees.own
}

function grantHandlers(parts: NodeParts): GrantHandlers {
  const { principals, trees } = parts
  return {
    'grant.issue': ({ path, to, link, notAfterMs }, { peer }) =>
      trees.within(peer.session, path, async (held, actor) => {
        if ((to === undefined) !== (link === true)) {
          throw new NodeError(
            'ERR_PRINCIPAL_UNKNOWN',
            'a grant is for a principal ("to") or for a link ("link": true); name one of them'
          )
        }
        const { sharing } = held
        const recipient = to === undefined ? 'link' : { principal: recordOf(parts, held, to) }
        const issued = await sharing.issueGrant(actor, {
          path,
          to: recipient,
          ...(notAfterMs === undefined ? {} : { notAfterMs })
        })
        const view = sharing
          .listGrants(actor, { all: true })
          .find(({ grant }) => formatId(grant.id) === formatId(issued.grant.id))
        if (view === undefined) throw new Error('the grant that was just made is not listed')
        return {
          ...toGrantSummary(parts, held, view),
          ...(issued.link === undefined ? {} : { link: issued.link })
        }
      }),
    'grant.list': ({ path, all }, { peer }) =>
      trees.within(peer.session, path, (held, actor) => {
        const views = held.sharing.listGrants(actor, {
          all: all ?? false,
          ...(path === undefined ? {} : { path })
        })
        return { grants: views.map((view) => toGrantSummary(parts, held, view)) }
      }),
    async 'grant.revoke'({ grant, eager }, { peer }) {
      const id = parseId(grant)
      const held = await holderOf(parts, ({ tree }) => tree.authority.grant(id) !== undefined)
      const recipient = held.tree.authority.grant(id)?.body.recipient
      const report = await held.sharing.revokeReader(held.actorOf(peer.session.actor), id, {
        eager: eager ?? false
      })
      await sendAway(parts, recipient)
      return {
        zonesRekeyed: report.rekeyed.length,
        zonesSkipped: report.skipped.length,
        skipped: report.skipped.map(({ target, reason }) => ({ target: formatId(target), reason })),
        undelivered: report.undelivered.map(formatId),
        exposed: report.exposed.map(({ path, recipient, isLink, untilMs }) => ({
          path: pathIn(held, path ?? ''),
          principal: isLink ? 'link' : principals.nameOf(recipient),
          untilMs
        }))
      }
    }
  }
}

function capHandlers(parts: NodeParts): CapHandlers {
  const { principals, trees } = parts
  return {
    'cap.issue': ({ path, to, rights, depth, notBeforeMs, notAfterMs }, { peer }) =>
      trees.within(peer.session, path, async (held, actor) => {
        const view = await held.sharing.issueWriteCap(actor, {
          path,
          to: recordOf(parts, held, to),
          rights: rightBits(rights),
          ...(depth === undefined ? {} : { depth }),
          ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
          ...(notAfterMs === undefined ? {} : { notAfterMs })
        })
        return toCapSummary(parts, held, view)
      }),
    'cap.list': ({ path, all }, { peer }) =>
      trees.within(peer.session, path, (held, actor) => {
        const views = held.sharing.listCaps(actor, {
          all: all ?? false,
          ...(path === undefined ? {} : { path })
        })
        return { caps: views.map((view) => toCapSummary(parts, held, view)) }
      }),
    async 'cap.revoke'({ cap, reason, sinceMs }, { peer }) {
      const id = parseId(cap)
      const held = await holderOf(parts, ({ tree }) => tree.authority.cap(id) !== undefined)
      const report = await held.sharing.revokeCap(held.actorOf(peer.session.actor), id, {
        ...(reason === undefined ? {} : { reason }),
        ...(sinceMs === undefined ? {} : { sinceMs })
      })
      await sendAway(parts, held.tree.authority.cap(id)?.body.subject)
      const { quarantined, cuts, restored, lost } = report
      return { quarantined, cuts, restored, lost }
    },
    'access.why': ({ principal, path, right: name }, { peer }) =>
      trees.within(peer.session, path, (held, actor) => {
        const id = principals.idOf(principal)
        const nameOf = (found: Uint8Array): string => principals.nameOf(found)
        const request = { principal: id, path, right: name, nameOf }
        const { allowed, steps, entry } = held.sharing.explainAccess(actor, request)
        return {
          allowed,
          principal: nameOf(id),
          path,
          right: name,
          steps: stepsOf(steps),
          ...(entry === undefined ? {} : { entry: { allowed: entry.allowed, steps: stepsOf(entry.steps) } })
        }
      })
  }
}

/** Who has no right left here: its connections end, and the codes that it used. */
async function sendAway({ cluster, standing }: NodeParts, principal: Id | undefined): Promise<void> {
  if (principal === undefined || standing.standingOf(principal) !== 'stranger') return
  await (await cluster.loaded())?.drop(principal)
}

function stepsOf(steps: readonly ExplainedStep[]): Explanation['steps'] {
  return steps.map(({ text, ok, recordId }) => ({
    text,
    ok,
    ...(recordId === undefined ? {} : { recordId: formatId(recordId) })
  }))
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

type AccessHandlers = Omit<SharingHandlers, keyof GrantHandlers | keyof CapHandlers | keyof BundleHandlers>

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
    async 'access.approve'({ request: given, path, rights, name }, { peer }) {
      const line = given.startsWith('blocktree-') ? given : (await listRequests(store)).get(given)?.line
      if (line === undefined) {
        throw new NodeError(
          'ERR_ACCESS_REQUEST_UNKNOWN',
          `no pending request has the id "${given.slice(0, 80)}"; list them again`
        )
      }
      const request = sharing.parseAccessRequest(line)
      if (name !== undefined) await principals.importRecord(request.principal.bytes, name)
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
      if (line.trim().startsWith('blocktree-link:')) return acceptLink(parts, line)
      const { actor } = peer.session
      const accepted = await sharing.acceptAccess(actor, line)
      const held = await keptTree(parts, accepted.tree)
      const results = await takeAndName(parts, held, actor, async () => {
        if (!held.isOwn) await rememberPath(held, accepted.target, accepted.path)
        const taken = await held.tree.offer(accepted.offer, { peer: 'access', from: 'host' })
        await held.tree.settled()
        return taken
      })
      void parts.cluster.start() // the line may say where nodes of that tree are
      return {
        treeId: formatId(accepted.tree),
        path: pathIn(held, accepted.path),
        rights: joinRights(accepted.read, accepted.rights),
        records: results.filter(({ outcome }) => outcome === 'accepted').length
      }
    }
  }
}

/** The tree that a line is about, made when it is the first one. */
async function keptTree({ trees }: NodeParts, tree: Id): Promise<HeldTree> {
  return formatId(tree) === trees.own.name ? trees.own : trees.hosted.accept(tree)
}

/** A link names a tree and opens what its bundles bring; records come later. */
async function acceptLink(parts: NodeParts, line: string): Promise<AcceptedLine> {
  const link = parseLink(parts.crypto, line.trim())
  link.secret.fill(0)
  const held = await keptTree(parts, link.tree)
  return { treeId: held.name, path: pathIn(held, '/'), rights: ['read'], records: 0 }
}

type AcceptedLine = SharingMethods['access.accept']['result']

function bundleHandlers(parts: NodeParts): BundleHandlers {
  const { principals, bulkWrites, trees, space } = parts
  return {
    'share.create': ({ path }, context) => {
      space.expectRoom(0)
      return trees.within(context.peer.session, path, async ({ sharing }, actor) => {
        const onProgress = (done: number): void => context.progress({ done, unit: 'entries' })
        const { block, blocks } = await sharing.createShare(actor, path, { onProgress })
        return { id: formatId(block), blocks }
      })
    },
    'share.remove': ({ path, dropShares }, context) =>
      trees.within(context.peer.session, path, async ({ sharing }, actor) => {
        const onProgress = (done: number): void => context.progress({ done, unit: 'entries' })
        const { block, blocks } = await sharing.removeShare(actor, path, {
          onProgress,
          dropShares: dropShares ?? false
        })
        return { id: formatId(block), blocks }
      }),
    'bundle.export': ({ file, paths, to }, context) =>
      trees.withinOne(context.peer.session, paths ?? [], async (held, actor) => {
        expectNewFile(file)
        const isWhole = paths === undefined || paths.some((path) => path === '/' || path === `/${held.name}`)
        const selection = {
          ...(isWhole ? {} : { paths }),
          ...(to === undefined ? {} : { to: principals.idOf(to) })
        }
        const { records, sectors, bytes } = await writeStreamedFile(
          file,
          held.sharing.exportBundle(actor, selection),
          {
            signal: context.signal,
            onBytes: (done) => context.progress({ done, unit: 'bytes' })
          }
        )
        return { records, sectors, bytes }
      }),
    async 'bundle.import'({ file }, { peer }) {
      const { actor } = peer.session
      const { tree, chunks } = await readBundleStart(parts.crypto, readChunks(file))
      const name = tree === undefined ? trees.own.name : formatId(tree)
      const held = await trees.held(name)
      const take = (): Promise<Awaited<ReturnType<Sharing['importBundle']>>> =>
        bulkWrites.during(() =>
          takeAndName(parts, held, actor, () => held.sharing.importBundle(space.guarded(chunks)))
        )
      const report = await (held.isOwn ? take() : trees.hosted.use(name, take))
      const { accepted, known, parked, quarantined, refused, sectors, reasons } = report
      return { treeId: name, accepted, known, parked, quarantined, refused, sectors, reasons }
    }
  }
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
