import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as tree from '../src/index.ts'
import {
  child,
  codeOf,
  crypto,
  device,
  epoch,
  file,
  fileKey,
  flipped,
  header,
  random,
  reader,
  root,
  rootBlock,
  seededRandom,
  treeId,
  zoneBelow
} from './format-fixture.ts'

const deps = { crypto, random }
const id = (value: number): Uint8Array => new Uint8Array(32).fill(value)
type Made = ReturnType<typeof tree.createEpoch>

function rotate(previous: readonly Made[], options: Partial<tree.EpochDraft> = {}): Made {
  return tree.createEpoch(deps, root, {
    tree: treeId,
    zone: rootBlock.block,
    previous: previous.map(({ record, key }) => ({ id: record.id, number: record.body.number, key })),
    inherit: undefined,
    cap: undefined,
    ...options
  })
}

function ringOver(epochs: readonly Made[], options?: { capacity?: number }): tree.ZoneKeyRing {
  const byId = new Map(epochs.map(({ record }) => [record.id.toHex(), record]))
  const successors = new Map<string, tree.Id[]>()
  for (const { record } of epochs) {
    for (const prev of record.body.prev) {
      successors.set(prev.toHex(), [...(successors.get(prev.toHex()) ?? []), record.id])
    }
  }
  return new tree.ZoneKeyRing(
    crypto,
    { epoch: (asked) => byId.get(asked.toHex()), successors: (asked) => successors.get(asked.toHex()) ?? [] },
    options
  )
}

describe('epochs', () => {
  const first = rotate([])
  const second = rotate([first])
  const inner = zoneBelow(rootBlock)
  const inherited = rotate([], { zone: inner.block, inherit: { id: second.record.id, key: second.key } })

  test('commit to their key and count from 1', () => {
    expect([first.record.body.number, second.record.body.number]).toEqual([1, 2])
    expect(codeOf(() => tree.checkZoneKey(crypto, first.record.body, first.key))).toBe('nothing was thrown')
    expect(codeOf(() => tree.checkZoneKey(crypto, first.record.body, second.key))).toBe('ERR_ZONE_KEY')
  })

  test('open the keys of the epochs before them, in both suites', () => {
    for (const suite of [1, 2] as const) {
      const both = rotate([second, first], { suite })
      for (const old of [first, second]) {
        const key = tree.openPastKey(crypto, { body: both.record.body, key: both.key }, old.record)
        expect(key).toEqual(old.key)
      }
    }
  })

  test('refuse a key that is not theirs, and an epoch that they do not name', () => {
    expect(
      codeOf(() => tree.openPastKey(crypto, { body: second.record.body, key: first.key }, first.record))
    ).toBe('ERR_ZONE_KEY')
    expect(
      codeOf(() => tree.openPastKey(crypto, { body: second.record.body, key: second.key }, inherited.record))
    ).toBe('ERR_ZONE_KEY')
  })

  test('A31: refuse a sealed key that is not the one the earlier epoch commits to', () => {
    const lying = rotate([{ record: first.record, key: id(1) }])
    expect(
      codeOf(() => tree.openPastKey(crypto, { body: lying.record.body, key: lying.key }, first.record))
    ).toBe('ERR_ZONE_KEY')
  })

  test('A32: refuse a sealed key that was moved from another epoch', () => {
    const third = rotate([first])
    const spliced = { ...third.record.body, past: second.record.body.past }
    expect(codeOf(() => tree.openPastKey(crypto, { body: spliced, key: third.key }, first.record))).toBe(
      'ERR_ZONE_KEY'
    )
    const renumbered = { ...second.record.body, number: 3 }
    expect(codeOf(() => tree.openPastKey(crypto, { body: renumbered, key: second.key }, first.record))).toBe(
      'ERR_ZONE_KEY'
    )
  })

  test('open from the outer zone when they inherit, and not otherwise', () => {
    expect(tree.openInheritedKey(crypto, inherited.record.body, second.key)).toEqual(inherited.key)
    expect(codeOf(() => tree.openInheritedKey(crypto, inherited.record.body, first.key))).toBe('ERR_ZONE_KEY')
    expect(codeOf(() => tree.openInheritedKey(crypto, second.record.body, second.key))).toBe('ERR_ZONE_KEY')
  })

  test('refuse sealed keys that do not align with the previous epochs', () => {
    const { body } = second.record
    for (const change of [{ past: [] }, { prev: [], past: [] }, { number: 1 }]) {
      const bytes = tree.encodeEpochBody({ ...body, ...change })
      expect(codeOf(() => tree.decodeEpochBody(bytes))).toBe('ERR_RECORD_FIELD')
    }
  })

  test('sort by number, then by lower id', () => {
    const rival = rotate([first])
    const sorted = [first, rival, second].map(({ record }) => record).toSorted(tree.compareEpochs)
    expect(sorted[2]).toBe(first.record)
    expect((sorted[0]?.id.toHex() ?? '') < (sorted[1]?.id.toHex() ?? '')).toBe(true)
  })
})

