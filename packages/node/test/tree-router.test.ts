import { formatId } from '@blocktree/codec'
import { describe, expect, test } from 'vitest'
import type { HeldTree, HostedTrees } from '../src/hosted-trees.ts'
import { createTreeRouter, pathIn, treeNameOf } from '../src/tree-router.ts'

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

describe('each', () => {
  const tree = (treeName: string, isOwn = false): HeldTree => ({ name: treeName, isOwn }) as HeldTree
  const hosted = {
    names: ['first', 'second', 'third'],
    isHosted: () => true,
    use: (_name: string, work: () => unknown) => work(),
    open: (treeName: string) =>
      treeName === 'second' ? Promise.reject(new Error('it is damaged')) : Promise.resolve(tree(treeName))
  }
  const router = createTreeRouter(tree('own', true), hosted as unknown as HostedTrees)

  test('goes on after a hosted tree that cannot be opened, and one whose work fails', async () => {
    const done: string[] = []
    const failed: string[] = []
    await router.each(
      async (held) => {
        if (held.name === 'first') throw new Error('it cannot be read')
        done.push(await Promise.resolve(held.name))
      },
      (treeName, error) => failed.push(`${treeName}: ${String(error)}`)
    )
    expect(done).toEqual(['own', 'third'])
    expect(failed).toEqual(['first: Error: it cannot be read', 'second: Error: it is damaged'])
  })

  test('ends with the error when nobody takes it, and with every error of the own tree', async () => {
    await expect(router.each(() => Promise.resolve())).rejects.toThrow('it is damaged')
    const failing = router.each(
      ({ isOwn }) => (isOwn ? Promise.reject(new Error('own')) : Promise.resolve()),
      () => undefined
    )
    await expect(failing).rejects.toThrow('own')
  })
})
