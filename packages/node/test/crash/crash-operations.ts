/**
 * The operations that sequences are made of. Each one says beforehand what the tree should look like once it is
 * acknowledged; where it has nothing to do it is refused, with the code that is expected then.
 */
import { equalBytes } from '@blocktree/codec'
import { type Id, right } from '@blocktree/tree'
import { markLiveSectors } from '../../src/live-sectors.ts'
import { content, crypto, people, sectorLog2, type World } from './crash-world.ts'
import { digest, dropEntries, type Model, moveEntries, put } from './crash-model.ts'

export interface Step {
  readonly after: Model
  /** @returns ids of records that are acknowledged with it */
  run(): Promise<readonly Id[]>
  /** It is refused with this code and changes nothing. */
  readonly refusal?: string
}

/** @param at its place in the sequence: names differ by it */
export type Operation = (world: World, model: Model, at: number) => Step | Promise<Step>

export const operations: Readonly<Record<string, Operation>> = {
  'create a small file': (world, model, at) => create(world, model, `/plain/small-${at}`, 40),
  'create a file of two sectors': (world, model, at) => create(world, model, `/plain/large-${at}`, 6000),
  update(world, model, at) {
    const before = world.files.read(world.owner, model.b).bytes
    const offset = Math.min(4000, before.length)
    const bytes = content(`update ${at}`, 200)
    const after = new Uint8Array(Math.max(before.length, offset + 200))
    after.set(before)
    after.set(bytes, offset)
    return versionStep(put(model, model.b, digest(after)), () =>
      world.files.write(world.owner, model.b, offset, bytes)
    )
  },
  append(world, model, at) {
    const bytes = content(`append ${at}`, 30)
    const before = world.files.read(world.owner, model.a).bytes
    return versionStep(put(model, model.a, digest(Buffer.concat([before, bytes]))), () =>
      world.files.append(world.owner, model.a, bytes)
    )
  },
  truncate(world, model) {
    const before = world.files.read(world.owner, model.b).bytes
    const size = before.length >> 1
    return versionStep(put(model, model.b, digest(before.subarray(0, size))), () =>
      world.files.truncate(world.owner, model.b, size)
    )
  },
  rename(world, model, at) {
    const target = `/plain/renamed-${at}`
    return {
      after: { ...moveEntries(model, model.a, target), a: target },
      run: async () => [
        (await world.files.move(world.owner, model.a, target),
        world.files.stat(world.owner, target).versionId)
      ]
    }
  },
  'move to another zone'(world, model, at) {
    const target = `${model.b.startsWith('/zone/') ? '/plain' : '/zone'}/moved-${at}`
    return {
      after: { ...moveEntries(model, model.b, target), b: target },
      run: () => nothing(world.files.move(world.owner, model.b, target))
    }
  },
  'remove a directory'(world, model) {
    const run = (): Promise<readonly Id[]> =>
      nothing(world.files.remove(world.owner, '/plain/d', { recursive: true }))
    if (!model.entries.has('/plain/d')) return { after: model, run, refusal: 'ERR_FILE_NOT_FOUND' }
    return { after: dropEntries(model, '/plain/d'), run }
  },
  async 'restore a version'(world, model) {
    const { files, owner } = world
    const oldest = (await files.history(owner, model.a)).at(-1)
    if (oldest === undefined) throw new Error('a file has a version')
    const before = files.read(owner, model.a, { version: oldest.versionId }).bytes
    return versionStep(put(model, model.a, digest(before)), () =>
      files.restore(owner, model.a, oldest.versionId)
    )
  },
  share(world, model) {
    const run = (): Promise<readonly Id[]> => nothing(world.sharing.createShare(world.owner, '/plain'))
    if (model.entries.get('/plain') === 'zone') return { after: model, run, refusal: 'ERR_SHARE_EXISTS' }
    return { after: put(model, '/plain', 'zone'), run }
  },
  grant: (world, model) => ({
    after: { ...model, grants: [...model.grants, '/zone→second'].sort() },
    run: async () => [
      (
        await world.sharing.issueGrant(world.owner, {
          path: '/zone',
          to: { principal: people.second.record }
        })
      ).grant.id
    ]
  }),
  'revoke a reader'(world, model) {
    const grant = grantOf(world, people.reader.id)
    return {
      after: { ...model, grants: model.grants.filter((line) => line !== '/zone→reader') },
      run: () => nothing(world.sharing.revokeReader(world.owner, grant))
    }
  },
  'issue a cap': (world, model) => ({
    after: { ...model, caps: [...model.caps, '/zone→second'].sort() },
    run: async () => [
      (
        await world.sharing.issueWriteCap(world.owner, {
          path: '/zone',
          to: people.second.id,
          rights: right.write | right.create
        })
      ).cap.id
    ]
  }),
  'revoke a cap'(world, model) {
    const view = world.sharing
      .listCaps(world.owner, { all: true })
      .find(({ subject }) => equalBytes(subject, people.writer.id))
    if (view === undefined) throw new Error('the writer has a cap')
    return {
      after: { ...model, caps: model.caps.filter((line) => line !== '/zone→writer') },
      run: async () => [(await world.sharing.revokeCap(world.owner, view.cap.id)).revocation]
    }
  },
  checkpoint: (world, model) => ({
    after: model,
    run: async () => [
      (await world.sharing.makeCheckpoint(world.owner, world.files.stat(world.owner, '/zone').block)).record
        .id
    ]
  }),
  'collect garbage': (world, model) => ({ after: model, run: () => collect(world, 0.5) }),
  compact: (world, model) => ({ after: model, run: () => collect(world, 1) })
}

function create({ files, owner }: World, model: Model, path: string, length: number): Step {
  const bytes = content(path, length)
  return versionStep(put(model, path, digest(bytes)), () => files.create(owner, path, bytes, { sectorLog2 }))
}

function versionStep(after: Model, write: () => Promise<{ readonly versionId: Id }>): Step {
  return { after, run: async () => [(await write()).versionId] }
}

async function nothing(work: Promise<unknown>): Promise<readonly Id[]> {
  await work
  return []
}

async function collect({ store, tree }: World, minimumLive: number): Promise<readonly Id[]> {
  const live = await markLiveSectors({ store, tree, crypto }, { signal: new AbortController().signal })
  try {
    await store.collect(live.ids(), { minimumLive })
  } finally {
    live.close()
  }
  return []
}

export function grantOf({ sharing, owner }: World, reader: Id): Id {
  const view = sharing.listGrants(owner, { all: true }).find(({ recipient }) => equalBytes(recipient, reader))
  if (view === undefined) throw new Error('the reader has a grant')
  return view.grant.id
}
