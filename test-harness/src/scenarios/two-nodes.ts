/** Two machines of one owner: what is written on one is on the other, whatever happens in between. */
import { expectEqual, expectTrue } from '../expect.ts'
import { isInStep, joinNode, loopback, waitUntil } from '../join-node.ts'
import type { Node, Scenario } from '../scenario.ts'
import { decodeText, encodeText } from '../text.ts'

async function textAt(node: Node, path: string): Promise<string | undefined> {
  try {
    return decodeText((await node.call('file.read', { path })).data)
  } catch {
    return undefined
  }
}

const arrives = (node: Node, path: string, text: string): Promise<number> =>
  waitUntil(async () => (await textAt(node, path)) === text, `"${text}" at ${path}`)

export const twoNodes: Scenario = {
  name: 'two-nodes',
  summary: 'Two nodes of one owner replicate both ways, through kills, absence and writes on both sides',
  async run({ harness, step, report, random }) {
    const home = await harness.startNode('home', { environment: await loopback() })
    await home.call('file.mkdir', { path: '/documents' })
    await home.call('file.create', { path: '/documents/before.txt', data: encodeText('before') })
    const box = await step('a second node joins', () => joinNode(harness, home, 'box'))
    await step('what was there before arrives', async () => {
      report('first file after', Math.round(await arrives(box, '/documents/before.txt', 'before')))
    })
    await step('what is written on either side arrives on the other', async () => {
      await home.call('file.create', { path: '/documents/home.txt', data: encodeText('from home') })
      await arrives(box, '/documents/home.txt', 'from home')
      await box.call('file.create', { path: '/documents/box.txt', data: encodeText('from the box') })
      await arrives(home, '/documents/box.txt', 'from the box')
    })
    await step('a write waits for the promise of the other node', async () => {
      const data = random.bytes(200_000)
      await home.call('file.create', { path: '/documents/large.bin', data })
      const promise = await home.call('sync.wait', { path: '/documents/large.bin', copies: 2 })
      expectEqual(promise.promise, '2 of 2', 'promise')
      const { receipts } = await home.call('sync.receipts', { path: '/documents/large.bin' })
      expectEqual(
        receipts.map(({ state }) => state),
        ['good', 'good'],
        'receipts'
      )
      home.kill()
      await home.exit
      const { data: held } = await box.call('file.read', { path: '/documents/large.bin', length: 200_000 })
      expectEqual(
        Buffer.from(held).toString('hex'),
        Buffer.from(data).toString('hex'),
        'content without its writer'
      )
      await home.start()
    })
    await step('both write while they are apart; nothing is lost', async () => {
      await box.stop()
      for (let file = 0; file < 20; file++)
        await home.call('file.create', {
          path: `/documents/away-${file}.txt`,
          data: encodeText(`away ${file}`)
        })
      await home.call('file.write', {
        path: '/documents/box.txt',
        offset: 0,
        data: encodeText('FROM home now')
      })
      await home.stop()
      await box.start()
      await box.call('file.write', {
        path: '/documents/box.txt',
        offset: 0,
        data: encodeText('FROM box now!')
      })
      await home.start()
      await arrives(box, '/documents/away-19.txt', 'away 19')
      await waitUntil(async () => (await isInStep(home)) && (await isInStep(box)), 'both in step')
      const [atHome, atBox] = [await home.call('file.conflicts', {}), await box.call('file.conflicts', {})]
      expectEqual(atHome.conflicts, atBox.conflicts, 'conflicts')
      expectEqual(atHome.conflicts.length, 1, 'conflicts at home')
      expectEqual(
        await textAt(home, '/documents/box.txt'),
        await textAt(box, '/documents/box.txt'),
        'shown version'
      )
    })
    await step('a resolved conflict is resolved everywhere', async () => {
      await home.call('file.resolve', { path: '/documents/box.txt' })
      await waitUntil(
        async () => (await box.call('file.conflicts', {})).conflicts.length === 0,
        'no conflict'
      )
    })
    await step(
      'content by URN comes over the connection of the nodes, with no store in the settings',
      async () => {
        await home.call('file.mkdir', { path: '/photos' })
        const picture = random.bytes(1_500_000)
        await home.call('file.create', { path: '/photos/one.bin', data: picture })
        await home.call('file.create', { path: '/photos/two.txt', data: encodeText('two') })
        const { urn } = await home.call('content.publish', { path: '/photos', unique: true })
        const started = performance.now()
        expectEqual((await box.call('content.fetch', { urn, path: '/from-home' })).kind, 'tree', 'kind')
        report('1.5 MB by URN in ms', Math.round(performance.now() - started))
        const { data } = await box.call('file.read', { path: '/from-home/one.bin', length: picture.length })
        expectTrue(Buffer.from(data).equals(Buffer.from(picture)), 'equal contents')
        await home.call('content.unpublish', { urn })
        await home.call('content.fetch', { urn, path: '/back' }) // from what the other node has kept
        expectEqual(await textAt(home, '/back/two.txt'), 'two', 'from the cache of the other node')
      }
    )
    await step('a removed file goes on the other node', async () => {
      await box.call('file.remove', { path: '/documents/home.txt' })
      await waitUntil(async () => (await textAt(home, '/documents/home.txt')) === undefined, 'it is gone')
    })
    await step('a node that is killed while it fetches goes on', async () => {
      await box.stop()
      await home.call('file.create', { path: '/documents/huge.bin', data: random.bytes(3_000_000) })
      await box.start()
      await new Promise((resolve) => setTimeout(resolve, 150))
      box.kill()
      await box.exit
      await box.start()
      await waitUntil(async () => await isInStep(box), 'in step after the kill')
      const [here, there] = [
        await home.call('file.read', { path: '/documents/huge.bin', length: 3_000_000 }),
        await box.call('file.read', { path: '/documents/huge.bin', length: 3_000_000 })
      ]
      expectTrue(Buffer.from(here.data).equals(Buffer.from(there.data)), 'equal contents')
    })
  }
}
