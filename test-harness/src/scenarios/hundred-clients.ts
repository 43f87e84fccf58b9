import { expectEqual } from '../expect.ts'
import type { Scenario } from '../scenario.ts'
import { encodeText } from '../text.ts'

export const hundredClients: Scenario = {
  name: 'hundred-clients',
  summary: 'A hundred clients over one socket write, read and list at once; every answer is right',
  async run({ harness, step, scale, report }) {
    const clientCount = 100
    const filesPerClient = 20 * scale
    const node = await harness.startNode('alice')
    await node.call('file.mkdir', { path: '/shared' })
    const connections = await step('a hundred connections', () =>
      Promise.all(Array.from({ length: clientCount }, () => node.connect()))
    )
    const started = performance.now()
    await step('each writes its files and reads them back', () =>
      Promise.all(
        connections.map(async ({ client }, index) => {
          for (let count = 0; count < filesPerClient; count++) {
            const path = `/shared/client-${index}-${count}`
            const data = encodeText(`${index}:${count}`)
            await client.call('file.create', { path, data })
            expectEqual((await client.call('file.read', { path })).data.toHex(), data.toHex(), path)
          }
        })
      )
    )
    report(
      'creates and reads per second',
      Math.round((2000 * clientCount * filesPerClient) / (performance.now() - started))
    )
    await step('one of a hundred creates of the same name wins', async () => {
      const outcomes = await Promise.allSettled(
        connections.map(({ client }) =>
          client.call('file.create', { path: '/shared/same', data: encodeText('x') })
        )
      )
      expectEqual(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1, 'winners')
    })
    await step('the list is complete', async () => {
      let found = 0
      let cursor: string | undefined
      do {
        const page = await node.call('file.list', {
          path: '/shared',
          limit: 500,
          ...(cursor === undefined ? {} : { cursor })
        })
        found += page.entries.length
        cursor = page.cursor
      } while (cursor !== undefined)
      expectEqual(found, clientCount * filesPerClient + 1, 'entries')
    })
    for (const connection of connections) connection.disconnect()
    await step('the node still answers', () => node.call('node.ping', {}))
  }
}
