/** Stories of doc/spec/08-acceptance.md, 8.5: revocations with cuts, successions, intervals and receipts. */
import { right } from '@blocktree/tree'
import { type Author, History, cutAt, rowOf } from '../vector-history.ts'
import type { Born } from '../vector-tree.ts'

function started(comment: string): { h: History; ann: Author; file: Born } {
  const h = new History(comment)
  h.begin('ann')
  const ann = h.cap(h.root, 'ann', h.rootBlock)
  h.offer('cap of ann', ann.cap)
  return { h, ann, file: h.place('file', ann) }
}

function withCut(): History {
  const { h, ann, file } = started('a revocation with a cut keeps what lies in it and quarantines the rest')
  const top = h.offer('root block', h.version(h.root, h.rootBlock))
  const first = h.offer('v1', h.version(ann, file))
  const second = h.offer('v2', h.version(ann, file, [first]))
  const rows = [rowOf([top, 1]), rowOf([second, 2])]
  const cut = h.offerCheckpoint('checkpoint', h.checkpoint(h.root, h.rootBlock, rows))
  const third = h.offer('v3', h.version(ann, file, [second]))
  h.offer('revocation', h.revocation(h.root, ann, [cutAt(cut)]))
  h.offer('v4, after it', h.version(ann, file, [third]))
  h.offer('a new block, after it', h.version(ann, h.place('new', ann)))
  h.offer('taken over by root', h.version(h.root, file, [third]))
  return h
}

function withoutCut(): History {
  const { h, ann, file } = started(
    'a revocation without a cut: everything under the cap is quarantined, the block is lost'
  )
  const top = h.offer('root block', h.version(h.root, h.rootBlock))
  const first = h.offer('v1', h.version(ann, file))
  h.offerCheckpoint('checkpoint', h.checkpoint(h.root, h.rootBlock, [rowOf([top, 1]), rowOf([first, 1])]))
  h.offer('revocation', h.revocation(h.root, ann))
  h.offer('restored by root', h.version(h.root, file, [first]))
  return h
}

function cutPending(): History {
  const { h, ann, file } = started(
    'a cut whose checkpoint, and then whose manifest, is not held yet is empty'
  )
  const top = h.offer('root block', h.version(h.root, h.rootBlock))
  const first = h.offer('v1', h.version(ann, file))
  // Whoever signed the checkpoint of a cut, and whether it is valid, plays no part.
  const made = h.checkpoint(ann, h.rootBlock, [rowOf([top, 1]), rowOf([first, 1])])
  h.offer('revocation', h.revocation(h.root, ann, [cutAt(made.record)]))
  h.offerCheckpoint('checkpoint', made)
  return h
}

function wrongCuts(): History {
  const { h, ann, file } = started(
    'a cut at a wrong manifest: one of another headsRoot still lists its rows, a malformed one none'
  )
  h.offerPeople('bob')
  const top = h.offer('root block', h.version(h.root, h.rootBlock))
  const bob = h.cap(h.root, 'bob', h.rootBlock)
  h.offer('cap of bob', bob.cap)
  const cas = h.cap(h.root, 'ann', h.rootBlock)
  h.offer('another cap of ann', cas.cap)
  const first = h.offer('by ann', h.version(ann, file))
  const other = h.place('other', bob)
  const otherFirst = h.offer('by bob', h.version(bob, other, [], { name: 'other' }))
  const third = h.place('third', cas)
  const thirdFirst = h.offer('by ann again', h.version(cas, third, [], { name: 'third' }))
  const rows = [rowOf([top, 1]), rowOf([first, 1]), rowOf([otherFirst, 1]), rowOf([thirdFirst, 1])]
  const mismatch = h.checkpoint(h.root, h.rootBlock, rows, { headsRoot: new Uint8Array(32).fill(1) })
  const malformed = h.checkpoint(h.root, h.rootBlock, rows, { behind: Uint8Array.of(0xc0) })
  const elsewhere = { ...rowOf([thirdFirst, 1]), directory: new Uint8Array(32).fill(0xff) }
  const twice = h.checkpoint(h.root, h.rootBlock, [...rows, elsewhere])
  h.offerCheckpoint('another headsRoot', mismatch)
  h.offerCheckpoint('a byte behind the rows', malformed)
  h.offerCheckpoint('a block in two rows', twice)
  h.offer('revocation of ann at another headsRoot', h.revocation(h.root, ann, [cutAt(mismatch.record)]))
  h.offer('revocation of bob at a byte behind the rows', h.revocation(h.root, bob, [cutAt(malformed.record)]))
  h.offer(
    'revocation of the other cap at a block in two rows',
    h.revocation(h.root, cas, [cutAt(twice.record)])
  )
  return h
}

