/** Stories of doc/spec/08-acceptance.md, 8.5: forks, winners, the line of a block. */
import { History } from '../vector-history.ts'

function forks(): History {
  const h = new History('two heads: the higher version wins, live wins over deleted, a merge ends the fork')
  h.begin('ann')
  h.offer('root block', h.version(h.root, h.rootBlock))
  const ann = h.cap(h.root, 'ann', h.rootBlock)
  h.offer('cap of ann', ann.cap)
  const file = h.place('file', h.root)
  const first = h.offer('v1', h.version(h.root, file, [], { name: 'one' }))
  const left = h.offer('v2 by root', h.version(h.root, file, [first], { name: 'left' }))
  const right = h.offer('v2 by ann', h.version(ann, file, [first], { name: 'right' }))
  const next = h.offer('v3 by ann', h.version(ann, file, [right], { name: 'right again' }))
  const gone = h.offer('v4 by ann, deleted', h.version(ann, file, [next], { deleted: true, name: 'gone' }))
  h.offer('v5 by ann, the merge', h.version(ann, file, [gone, left], { name: 'merged' }))
  return h
}

function claims(): History {
  const h = new History('the version that a header claims plays no part')
  h.begin('ann')
  h.offer('root block', h.version(h.root, h.rootBlock))
  const ann = h.cap(h.root, 'ann', h.rootBlock)
  h.offer('cap of ann', ann.cap)
  const file = h.place('file', h.root)
  const first = h.offer('v1', h.version(h.root, file))
  h.offer('claims 2^40', h.version(ann, file, [first], { version: 2 ** 40 }))
  const low = h.offer('claims 2', h.version(h.root, file, [first]))
  h.offer('claims 2, on the one that claims 2', h.version(h.root, file, [low], { version: 2 }))
  return h
}

function crowd(): History {
  const h = new History(
    'six heads under one cap: the best four count; two heads of one signer are a self fork'
  )
  h.begin('ann')
  h.offer('root block', h.version(h.root, h.rootBlock))
  const ann = h.cap(h.root, 'ann', h.rootBlock)
  h.offer('cap of ann', ann.cap)
  const file = h.place('file', h.root)
  const first = h.offer('v1', h.version(h.root, file))
  for (let fork = 1; fork <= 6; fork++) h.offer(`fork ${fork}`, h.version(ann, file, [first]))
  h.offer('by root', h.version(h.root, file, [first]))
  return h
}

function otherBlock(): History {
  const h = new History('prev of another block counts for nothing')
  h.begin()
  h.offer('root block', h.version(h.root, h.rootBlock))
  const one = h.place('one', h.root)
  const two = h.place('two', h.root)
  const first = h.offer('one v1', h.version(h.root, one))
  h.offer('two on one', h.version(h.root, two, [first], { parent: h.rootBlock.block }))
  h.offer('two v1', h.version(h.root, two, [], { name: 'two' }))
  return h
}

function twoFirst(): History {
  const h = new History('two first versions of one block are a fork like any other')
  h.begin()
  h.offer('root block', h.version(h.root, h.rootBlock))
  const file = h.place('file', h.root)
  h.offer('v1', h.version(h.root, file, [], { name: 'x' }))
  h.offer('another v1', h.version(h.root, file, [], { name: 'y' }))
  return h
}

export const versionStories: readonly (() => History)[] = [forks, claims, crowd, otherBlock, twoFirst]
