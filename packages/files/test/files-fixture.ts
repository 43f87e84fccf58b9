/** A fresh tree in memory, as a first start makes it: a root principal, a node principal with all rights and a grant. */
import type { CryptoProvider } from '@blocktree/crypto'
import { createNativeProvider } from '@blocktree/crypto/native'
import {
  type BlockStore,
  type CapRecord,
  type Id,
  type Principal,
  type TreeState,
  blockId,
  blockKey,
  createDelivery,
  createEpoch,
  createGrant,
  createHeader,
  createPrincipal,
  createTree,
  createTreeState,
  encodeBirth,
  issueCap,
  noMetadata,
  right,
  rootBirth
} from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import { type Actor, type FileSealer, type Files, createFiles } from '../src/index.ts'

export const crypto: CryptoProvider = createNativeProvider()
export const allRights: number = Object.values(right).reduce((sum, bit) => sum | bit, 0)

export interface Fixture {
  readonly files: Files
  readonly actor: Actor
  readonly tree: TreeState
  readonly store: BlockStore
  readonly root: Principal
  readonly node: Principal
  readonly treeId: Id
  readonly rootBlock: Id
  readonly rootEpoch: { readonly id: Id; readonly key: Uint8Array }
  readonly nodeCap: CapRecord
  readonly clock: { now(): number; set(ms: number): void }
}

export function newPrincipal(): Principal {
  return createPrincipal(crypto, { signSeed: crypto.random.bytes(32), kemSeed: crypto.random.bytes(32) })
}

export function newClock(): Fixture['clock'] {
  let now = 1_800_000_000_000
  return {
    now: () => now++,
    set: (ms) => {
      now = ms
    }
  }
}

export async function newFixture(
  options: {
    readonly public?: boolean
    readonly store?: BlockStore
    readonly limits?: Parameters<typeof createFiles>[0]['limits']
    readonly openSector?: Parameters<typeof createFiles>[0]['openSector']
    readonly sealer?: FileSealer
  } = {}
): Promise<Fixture> {
  const store = options.store ?? createMemoryStore()
  const clock = newClock()
  const root = newPrincipal()
  const node = newPrincipal()
  const tree = await createTreeState({ store, crypto, clock })
  const deps = { crypto, random: crypto.random }
  const treeRecord = createTree(crypto, root, {
    recovery: undefined,
    insecure: false,
    nonce: crypto.random.bytes(16)
  })
  const birth = rootBirth(treeRecord.id, root.id, { public: options.public ?? false })
  const birthBytes = encodeBirth(birth)
  const block = blockId(crypto, birthBytes)
  const nodeCap = issueCap(crypto, root, {
    tree: treeRecord.id,
    rootGeneration: 0,
    subject: node.id,
    scopeType: 0,
    scopeBirth: birthBytes,
    rights: allRights,
    depth: 7,
    notBefore: undefined,
    notAfter: undefined,
    quota: undefined,
    nonce: crypto.random.bytes(16)
  })
  const epoch = createEpoch(deps, root, {
    tree: treeRecord.id,
    zone: block,
    previous: [],
    inherit: undefined,
    cap: undefined
  })
  const header = createHeader(
    deps,
    root,
    {
      birthBytes,
      birth,
      block,
      version: 1,
      prev: [],
      state: 0,
      parent: undefined,
      epoch: options.public === true ? undefined : epoch.record.id,
      keyVersion: 0,
      payload: undefined,
      cap: undefined
    },
    { name: '', metadata: noMetadata, size: 0, rootKey: undefined },
    options.public === true ? undefined : blockKey(crypto, epoch.key, block, 0)
  )
  await tree.commitLocal({ records: [root.record, node.record, treeRecord].map((record) => ({ record })) })
  await tree.commitLocal({ records: [{ record: nodeCap }, { record: header }] })
  if (options.public !== true) {
    await tree.commitLocal({ records: [{ record: epoch.record }] })
    await grantZone({ tree, root }, node, block, { record: epoch.record, key: epoch.key })
  }
  const files = createFiles({
    tree,
    store,
    crypto,
    random: crypto.random,
    clock,
    nameSecret: new Uint8Array(32).fill(7),
    ...(options.limits && { limits: options.limits }),
    ...(options.openSector && { openSector: options.openSector }),
    ...(options.sealer && { sealer: options.sealer })
  })
  return {
    files,
    actor: files.actor(node),
    tree,
    store,
    root,
    node,
    treeId: treeRecord.id,
    rootBlock: block,
    rootEpoch: { id: epoch.record.id, key: epoch.key },
    nodeCap,
    clock
  }
}

/** Grant and delivery of a zone key to a principal, signed by the root. */
export async function grantZone(
  { tree, root }: Pick<Fixture, 'tree' | 'root'>,
  reader: Principal,
  zone: Id,
  epoch: { readonly record: { readonly id: Id }; readonly key: Uint8Array }
): Promise<Id> {
  const treeId = tree.tree
  if (treeId === undefined) throw new Error('no tree')
  const grant = createGrant(crypto, root, {
    tree: treeId,
    targetType: 0,
    target: zone,
    recipientType: 1,
    recipient: reader.id,
    notAfter: undefined,
    cap: undefined,
    nonce: crypto.random.bytes(16)
  })
  const delivery = createDelivery({ crypto, random: crypto.random }, root, {
    grant,
    epoch: epoch.record.id,
    keyVersion: undefined,
    key: epoch.key,
    to: { principal: reader.record },
    cap: undefined
  })
  const isKnown = tree.authority.principal(reader.id) !== undefined
  await tree.commitLocal({
    records: [...(isKnown ? [] : [{ record: reader.record }]), { record: grant }, { record: delivery }]
  })
  return grant.id
}

/** A cap for another principal over a zone or the whole tree, issued by the root. */
export async function giveCap(
  { tree, root, treeId }: Pick<Fixture, 'tree' | 'root' | 'treeId'>,
  subject: Principal,
  zone: Id,
  rights: number,
  interval: { readonly notAfter?: number } = {}
): Promise<CapRecord> {
  const scopeBirth = tree.zoneBirth(zone)
  if (scopeBirth === undefined) throw new Error('not a zone')
  const cap = issueCap(crypto, root, {
    tree: treeId,
    rootGeneration: 0,
    subject: subject.id,
    scopeType: 0,
    scopeBirth,
    rights,
    depth: 3,
    notBefore: undefined,
    notAfter: interval.notAfter,
    quota: undefined,
    nonce: crypto.random.bytes(16)
  })
  const isKnown = tree.authority.principal(subject.id) !== undefined
  await tree.commitLocal({ records: [...(isKnown ? [] : [{ record: subject.record }]), { record: cap }] })
  return cap
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

export function asText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

/** The code of what a call fails with; undefined when it does not fail. */
export async function failure(call: () => unknown): Promise<string | undefined> {
  try {
    await call()
    return undefined
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : `not our error: ${String(error)}`
  }
}

/** Names of a directory in name order. */
export async function names(fixture: Fixture, path: string): Promise<readonly string[]> {
  const page = await fixture.files.list(fixture.actor, path, { order: 'name', limit: 10_000 })
  return page.entries.map((entry) => entry.name)
}
