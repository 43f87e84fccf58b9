/**
 * File operations without RPC: creates of 4 KiB a second with 64 in flight, get by a path four levels deep, listing of
 * 100,000 entries in pages. `node --conditions=source bench/files-create.ts [count] [disk]`; memory store, or the real
 * one in a temporary directory.
 */
import { createNativeProvider } from '@blocktree/crypto/native'
import { type Actor, type Files, buildFileRecords, createFiles } from '@blocktree/files'
import {
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
  rootBirth
} from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import { createStore, nodeDrivers } from '@blocktree/store'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const count = Number(process.argv[2] ?? 100_000)
const crypto = createNativeProvider()
const { random } = crypto
const directory = process.argv[3] === 'disk' ? await mkdtemp(join(tmpdir(), 'blocktree-bench-')) : undefined
const nameSecret = random.bytes(32)

async function start(): Promise<{ files: Files; actor: Actor }> {
  const store = directory === undefined ? createMemoryStore() : await createStore(nodeDrivers(directory))
  const clock = { now: (): number => Date.now() }
  const principal = createPrincipal(crypto, { signSeed: random.bytes(32), kemSeed: random.bytes(32) })
  const node = createPrincipal(crypto, { signSeed: random.bytes(32), kemSeed: random.bytes(32) })
  const realGet = store.index.get.bind(store.index)
  const g = globalThis as unknown as { gets: Record<string, number> }
  g.gets = {}
  store.index.get = (key: Uint8Array) => {
    const v = realGet(key)
    const k = String.fromCharCode(key[0] ?? 0) + (v === undefined ? '-' : '+')
    g.gets[k] = (g.gets[k] ?? 0) + 1
    return v
  }
  const tree = await createTreeState({ store, crypto, clock })
  const record = createTree(crypto, principal, {
    recovery: undefined,
    insecure: false,
    nonce: random.bytes(16)
  })
  const birth = rootBirth(record.id, principal.id)
  const birthBytes = encodeBirth(birth)
  const block = blockId(crypto, birthBytes)
  const cap = issueCap(crypto, principal, {
    tree: record.id,
    rootGeneration: 0,
    subject: node.id,
    scopeType: 0,
    scopeBirth: birthBytes,
    rights: 255,
    depth: 7,
    notBefore: undefined,
    notAfter: undefined,
    quota: undefined,
    nonce: random.bytes(16)
  })
  const deps = { crypto, random }
  const epoch = createEpoch(deps, principal, {
    tree: record.id,
    zone: block,
    previous: [],
    inherit: undefined,
    cap: undefined
  })
  const header = createHeader(
    deps,
    principal,
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
  const grant = createGrant(crypto, principal, {
    tree: record.id,
    targetType: 0,
    target: block,
    recipientType: 1,
    recipient: node.id,
    notAfter: undefined,
    cap: undefined,
    nonce: random.bytes(16)
  })
  const delivery = createDelivery(deps, principal, {
    grant,
    epoch: epoch.record.id,
    keyVersion: undefined,
    key: epoch.key,
    to: { principal: node.record },
    cap: undefined
  })
  const records = [principal.record, node.record, record, cap, header, epoch.record, grant, delivery]
  for (const each of records) await tree.commitLocal({ records: [{ record: each }] })
  const files = createFiles({ tree, store, crypto, random, clock, nameSecret })
  return { files, actor: files.actor(node) }
}

function print(name: string, value: string): void {
  process.stdout.write(`${name.padEnd(44)} ${value}\n`)
}

function cpuUs(): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

async function creates(files: Files, actor: Actor): Promise<void> {
  const bytes = random.bytes(4096)
  const startMs = performance.now()
  const cpuStart = process.threadCpuUsage()
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) await files.create(actor, `/bench/a/b/file-${next++}.dat`, bytes)
  }
  await Promise.all(Array.from({ length: 64 }, () => worker()))
  const seconds = (performance.now() - startMs) / 1000
  const cpu = process.threadCpuUsage(cpuStart)
  const each = ((cpu.user + cpu.system) / count).toFixed(1)
  print(
    `create 4 KiB, 64 in flight, ${count}`,
    `${Math.round(count / seconds)} /s, main thread ${each} us each`
  )
}

async function prepared(files: Files, actor: Actor): Promise<void> {
  const target = files.bulkTarget(actor, '/bench/bulk')
  const bytes = random.bytes(4096)
  const total = Math.min(count, 20_000)
  const startUs = cpuUs()
  const built = Array.from({ length: total }, (_, index) =>
    buildFileRecords({ crypto, random }, actor.signer, nameSecret, target, {
      name: `f${index}`,
      metadata: noMetadata,
      kind: 'file',
      bytes,
      sectorLog2: 17
    })
  )
  const builtUs = cpuUs()
  for (let from = 0; from < total; from += 512) {
    await files.commitPrepared(actor, target, built.slice(from, from + 512))
  }
  const endUs = cpuUs()
  print('build a file for a batch (worker part)', `${((builtUs - startUs) / total).toFixed(1)} us`)
  print('commit a prepared file (main thread part)', `${((endUs - builtUs) / total).toFixed(1)} us`)
}

function gets(files: Files, actor: Actor): void {
  const times: number[] = []
  for (let round = 0; round < 20_000; round++) {
    const path = `/bench/a/b/file-${Math.floor(Math.random() * count)}.dat`
    const startMs = performance.now()
    files.read(actor, path)
    times.push(performance.now() - startMs)
  }
  times.sort((left, right) => left - right)
  const at = (share: number): string =>
    `${((times[Math.floor(times.length * share)] ?? 0) * 1000).toFixed(0)} us`
  print('get by path, four levels', `p50 ${at(0.5)}, p99 ${at(0.99)}`)
}

async function list(files: Files, actor: Actor): Promise<void> {
  for (const order of ['id', 'name'] as const) {
    let peak = 0
    let before = Infinity
    let cursor: string | undefined
    let seen = 0
    let us = 0
    do {
      const startUs = cpuUs()
      const page = await files.list(actor, '/bench/a/b', {
        order,
        limit: 1000,
        ...(cursor === undefined ? {} : { cursor })
      })
      us += cpuUs() - startUs
      seen += page.entries.length
      cursor = page.cursor
      if (seen % 10_000 === 0) {
        globalThis.gc?.()
        const now = process.memoryUsage()
        before = Math.min(before, now.heapUsed + now.arrayBuffers)
        peak = Math.max(peak, now.heapUsed + now.arrayBuffers)
      }
    } while (cursor !== undefined)
    const rise = `${((peak - before) / 2 ** 20).toFixed(1)} MiB between the pages`
    print(`list ${seen} by ${order} in pages of 1,000`, `${(us / seen).toFixed(1)} us an entry, ${rise}`)
  }
}

const { files, actor } = await start()
await files.makeDirectory(actor, '/bench/a/b', { parents: true })
await files.makeDirectory(actor, '/bench/bulk')
await creates(files, actor)
console.log((globalThis as unknown as { gets: unknown }).gets)

await files.context.store.close()
if (directory !== undefined) await rm(directory, { recursive: true, force: true })
