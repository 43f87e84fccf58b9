import type { FilePort } from '@blocktree/apps'
import { beforeEach, describe, expect, test } from 'vitest'
import type { AppContent } from '../../src/apps/app-content.ts'
import { createFilePort } from '../../src/apps/file-port.ts'
import { createTimerPort } from '../../src/apps/timer-port.ts'
import type { SpaceGuard } from '../../src/space-guard.ts'
import { createSpaceGuard } from '../../src/space-guard.ts'
import { fileElsewhere } from '../../src/sync/read-content.ts'
import { anySpace } from './app-world.ts'
import { firstImage, nextProcess, type World } from '../crash/crash-world.ts'

const anything = { expected: { kind: 'anything' }, mediaType: undefined } as const
let world: World
let port: FilePort

beforeEach(async () => {
  world = await nextProcess(await firstImage(), 'file port')
  await world.files.makeDirectory(world.owner, '/own')
  port = portWith(anySpace)
})

function portWith(
  space: SpaceGuard,
  hold: AppContent['hold'] = () => Promise.resolve(() => undefined)
): FilePort {
  return createFilePort({
    files: world.files,
    actor: world.owner,
    owner: world.owner,
    space,
    content: { hold },
    timers: createTimerPort()
  })
}

async function write(path: string, bytes: number): Promise<void> {
  await port.write(path, new Uint8Array(bytes), anything)
}

describe('list', () => {
  test('shows each entry once, page after page, in the order of names', async () => {
    const names = ['a', 'b', 'c', 'ä', 'ö', '🌲'].toSorted((one, other) =>
      Buffer.compare(Buffer.from(one), Buffer.from(other))
    )
    for (const name of names) await write(`/own/${name}`, 1)
    const seen: string[] = []
    let after: string | undefined
    do {
      const page = await port.list('/own', { after, limit: 2 })
      seen.push(...page.entries.map(({ name }) => name))
      after = page.next
    } while (after !== undefined)
    expect(seen).toEqual(names)
  })

  test('shows what was made since the page before, and nothing for a name behind the last', async () => {
    await write('/own/a', 1)
    expect(await port.list('/own', { after: undefined, limit: 10 })).toMatchObject({
      entries: [{ name: 'a' }]
    })
    await write('/own/b', 1)
    expect(await port.list('/own', { after: 'a', limit: 10 })).toMatchObject({ entries: [{ name: 'b' }] })
    expect(await port.list('/own', { after: 'b', limit: 10 })).toEqual({ entries: [], next: undefined })
  })

  test('refuses a directory that is reached through a link', async () => {
    await world.files.symlink(world.owner, '/own/link', '/plain')
    await expect(port.list('/own/link', { after: undefined, limit: 10 })).rejects.toMatchObject({
      failure: 'not-found'
    })
  })
})

describe('read', () => {
  const range = { offset: 1, length: 2 }

  test('goes on with a version that was opened while the file is written', async () => {
    await port.write('/own/a', Uint8Array.of(1, 2, 3), anything)
    const { version } = await port.stat('/own/a')
    expect(await port.read('/own/a', { ...range, version })).toEqual(Uint8Array.of(2, 3))
    await port.write('/own/a', Uint8Array.of(4, 5, 6), anything)
    expect(await port.read('/own/a', { ...range, version })).toEqual(Uint8Array.of(2, 3))
    expect(await port.read('/own/a', range)).toEqual(Uint8Array.of(5, 6))
    expect(await port.read('/own/a', { offset: 3, length: 9 })).toHaveLength(0)
  })

  test('refuses a version once its path leads there by a link, or to something else', async () => {
    const gone = { failure: 'not-found' }
    await port.makeDirectory('/own/d')
    await port.write('/own/d/a', Uint8Array.of(1, 2, 3), anything)
    const { version } = await port.stat('/own/d/a')
    const read = (): Promise<Uint8Array> => port.read('/own/d/a', { ...range, version })
    expect(await read()).toEqual(Uint8Array.of(2, 3))
    await port.move('/own/d', '/own/e')
    await world.files.symlink(world.owner, '/own/d', '/own/e')
    await expect(read()).rejects.toMatchObject(gone)
    await world.files.remove(world.owner, '/own/d')
    await port.makeDirectory('/own/d')
    await port.write('/own/d/a', Uint8Array.of(7, 8, 9), anything)
    await expect(read()).rejects.toMatchObject(gone)
  })
})

