/** Stories of doc/spec/08-acceptance.md, 8.4: chains of caps and what they cover. */
import * as tree from '@blocktree/tree'
import { type Author, History } from '../vector-history.ts'

const { write, create, delete: remove, delegate, admin } = tree.right

function chains(): History {
  const h = new History('a chain of caps, and caps that do not hold under the one above')
  h.begin('ann', 'bob', 'cas')
  const zone = h.zone('zone', h.root)
  const other = h.zone('other', h.root)
  h.offer('root block', h.version(h.root, h.rootBlock))
  h.offer('zone', h.version(h.root, zone, [], { name: 'zone' }))
  h.offer('other', h.version(h.root, other, [], { name: 'other' }))
  const limits = {
    rights: write | create | delegate,
    notAfter: 2000,
    quota: { bytes: 9, blocks: 9, recordsPerDay: 9 }
  }
  const ann = h.cap(h.root, 'ann', zone, { ...limits, depth: 2 })
  h.offer('cap of ann', ann.cap)
  const under = (name: string, options: Partial<tree.CapBody>, issuer: Author = ann, scope = zone): void => {
    h.offer(name, h.cap(issuer, 'bob', scope, { rights: write, ...options }).cap)
  }
  under('within every limit', {})
  under('a right that ann lacks', { rights: remove })
  under('an unknown right that ann lacks', { rights: 0x8000_0000 })
  under('as deep as ann', { depth: 2 })
  under('without an end', { notAfter: undefined })
  under('a later end', { notAfter: 2001 })
  under('an earlier end', { notAfter: 1999 })
  under('without a quota', { quota: undefined })
  under('a wider quota', { quota: { bytes: 9, blocks: 10, recordsPerDay: 9 } })
  under('another generation', { rootGeneration: 1 })
  under('the zone beside it', {}, ann, other)
  under('the zone around it', {}, ann, h.rootBlock)
  under('a zone inside it', {}, ann, h.zone('inner', h.root, zone))
  under('a block inside it', { scopeType: tree.scopeType.block }, ann, h.place('in zone', h.root, zone))
  under('a block beside it', { scopeType: tree.scopeType.block }, ann, h.place('in other', h.root, other))
  const own = { scopeType: tree.scopeType.block } as const
  under('the root of its zone as a block', own, ann, zone)
  under('issued by another', {}, { ...ann, principal: h.cap(h.root, 'cas', zone).principal })
  const last = h.cap(ann, 'bob', zone, { rights: write | delegate, depth: 0 })
  h.offer('bob at depth 0', last.cap)
  h.offer('below depth 0', h.cap(last, 'cas', zone, { rights: write, depth: 0 }).cap)
  const idle = h.cap(ann, 'bob', zone, { rights: write, depth: 1 })
  h.offer('bob without delegate', idle.cap)
  h.offer('below one that may not delegate', h.cap(idle, 'cas', zone, { rights: write, depth: 0 }).cap)
  h.offer('by no root', h.cap({ ...ann, cap: undefined }, 'cas', zone).cap)
  return h
}

function eightLinks(): History {
  const h = new History('a chain of eight links, and a ninth')
  h.begin('ann', 'bob')
  let issuer: Author = h.root
  for (let link = 1; link <= 9; link++) {
    const cap = h.cap(issuer, link % 2 === 0 ? 'ann' : 'bob', h.rootBlock, { depth: 20 - link })
    h.offer(`link ${link}`, cap.cap)
    issuer = cap
    if (link === 8) h.offer('file', h.version(cap, h.place('file', cap)))
  }
  return h
}

