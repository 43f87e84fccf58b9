/** The vectors of doc/spec, read as a stranger would, under the portable provider: nothing is made here. */
import { readFileSync } from 'node:fs'
import { inflateSync } from 'node:zlib'
import { CanonicalWriter } from '@blocktree/codec'
import { createPortableProvider } from '@blocktree/crypto/portable'
import { describe, expect, test } from 'vitest'
import * as tree from '../src/index.ts'
import { codeOf } from './format-fixture.ts'

type Case = Readonly<Record<string, unknown>>
const crypto = createPortableProvider()

function group(page: string, name: string): readonly Case[] {
  const text = readFileSync(new URL(`../../../doc/spec/vectors/${page}.json`, import.meta.url), 'utf8')
  const { groups }: { groups: Readonly<Record<string, readonly Case[]>> } = JSON.parse(text)
  return groups[name] ?? []
}

function bytes(value: unknown): Uint8Array {
  if (typeof value !== 'string') throw new Error('a vector lacks a field of bytes')
  return Uint8Array.fromHex(value)
}

function record<Type extends tree.RecordType>(
  value: unknown,
  type: Type
): Extract<tree.AnyRecord, { type: Type }> {
  const decoded = tree.decodeRecord(crypto, bytes(value))
  if (decoded.type !== type) throw new Error(`the vector is a record of type ${decoded.type}`)
  return decoded as Extract<tree.AnyRecord, { type: Type }>
}

/** A decoded value as the vectors print it. */
function plain(value: unknown): unknown {
  if (value === undefined) return null
  if (value instanceof Uint8Array) return value.toHex()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]))
}

describe('the vectors of the records', () => {
  test.each(group('records', 'principals'))('principal $id', (vector) => {
    const secret = { signSeed: bytes(vector['signSeed']), kemSeed: bytes(vector['kemSeed']) }
    const principal = tree.createPrincipal(crypto, secret)
    expect(principal.id.toHex()).toBe(vector['id'])
    expect(principal.record.id.toHex()).toBe(vector['recordId'])
    expect(tree.encodePrincipalBody(principal.record.body).toHex()).toBe(vector['body'])
  })

  test.each(group('records', 'births'))('birth: $comment', (vector) => {
    const birth = tree.decodeBirth(bytes(vector['bytes']))
    expect(plain(birth)).toEqual(vector['fields'])
    expect(tree.encodeBirth(birth).toHex()).toBe(vector['bytes'])
    expect(tree.blockId(crypto, bytes(vector['bytes'])).toHex()).toBe(vector['id'])
  })

  test.each(group('records', 'records'))('record: $comment', (vector) => {
    const decoded = tree.decodeRecord(crypto, bytes(vector['bytes']))
    expect([decoded.type, decoded.id.toHex(), decoded.signer.toHex()]).toEqual([
      vector['type'],
      vector['id'],
      vector['signer']
    ])
    expect(plain(decoded.body)).toEqual(vector['body'])
    expect(() => tree.verifyRecordSignature(crypto, decoded, bytes(vector['publicKey']))).not.toThrow()
  })

  test.each(group('records', 'refuse'))('refused: $comment', (vector) => {
    expect(codeOf(() => tree.decodeRecord(crypto, bytes(vector['bytes'])))).toBe(vector['error'])
  })

  test.each(group('records', 'tries'))('trie: $comment', (vector) => {
    const rows = (vector['rows'] as [string, string][]).map(([key, value]): [Uint8Array, Uint8Array] => [
      bytes(key),
      bytes(value)
    ])
    const root = tree.trieRoot(crypto, rows)
    expect(root.toHex()).toBe(vector['root'])
    for (const proof of vector['proofs'] as Case[]) {
      const key = bytes(proof['key'])
      const made = tree.proveTrieKey(crypto, rows, key)
      expect(plain(made)).toEqual({ steps: proof['steps'], leaf: proof['leaf'] })
      expect(plain(tree.verifyTrieProof(crypto, root, key, made))).toBe(proof['value'])
    }
  })

  test.each(group('records', 'refuseProofs'))('refused proof: $comment', (vector) => {
    const leaf = vector['leaf'] as Case | null
    const proof = {
      steps: (vector['steps'] as Case[]).map((step) => ({
        bitmap: Number(step['bitmap']),
        siblings: (step['siblings'] as string[]).map(bytes)
      })),
      leaf: leaf === null ? undefined : { key: bytes(leaf['key']), value: bytes(leaf['value']) }
    }
    const verify = (): unknown =>
      tree.verifyTrieProof(crypto, bytes(vector['root']), bytes(vector['key']), proof)
    expect(codeOf(verify)).toBe(vector['error'])
  })

  test.each(group('records', 'refuseManifests'))('refused manifest: $comment', (vector) => {
    const decoder = new tree.ManifestDecoder()
    expect(codeOf(() => [decoder.push(bytes(vector['bytes'])), decoder.finish()])).toBe(vector['error'])
  })

  test.each(group('records', 'manifests'))('manifest: $comment', (vector) => {
    const decoder = new tree.ManifestDecoder()
    const rows = [...decoder.push(bytes(vector['bytes'])), ...decoder.finish()]
    expect(plain(rows)).toEqual(vector['rows'])
    const builder = new tree.HeadsRootBuilder(crypto)
    for (const row of rows) builder.add(row)
    expect(builder.finish().headsRoot.toHex()).toBe(vector['headsRoot'])
  })
})

