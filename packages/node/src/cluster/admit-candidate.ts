/** Letting a candidate in: a cap with `host` and the grant to read, in the name of this node, packed for the new one. */
import { type AddressBook, type Candidate, type InvitationTerms, limits } from '@blocktree/cluster'
import { equalBytes } from '@blocktree/codec'
import { type Actor, FilesError, resolvePath, SupportingRecords } from '@blocktree/files'
import { type EndpointRecord, type HeaderRecord, type Id, type PrincipalRecord, right } from '@blocktree/tree'
import type { HeldTree } from '../hosted-trees.ts'
import type { PrincipalDirectory } from '../principal-directory.ts'
import { encodeJoinPackage, type JoinMember } from './join-package.ts'
import { freeName, type MemberNames } from './member-names.ts'

export interface AdmissionDeps {
  /** Members that host a zone. */
  readonly hostsOf: (zone: Id) => readonly Id[]
  readonly held: HeldTree
  readonly principals: PrincipalDirectory
  readonly names: MemberNames
  readonly book: AddressBook
  readonly endpoint: () => EndpointRecord
}

/** @throws ERR_ACCESS_DENIED when this node may not give what the invitation says */
export async function admitCandidate(
  deps: AdmissionDeps,
  actor: Actor,
  candidate: Candidate
): Promise<Uint8Array> {
  const { held } = deps
  const { path, read, rights, name } = candidate.invitation
  const request = held.sharing.parseAccessRequest(candidate.line)
  const { line } = await held.sharing.approveAccess(actor, request, {
    path,
    read,
    rights,
    depth: depthBelow(held, actor, path, rights)
  })
  const called = await nameOf(deps, request.principal, name === '' ? candidate.claimedName : name)
  const candidateItself = {
    principal: request.principal.bytes,
    endpoint: new Uint8Array(0), // it knows better
    name: called
  }
  return encodeJoinPackage({
    line,
    records: recordsDownTo(held, zoneAt(held, actor, path)),
    members: [
      candidateItself,
      ownMember(actor, deps),
      ...otherMembers(deps, rights, zoneAt(held, actor, path))
    ]
  })
}

/** The zone that members get; another path is refused when the code is made, not when somebody uses it. */
export function zoneAt({ files }: HeldTree, actor: Actor, path: string): Id {
  const { block, summary } = resolvePath(files.context, actor, path)
  if (summary.zoneRoot) return block
  throw new FilesError(
    'ERR_SHARE_PLAIN',
    `"${path}" is no share: nodes are let into a whole share ("blocktree share")`
  )
}

/** @throws ERR_ACCESS_DENIED when this node cannot give these rights: the code would be of no use */
export function expectMayGive(
  held: HeldTree,
  node: Actor,
  { path, rights, read }: Pick<InvitationTerms, 'path' | 'rights' | 'read'>
): void {
  const place = { home: zoneAt(held, node, path), block: undefined }
  const needed = (rights === 0 ? 0 : rights | right.delegate) | (read ? right.grant : 0)
  if (node.capFor(place, needed) !== undefined) return
  throw new FilesError(
    'ERR_ACCESS_DENIED',
    `this node may not give these rights at "${path}"; invite from one that may, or give fewer ("--rights")`
  )
}

const depthFromRoot = 7 // a chain has at most 8 links

/** A member that may delegate lets nodes and apps in as this one does, one link further from the root. */
function depthBelow(held: HeldTree, actor: Actor, path: string, rights: number): number {
  if ((rights & right.delegate) === 0) return 0
  const place = { home: zoneAt(held, actor, path), block: undefined }
  const own = actor.capFor(place, rights)
  const cap = own?.cap && held.tree.authority.cap(own.cap)
  return Math.max(0, (cap?.body.depth ?? depthFromRoot) - 1)
}

/**
 * Headers of the directories from the root to the share, with what they rest on: paths work with them before anything
 * else has come.
 */
function recordsDownTo({ tree }: HeldTree, zone: Id): readonly Uint8Array[] {
  const headers: HeaderRecord[] = []
  let at: Id | undefined = zone
  while (at !== undefined && headers.length < limits.joinDepthMax) {
    const state = tree.blockState(at)
    if (state?.winner !== undefined) headers.unshift(state.winner)
    at = state?.shownParent
  }
  const support = new SupportingRecords(tree.authority)
  for (const header of headers) {
    const epoch = header.body.epoch && tree.authority.epoch(header.body.epoch)
    if (epoch !== undefined) support.add(epoch)
    support.add(header)
  }
  return support.records.map(({ bytes }) => bytes)
}

const membersMax = 32
const joinNameMax = 64

function ownMember(
  { principal }: Actor,
  { endpoint, names }: Pick<AdmissionDeps, 'endpoint' | 'names'>
): JoinMember {
  return { principal: principal.record.bytes, endpoint: endpoint().bytes, name: names.own }
}

/**
 * Those of this tree: who is in another one that is hosted here is none of its business. Who gets a share without
 * hosting it is told of those alone who host it.
 */
function otherMembers(
  { held, names, book, hostsOf }: AdmissionDeps,
  rights: number,
  zone: Id
): readonly JoinMember[] {
  const hosts = (rights & right.host) === 0 ? hostsOf(zone) : undefined
  const isTold = (id: Id): boolean => hosts?.some((host) => equalBytes(host, id)) ?? true
  const nameOf = names.current()
  return book
    .entries()
    .flatMap(({ principal, endpoint }): readonly JoinMember[] => {
      const id = principal.signer
      if (endpoint === undefined || held.tree.authority.capsOf(id).length === 0 || !isTold(id)) return []
      return [
        { principal: principal.bytes, endpoint: endpoint.bytes, name: nameOf(id).slice(0, joinNameMax) }
      ]
    })
    .slice(0, membersMax)
}

/** The name that was chosen, or claimed, with a number behind it when it is taken. */
async function nameOf(
  { principals, names }: Pick<AdmissionDeps, 'principals' | 'names'>,
  record: PrincipalRecord,
  wanted: string
): Promise<string> {
  const taken = new Set(Object.values(principals.names()))
  const isFree = (name: string): boolean => {
    const known = names.idOf(name)
    return known === undefined || equalBytes(known, record.signer)
  }
  let name = freeName(wanted, taken)
  while (!isFree(name)) {
    taken.add(name)
    name = freeName(wanted, taken)
  }
  await principals.introduce(record.signer, name)
  return name
}
