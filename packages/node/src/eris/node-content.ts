/**
 * Content by URN on this node. What was published lies in a store of its own and stays until it is unpublished; what was
 * fetched from others lies in a cache with a limit; what neither has is asked of connected nodes, then of the stores in the
 * settings. Listeners and this node, when a peer asks, answer from both stores and take nothing.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chooseBlockKernel, createBlockWorkers } from '@blocktree/crypto/native-block-kernel'
import {
  type Block,
  type BlockStore,
  type OpeningOptions,
  type ReadCapability,
  type ReferenceKey,
  beginsTreeIndex,
  blocksOf,
  formatUrn,
  openTree,
  parseUrn,
  putBlocks,
  readWhole,
  referenceKey
} from '@blocktree/eris'
import {
  type BlockServer,
  type FallbackMember,
  createBoundedStore,
  createFallbackStore,
  createRestrictedStore,
  openBlockStore,
  openSqliteStore,
  startBlockServer
} from '@blocktree/eris-store'
import type { NodeParts } from '../create-node.ts'
import { NodeError, reasonOf } from '../node-error.ts'
import { contentFolder, publishedName } from './has-content.ts'
import { createPeerStore } from './peer-store.ts'
import { type Publication, readPublications, writePublications } from './publications.ts'

export interface EncodedForPublication {
  readonly capability: ReadCapability
  readonly kind: Publication['kind']
  readonly contentBytes: number
}

export interface NodeContent {
  /** Reading from what is published, the cache, connected nodes and the stores of others, in this order. */
  reading(signal?: AbortSignal): OpeningOptions
  readonly publications: readonly Publication[]
  /** Blocks of what is published, for backups. Not to be closed. */
  readonly published: BlockStore
  /** What is published and what the cache holds: what peers may be answered from. Not to be closed. */
  readonly held: BlockStore
  /** Where blocks are answered. */
  readonly urls: readonly string[]
  /** @param encode writes blocks through `put`; when it fails, those it has written go again */
  publish(
    path: string,
    encode: (put: (blocks: readonly Block[]) => Promise<void>) => Promise<EncodedForPublication>
  ): Promise<Publication>
  /** Takes what a backup holds, beside what is published already. @param take writes blocks through `put` */
  adopt(
    take: (put: (blocks: readonly Block[]) => Promise<void>) => Promise<readonly Publication[]>
  ): Promise<void>
  /** @returns how many blocks went; those of other publications stay. @throws ERR_CONTENT_UNKNOWN */
  unpublish(urn: string): Promise<number>
  isTree(reading: OpeningOptions, capability: ReadCapability): Promise<boolean>
  close(): Promise<void>
}

const askMs = 15_000 // one request to a store of somebody else

export async function openNodeContent(parts: NodeParts): Promise<NodeContent> {
  const { directory, configuration, log } = parts
  const place = join(directory.path, contentFolder)
  mkdirSync(place, { recursive: true, mode: 0o700 })
  const publications = readPublications(place)
  const publishedFile = join(place, publishedName)
  const cacheFile = join(place, 'cache.sqlite')
  const published = await openSqliteStore(publishedFile)
  const cache = await openSqliteStore(cacheFile, { bytesMax: configuration.eris.cacheBytes })
  const onFailure = ({ name }: BlockStore, error: unknown): void =>
    log.warn('a store of blocks failed', { store: name, reason: String(error) })
  const kept = createBoundedStore(cache, { bytesMax: configuration.eris.cacheBytes })
  const others: FallbackMember[] = [{ store: kept, isCache: true }, { store: openPeers(parts) }]
  for (const url of configuration.eris.stores?.split(/\s+/u) ?? []) {
    others.push({ store: await openBlockStore(url, { timeoutMs: askMs }) })
  }
  // What is published is not kept a second time in the cache; what the others give, they have checked themselves.
  const fromOthers = createFallbackStore(others, { onFailure })
  const store = createFallbackStore([{ store: published }, { store: fromOthers, isTrusted: true }], {
    name: 'this node and its stores',
    onFailure
  })
  const server = await listen(parts, [publishedFile, cacheFile])
  const own = createFallbackStore([{ store: published }, { store: kept }], { onFailure })
  const held = createRestrictedStore(own, { permissions: readOnly, name: 'blocks of this node' })
  return new Content({ place, published, held, store, server, publications, now: () => parts.clock.now() })
}

const readOnly = { get: true, put: false, drop: false, list: false } as const

/** Members, and other peers that have a right here: strangers are not told what is looked for. */
function openPeers({ cluster, standing, clock, log }: NodeParts): BlockStore {
  return createPeerStore({
    kernel: chooseBlockKernel(),
    now: () => clock.now(),
    connections: async () => {
      const peers = (await cluster.loaded())?.directory.peers() ?? []
      return peers
        .filter(({ principal }) => standing.standingOf(principal) !== 'stranger')
        .map(({ connection }) => connection)
    },
    onFailure: (_, error) => log.debug('a node gave no blocks', { reason: reasonOf(error) })
  })
}