function blockScope(): History {
  const h = new History('a cap for one block: it writes, and leaves parent and state alone')
  h.begin('ann', 'bob')
  h.offer('root block', h.version(h.root, h.rootBlock))
  const folder = h.directory('folder', h.root)
  h.offer('folder', h.version(h.root, folder, [], { name: 'folder' }))
  const file = h.place('file', h.root)
  const first = h.offer('file v1', h.version(h.root, file, [], { name: 'f' }))
  const ann = h.cap(h.root, 'ann', file, { scopeType: tree.scopeType.block, rights: write | delegate })
  h.offer('cap of ann', ann.cap)
  const bob = h.cap(ann, 'bob', file, { scopeType: tree.scopeType.block, rights: write })
  h.offer('cap of bob', bob.cap)
  h.offer('a zone below a block', h.cap(ann, 'bob', h.rootBlock, { rights: write }).cap)
  const sibling = { scopeType: tree.scopeType.block, rights: write } as const
  h.offer('another block below a block', h.cap(ann, 'bob', folder, sibling).cap)
  const second = h.offer('file v2 by bob', h.version(bob, file, [first], { name: 'f' }))
  h.offer('another block by bob', h.version(bob, folder, []))
  h.offer('the folder by bob', h.version(bob, folder, [first]))
  const moved = h.offer('moved by bob', h.version(bob, file, [second], { parent: folder.block, name: 'f' }))
  h.offer('deleted by bob', h.version(bob, file, [second], { deleted: true, name: 'f' }))
  h.offer('on what bob moved', h.version(h.root, file, [moved], { parent: folder.block, name: 'f' }))
  const byRoot = h.offer(
    'moved by root',
    h.version(h.root, file, [second], { parent: folder.block, name: 'f' })
  )
  h.offer('back by bob', h.version(bob, file, [byRoot], { parent: h.rootBlock.block, name: 'f' }))
  const kept = h.version(bob, file, [byRoot, second], { parent: folder.block, name: 'f' })
  h.offer('kept by bob', kept)
  const gone = h.offer('deleted by root', h.version(h.root, file, [kept], { deleted: true, name: 'f' }))
  h.offer('brought back by bob', h.version(bob, file, [gone], { name: 'f' }))
  return h
}

function rights(): History {
  const h = new History('each act needs its right')
  h.begin('ann', 'bob')
  h.offer('root block', h.version(h.root, h.rootBlock))
  const file = h.place('file', h.root)
  const first = h.offer('file v1', h.version(h.root, file))
  const zone = h.zone('zone', h.root)
  const zoneFirst = h.offer('zone v1', h.version(h.root, zone, [], { name: 'zone' }))
  const may = (name: string, allowed: number): Author => {
    const author = h.cap(h.root, 'ann', h.rootBlock, { rights: allowed })
    h.offer(`ann may ${name}`, author.cap)
    return author
  }
  const create1 = may('create', create)
  h.offer('created with create', h.version(create1, h.place('c', create1), [], { name: 'c' }))
  h.offer('written with create', h.version(create1, file, [first]))
  h.offer('created deleted with create', h.version(create1, h.place('d', create1), [], { deleted: true }))
  const both = may('create and delete', create | remove)
  h.offer('created deleted with both', h.version(both, h.place('e', both), [], { deleted: true }))
  const write1 = may('write', write)
  const second = h.offer('written with write', h.version(write1, file, [first], { name: 'w' }))
  h.offer('created with write', h.version(write1, h.place('f', write1)))
  h.offer('deleted with write', h.version(write1, file, [second], { deleted: true }))
  const delete1 = may('delete', remove)
  h.offer('deleted with delete', h.version(delete1, file, [second], { deleted: true }))
  h.offer('written with delete', h.version(delete1, file, [second]))
  const daily = may('all but admin', 255 & ~admin)
  h.offer('a zone without admin', h.version(daily, h.zone('z1', daily)))
  h.offer('the root of a zone written without admin', h.version(daily, zone, [zoneFirst]))
  const admin1 = may('admin', admin)
  h.offer('a zone with admin', h.version(admin1, h.zone('z2', admin1), [], { name: 'z2' }))
  h.offer(
    'the root of a zone deleted with admin',
    h.version(admin1, zone, [zoneFirst], { deleted: true, name: 'zone' })
  )
  h.offer('a file with admin', h.version(admin1, h.place('g', admin1)))
  const bob = h.cap(h.root, 'bob', zone)
  h.offer('bob in the zone', bob.cap)
  h.offer('in the zone by bob', h.version(bob, h.place('in', bob, zone), [], { name: 'in' }))
  h.offer('outside by bob', h.version(bob, h.place('out', bob)))
  h.offer('the root of the zone by bob', h.version(bob, zone, [zoneFirst]))
  h.offer('under the cap of another', h.version({ ...bob, cap: write1.cap }, file, [first]))
  return h
}

export const capStories: readonly (() => History)[] = [chains, eightLinks, blockScope, rights]
