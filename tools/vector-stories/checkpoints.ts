/** Stories of doc/spec/08-acceptance.md, 8.5: complete checkpoints, anchors, late headers. */
import { right } from '@blocktree/tree'
import { type Author, History, graveOf, rowOf } from '../vector-history.ts'
import type { Born } from '../vector-tree.ts'

function started(comment: string): { h: History; ann: Author; file: Born } {
  const h = new History(comment)
  h.begin('ann')
  const ann = h.cap(h.root, 'ann', h.rootBlock)
  h.offer('cap of ann', ann.cap)
  return { h, ann, file: h.place('file', h.root) }
}

function anchored(): History {
  const { h, ann, file } = started('an anchor: what does not descend from its entries is late')
  const top = h.offer('root block', h.version(h.root, h.rootBlock))
  const first = h.offer('v1', h.version(h.root, file))
  const second = h.offer('v2', h.version(h.root, file, [first]))
  h.offer('fork before', h.version(ann, file, [first]))
  h.offerCheckpoint('checkpoint', h.checkpoint(h.root, h.rootBlock, [rowOf([top, 1]), rowOf([second, 2])]))
  h.offer('fork behind', h.version(ann, file, [first]))
  h.offer('another v1', h.version(h.root, file))
  h.offer('v3', h.version(ann, file, [second]))
  h.offer('a block that no row lists', h.version(h.root, h.place('new', h.root), [], { name: 'new' }))
  return h
}

function incomplete(): History {
  const { h, file } = started('a checkpoint is complete when its prev, its manifest and every entry are held')
  const top = h.offer('root block', h.version(h.root, h.rootBlock))
  const first = h.version(h.root, file)
  const second = h.version(h.root, file, [first])
  h.offer('v1', first)
  const one = h.checkpoint(h.root, h.rootBlock, [rowOf([top, 1]), rowOf([first, 1])])
  const two = h.checkpoint(h.root, h.rootBlock, [rowOf([top, 1]), rowOf([second, 2])], { prev: [one.record] })
  h.offerCheckpoint('second', two)
  h.offer('v2', second)
  h.offer('fork', h.version(h.root, file, [first], { deleted: true }))
  h.offerCheckpoint('first', one)
  return h
}

function effective(): History {
  const { h, ann, file } = started('the version in an anchor counts, and the greater one of two anchors')
  const top = h.offer('root block', h.version(h.root, h.rootBlock))
  const first = h.offer('v1', h.version(h.root, file))
  const left = h.offer('left', h.version(h.root, file, [first]))
  const right1 = h.offer('right', h.version(ann, file, [first]))
  const rows = [rowOf([top, 1]), rowOf([left, 5], [right1, 2])]
  const one = h.offerCheckpoint('one', h.checkpoint(h.root, h.rootBlock, rows))
  h.offer('on the left', h.version(h.root, file, [left]))
  const other = [rowOf([top, 1]), rowOf([left, 3], [right1, 9])]
  const two = h.offerCheckpoint('two, which does not know one', h.checkpoint(ann, h.rootBlock, other))
  const both = [rowOf([top, 1]), rowOf([left, 5])]
  h.offerCheckpoint('both joined', h.checkpoint(h.root, h.rootBlock, both, { prev: [one, two] }))
  return h
}

