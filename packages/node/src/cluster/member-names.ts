/**
 * What nodes are called, the same on every node: each says its name in its endpoint, which it signs and which comes to
 * all with the tree (doc/spec/27-cluster.md, section 4). A name is a claim: one that two nodes say, that a person gave to
 * somebody else here or that means something else is shown with the end of the id behind it. Names that a person gave
 * (see ../principal-directory.ts) are for everybody who says none.
 */
import { hostname } from 'node:os'
import { equalBytes, formatId } from '@blocktree/codec'
import { type BlockStore, type EndpointRecord, type Id, nameOfEndpoint } from '@blocktree/tree'
import type { HeldTree } from '../hosted-trees.ts'
import { NodeError } from '../node-error.ts'
import type { PrincipalDirectory } from '../principal-directory.ts'
import type { NodeStanding } from './node-standing.ts'

const rowKey: Uint8Array = new TextEncoder().encode('node/own-name')
const rowEnd: Uint8Array = new TextEncoder().encode('node/own-namf')
/** They mean something else where principals are named. */
const reserved = /^(node|root|former-root-.*|app-.*)$/

export interface MemberNames {
  /** What this node calls itself. */
  readonly own: string
  /** @throws ERR_PRINCIPAL_NAME */
  rename(name: string): Promise<void>
  /** What everybody is called now; the given name or the text of the id of who is no node. */
  current(): (id: Id) => string
  /** The node that is called so, as `current` shows it. */
  idOf(text: string): Id | undefined
  /** Endpoints that came otherwise than with a tree. */
  attach(endpointOf: (id: Id) => EndpointRecord | undefined): void
}

export interface MemberNamesDeps {
  readonly store: BlockStore
  readonly principals: Pick<PrincipalDirectory, 'node' | 'names' | 'nameOf'>
  readonly standing: NodeStanding
}

/** The row that keeps what a node calls itself. */
export function ownNameRow(name: string): { readonly key: Uint8Array; readonly value: Uint8Array } {
  return { key: rowKey, value: new TextEncoder().encode(name) }
}

export async function openMemberNames(deps: MemberNamesDeps): Promise<MemberNames> {
  for await (const [, value] of deps.store.local.range({ from: rowKey, to: rowEnd, limit: 1 }))
    return new Names(deps, new TextDecoder().decode(value))
  return new Names(deps, freeName(hostname(), new Set()))
}

class Names implements MemberNames {
  readonly #deps: MemberNamesDeps
  #own: string
  #endpointOf: (id: Id) => EndpointRecord | undefined = () => undefined

  constructor(deps: MemberNamesDeps, own: string) {
    this.#deps = deps
    this.#own = own
  }

  get own(): string {
    return this.#own
  }

  attach(endpointOf: (id: Id) => EndpointRecord | undefined): void {
    this.#endpointOf = endpointOf
  }

  async rename(name: string): Promise<void> {
    if (reserved.test(name) || freeName(name, new Set()) !== name)
      throw new NodeError(
        'ERR_PRINCIPAL_NAME',
        `"${name}" is not a name for a node; use 1 to 50 of a-z 0-9 - _`
      )
    await this.#deps.store.commit({ local: [ownNameRow(name)] })
    this.#own = name
  }

  current(): (id: Id) => string {
    const shown = this.#shown()
    return (id) => shown.get(formatId(id)) ?? this.#deps.principals.nameOf(id)
  }

  idOf(text: string): Id | undefined {
    const claims = this.#claims()
    return claims.find(({ id, name }) => this.#shownAs(id, name, claims) === text)?.id
  }

  #shown(): ReadonlyMap<string, string> {
    const claims = this.#claims()
    return new Map(claims.map(({ id, name }) => [formatId(id), this.#shownAs(id, name, claims)]))
  }

  #shownAs(id: Id, name: string, claims: readonly Claim[]): string {
    const text = formatId(id)
    const isOwn = claims.some((claim) => claim.isOwn && equalBytes(claim.id, id))
    const rivals = claims.filter((claim) => claim.name === name && !equalBytes(claim.id, id))
    const isGiven = Object.entries(this.#deps.principals.names()).some(
      ([other, given]) => given === name && other !== text
    )
    const isAlone = isOwn ? !rivals.some((rival) => rival.isOwn) : rivals.length === 0
    return isAlone && !isGiven && !reserved.test(name) ? name : `${name}~${text.slice(-4)}`
  }

  /** Nodes of the own tree go before those of others. */
  #claims(): readonly Claim[] {
    const { principals, standing } = this.#deps
    const self = principals.node.id
    const claims = new Map<string, Claim>([[self.toHex(), { id: self, name: this.#own, isOwn: true }]])
    for (const held of standing.trees())
      for (const id of standing.of(held).members()) {
        const name = claims.has(id.toHex()) ? undefined : this.#claimOf(held, id)
        if (name !== undefined) claims.set(id.toHex(), { id, name, isOwn: held.isOwn })
      }
    return [...claims.values()]
  }

  #claimOf({ tree }: HeldTree, id: Id): string | undefined {
    const heard = this.#endpointOf(id)
    const all = [...tree.authority.endpointsOf(id), ...(heard === undefined ? [] : [heard])]
    const [newest] = all.toSorted((left, right) => right.body.sequence - left.body.sequence)
    return newest === undefined ? undefined : nameOfEndpoint(newest.body)
  }
}

interface Claim {
  readonly id: Id
  readonly name: string
  readonly isOwn: boolean
}

function usableName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[-_]+/, '')
  return name.slice(0, 50) || 'box'
}

/** As a name of a principal has to be, and not among those. */
export function freeName(wanted: string, taken: ReadonlySet<string>): string {
  const stem = usableName(wanted)
  let name = stem
  for (let number = 2; taken.has(name) || name === 'node' || name === 'root'; number++)
    name = `${stem}-${number}`
  return name
}