describe('watch', () => {
  test('tells of changes in a directory, and refuses a link to one', async () => {
    await world.files.symlink(world.owner, '/own/link', '/plain')
    const watch = (path: string): { close(): void } =>
      port.watch(path, { isRecursive: true }, (changes) => told.push(...(changes ?? [])))
    const told: unknown[] = []
    expect(() => watch('/own/link')).toThrow(expect.objectContaining({ failure: 'not-found' }))
    const watched = watch('/own')
    await write('/own/a', 1)
    await expect.poll(() => told).toEqual([{ kind: 'created', path: '/own/a' }])
    watched.close()
  })

  test('tells of a file whose content was not here when it was read, once it can be read', async () => {
    await write('/own/a', 1)
    const late = portWith(anySpace, () => Promise.reject(fileElsewhere(['home'])))
    const told: unknown[] = []
    const watched = late.watch('/own', { isRecursive: true }, (changes) => told.push(...(changes ?? [])))
    const elsewhere = late.watch('/plain', { isRecursive: true }, () => told.push('elsewhere'))
    const range = { offset: 0, length: 1 }
    await expect(late.read('/own/none', range)).rejects.toMatchObject({ failure: 'not-found' })
    await expect(late.read('/own/a', range)).rejects.toMatchObject({ failure: 'unreachable' })
    await expect.poll(() => told).toEqual([{ kind: 'changed', path: '/own/a' }])
    watched.close()
    elsewhere.close()
  })
})

describe('write', () => {
  test('leaves the reserve of the disk alone, and does not stand in the way of a removal', async () => {
    await write('/own/a', 10)
    let free = 20_000
    const space = createSpaceGuard({
      reserveBytes: 1000,
      now: () => 0,
      freeBytes: () => (free -= 5000),
      startTimer: () => () => undefined
    })
    const bounded = portWith(space)
    await bounded.write('/own/b', new Uint8Array(1000), anything)
    const noSpace = { failure: 'no-space' }
    await expect(bounded.write('/own/c', new Uint8Array(20_000), anything)).rejects.toMatchObject(noSpace)
    const parts = async function* (): AsyncGenerator<Uint8Array, void> {
      for (let part = 0; part < 20; part++) yield await Promise.resolve(new Uint8Array(1000))
    }
    await expect(bounded.write('/own/d', parts(), anything)).rejects.toMatchObject(noSpace)
    await bounded.remove('/own/a', { isRecursive: false, expected: { kind: 'anything' } })
    expect((await port.list('/own', { after: undefined, limit: 9 })).entries).toMatchObject([{ name: 'b' }])
  })
})

describe('storedBytes', () => {
  test('counts every version of every file below a directory', async () => {
    await port.makeDirectory('/own/deep')
    await write('/own/a', 5000)
    await write('/own/a', 7000)
    await write('/own/deep/b', 10)
    await write('/own/deep/b', 30)
    expect(await port.storedBytes('/own/a')).toBe(12_000)
    expect(await port.storedBytes('/own')).toBe(12_040)
  })

  test('is nothing for what is not there, or was removed', async () => {
    await write('/own/a', 5000)
    await port.remove('/own/a', { isRecursive: false, expected: { kind: 'anything' } })
    expect(await port.storedBytes('/own/a')).toBe(0)
    expect(await port.storedBytes('/own')).toBe(0)
  })
})