describe('the vectors of the rules of a record', () => {
  function decode(vector: Case): tree.AnyRecord {
    const { bytes: written, zlib } = vector
    const decoded = tree.decodeRecord(
      crypto,
      zlib === undefined ? bytes(written) : new Uint8Array(inflateSync(bytes(zlib)))
    )
    if (decoded.type === tree.recordType.principal) tree.checkPrincipalRecord(crypto, decoded)
    return decoded
  }

  test.each(group('record-rules', 'accept'))('accepted: $comment', (vector) => {
    expect(decode(vector).bytes.length).toBeGreaterThan(0)
  })

  test.each(group('record-rules', 'refuse'))('refused: $comment', (vector) => {
    expect(codeOf(() => decode(vector))).toBe(vector['error'])
  })

  function checkPair(vector: Case): void {
    const [parent, child] = [record(vector['parent'], 4), record(vector['child'], 4)]
    const births = (vector['zones'] as string[]).map((zone) => tree.decodeBirth(bytes(zone)))
    const ids = (vector['zones'] as string[]).map((zone) => tree.blockId(crypto, bytes(zone)).toHex())
    tree.checkAttenuation(parent, child)
    const birthOf = (zone: tree.Id): tree.Birth | undefined => births[ids.indexOf(zone.toHex())]
    if (!tree.isScopeInside(crypto, child.body, parent.body, birthOf))
      throw new tree.TreeError('ERR_CAP_SCOPE', 'the scope is not inside')
  }

  test.each(group('record-rules', 'capsUnderParent'))('cap under its parent: $comment', (vector) => {
    expect(codeOf(() => checkPair(vector))).toBe('nothing was thrown')
  })

  test.each(group('record-rules', 'refuseCapsUnderParent'))(
    'refused under its parent: $comment',
    (vector) => {
      expect(codeOf(() => checkPair(vector))).toBe(vector['error'])
    }
  )

  test.each(group('record-rules', 'refuseBirths'))('refused birth: $comment', (vector) => {
    expect(codeOf(() => tree.decodeBirth(bytes(vector['bytes'])))).toBe(vector['error'])
  })
})

describe('the vectors of headers and payloads', () => {
  test.each(group('payload', 'blockKeys'))('block key: $comment', (vector) => {
    const key = tree.blockKey(
      crypto,
      bytes(vector['zoneKey']),
      bytes(vector['block']),
      Number(vector['keyVersion'])
    )
    expect(plain(key)).toEqual({ bytes: vector['key'], commitment: vector['commitment'] })
  })

  test.each(group('payload', 'headers'))('header: $comment', (vector) => {
    const header = record(vector['bytes'], tree.recordType.header)
    const key =
      vector['blockKey'] === null ? undefined : tree.blockKeyFromBytes(crypto, bytes(vector['blockKey']))
    expect(header.body.block.toHex()).toBe(vector['block'])
    expect(plain(tree.openHeader(crypto, header.body, key))).toEqual(vector['private'])
  })

  test.each(group('payload', 'refuseHeaders'))('refused header: $comment', (vector) => {
    const good = record(group('payload', 'headers')[0]?.['bytes'], tree.recordType.header).body
    const body = { ...good, publicBytes: bytes(vector['publicBytes']), sealed: bytes(vector['sealed']) }
    const key = tree.blockKeyFromBytes(crypto, bytes(vector['blockKey']))
    expect(codeOf(() => tree.openHeader(crypto, body, key))).toBe(vector['error'])
  })

  /** The headers of these are not signed: only the public part is given. */
  function openPrivate(vector: Case): tree.HeaderPrivate {
    const publicBytes = bytes(vector['publicBytes'])
    const unsealed = new CanonicalWriter().array(2).bin(publicBytes).bin(bytes(vector['plaintext'])).finish()
    return tree.openHeader(crypto, tree.decodeHeaderBody(crypto, unsealed), undefined)
  }

  test.each(group('payload', 'privateParts'))('private part: $comment', (vector) => {
    expect(openPrivate(vector).size).toBeGreaterThanOrEqual(0)
  })

  test.each(group('payload', 'refusePrivateParts'))('refused private part: $comment', (vector) => {
    expect(codeOf(() => openPrivate(vector))).toBe(vector['error'])
  })

  function stateOf(vector: Case): {
    state: tree.PayloadState
    read: (hash: tree.Id) => Uint8Array | undefined
  } {
    const payload = vector['payload'] as Record<string, number>
    const parts = vector['parts'] as Record<string, string>
    const { aead = 0, sectorLog2 = 0, levels = 0, stored = 0 } = payload
    return {
      state: {
        payload: { aead, sectorLog2, levels, stored, rootHash: bytes(payload['rootHash']) },
        size: Number(vector['size']),
        rootKey: vector['rootKey'] === null ? undefined : bytes(vector['rootKey'])
      },
      read: (hash) => {
        const part = parts[hash.toHex()]
        return part === undefined ? undefined : bytes(part)
      }
    }
  }

  test.each(group('payload', 'payloads'))('payload: $comment', (vector) => {
    const { state, read } = stateOf(vector)
    const reader = new tree.PayloadReader(crypto, state, { readSector: read, isVerified: false })
    const length = Number(vector['contentBytes'])
    const content = Uint8Array.from({ length }, (_unused, index) => (7 * index + (index >> 8)) & 0xff)
    expect(reader.read(0, length)).toEqual(content)
    expect(reader.read(length, state.size)).toEqual(new Uint8Array(Number(vector['zerosAfter'])))
    const listed = [...tree.listReferences(state.payload, read)].map(({ hash }) => hash.toHex())
    expect(listed.toSorted()).toEqual(Object.keys(vector['parts'] as object).toSorted())
  })

  test.each(group('payload', 'refusePayloads'))('refused payload: $comment', (vector) => {
    const { state, read } = stateOf(vector)
    const options = { readSector: read, isVerified: false }
    expect(codeOf(() => new tree.PayloadReader(crypto, state, options).read(0, state.size))).toBe(
      vector['error']
    )
  })
})

