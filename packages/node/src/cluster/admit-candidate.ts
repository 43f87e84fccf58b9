/** Letting a candidate in: a cap with `host` and the grant to read, in the name of this node, packed for the new one. */
import type { AddressBook, Candidate } from '@blocktree/cluster'
import { type Actor, resolveDirectory } from '@blocktree/files'
import { type EndpointRecord, type PrincipalRecord, right } from '@blocktree/tree'
import type { HeldTree } from '../hosted-trees.ts'
import type { PrincipalDirectory } from '../principal-directory.ts'
import { encodeJoinPackage } from './join-package.ts'

/** Further delegations below a member that may delegate: it can let nodes and apps in as this one does. */
const delegationDepth = 4

export interface AdmissionDeps {
  readonly held: HeldTree
  readonly principals: PrincipalDirectory
  readonly book: AddressBook
  readonly endpoint: () => EndpointRecord
}

/** @throws ERR_ACCESS_DENIED when this node may not give what the invitation says */
export async function admitCandidate(
  deps: AdmissionDeps,
  actor: Actor,
  candidate: Candidate
): Promise<Uint8Array> {
  const { held, principals } = deps
  const { path, read, rights, name } = candidate.invitation
  const request = held.sharing.parseAccessRequest(candidate.line)
  const { line } = await held.sharing.approveAccess(actor, request, {
    path,
    read,
    rights,
    depth: (rights & right.delegate) === 0 ? 0 : delegationDepth
  })
  await nameOf(principals, request.principal, name === '' ? candidate.claimedName : name)
  const { rootBlock } = held.tree
  const rootHeader = rootBlock && held.tree.blockState(rootBlock)?.winner
  return encodeJoinPackage({
    line,
    headers: rootHeader === undefined ? [] : [rootHeader.bytes],
    endpoints: [[actor.principal.record.bytes, deps.endpoint().bytes], ...memberEndpoints(deps.book)]
  })
}

/** Throws when no directory is there: a code for nothing would be found out too late. */
export function expectDirectory({ files }: HeldTree, actor: Actor, path: string): void {
  resolveDirectory(files.context, actor, path)
}

const endpointsMax = 32

function memberEndpoints(book: AddressBook): readonly (readonly [Uint8Array, Uint8Array])[] {
  return book
    .entries()
    .flatMap(({ principal, endpoint }) =>
      endpoint === undefined ? [] : [[principal.bytes, endpoint.bytes] as const]
    )
    .slice(0, endpointsMax)
}

/** The name that was chosen, or claimed, with a number behind it when it is taken. */
async function nameOf(
  principals: PrincipalDirectory,
  record: PrincipalRecord,
  wanted: string
): Promise<void> {
  const stem =
    wanted
      .toLowerCase()
      .replace(/[^a-z0-9_-]+/g, '-')
      .replace(/^[-_]+/, '')
      .slice(0, 50) || 'box'
  const names = principals.names()
  const taken = new Set(Object.values(names))
  let name = stem
  for (let number = 2; taken.has(name) || name === 'node' || name === 'root'; number++)
    name = `${stem}-${number}`
  await principals.introduce(record.signer, name)
}
