import { describe, expect, test } from 'vitest'
import { hasIdPrefix, conflictName, parseConflictName } from '../src/directory-view.ts'
import { formatPath, parentPath, parseName, parsePath, pathOf } from '../src/path.ts'

describe('paths', () => {
  test('parses and formats', () => {
    expect(parsePath('/')).toEqual([])
    expect(parsePath('/a/b c/ü.txt')).toEqual(['a', 'b c', 'ü.txt'])
    expect(parsePath('/a/')).toEqual(['a'])
    expect(formatPath(parsePath('/a/b'))).toBe('/a/b')
    expect(formatPath(parsePath('/'))).toBe('/')
    expect(parentPath(parsePath('/a/b'))).toEqual(['a'])
    expect(parentPath(parsePath('/'))).toBeUndefined()
  })

  test('brings what a person typed to normalization form C', () => {
    expect(parseName('u\u0308')).toBe('\u00fc')
  })

  test.each([
    '',
    'a',
    'a/b',
    '//',
    '/a//b',
    '/.',
    '/a/..',
    '/a/./b',
    '/nul\0',
    `/${'x'.repeat(256)}`,
    '/\ud800'
  ])('refuses %j', (text) => {
    expect(() => parsePath(text)).toThrow(expect.objectContaining({ code: 'ERR_PATH_INVALID' }))
  })

  test('takes 255 bytes and 256 components, and no more', () => {
    expect(parsePath(`/${'x'.repeat(255)}`)[0]).toHaveLength(255)
    expect(() => parseName('ü'.repeat(128))).toThrow(/256 bytes/)
    expect(pathOf(Array.from({ length: 256 }, () => 'a'))).toHaveLength(256)
    expect(() => pathOf(Array.from({ length: 257 }, () => 'a'))).toThrow(/longer than 256/)
  })

  test('reads a conflict name back', () => {
    const block = new Uint8Array(32).map((_, at) => at * 9)
    const text = conflictName('notes.tar.gz', block, 8)
    const parsed = parseConflictName(text)
    expect(parsed?.name).toBe('notes.tar.gz')
    expect(parsed !== undefined && hasIdPrefix(block, parsed.idPrefix)).toBe(true)
    expect(parseConflictName('notes.tar.gz')).toBeUndefined()
  })
})