describe('the vectors of keys', () => {
  const epochs = new Map(
    group('keys', 'epochs').map((vector) => {
      const epoch = record(vector['bytes'], tree.recordType.epoch)
      return [vector['id'], { record: epoch, body: epoch.body, key: bytes(vector['key']) }]
    })
  )

  test.each(group('keys', 'epochs'))('epoch: $comment', (vector) => {
    const epoch = epochs.get(vector['id'])
    if (epoch === undefined) throw new Error('the epoch has another id')
    expect(() => tree.checkZoneKey(crypto, epoch.body, epoch.key)).not.toThrow()
  })

  test.each(group('keys', 'opens'))('$way from $from', (vector) => {
    const [from, to] = [epochs.get(vector['from']), epochs.get(vector['to'])]
    if (from === undefined || to === undefined) throw new Error('an epoch is missing')
    const key =
      vector['way'] === 'past'
        ? tree.openPastKey(crypto, from, to.record)
        : tree.openInheritedKey(crypto, to.body, from.key)
    expect(key.toHex()).toBe(vector['key'])
  })

  test.each(group('keys', 'refuseOpens'))('refused: $comment', (vector) => {
    const [from, to] = [record(vector['from'], 6), record(vector['to'], 6)]
    const key = bytes(vector['fromKey'])
    const open = (): unknown =>
      vector['way'] === 'past'
        ? tree.openPastKey(crypto, { body: from.body, key }, to)
        : tree.openInheritedKey(crypto, to.body, key)
    expect(codeOf(open)).toBe(vector['error'])
  })

  function openDelivery(vector: Case): Uint8Array {
    const committing = tree.decodeRecord(crypto, bytes(vector['committing']))
    const recipient =
      vector['kemSeed'] === undefined
        ? { linkSecret: bytes(vector['linkSecret']) }
        : { decapsulation: crypto.decapsulationKey(bytes(vector['kemSeed'])) }
    if (committing.type !== tree.recordType.epoch && committing.type !== tree.recordType.header) {
      throw new Error('an epoch or a header commits to a key')
    }
    return tree.openDelivery(
      crypto,
      record(vector['delivery'], tree.recordType.delivery),
      record(vector['grant'], tree.recordType.grant),
      recipient,
      committing.type === tree.recordType.epoch ? { epoch: committing } : { header: committing.body }
    )
  }

  test.each(group('keys', 'deliveries'))('delivery: $comment', (vector) => {
    expect(openDelivery(vector).toHex()).toBe(vector['key'])
  })

  test.each(group('keys', 'refuse'))('refused: $comment', (vector) => {
    expect(codeOf(() => openDelivery(vector))).toBe(vector['error'])
  })
})

describe('the vectors of names and paths', () => {
  const written = (value: unknown): string => (typeof value === 'string' ? value : '')

  test.each(group('paths', 'names'))('name: $comment', ({ name, valid }) => {
    expect(tree.isValidName(written(name))).toBe(valid)
  })

  test.each(group('paths', 'conflictNames'))(
    'conflict name of $name',
    ({ name, block, digits, shown, invalid }) => {
      expect(tree.conflictName(written(name), bytes(block), Number(digits))).toBe(shown)
      expect(tree.invalidName(bytes(block))).toBe(invalid)
    }
  )

  test.each(group('paths', 'paths'))('path: $comment', ({ path, components }) => {
    expect(tree.parsePath(written(path))).toEqual(components)
  })

  test.each(group('paths', 'refusePaths'))('refused path: $comment', ({ path, error }) => {
    expect(codeOf(() => tree.parsePath(written(path)))).toBe(error)
  })
})
