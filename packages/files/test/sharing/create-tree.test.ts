import { right } from '@blocktree/tree'
import { describe, expect, test } from 'vitest'
import { allRights } from '../../src/sharing/create-tree.ts'
import { asText, failure, newPrincipal, newWorld, text } from './sharing-fixture.ts'

describe('createTree', () => {
  test('lets the node read, write and share without the root key', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/docs')
    await world.files.create(world.owner, '/docs/a', text('hello'))
    const read = world.files.read(world.owner, '/docs/a')
    expect(asText(read.bytes)).toBe('hello')
    expect(world.genesis.nodeCap.body.rights).toBe(allRights)
  })

  test('lets the root read what the node writes', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/docs')
    await world.files.create(world.owner, '/docs/a', text('hello'))
    expect(asText(world.files.read(world.rootActor, '/docs/a').bytes)).toBe('hello')
  })

  test('leaves a stranger without reading and writing', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/docs')
    const stranger = world.files.actor(newPrincipal())
    expect(await failure(() => world.files.list(stranger, '/docs'))).toBe('ERR_ACCESS_DENIED')
    expect(await failure(() => world.files.create(stranger, '/docs/x', text('x')))).toBe('ERR_ACCESS_DENIED')
    expect(stranger.capFor({ home: world.genesis.rootBlock, block: undefined }, right.write)).toBeUndefined()
  })

  test('makes a public tree without keys', async () => {
    const world = await newWorld({ public: true })
    await world.files.create(world.owner, '/a', text('for all'))
    const stranger = world.files.actor(newPrincipal())
    expect(asText(world.files.read(stranger, '/a').bytes)).toBe('for all')
    expect(world.genesis.epoch).toBeUndefined()
  })
})