function wrong(): History {
  const { h, ann, file } = started('checkpoints that never become anchors')
  const top = h.offer('root block', h.version(h.root, h.rootBlock))
  const first = h.offer('v1', h.version(h.root, file))
  const second = h.offer('v2', h.version(h.root, file, [first]))
  const zone = h.zone('zone', h.root)
  h.offer('zone', h.version(h.root, zone, [], { name: 'zone' }))
  const inside = h.place('inside', h.root, zone)
  const foreign = h.offer('inside', h.version(h.root, inside, [], { name: 'inside' }))
  const rows = [rowOf([top, 1]), rowOf([first, 1])]
  const wrongRoot = h.checkpoint(h.root, h.rootBlock, rows, { headsRoot: new Uint8Array(32).fill(1) })
  h.offerCheckpoint('another headsRoot', wrongRoot)
  h.offerCheckpoint(
    'a byte behind the rows',
    h.checkpoint(h.root, h.rootBlock, rows, { behind: Uint8Array.of(0xc0) })
  )
  h.offerCheckpoint(
    'an entry of another zone',
    h.checkpoint(h.root, h.rootBlock, [...rows, rowOf([foreign, 1])])
  )
  const misplaced = { ...rowOf([second, 2]), block: inside.block }
  h.offerCheckpoint('an entry of another block', h.checkpoint(h.root, h.rootBlock, [...rows, misplaced]))
  h.offerCheckpoint('with graves that no row has', h.checkpoint(h.root, h.rootBlock, rows, { graves: 1 }))
  const writer = h.cap(h.root, 'ann', h.rootBlock, { rights: 255 & ~right.admin })
  h.offer('ann without admin', writer.cap)
  h.offer('without admin', h.checkpoint(writer, h.rootBlock, rows).record)
  h.offer('of a zone that is not held', h.checkpoint(h.root, h.zone('never', h.root), []).record)
  h.offerCheckpoint('a right one', h.checkpoint(ann, h.rootBlock, [rowOf([top, 1]), rowOf([second, 2])]))
  return h
}

function empty(): History {
  const { h, file } = started('a manifest without rows anchors a zone and lists no block')
  const nothing = h.checkpoint(h.root, h.rootBlock, [])
  h.offerCheckpoint('empty', nothing)
  h.offer('root block', h.version(h.root, h.rootBlock))
  h.offer('v1', h.version(h.root, file))
  return h
}

function buried(): History {
  const { h, ann, file } = started('a grave: nothing of the block lives, and what was written apart is late')
  const top = h.offer('root block', h.version(h.root, h.rootBlock))
  const first = h.offer('v1', h.version(h.root, file))
  const gone = h.offer('removed', h.version(h.root, file, [first], { deleted: true }))
  const listed = h.checkpoint(h.root, h.rootBlock, [rowOf([top, 1]), rowOf([gone, 2])])
  h.offerCheckpoint('checkpoint', listed)
  const grave = h.checkpoint(h.root, h.rootBlock, [rowOf([top, 1]), graveOf(file)], { prev: [listed.record] })
  h.offerCheckpoint('checkpoint with a grave', grave)
  h.offer('written apart', h.version(ann, file, [first]))
  h.offer('restored', h.version(h.root, file, [gone]))
  const other = h.checkpoint(ann, h.rootBlock, [rowOf([top, 1]), rowOf([gone, 2])], { prev: [listed.record] })
  h.offerCheckpoint('another anchor without the grave', other)
  const last = h.checkpoint(h.root, h.rootBlock, [rowOf([top, 1]), graveOf(file)], {
    prev: [grave.record, other.record],
    base: grave.record
  })
  h.offerCheckpoint('a checkpoint that names a base', last)
  return h
}

function below(): History {
  const { h, ann, file } = started('below the entries of a base nothing is missing; elsewhere it is')
  const top = h.offer('root block', h.version(h.root, h.rootBlock))
  const first = h.version(h.root, file)
  const second = h.version(h.root, file, [first])
  const third = h.offer('v3', h.version(h.root, file, [second]))
  const base = h.checkpoint(h.root, h.rootBlock, [rowOf([top, 1]), rowOf([third, 3])])
  h.offerCheckpoint('base', base)
  const fourth = h.offer('v4', h.version(h.root, file, [third]))
  const rows = [rowOf([top, 1]), rowOf([fourth, 4])]
  const named = h.checkpoint(h.root, h.rootBlock, rows, { prev: [base.record], base: base.record })
  h.offerCheckpoint('a checkpoint that names it', named)
  h.offer('written apart on v3', h.version(ann, file, [third]))
  h.offer('written apart on v2', h.version(ann, file, [second]))
  h.offer('v2', second)
  h.offer('v1', first)
  const apart = h.checkpoint(ann, h.rootBlock, rows)
  h.offerCheckpoint('an anchor that does not stand on the base', apart)
  return h
}

export const checkpointStories: readonly (() => History)[] = [
  anchored,
  incomplete,
  effective,
  wrong,
  empty,
  buried,
  below
]
