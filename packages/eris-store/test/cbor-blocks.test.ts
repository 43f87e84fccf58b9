import { readFileSync, writeFileSync } from 'node:fs'
import { decodeCapability, nameBlock } from '@blocktree/eris'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openCborStore } from '@blocktree/eris-store'
import { hashing } from '../src/hashing.ts'
import { makeScratch } from './scratch.ts'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const block = nameBlock(hashing, new Uint8Array(1024).fill(7))
const reference = Buffer.from(block.reference).toString('hex')
const bytes = Buffer.from(block.bytes).toString('hex')
const entry = `5820 ${reference} 590400 ${bytes}`
const capability = `0a00 ${'11'.repeat(32)} ${'22'.repeat(32)}`
const request = { reference: block.reference, size: 1024 } as const

describe('a file of blocks', () => {
  test.each([
    ['with both tags and indefinite lengths', `d9d9f7 da65726973 9f bf ${entry} ff ff`],
    ['with both tags and definite lengths', `d9d9f7 da65726973 81 a1 ${entry}`],
    ['without self-description', `da65726973 81 a1 ${entry}`],
    ['without any tag', `81 a1 ${entry}`],
    ['with capabilities', `d9d9f7 da65726973 82 a1 ${entry} d90114 5842 ${capability}`],
    [
      'with lengths that are longer than they need be',
      `9b0000000000000001 b800000001 ${entry}`.replace('b80000', 'ba0000')
    ]
  ])('%s is read', async (_, text) => {
    using scratch = makeScratch()
    writeFileSync(scratch.path('file'), hex(text))
    await using store = await openCborStore(scratch.path('file'))
    expect(Buffer.compare((await store.get(request)) ?? new Uint8Array(0), block.bytes)).toBe(0)
    expect(store.capabilities.length).toBe(text.includes('d90114') ? 1 : 0)
  })

  test('is written byte by byte as the specification has it', async () => {
    using scratch = makeScratch()
    const store = await openCborStore(scratch.path('file'))
    await store.put(block)
    store.addCapability(decodeCapability(hex(capability)))
    await store.close()
    const written = readFileSync(scratch.path('file')).toString('hex')
    expect(written).toBe(`d9d9f7da657269739fbf${entry}ffd901145842${capability}ff`.replaceAll(' ', ''))
  })

  test.each([
    [
      'with a block under a wrong reference',
      `81 a1 5820 ${'00'.repeat(32)} 590400 ${bytes}`,
      'ERR_ERIS_BLOCK_CORRUPT'
    ],
    ['with a block of another length', `81 a1 5820 ${reference} 43 010203`, 'ERR_ERIS_STORE_FORMAT'],
    ['with a reference of another length', `81 a1 41 00 590400 ${bytes}`, 'ERR_ERIS_STORE_FORMAT'],
    ['with something behind its end', `81 a1 ${entry} 00`, 'ERR_ERIS_STORE_FORMAT'],
    ['that is cut off', `81 a1 ${entry.slice(0, -10)}`, 'ERR_ERIS_STORE_FORMAT'],
    ['that promises more blocks than it has', `81 a2 ${entry}`, 'ERR_ERIS_STORE_FORMAT'],
    ['with another tag', `d9d9f6 81 a1 ${entry}`, 'ERR_ERIS_STORE_FORMAT'],
    ['that is no array', `a1 ${entry}`, 'ERR_ERIS_STORE_FORMAT'],
    [
      'with a key of indefinite length',
      `81 a1 5f 5820 ${reference} ff 590400 ${bytes}`,
      'ERR_ERIS_STORE_FORMAT'
    ],
    ['with no capability where one should be', `82 a1 ${entry} d90114 43 010203`, 'ERR_ERIS_STORE_FORMAT'],
    ['that is empty', '', 'ERR_ERIS_STORE_FORMAT']
  ])('%s is refused', async (_, text, code) => {
    using scratch = makeScratch()
    writeFileSync(scratch.path('file'), hex(text))
    await expect(openCborStore(scratch.path('file'))).rejects.toMatchObject({ code })
  })

  test('made up of any bytes is refused by an error of the package', async () => {
    using scratch = makeScratch()
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (made) => {
        writeFileSync(scratch.path('file'), made)
        await expect(openCborStore(scratch.path('file'))).rejects.toMatchObject({ name: 'ErisError' })
      }),
      { numRuns: 200 }
    )
  })

  test('that is opened to read only has to be there', async () => {
    using scratch = makeScratch()
    const opened = openCborStore(scratch.path('absent'), { permissions: { put: false } })
    await expect(opened).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_UNAVAILABLE' })
  })
})
