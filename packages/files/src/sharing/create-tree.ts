/**
 * Genesis of a tree: everything that the root key has to sign, in one atomic batch, so that it can be sealed away at
 * once (MODEL B.2, B.3). The root block is the outermost zone; the node's own principal gets a grant and a cap with
 * every right, and daily work runs under that.
 */
import type { CryptoProvider, Random } from '@blocktree/crypto'
import {
  type CapRecord,
  type EpochRecord,
  type GrantRecord,
  type HeaderRecord,
  type Id,
  type LocalRecord,
  type Principal,
  type TreeRecord,
  type TreeState,
  blockId,
  blockKey,
  blockState,
  createDelivery,
  createEpoch,
  createGrant,
  createHeader,
  createTree as createTreeRecord,
  encodeBirth,
  grantTarget,
  issueCap,
  noMetadata,
  recipientType,
  recoveryCommitment,
  right,
  rootBirth,
  scopeType
} from '@blocktree/tree'

/** Every right there is: what the owner's own node holds. */
export const allRights: number = Object.values(right).reduce((all, bit) => all | bit, 0)
const depthMax = 7

export interface TreeGenesis {
  readonly root: Principal
  /** The principal of this node. */
  readonly node: Principal
  /** Id of the recovery principal, whose key is kept offline; without one a lost root key cannot be replaced. */
  readonly recovery?: Id
  /** Made under a seeded generator: production nodes refuse such a tree. */
  readonly insecure?: boolean
  /** No keys at all: everybody who holds the records reads. */
  readonly public?: boolean
}

export interface NewTree {
  readonly tree: TreeRecord
  readonly rootBlock: Id
  readonly rootHeader: HeaderRecord
  /** undefined in a public tree. */
  readonly epoch: EpochRecord | undefined
  /** The cap of the node: every right over the whole tree. */
  readonly nodeCap: CapRecord
  readonly nodeGrant: GrantRecord | undefined
  /** In the order in which they rest on each other. */
  readonly records: readonly LocalRecord[]
}

interface Deps {
  readonly crypto: CryptoProvider
  readonly random: Random
}

/** Signs the genesis and commits it as one batch. */
export async function createTree(
  deps: Deps & { readonly tree: TreeState },
  genesis: TreeGenesis
): Promise<NewTree> {
  const made = signGenesis(deps, genesis)
  await deps.tree.commitLocal({ records: made.records }, { durability: 'each' })
  return made
}

/** The records alone, for callers that commit them together with facts of their own. */
export function signGenesis(deps: Deps, genesis: TreeGenesis): NewTree {
  const { crypto, random } = deps
  const { root, node, recovery } = genesis
  const tree = createTreeRecord(crypto, root, {
    recovery: recovery && recoveryCommitment(crypto, recovery),
    insecure: genesis.insecure ?? false,
    nonce: random.bytes(16)
  })
  const birth = rootBirth(tree.id, root.id, { public: genesis.public ?? false })
  const birthBytes = encodeBirth(birth)
  const rootBlock = blockId(crypto, birthBytes)
  const isPublic = birth.public
  const zone = isPublic
    ? undefined
    : createEpoch(deps, root, {
        tree: tree.id,
        zone: rootBlock,
        previous: [],
        inherit: undefined,
        cap: undefined
      })
  const rootHeader = createHeader(
    deps,
    root,
    {
      birthBytes,
      birth,
      block: rootBlock,
      version: 1,
      prev: [],
      state: blockState.live,
      parent: undefined,
      epoch: zone?.record.id,
      keyVersion: 0,
      payload: undefined,
      cap: undefined
    },
    { name: '', metadata: noMetadata, size: 0, rootKey: undefined, ext: [] },
    zone && blockKey(crypto, zone.key, rootBlock, 0)
  )
  const nodeCap = issueCap(crypto, root, {
    tree: tree.id,
    rootGeneration: 0,
    subject: node.id,
    scopeType: scopeType.zone,
    scopeBirth: birthBytes,
    rights: allRights,
    depth: depthMax,
    notBefore: undefined,
    notAfter: undefined,
    quota: undefined,
    nonce: random.bytes(16)
  })
  const shares =
    zone === undefined ? [] : [root, node].map((reader) => shareRoot(deps, genesis, tree, zone, reader))
  zone?.key.fill(0)
  const records = [
    root.record,
    node.record,
    tree,
    rootHeader,
    nodeCap,
    ...(zone === undefined ? [] : [zone.record]),
    ...shares.flatMap(({ grant, delivery }) => [grant, delivery])
  ]
  return {
    tree,
    rootBlock,
    rootHeader,
    epoch: zone?.record,
    nodeCap,
    nodeGrant: shares[1]?.grant,
    records: records.map((record) => ({ record }))
  }
}

function shareRoot(
  deps: Deps,
  { root }: TreeGenesis,
  tree: TreeRecord,
  zone: { readonly record: EpochRecord; readonly key: Uint8Array },
  reader: Principal
): { readonly grant: GrantRecord; readonly delivery: ReturnType<typeof createDelivery> } {
  const grant = createGrant(deps.crypto, root, {
    tree: tree.id,
    targetType: grantTarget.zone,
    target: zone.record.body.zone,
    recipientType: recipientType.principal,
    recipient: reader.id,
    notAfter: undefined,
    cap: undefined,
    nonce: deps.random.bytes(16)
  })
  const delivery = createDelivery(deps, root, {
    grant,
    epoch: zone.record.id,
    keyVersion: undefined,
    key: zone.key,
    to: { principal: reader.record },
    cap: undefined
  })
  return { grant, delivery }
}
