/** A tree over a real store in a temporary directory, with transfers, as a node composes them. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CryptoProvider } from '@blocktree/crypto'
import { createNativeProvider } from '@blocktree/crypto/native'
import { type Actor, type FileSealer, type Files, createFiles } from '@blocktree/files'
import { type DiskStore, createStore, nodeDrivers, openStore } from '@blocktree/store'
import {
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
import { type Transfer, createTransfer } from '../../src/transfer/transfer.ts'
import { createTreeReindex } from '../../src/tree-reindex.ts'

export const crypto: CryptoProvider = createNativeProvider()
const allRights: number = Object.values(right).reduce((sum, bit) => sum | bit, 0)
const clock = { now: (): number => Date.now() }
const nameSecret: Uint8Array = new Uint8Array(32).fill(7)

export interface TransferFixture extends AsyncDisposable {
  /** Scratch room, removed at the end. */
  readonly directory: string
  readonly store: DiskStore
  readonly tree: TreeState
  readonly files: Files
  readonly actor: Actor
  readonly node: Principal
  readonly transfer: Transfer
  /** Closes everything but the directory. */
  close(): Promise<void>
}

export function newPrincipal(): Principal {
  return createPrincipal(crypto, { signSeed: crypto.random.bytes(32), kemSeed: crypto.random.bytes(32) })
}

export interface FixtureOptions {
  /** Where to make the scratch directory. */
  readonly root?: string
  /** Its name; a fresh one when absent. */
  readonly name?: string
  readonly workers?: number
  /** Leave the node's seeds in it, for `openTransferFixture`. */
  readonly keepKey?: boolean
}

export async function newTransferFixture(options: FixtureOptions = {}): Promise<TransferFixture> {
  const { root = tmpdir(), name } = options
  const directory = name === undefined ? await mkdtemp(join(root, 'blocktree-transfer-')) : join(root, name)
  mkdirSync(directory, { recursive: true })
  const storeDirectory = join(directory, 'store')
  mkdirSync(storeDirectory)
  const store = await createStore(nodeDrivers(storeDirectory), {
    reindex: createTreeReindex({ crypto, clock })
  })
  const secret = { signSeed: crypto.random.bytes(32), kemSeed: crypto.random.bytes(32) }
  const node = createPrincipal(crypto, secret)
  if (options.keepKey === true)
    writeFileSync(join(directory, 'seeds'), Buffer.concat([secret.signSeed, secret.kemSeed]))
  const tree = await createTreeState({ store, crypto, clock })
  await makeTree(tree, node)
  return compose({ directory, storeDirectory, store, tree, node, workers: options.workers })
}

/** Opens a fixture whose process was killed; made with `keepKey`. */
export async function openTransferFixture(directory: string): Promise<TransferFixture> {
  const seeds = new Uint8Array(readFileSync(join(directory, 'seeds')))
  const node = createPrincipal(crypto, { signSeed: seeds.slice(0, 32), kemSeed: seeds.slice(32) })
  const storeDirectory = join(directory, 'store')
  const store = await openStore(nodeDrivers(storeDirectory), {
    reindex: createTreeReindex({ crypto, clock })
  })
  const tree = await createTreeState({ store, crypto, clock })
  return compose({ directory, storeDirectory, store, tree, node, workers: undefined })
}

function compose(parts: {
  readonly directory: string
  readonly storeDirectory: string
  readonly store: DiskStore
  readonly tree: TreeState
  readonly node: Principal
  readonly workers: number | undefined
}): TransferFixture {
  const { directory, storeDirectory, store, tree, node, workers } = parts
  const sealer: FileSealer = { seal: (actor, batch) => transfer.sealer.seal(actor, batch) }
  const files = createFiles({ tree, store, crypto, random: crypto.random, clock, nameSecret, sealer })
  const transfer = createTransfer({
    files,
    store,
    storeDirectory,
    nameSecret,
    ...(workers === undefined ? {} : { workers })
  })
  const close = async (): Promise<void> => {
    await transfer.close()
    await tree.settled()
    files.close()
    tree.close()
    await store.close()
  }
  return {
    directory,
    store,
    tree,
    files,
    actor: files.actor(node),
    node,
    transfer,
    close,
    [Symbol.asyncDispose]: async () => {
      await close()
      rmSync(directory, { recursive: true, force: true })
    }
  }
}

/** What a first start signs: tree, all-rights cap, root block, its first epoch, and the grant of the node. */
async function makeTree(tree: TreeState, node: Principal): Promise<void> {
  const root = newPrincipal()
  const deps = { crypto, random: crypto.random }
  const record = createTree(crypto, root, {
    recovery: undefined,
    insecure: false,
    nonce: crypto.random.bytes(16)
  })
  const birth = rootBirth(record.id, root.id, { public: false })
  const birthBytes = encodeBirth(birth)
  const block = blockId(crypto, birthBytes)
  const cap = issueCap(crypto, root, {
    tree: record.id,
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
    tree: record.id,
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
      epoch: epoch.record.id,
      keyVersion: 0,
      payload: undefined,
      cap: undefined
    },
    { name: '', metadata: noMetadata, size: 0, rootKey: undefined },
    blockKey(crypto, epoch.key, block, 0)
  )
  await tree.commitLocal({ records: [root.record, node.record, record].map((each) => ({ record: each })) })
  await tree.commitLocal({ records: [{ record: cap }, { record: header }, { record: epoch.record }] })
  await grantZone(tree, root, node, block, epoch)
}

async function grantZone(
  tree: TreeState,
  root: Principal,
  recipient: Principal,
  zone: Id,
  epoch: ReturnType<typeof createEpoch>
): Promise<void> {
  const treeId = tree.tree
  if (treeId === undefined) throw new Error('the tree was made before')
  const grant = createGrant(crypto, root, {
    tree: treeId,
    targetType: 0,
    target: zone,
    recipientType: 1,
    recipient: recipient.id,
    notAfter: undefined,
    cap: undefined,
    nonce: crypto.random.bytes(16)
  })
  const delivery = createDelivery({ crypto, random: crypto.random }, root, {
    grant,
    epoch: epoch.record.id,
    keyVersion: undefined,
    key: epoch.key,
    to: { principal: recipient.record },
    cap: undefined
  })
  await tree.commitLocal({ records: [{ record: grant }, { record: delivery }] })
}
