import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { RpcError, schema } from '@blocktree/rpc'

const strict = { framing: 'json', unknownMembers: 'refuse' } as const

const person = schema.object({
  name: schema.string({ charactersMin: 1, charactersMax: 20 }),
  age: schema.optional(schema.integer({ min: 0, max: 200 })),
  tags: schema.array(schema.object({ key: schema.bytes() }), { itemsMax: 3 }),
  kind: schema.enumeration(['file', 'directory']),
  extra: schema.optional(schema.nullable(schema.record(schema.union([schema.boolean(), schema.number()]))))
})

const good = { name: 'a', tags: [{ key: 'AQI=' }], kind: 'file', extra: { a: true, b: 1.5 } }

function problemOf(change: object): unknown {
  try {
    person.read({ ...structuredClone(good), ...change }, strict)
  } catch (error) {
    return error
  }
  return undefined
}

describe('an object schema', () => {
  test('reads what fits, bytes from base64', () => {
    expect(person.read(structuredClone(good), strict)).toEqual({
      ...good,
      tags: [{ key: new Uint8Array([1, 2]) }]
    })
  })

  test('writes what it read', () => {
    const value = person.read(structuredClone(good), strict)
    expect(person.write(value, 'json')).toEqual(good)
    expect(person.write(value, 'frames')).toBe(value)
  })

  test.each([
    [{ name: 5 }, 'name: expected text, found 5'],
    [{ name: undefined }, 'name'],
    [{ name: '' }, 'at least 1'],
    [{ age: 1.5 }, 'age: expected an integer, found 1.5'],
    [{ age: 201 }, 'from 0 to 200'],
    [{ age: null }, 'found null'],
    [{ tags: [{ key: 'AQI=' }, { key: '*' }] }, 'tags[1].key: expected bytes as base64'],
    [{ tags: [{}, {}, {}, {}] }, 'at most 3'],
    [{ kind: 'fiel' }, 'did you mean "file"?'],
    [{ extra: { a: 'x' } }, 'extra.a: no alternative fits'],
    [{ nmae: 'a' }, 'unknown name "nmae"; did you mean "name"?'],
    [{ zzzzzzzz: 1 }, 'known: name, age, tags, kind, extra']
  ])('refuses %j and says where and why', (change, message) => {
    const problem = problemOf(change)
    expect(problem).toBeInstanceOf(RpcError)
    expect(problem).toMatchObject({ code: 'ERR_RPC_PARAMS', data: { path: expect.any(String) } })
    expect(String(problem)).toContain(message)
  })

  test('reads frozen values in frames, where nothing has to be changed', () => {
    const frozen = Object.freeze({
      name: 'a',
      tags: Object.freeze([Object.freeze({ key: new Uint8Array([1]) })]),
      kind: 'file',
      extra: Object.freeze({ a: true })
    })
    expect(person.read(frozen, { framing: 'frames', unknownMembers: 'refuse' })).toBe(frozen)
  })

  test('keeps unknown members of a newer peer when asked to', () => {
    const value = person.read(
      { ...structuredClone(good), newer: 1 },
      { framing: 'json', unknownMembers: 'keep' }
    )
    expect(value).toMatchObject({ newer: 1 })
  })

  test('throws nothing but its own error, whatever it reads', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        try {
          person.read(value, strict)
        } catch (error) {
          expect(error).toBeInstanceOf(RpcError)
        }
      })
    )
  })

  test('describes itself as a JSON Schema', () => {
    expect(person.jsonSchema).toMatchObject({
      type: 'object',
      required: ['name', 'tags', 'kind'],
      additionalProperties: false,
      properties: { age: { type: 'integer', minimum: 0, maximum: 200 } }
    })
  })
})