describe('ZoneKeyRing', () => {
  test('opens a long chain from the latest key, with a bounded cache', () => {
    const chain: Made[] = [rotate([])]
    for (let length = 1; length < 60; length++) chain.push(rotate(chain.slice(-1)))
    const ring = ringOver(chain, { capacity: 8 })
    const last = chain.at(-1)
    if (last === undefined) throw new Error('the chain is not empty')
    ring.add(last.record, last.key)
    for (const { record, key } of chain) expect(ring.open(record.id)).toEqual(key)
  })

  test('forgets the keys used longest ago beyond its capacity, and finds them again', () => {
    const chain: Made[] = [rotate([])]
    for (let length = 1; length < 4; length++) chain.push(rotate(chain.slice(-1)))
    const [first, second, third, last] = chain
    if (first === undefined || second === undefined || third === undefined || last === undefined)
      throw new Error('four epochs')
    const asked: string[] = []
    const ring = new tree.ZoneKeyRing(
      crypto,
      {
        epoch: (wanted) => {
          asked.push(wanted.toHex())
          return chain.find(({ record }) => record.id.toHex() === wanted.toHex())?.record
        },
        successors: (wanted) => {
          const at = chain.findIndex(({ record }) => record.id.toHex() === wanted.toHex())
          return chain.slice(at + 1, at + 2).map(({ record }) => record.id)
        }
      },
      { capacity: 2 }
    )
    ring.add(last.record, last.key)
    expect(ring.find(first.record.id)).toEqual(first.key)
    asked.length = 0
    expect(ring.find(first.record.id)).toEqual(first.key)
    expect(asked).toHaveLength(0)
    expect(ring.find(third.record.id)).toEqual(third.key)
    expect(asked.length).toBeGreaterThan(0)
  })

  test('opens inner zones through the outer one, at any depth', () => {
    const outer = rotate([])
    const zone = zoneBelow(rootBlock)
    const middle = rotate([], { zone: zone.block, inherit: { id: outer.record.id, key: outer.key } })
    const innermost = rotate([], {
      zone: zoneBelow(zone).block,
      inherit: { id: middle.record.id, key: middle.key }
    })
    const later = rotate([outer])
    const ring = ringOver([outer, middle, innermost, later])
    ring.add(later.record, later.key)
    expect(ring.open(innermost.record.id)).toEqual(innermost.key)
  })

  test('A23: opens what came before the key it was given, and A22: nothing that came after', () => {
    const first = rotate([])
    const second = rotate([first])
    const ring = ringOver([first, second])
    ring.add(first.record, first.key)
    expect(ring.find(second.record.id)).toBeUndefined()
    expect(codeOf(() => ring.open(second.record.id))).toBe('ERR_ZONE_KEY_MISSING')
    expect(ring.firstOpen([second.record, first.record])?.epoch).toBe(first.record)
  })

  test('goes another way when one signer sealed a wrong key', () => {
    const first = rotate([])
    const lying = rotate([{ record: first.record, key: id(1) }])
    const honest = rotate([first])
    const ring = ringOver([first, lying, honest])
    ring.add(lying.record, lying.key)
    expect(ring.find(first.record.id)).toBeUndefined()
    ring.add(honest.record, honest.key)
    expect(ring.find(first.record.id)).toEqual(first.key)
  })

  test('ends on epochs that name each other through lies', () => {
    const ring = new tree.ZoneKeyRing(crypto, {
      epoch: () => epoch.record,
      successors: (asked) => [crypto.sha256(asked)]
    })
    expect(ring.find(id(1))).toBeUndefined()
  })

  test('refuses a key that the epoch does not commit to, and forgets all when closed', () => {
    const ring = ringOver([epoch])
    expect(codeOf(() => ring.add(epoch.record, id(1)))).toBe('ERR_ZONE_KEY')
    ring.add(epoch.record, epoch.key)
    ring.close()
    expect(ring.find(epoch.record.id)).toBeUndefined()
  })
})

