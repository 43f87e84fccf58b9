import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { codeOf, nearestName, numericOfCode, toErrorObject } from '@blocktree/rpc'

describe('toErrorObject', () => {
  test('keeps code, message and facts of a coded failure', () => {
    const thrown = Object.assign(new Error('path "/a" does not exist'), {
      code: 'ERR_PATH_ABSENT',
      data: { path: '/a' }
    })
    expect(toErrorObject(thrown)).toEqual({
      code: numericOfCode('ERR_PATH_ABSENT'),
      message: 'path "/a" does not exist',
      data: { code: 'ERR_PATH_ABSENT', path: '/a' }
    })
  })

  test('tells nothing of any other failure, whatever was thrown', () => {
    const trap = new Proxy(
      {},
      {
        get: () => {
          throw new Error('trap')
        },
        has: () => true
      }
    )
    for (const thrown of [
      new Error('secret'),
      'secret',
      null,
      undefined,
      5,
      { code: 5 },
      { code: 'EACCES' },
      trap
    ]) {
      expect(toErrorObject(thrown)).toMatchObject({ code: -32603, data: { code: 'ERR_INTERNAL' } })
      expect(JSON.stringify(toErrorObject(thrown))).not.toContain('secret')
    }
  })
})

describe('numericOfCode', () => {
  test('is fixed for every text, outside the range that JSON-RPC keeps', () => {
    expect(numericOfCode('ERR_RPC_PARAMS')).toBe(-32602)
    expect(numericOfCode('ERR_PATH_ABSENT')).toBe(numericOfCode('ERR_PATH_ABSENT'))
    fc.assert(fc.property(fc.string(), (text) => numericOfCode(`ERR_X_${text}`) >= 1000))
  })
})

describe('codeOf', () => {
  test('knows E_ and ERR_ codes and no others', () => {
    expect(codeOf({ code: 'ERR_A' })).toBe('ERR_A')
    expect(codeOf({ code: 'E_A' })).toBe('E_A')
    expect(codeOf({ code: 'ENOENT' })).toBeUndefined()
  })
})

describe('nearestName', () => {
  test('finds a typing error and no far name', () => {
    expect(nearestName('node.statsu', ['node.status', 'node.stop'])).toBe('node.status')
    expect(nearestName('quite.different', ['node.status'])).toBeUndefined()
  })
})
