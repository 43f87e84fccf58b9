/** Stories of doc/spec/08-acceptance.md, 8.1 to 8.3: order of arrival, what parks, what is refused on its bytes. */
import * as tree from '@blocktree/tree'
import { History } from '../vector-history.ts'
import { born, crypto } from '../vector-tree.ts'

function inOrder(): History {
  const h = new History('records in the order in which they rest on each other')
  h.begin()
  h.offer('root block', h.version(h.root, h.rootBlock, [], { name: '' }))
  const file = h.place('file', h.root)
  const first = h.offer('file v1', h.version(h.root, file, [], { name: 'a.txt' }))
  h.offer('file v2', h.version(h.root, file, [first], { name: 'b.txt' }))
  h.offer('file v1', first)
  h.offer('tree', h.tree)
  return h
}

function backwards(): History {
  const h = new History('the same sort of records backwards: each is parked until what it names arrives')
  const ann = h.cap(h.root, 'ann', h.rootBlock)
  const bob = h.cap(ann, 'bob', h.rootBlock)
  const file = h.place('file', bob)
  h.offer('file v1', h.version(bob, file))
  h.offer('cap of bob', bob.cap)
  h.offerPeople('bob')
  h.offer('tree', h.tree)
  h.offerPeople('root', 'ann')
  h.offer('cap of ann', ann.cap)
  h.offer('root block', h.version(h.root, h.rootBlock))
  return h
}

function refusedLater(): History {
  const h = new History('a parked record is judged when what it waits for arrives, and may be refused then')
  h.begin()
  const ann = h.cap(h.root, 'ann', h.rootBlock, { rights: 1 })
  h.offer('cap below the cap of ann', h.cap(ann, 'bob', h.rootBlock, { rights: 1 }).cap)
  h.offer('file by ann', h.version(ann, h.place('file', ann)))
  h.offerPeople('ann')
  h.offer('cap of ann', ann.cap)
  return h
}

function missingPrev(): History {
  const h = new History('nothing is parked for a prev that is not held: the header is pending')
  h.begin()
  h.offer('root block', h.version(h.root, h.rootBlock))
  const file = h.place('file', h.root)
  const first = h.version(h.root, file)
  const second = h.version(h.root, file, [first])
  const third = h.version(h.root, file, [second])
  h.offer('v3', third)
  h.offer('v1', first)
  h.offer('v2', second)
  return h
}

function withoutBlocks(): History {
  const h = new History(
    'a header of the root block needs no zone birth; one below it waits for that of its zone'
  )
  h.begin()
  const zone = h.zone('zone', h.root)
  const inner = h.zone('inner', h.root, zone)
  const file = h.place('file', h.root, inner)
  h.offer('file v1', h.version(h.root, file, [], { name: 'deep' }))
  h.offerBirth('birth of inner', inner)
  h.offerBirth('birth of zone', zone)
  h.offerBirth('birth of the root block', h.rootBlock)
  h.offer('inner v1', h.version(h.root, inner, [], { name: 'inner' }))
  h.offer('zone v1', h.version(h.root, zone, [], { name: 'zone' }))
  h.offer('root block', h.version(h.root, h.rootBlock))
  return h
}

function foreign(): History {
  const h = new History('records of another tree, forged and damaged ones')
  const other = tree.createTree(crypto, h.root.principal, {
    recovery: undefined,
    insecure: true,
    nonce: h.random.bytes(16)
  })
  h.begin('ann')
  h.offer('root block', h.version(h.root, h.rootBlock))
  h.offer('another tree', other)
  h.offer('root block of another tree', {
    bytes: h.version(h.root, born(tree.rootBirth(other.id, h.root.principal.id, { public: true }))).bytes
  })
  const stranger = h.place('stranger', h.root, undefined, { nonce: 1 })
  const good = h.version(h.root, stranger)
  const forged = good.bytes.slice()
  forged[forged.length - 40] = (forged[forged.length - 40] ?? 0) ^ 1
  h.offer('forged signature', { bytes: forged })
  h.offer('the same with its own signature', good)
  h.offer('cut short', { bytes: good.bytes.subarray(0, good.bytes.length - 1) })
  const later = good.bytes.slice()
  later[6] = 2
  h.offer('a header of format 2', { bytes: later })
  const ann = { principal: h.cap(h.root, 'ann', h.rootBlock).principal, cap: undefined, rank: 0 }
  h.offer('without a cap, by no root', h.version(ann, h.place('ann', ann)))
  return h
}

function births(): History {
  const h = new History('births: root block of another creator, creator and rank, privacy of the zone')
  h.begin('ann')
  h.offer('root block', h.version(h.root, h.rootBlock))
  const ann = h.cap(h.root, 'ann', h.rootBlock)
  h.offer('cap of ann', ann.cap)
  const foreignRoot = born(tree.rootBirth(h.tree.id, ann.principal.id, { public: true }))
  h.offer('root block by ann', h.version(ann, foreignRoot))
  h.offer('rank too low', h.version(ann, h.place('too low', ann, undefined, { rank: 0 })))
  h.offer('rank too high', h.version(ann, h.place('too high', ann, undefined, { rank: 2 })))
  h.offer('right rank', h.version(ann, h.place('right', ann)))
  h.offer('creator is another', h.version(ann, h.place('not hers', { ...h.root, rank: 1 })))
  const shut = h.zone('private zone', h.root, undefined, { public: false })
  h.offer('private zone v1', h.version(h.root, shut))
  h.offer('no epoch in a private zone', h.version(h.root, h.place('open in shut', h.root, shut)))
  const epoch = h.epoch(h.root, shut)
  const beside = h.zone('another private zone', h.root, undefined, { public: false })
  const foreign = h.epoch(h.root, beside)
  h.offer(
    'under an epoch that is not held',
    h.version(h.root, h.place('waiting', h.root, shut), [], { epoch })
  )
  h.offer('another private zone v1', h.version(h.root, beside))
  h.offer('epoch of the other zone', foreign.record)
  const wrong = h.place('wrong', h.root, shut)
  h.offer('under an epoch of another zone', h.version(h.root, wrong, [], { epoch: foreign }))
  h.offer('epoch', epoch.record)
  h.offer('epoch in a private zone', h.version(h.root, h.place('sealed', h.root, shut), [], { epoch }))
  h.offer('epoch in a public zone', h.version(h.root, h.place('sealed in open', h.root), [], { epoch }))
  return h
}

function deepZones(): History {
  const h = new History('sixteen zones inside each other, and a seventeenth')
  h.begin()
  let outer = h.rootBlock
  h.offer('zone 1', h.version(h.root, outer))
  for (let depth = 2; depth <= 17; depth++) {
    outer = h.zone(`zone ${depth}`, h.root, outer)
    h.offer(`zone ${depth}`, h.version(h.root, outer, [], { name: 'z' }))
  }
  h.offer('file in zone 17', h.version(h.root, h.place('file', h.root, outer)))
  return h
}

function endpoint(): History {
  const h = new History('an endpoint needs its principal and its tree, nothing else')
  const ann = h.cap(h.root, 'ann', h.rootBlock).principal
  h.offer(
    'endpoint',
    tree.createEndpoint(crypto, ann, {
      tree: h.tree.id,
      transportKey: ann.key.publicKey,
      addresses: ['/ip4/127.0.0.1/tcp/1'],
      notAfter: 1,
      sequence: 1
    })
  )
  h.begin('ann')
  return h
}

export const arrivalStories: readonly (() => History)[] = [
  inOrder,
  backwards,
  refusedLater,
  missingPrev,
  withoutBlocks,
  foreign,
  births,
  deepZones,
  endpoint
]