describe('deliveries', () => {
  function grantTo(options: Partial<tree.GrantBody> = {}): tree.GrantRecord {
    return tree.createGrant(crypto, root, {
      tree: treeId,
      targetType: tree.grantTarget.zone,
      target: rootBlock.block,
      recipientType: tree.recipientType.principal,
      recipient: reader.id,
      notAfter: undefined,
      cap: undefined,
      nonce: random.bytes(16),
      ...options
    })
  }
  const linkSecret = seededRandom('link').bytes(32)
  const zoneGrant = grantTo()
  const blockGrant = grantTo({ targetType: tree.grantTarget.block, target: file.block })
  const linkGrant = grantTo({
    ...blockGrant.body,
    recipientType: tree.recipientType.link,
    recipient: tree.linkRecipient(crypto, linkSecret)
  })
  const fileHeader = header().body
  const deliver = (grant: tree.GrantRecord, options: Partial<tree.DeliveryDraft> = {}): tree.DeliveryRecord =>
    tree.createDelivery({ crypto, random: crypto.random }, root, {
      grant,
      epoch: epoch.record.id,
      keyVersion: grant.body.targetType === tree.grantTarget.block ? 0 : undefined,
      key: grant.body.targetType === tree.grantTarget.block ? fileKey.bytes : epoch.key,
      to:
        grant.body.recipientType === tree.recipientType.link ? { linkSecret } : { principal: reader.record },
      cap: undefined,
      ...options
    })
  const zoneDelivery = deliver(zoneGrant)

  test('give a zone key to a principal, in both suites', () => {
    for (const suite of [1, 2] as const) {
      const key = tree.openDelivery(crypto, deliver(zoneGrant, { suite }), zoneGrant, reader, {
        epoch: epoch.record
      })
      expect(key).toEqual(epoch.key)
    }
  })

  test('give a block key to a principal and to a link', () => {
    const header = { header: fileHeader }
    expect(tree.openDelivery(crypto, deliver(blockGrant), blockGrant, reader, header)).toEqual(fileKey.bytes)
    const opened = tree.openDelivery(crypto, deliver(linkGrant), linkGrant, { linkSecret }, header)
    expect(opened).toEqual(fileKey.bytes)
    expect(tree.openHeader(crypto, fileHeader, tree.blockKeyFromBytes(crypto, opened)).name).toBe('a.txt')
  })

  test('are reproducible with a seeded generator, and fresh with that of the system', () => {
    const make = (source: tree.SealContext['random']): string =>
      tree
        .createDelivery({ crypto, random: source }, root, {
          grant: zoneGrant,
          epoch: epoch.record.id,
          keyVersion: undefined,
          key: epoch.key,
          to: { principal: reader.record },
          cap: undefined
        })
        .id.toHex()
    expect(make(seededRandom('x'))).toBe(make(seededRandom('x')))
    expect(make(crypto.random)).not.toBe(make(crypto.random))
  })

  test('do not open for another principal or another link', () => {
    expect(
      codeOf(() => tree.openDelivery(crypto, zoneDelivery, zoneGrant, device, { epoch: epoch.record }))
    ).toBe('ERR_DELIVERY_SEALED')
    expect(
      codeOf(() =>
        tree.openDelivery(
          crypto,
          deliver(linkGrant),
          linkGrant,
          { linkSecret: id(1) },
          { header: fileHeader }
        )
      )
    ).toBe('ERR_DELIVERY_SEALED')
  })

  test('A32: do not open when moved to another grant, epoch, key version or suite', () => {
    const otherGrant = grantTo()
    expect(
      codeOf(() => tree.openDelivery(crypto, zoneDelivery, otherGrant, reader, { epoch: epoch.record }))
    ).toBe('ERR_RECORD_FIELD')
    const regranted = { ...zoneDelivery, body: { ...zoneDelivery.body, grant: otherGrant.id } }
    expect(
      codeOf(() => tree.openDelivery(crypto, regranted, otherGrant, reader, { epoch: epoch.record }))
    ).toBe('ERR_DELIVERY_SEALED')
    const resuited = { ...zoneDelivery, body: { ...zoneDelivery.body, suite: 2 } }
    expect(
      codeOf(() => tree.openDelivery(crypto, resuited, zoneGrant, reader, { epoch: epoch.record }))
    ).toBe('ERR_DELIVERY_SEALED')
    const next = rotate([])
    const moved = { ...zoneDelivery, body: { ...zoneDelivery.body, epoch: next.record.id } }
    expect(codeOf(() => tree.openDelivery(crypto, moved, zoneGrant, reader, { epoch: next.record }))).toBe(
      'ERR_DELIVERY_SEALED'
    )
  })

  test('A31: refuse a delivered key that the epoch or header does not commit to', () => {
    const wrongZone = deliver(zoneGrant, { key: id(9) })
    expect(
      codeOf(() => tree.openDelivery(crypto, wrongZone, zoneGrant, reader, { epoch: epoch.record }))
    ).toBe('ERR_ZONE_KEY')
    const wrongBlock = deliver(blockGrant, { key: id(9) })
    expect(
      codeOf(() => tree.openDelivery(crypto, wrongBlock, blockGrant, reader, { header: fileHeader }))
    ).toBe('ERR_BLOCK_KEY')
  })

  test('refuse an epoch or header that is not the one they are for', () => {
    const next = rotate([])
    expect(
      codeOf(() => tree.openDelivery(crypto, zoneDelivery, zoneGrant, reader, { epoch: next.record }))
    ).toBe('ERR_RECORD_FIELD')
    expect(
      codeOf(() => tree.openDelivery(crypto, zoneDelivery, zoneGrant, reader, { header: fileHeader }))
    ).toBe('ERR_RECORD_FIELD')
    const elsewhere = rotate([], { zone: zoneBelow(rootBlock).block })
    const ofElsewhere = deliver(zoneGrant, { epoch: elsewhere.record.id, key: elsewhere.key })
    expect(
      codeOf(() => tree.openDelivery(crypto, ofElsewhere, zoneGrant, reader, { epoch: elsewhere.record }))
    ).toBe('ERR_RECORD_FIELD')
    const other = header({}, child(rootBlock)).body
    expect(
      codeOf(() => tree.openDelivery(crypto, deliver(blockGrant), blockGrant, reader, { header: other }))
    ).toBe('ERR_RECORD_FIELD')
    expect(
      codeOf(() =>
        tree.openDelivery(crypto, zoneDelivery, zoneGrant, { linkSecret }, { epoch: epoch.record })
      )
    ).toBe('ERR_RECORD_FIELD')
  })

  test('are not made for an encapsulation key that X-Wing refuses', () => {
    const body = { ...reader.record.body, encapsulationPublicKey: new Uint8Array(1216).fill(255) }
    const signer = tree.principalId(crypto, tree.encodePrincipalBody(body))
    const grant = grantTo({ recipient: signer })
    const principal = { ...reader.record, signer, body }
    expect(codeOf(() => deliver(grant, { to: { principal } }))).toBe('ERR_PRINCIPAL_KEY')
  })

  test('are made only for the recipient and the target of the grant', () => {
    expect(codeOf(() => deliver(zoneGrant, { to: { principal: device.record } }))).toBe('ERR_RECORD_FIELD')
    expect(codeOf(() => deliver(linkGrant, { to: { linkSecret: id(1) } }))).toBe('ERR_RECORD_FIELD')
    expect(codeOf(() => deliver(zoneGrant, { to: { linkSecret } }))).toBe('ERR_RECORD_FIELD')
    expect(codeOf(() => deliver(zoneGrant, { keyVersion: 0 }))).toBe('ERR_RECORD_FIELD')
    expect(codeOf(() => deliver(blockGrant, { keyVersion: undefined }))).toBe('ERR_RECORD_FIELD')
  })

  test('refuse any flipped bit of the wrapped key or the encapsulation', () => {
    fc.assert(
      fc.property(fc.nat(1120 * 8 - 1), fc.boolean(), (bit, inWrapped) => {
        const field = inWrapped ? 'wrapped' : 'encapsulation'
        const body = { ...zoneDelivery.body, [field]: flipped(zoneDelivery.body[field], bit) }
        const code = codeOf(() =>
          tree.openDelivery(crypto, { ...zoneDelivery, body }, zoneGrant, reader, { epoch: epoch.record })
        )
        expect(code).toBe('ERR_DELIVERY_SEALED')
      }),
      { numRuns: 25 }
    )
  })

  test('refuse a capsule that is neither a salt nor an X-Wing ciphertext', () => {
    const body = { ...zoneDelivery.body, encapsulation: new Uint8Array(64) }
    expect(codeOf(() => tree.decodeDeliveryBody(tree.encodeDeliveryBody(body)))).toBe('ERR_RECORD_FIELD')
  })
})

describe('block keys', () => {
  test('differ by zone key, block and key version', () => {
    const keys = [
      fileKey,
      tree.blockKey(crypto, id(1), file.block, 0),
      tree.blockKey(crypto, epoch.key, rootBlock.block, 0),
      tree.blockKey(crypto, epoch.key, file.block, 1)
    ]
    expect(new Set(keys.map(({ bytes }) => bytes.toHex())).size).toBe(4)
    expect(new Set(keys.map(({ commitment }) => commitment.toHex())).size).toBe(4)
  })
})
