/**
 * Which nodes keep the content below a directory (doc/spec/28-sync.md, section 7): an extension of the public part of a
 * directory's header, so it is signed, versioned and read by hosts that hold no keys; and, in a node's own endpoint, that
 * it keeps nothing for others. Neither says anything about what is valid: a host that does not know them keeps all.
 */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import type { EndpointRecord, Extension, HeaderRecord, Id } from './records.ts'
import { blockKind } from './records.ts'
import type { TreeState } from './tree-state.ts'

/** Every member; so many of them; or whoever wrote or read it. */
export type KeepPolicy =
  | { readonly kind: 'all' }
  | { readonly kind: 'copies'; readonly copies: number }
  | { readonly kind: 'on demand' }

/** Codes of extensions in the public part of a header, and in an endpoint. */
const headerExtension = { keepPolicy: 1 } as const
const endpointExtension = { keepsOnDemand: 1 } as const

/** More would be all in any tree that people have. */
export const copiesMax = 255
const format = 1
const kinds = ['all', 'copies', 'on demand'] as const

/** The extensions of the next version of a directory: others that it has stay. @param policy undefined takes it away */
export function withKeepPolicy(
  extensions: readonly Extension[],
  policy: KeepPolicy | undefined
): readonly Extension[] {
  const code = headerExtension.keepPolicy
  const others = extensions.filter((extension) => extension.code !== code)
  if (policy === undefined) return others
  const own: Extension = { code, critical: false, bytes: encodeKeepPolicy(policy) }
  return [...others, own].toSorted((left, right) => left.code - right.code)
}

/** What the header of a directory says for what is below it; undefined when it says nothing that is understood here. */
export function keepPolicyOf({ body }: HeaderRecord): KeepPolicy | undefined {
  if (body.birth.kind !== blockKind.directory) return undefined
  const extension = body.ext.find(({ code }) => code === headerExtension.keepPolicy)
  return extension === undefined ? undefined : decodeKeepPolicy(extension.bytes)
}

const depthMax = 256 // directories around a block, as for the resolution of paths (MODEL B.9)

/** What holds below a directory, and which one says so. */
export interface KeepPolicyInForce {
  readonly policy: KeepPolicy
  /** undefined: nobody says anything, so all nodes keep it. */
  readonly from: Id | undefined
}

/**
 * The policy of the nearest directory that has one, from this one up to the root.
 * @returns undefined while the header of one of them is not held: what would hold is not known yet
 */
export function keepPolicyInForce(
  tree: Pick<TreeState, 'blockState'>,
  directory: Id
): KeepPolicyInForce | undefined {
  let at: Id | undefined = directory
  for (let depth = 0; at !== undefined && depth < depthMax; depth++) {
    const state = tree.blockState(at)
    if (state?.winner === undefined) return undefined
    const policy = keepPolicyOf(state.winner)
    if (policy !== undefined) return { policy, from: at }
    at = state.shownParent
  }
  return { policy: { kind: 'all' }, from: undefined }
}

/** The extensions of the endpoint of a node that keeps what it wrote and read, and nothing for others. */
export function onDemandEndpoint(): readonly Extension[] {
  return [{ code: endpointExtension.keepsOnDemand, critical: false, bytes: new Uint8Array(0) }]
}

export function keepsOnDemand({ body }: Pick<EndpointRecord, 'body'>): boolean {
  return body.ext.some(({ code }) => code === endpointExtension.keepsOnDemand)
}

function encodeKeepPolicy(policy: KeepPolicy): Uint8Array {
  const copies = policy.kind === 'copies' ? policy.copies : 0
  if (policy.kind === 'copies' && !(copies >= 1 && copies <= copiesMax))
    throw new RangeError(`${copies} copies are not from 1 to ${copiesMax}`)
  return new CanonicalWriter(8).array(3).uint(format).uint(kinds.indexOf(policy.kind)).uint(copies).finish()
}

function decodeKeepPolicy(bytes: Uint8Array): KeepPolicy | undefined {
  try {
    const reader = new CanonicalReader(bytes)
    reader.arrayOf(3)
    reader.uint(format, format)
    const kind = kinds[reader.uint(kinds.length - 1)] ?? 'all'
    const copies = reader.uint(kind === 'copies' ? copiesMax : 0, kind === 'copies' ? 1 : 0)
    reader.end()
    return kind === 'copies' ? { kind, copies } : { kind }
  } catch {
    return undefined // of a later version, or nonsense: the directory above decides
  }
}
