import { formatId } from '@blocktree/codec'
import { describe, expect, test } from 'vitest'
import { pathIn, treeNameOf } from '../src/tree-router.ts'

const name = formatId(new Uint8Array(32).fill(7))

describe('treeNameOf', () => {
  test('finds the id of a tree at the beginning of a path', () => {
    for (const path of [`/${name}`, `/${name}/`, `/${name}/a/b`]) expect(treeNameOf(path)).toBe(name)
  })

  test('finds none in other paths', () => {
    for (const path of [
      '',
      '/',
      '/a',
      name,
      `/a/${name}`,
      `/${name}x`,
      `/${name.slice(1)}a`,
      `/${'b'.repeat(56)}`
    ]) {
      expect(treeNameOf(path)).toBeUndefined()
    }
  })
})

describe('pathIn', () => {
  test('puts the id before paths of a tree of somebody else', () => {
    expect(pathIn({ isOwn: false, name }, '/a')).toBe(`/${name}/a`)
    expect(pathIn({ isOwn: false, name }, '/')).toBe(`/${name}`)
  })

  test('leaves paths of the own tree, and what has no path, as they are', () => {
    expect(pathIn({ isOwn: true, name }, '/a')).toBe('/a')
    expect(pathIn({ isOwn: false, name }, '')).toBe('')
  })
})