function governing(): History {
  const { h, ann, file } = started(
    'the highest signer governs, and a revoked link takes what is below it along'
  )
  h.offerPeople('bob', 'cas')
  const top = h.offer('root block', h.version(h.root, h.rootBlock))
  const bob = h.cap(ann, 'bob', h.rootBlock)
  const cas = h.cap(bob, 'cas', h.rootBlock)
  h.offer('cap of bob', bob.cap)
  h.offer('cap of cas', cas.cap)
  const first = h.offer('v1 by ann', h.version(ann, file))
  const second = h.offer('v2 by cas', h.version(cas, file, [first]))
  const made = h.checkpoint(h.root, h.rootBlock, [rowOf([top, 1]), rowOf([second, 2])])
  const cut = h.offerCheckpoint('checkpoint', made)
  h.offer('by bob of cas, without a cut', h.revocation(bob, cas))
  h.offer('by ann of cas, with a cut', h.revocation(ann, cas, [cutAt(cut)]))
  h.offer('by ann of bob, without a cut', h.revocation(ann, bob))
  h.offer('by root of bob, with a cut', h.revocation(h.root, bob, [cutAt(cut)]))
  h.offer('by bob of himself', h.revocation(bob, bob))
  h.offer('by cas of bob', h.revocation({ ...cas }, bob))
  h.offer('by cas under the cap of ann', h.revocation({ ...ann, principal: cas.principal }, bob))
  h.offer('by cas as root', h.revocation({ ...cas, cap: undefined }, bob))
  h.offer('of a cap that is not held', h.revocation(h.root, h.cap(h.root, 'bob', h.rootBlock)))
  return h
}

function checkpointsUnderCut(): History {
  const { h, ann, file } = started('checkpoints of a revoked admin hold up to the cut of their zone')
  const top = h.offer('root block', h.version(h.root, h.rootBlock))
  const first = h.offer('v1', h.version(h.root, file))
  const second = h.offer('v2', h.version(h.root, file, [first]))
  const entries = [rowOf([top, 1]), rowOf([first, 1])]
  const one = h.offerCheckpoint('one', h.checkpoint(ann, h.rootBlock, entries))
  const rows = [rowOf([top, 1]), rowOf([second, 7])]
  h.offerCheckpoint('two', h.checkpoint(ann, h.rootBlock, rows, { prev: [one] }))
  h.offer('revocation', h.revocation(h.root, ann, [cutAt(one)]))
  return h
}

function interval(): History {
  const h = new History('a cap with an interval: its headers wait for a receipt of a host inside it')
  h.begin('ann', 'host', 'keeper', 'late host')
  h.offer('root block', h.version(h.root, h.rootBlock))
  const ann = h.cap(h.root, 'ann', h.rootBlock, { notBefore: 1_000_000, notAfter: 2_000_000 })
  const host = h.cap(h.root, 'host', h.rootBlock, { rights: right.host })
  const keeper = h.cap(h.root, 'keeper', h.rootBlock, { rights: right.keep })
  const late = h.cap(h.root, 'late host', h.rootBlock, { rights: right.host, notBefore: 9_000_000 })
  for (const [name, { cap }] of Object.entries({ ann, host, keeper, 'late host': late }))
    h.offer(`cap of ${name}`, cap)
  const zone = h.zone('zone', h.root)
  h.offer('zone', h.version(h.root, zone, [], { name: 'zone' }))
  const files = Array.from({ length: 5 }, (_unused, index) => {
    const place = h.place(`file ${index}`, ann)
    return h.offer(`file ${index}`, h.version(ann, place, [], { name: `f${index}` }))
  })
  const [a, b, c, d, e] = files
  if (a === undefined || b === undefined || c === undefined || d === undefined || e === undefined)
    throw new Error('five files')
  h.offer('receipt just too early', h.receipt(host, h.rootBlock, [a], 1_000_000 - 600_001))
  h.offer('receipt just early enough', h.receipt(host, h.rootBlock, [a], 1_000_000 - 600_000))
  h.offer('receipt just late enough', h.receipt(host, h.rootBlock, [b], 2_600_000))
  h.offer('receipt just too late', h.receipt(host, h.rootBlock, [c], 2_600_001))
  h.offer('receipt of a keeper', h.receipt(keeper, h.rootBlock, [c], 1_500_000))
  h.offer('receipt of a host before its own time', h.receipt(late, h.rootBlock, [c], 1_500_000))
  h.offer('receipt of another zone', h.receipt(host, zone, [c], 1_500_000))
  h.offer('receipt of root', h.receipt(h.root, h.rootBlock, [c], 1_500_000))
  h.offer('receipt of ann, with host, over two', h.receipt(ann, h.rootBlock, [d, e], 1_500_000))
  const writer = h.cap(h.root, 'ann', h.rootBlock, { rights: right.write })
  h.offer('ann may write', writer.cap)
  h.offer('receipt without host or keep', h.receipt(writer, h.rootBlock, [d], 1_500_000))
  h.offer('revocation of the host', h.revocation(h.root, host))
  return h
}

