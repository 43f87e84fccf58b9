/** Stories of doc/spec/09-directories-and-paths.md: where blocks are shown, and under which names. */
import * as tree from '@blocktree/tree'
import { type Author, History, rowOf } from '../vector-history.ts'

function started(comment: string): { h: History; ann: Author } {
  const h = new History(comment)
  h.begin('ann')
  h.offer('root block', h.version(h.root, h.rootBlock))
  const ann = h.cap(h.root, 'ann', h.rootBlock)
  h.offer('cap of ann', ann.cap)
  return { h, ann }
}

function cycle(): History {
  const { h, ann } = started('two moves that make a cycle, and the move that mends it')
  const one = h.directory('one', h.root)
  const two = h.directory('two', h.root)
  const first = h.offer('one v1', h.version(h.root, one, [], { name: 'one' }))
  const other = h.offer('two v1', h.version(h.root, two, [], { name: 'two' }))
  h.offer('file', h.version(h.root, h.place('file', h.root, two), [], { name: 'file' }))
  h.offer('two into one', h.version(ann, two, [other], { parent: one.block, name: 'two' }))
  const moved = h.offer('one into two', h.version(h.root, one, [first], { parent: two.block, name: 'one' }))
  h.offer('one back', h.version(h.root, one, [moved], { parent: h.rootBlock.block, name: 'one' }))
  h.offer(
    'one into itself',
    h.version(h.root, one, [moved], { parent: one.block, name: 'itself', version: 9 })
  )
  return h
}

function orphans(): History {
  const { h } = started('orphans: a parent that is not held, no directory, of another zone, or a zone root')
  const zone = h.zone('zone', h.root)
  h.offer('zone', h.version(h.root, zone, [], { name: 'zone' }))
  const folder = h.directory('folder', h.root)
  const unborn = h.directory('unborn', h.root)
  h.offer(
    'in a directory to come',
    h.version(h.root, h.place('in unborn', h.root, unborn), [], { name: 'child' })
  )
  h.offer('unborn', h.version(h.root, unborn, [], { name: 'unborn' }))
  const file = h.place('file', h.root)
  h.offer('file', h.version(h.root, file, [], { name: 'file' }))
  h.offer('in a file', h.version(h.root, h.place('in file', h.root, file), [], { name: 'in file' }))
  h.offer('folder', h.version(h.root, folder, [], { name: 'folder' }))
  const inside = h.place('inside', h.root, zone)
  const first = h.offer('inside v1', h.version(h.root, inside, [], { name: 'inside' }))
  h.offer('inside, moved out', h.version(h.root, inside, [first], { parent: folder.block, name: 'inside' }))
  const outside = h.place('outside', h.root)
  const placed = h.offer('outside v1', h.version(h.root, outside, [], { name: 'outside' }))
  h.offer('outside, moved in', h.version(h.root, outside, [placed], { parent: zone.block, name: 'outside' }))
  return h
}

function revived(): History {
  const { h, ann } = started('a deleted directory with something live in it is revived')
  const folder = h.directory('folder', h.root)
  const first = h.offer('folder v1', h.version(h.root, folder, [], { name: 'folder' }))
  const inner = h.directory('inner', h.root, folder)
  const innerFirst = h.offer('inner v1', h.version(h.root, inner, [], { name: 'inner' }))
  h.offer('inner deleted', h.version(h.root, inner, [innerFirst], { deleted: true, name: 'inner' }))
  h.offer('folder deleted', h.version(h.root, folder, [first], { deleted: true, name: 'folder' }))
  const file = h.place('file', ann, inner)
  const made = h.offer('file', h.version(ann, file, [], { name: 'file' }))
  h.offer('file deleted', h.version(ann, file, [made], { deleted: true, name: 'file' }))
  const zone = h.zone('zone', h.root)
  const zoneFirst = h.offer('zone v1', h.version(h.root, zone, [], { name: 'zone' }))
  h.offer('zone deleted', h.version(h.root, zone, [zoneFirst], { deleted: true, name: 'zone' }))
  h.offer('in the zone', h.version(h.root, h.place('in zone', h.root, zone), [], { name: 'live' }))
  return h
}

function clashes(): History {
  const { h, ann } = started('equal names: an anchor, then the rank, then the lower id decides')
  const mine = h.place('by ann', ann)
  h.offer('by ann', h.version(ann, mine, [], { name: 'a.txt' }))
  const folder = h.directory('folder', h.root)
  h.offer('folder', h.version(h.root, folder, [], { name: 'folder' }))
  const blocks = [1, 2, 3].map((nonce) => h.place(`by root ${nonce}`, h.root, undefined, { nonce }))
  const versions = blocks.map((place, index) =>
    h.offer(`by root ${index + 1}`, h.version(h.root, place, [], { name: 'a.txt' }))
  )
  const own = h.version(ann, mine, [], { name: 'a.txt' })
  h.offer('by ann, again', own)
  h.offerCheckpoint('checkpoint', h.checkpoint(h.root, h.rootBlock, [rowOf([own, 1])]))
  const [first, second] = [blocks[0], versions[0]]
  if (first === undefined || second === undefined) throw new Error('three files')
  h.offer('moved away', h.version(h.root, first, [second], { parent: folder.block, name: 'a.txt' }))
  const moved = h.version(ann, mine, [own], { parent: folder.block, name: 'a.txt' })
  h.offer('moved after it: no entry of the anchor is there', moved)
  return h
}

function names(): History {
  const { h } = started('names that are not shown as they are, and names that are long')
  const wanted: readonly string[] = [
    '',
    '.',
    '..',
    'a/b',
    'nul\0',
    'e\u0301',
    'é',
    'n'.repeat(256),
    'n'.repeat(255),
    'n'.repeat(255),
    `${'é'.repeat(120)}.tar.gz`,
    `${'é'.repeat(120)}.tar.gz`,
    '.hidden',
    '.hidden',
    `x.${'y'.repeat(63)}`,
    `x.${'y'.repeat(63)}`,
    `x.${'y'.repeat(64)}`,
    `x.${'y'.repeat(64)}`,
    'ends.',
    'ends.'
  ]
  for (const [index, name] of wanted.entries())
    h.offer(
      `name ${index}`,
      h.version(h.root, h.place(`block ${index}`, h.root, undefined, { nonce: index }), [], { name })
    )
  return h
}

function taken(): History {
  const { h } = started('a conflict name that somebody has taken')
  const one = h.place('one', h.root, undefined, { nonce: 1 })
  const two = h.place('two', h.root, undefined, { nonce: 2 })
  h.offer('one', h.version(h.root, one, [], { name: 'a' }))
  h.offer('two', h.version(h.root, two, [], { name: 'a' }))
  for (const length of [8, 16, 52]) {
    for (const place of [one, two]) {
      const name = tree.conflictName('a', place.block, length)
      const thief = h.place(`thief ${name.slice(0, 24)} ${length}`, h.root)
      h.offer(`thief of ${length}, ${place === one ? 'one' : 'two'}`, h.version(h.root, thief, [], { name }))
    }
  }
  return h
}

export const viewStories: readonly (() => History)[] = [cycle, orphans, revived, clashes, names, taken]