async function listen(
  { configuration, log }: NodeParts,
  files: readonly string[]
): Promise<BlockServer | undefined> {
  const addresses = configuration.eris.listen?.split(/\s+/u) ?? []
  if (addresses.length === 0) return undefined
  return await startBlockServer({
    listen: addresses,
    stores: files.map((file) => `${pathToFileURL(file).href.replace(/^file:/u, 'sqlite:')}?get`),
    log: ({ level, event, ...details }) =>
      log[level === 'warn' ? 'warn' : 'debug'](`blocks: ${event}`, details)
  })
}

interface ContentState {
  readonly place: string
  readonly published: BlockStore
  readonly held: BlockStore
  readonly store: BlockStore
  readonly server: BlockServer | undefined
  readonly publications: Publication[]
  readonly now: () => number
}

class Content implements NodeContent {
  readonly #state: ContentState
  #publications: readonly Publication[]
  readonly #kernel = chooseBlockKernel()
  readonly #workers = createBlockWorkers()
  /** Publishing and unpublishing take turns: a sweep must not meet half of a publication. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(state: ContentState) {
    this.#state = state
    this.#publications = state.publications
  }

  get publications(): readonly Publication[] {
    return this.#publications
  }

  get published(): BlockStore {
    return this.#state.published
  }

  get held(): BlockStore {
    return this.#state.held
  }

  get urls(): readonly string[] {
    return this.#state.server?.urls ?? []
  }

  reading(signal?: AbortSignal): OpeningOptions {
    return { kernel: this.#kernel, workers: this.#workers, store: this.#state.store, signal }
  }

  async isTree(reading: OpeningOptions, capability: ReadCapability): Promise<boolean> {
    return beginsTreeIndex(await readWhole({ ...reading, workers: undefined }, capability, 16, { end: 16 }))
  }

  publish: NodeContent['publish'] = (path, encode) =>
    this.#inTurn(async () => {
      const { published, place, now } = this.#state
      let encoded: EncodedForPublication
      try {
        encoded = await encode((blocks) => putBlocks(published, blocks))
      } catch (error) {
        await this.#sweep().catch(() => undefined) // the next one drops what is left; what counts is the first failure
        throw error
      }
      const { capability, kind, contentBytes } = encoded
      const publication: Publication = {
        urn: formatUrn(capability),
        path,
        kind,
        contentBytes,
        publishedMs: now()
      }
      const others = this.#publications.filter(({ urn }) => urn !== publication.urn)
      writePublications(place, [...others, publication])
      this.#publications = [...others, publication]
      return publication
    })

  adopt: NodeContent['adopt'] = (take) =>
    this.#inTurn(async () => {
      const { published, place } = this.#state
      let adopted: readonly Publication[]
      try {
        adopted = await take((blocks) => putBlocks(published, blocks))
      } catch (error) {
        await this.#sweep()
        throw error
      }
      const held = new Set(this.#publications.map(({ urn }) => urn))
      const all = [...this.#publications, ...adopted.filter(({ urn }) => !held.has(urn))]
      writePublications(place, all)
      this.#publications = all
    })

  unpublish(urn: string): Promise<number> {
    return this.#inTurn(async () => {
      const left = this.#publications.filter((publication) => publication.urn !== urn)
      if (left.length === this.#publications.length) {
        throw new NodeError(
          'ERR_CONTENT_UNKNOWN',
          `"${urn.slice(0, 20)}..." was not published here; "published" lists what was`
        )
      }
      writePublications(this.#state.place, left) // first: a crash leaves blocks that nobody names, never a hole
      this.#publications = left
      return await this.#sweep()
    })
  }

  async close(): Promise<void> {
    await this.#state.server?.close()
    await this.#turn.catch(() => undefined)
    await this.#workers.close()
    await this.#state.store.close()
  }

  /** Drops every block that no publication names. */
  async #sweep(): Promise<number> {
    const { published } = this.#state
    const kept = new Set<ReferenceKey>()
    const reading: OpeningOptions = { kernel: this.#kernel, store: published }
    for (const { urn, kind } of this.#publications) {
      const capability = parseUrn(urn)
      await addBlocks(kept, reading, capability)
      if (kind !== 'tree') continue
      const { items } = await openTree(reading, capability)
      for (const { entry } of items)
        if (entry.kind !== 'symlink') await addBlocks(kept, reading, entry.capability)
    }
    let dropped = 0
    for await (const request of published.list()) {
      if (!kept.has(referenceKey(request.reference)) && (await published.drop(request))) dropped++
    }
    return dropped
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work, work)
    this.#turn = result.catch(() => undefined)
    return result
  }
}

async function addBlocks(
  kept: Set<ReferenceKey>,
  reading: OpeningOptions,
  capability: ReadCapability
): Promise<void> {
  for await (const { reference } of blocksOf(reading, capability)) kept.add(referenceKey(reference))
}