function succession(): History {
  const { h, ann, file } = started(
    'a succession ends what the root before it allowed, but for kept caps and its cut'
  )
  h.offerPeople('bob', 'recovery', 'new root')
  const top = h.offer('root block', h.version(h.root, h.rootBlock))
  const bob = h.cap(h.root, 'bob', h.rootBlock)
  h.offer('cap of bob', bob.cap)
  const first = h.offer('v1 by ann', h.version(ann, file))
  const other = h.place('other', bob)
  const otherFirst = h.offer('other by bob', h.version(bob, other, [], { name: 'other' }))
  const made = h.checkpoint(h.root, h.rootBlock, [rowOf([top, 1]), rowOf([first, 1])])
  const cut = h.offerCheckpoint('checkpoint', made)
  const next = h.succession('new root', { keep: [bob], cuts: [cutAt(cut)] })
  const newRoot = { ...h.root, principal: h.cap(h.root, 'new root', h.rootBlock).principal }
  const newCap = h.cap(newRoot, 'ann', h.rootBlock, { rootGeneration: 1 })
  h.offer('a cap of the new root', newCap.cap)
  h.offer('v2 by the old root', h.version(h.root, file, [first]))
  h.offer('succession', next)
  h.offer('v3 by the new root', h.version(newRoot, file, [first]))
  h.offer('v4 under the new cap', h.version(newCap, file, [first]))
  h.offer('other v2 by bob', h.version(bob, other, [otherFirst], { name: 'other' }))
  h.offer('the old root revokes bob', h.revocation(h.root, bob))
  h.offer('the old root revokes the new cap', h.revocation(h.root, newCap))
  h.offer('the new root revokes bob', h.revocation(newRoot, bob))
  return h
}

function rivals(): History {
  const { h, file } = started('rival successions: the lower record id is in line')
  h.offerPeople('recovery', 'left root', 'right root', 'third root')
  h.offer('root block', h.version(h.root, h.rootBlock))
  const left = h.succession('left root')
  const right1 = h.succession('right root')
  const author = (name: string): Author => ({
    ...h.root,
    principal: h.cap(h.root, name, h.rootBlock).principal
  })
  const first = h.offer('v1 by root', h.version(h.root, file, [], {}))
  h.offer(
    'v1 by left',
    h.version(author('left root'), h.place('by left', author('left root')), [], { name: 'l' })
  )
  h.offer('to left', left)
  h.offer(
    'v1 by right',
    h.version(author('right root'), h.place('by right', author('right root')), [], { name: 'r' })
  )
  h.offer('to right', right1)
  h.offer('after left', h.succession('third root', { prev: left }))
  h.offer('after right', h.succession('third root', { prev: right1 }))
  h.offer('v2 by third', h.version(author('third root'), file, [first]))
  h.offer('signed by another', h.succession('third root', { prev: left, signer: 'left root' }))
  h.offer('generation 3 behind 1', h.succession('third root', { prev: left, generation: 3 }))
  return h
}

function keptInTurn(): History {
  const { h, ann } = started('two successions after a root: each hits what it does not keep itself')
  h.offerPeople('recovery', 'bob', 'second root', 'third root')
  const top = h.offer('root block', h.version(h.root, h.rootBlock))
  const bob = h.cap(h.root, 'bob', h.rootBlock)
  h.offer('cap of bob', bob.cap)
  const one = h.offer('by ann', h.version(ann, h.place('of ann', ann), [], { name: 'ann' }))
  const two = h.offer('by bob', h.version(bob, h.place('of bob', bob), [], { name: 'bob' }))
  const rows = [rowOf([top, 1]), rowOf([one, 1]), rowOf([two, 1])]
  const cut = h.offerCheckpoint('checkpoint', h.checkpoint(h.root, h.rootBlock, rows))
  const next = h.offer(
    'second, keeps both',
    h.succession('second root', { keep: [ann, bob], cuts: [cutAt(cut)] })
  )
  h.offer('third, keeps bob', h.succession('third root', { prev: next, keep: [bob] }))
  h.offer(
    'behind a record that is no succession',
    h.succession('third root', { prev: { ...next, id: cut.id }, generation: 2 })
  )
  return h
}

function kept(): History {
  const { h, ann } = started(
    'a former root that revokes: not what a later succession keeps, nor what it issued'
  )
  h.offerPeople('recovery', 'bob', 'second root', 'third root')
  h.offer('root block', h.version(h.root, h.rootBlock))
  const author = (name: string): Author => ({
    ...h.root,
    principal: h.cap(h.root, name, h.rootBlock).principal
  })
  const bob = h.cap(ann, 'bob', h.rootBlock)
  h.offer('cap of bob', bob.cap)
  const mine = h.place('of bob', bob)
  h.offer('of bob', h.version(bob, mine, [], { name: 'bob' }))
  const second = h.offer('second', h.succession('second root', { keep: [ann] }))
  h.offer('root revokes bob below the kept cap', h.revocation(h.root, bob))
  h.offer('third drops ann', h.succession('third root', { prev: second, keep: [bob] }))
  h.offer('second root revokes ann', h.revocation(author('second root'), ann))
  h.offer('ann revokes bob', h.revocation(ann, bob))
  return h
}

export const revocationStories: readonly (() => History)[] = [
  withCut,
  withoutCut,
  cutPending,
  wrongCuts,
  governing,
  checkpointsUnderCut,
  interval,
  succession,
  rivals,
  keptInTurn,
  kept
]
