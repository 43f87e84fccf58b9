/**
 * Content by URN between real nodes: a directory is published on one and fetched on another; an app comes by its URN; the
 * node that keeps the blocks is killed in the middle of the download, and the URL in the release finishes it; a store that
 * lies, and a URL that gives something else, change nothing.
 */
import { createServer as createWebServer, type Server } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expectEqual, expectRefused, expectTrue } from '../expect.ts'
import { compileGuest } from '../guest-package.ts'
import { keeper } from '../guests/keeper.ts'
import type { Node, Scenario, ScenarioContext } from '../scenario.ts'
import { encodeText } from '../text.ts'
import { letters, packKeeper, startHome } from './app-stage.ts'

const killedAfterBytes = 700_000

export const contentByUrn: Scenario = {
  name: 'content-by-urn',
  summary: 'Published on one node, fetched on another; an app by URN, its block store killed in mid-download',
  async run(context) {
    const { harness, step, random, report } = context
    const pack = packKeeper(compileGuest(keeper), {
      assets: new Map([['large.bin', random.bytes(2_500_000)]])
    })
    const alice = await startHome(harness, ['--eris-listen', 'http://127.0.0.1:0?get'])
    await using web = await serve((_, response) => response.end(pack))
    const port = await step('alice answers blocks', () => listeningPort(alice))

    const folder = await step('a folder is published: one URN', async () => {
      await alice.call('file.mkdir', { path: '/letters/more' })
      await alice.call('file.create', { path: '/letters/more/large', data: random.bytes(400_000) })
      const published = await alice.call('content.publish', { path: '/letters' })
      expectEqual(published.kind, 'tree', 'kind')
      expectEqual(
        (await alice.call('content.publish', { path: '/letters' })).urn,
        published.urn,
        'the URN again'
      )
      return published.urn
    })
    const app = await step('a package is published', async () => {
      await alice.client.call('file.put', { path: '/keeper.blocktree' }, { upload: [pack] })
      return (await alice.call('content.publish', { path: '/keeper.blocktree' })).urn
    })

    await step('another node fetches the folder by its URN', async () => {
      const bob = await startAsking(context, 'bob', `http://127.0.0.1:${port}?get`)
      const fetched = await bob.call('content.fetch', { urn: folder, path: '/from-alice' })
      expectEqual(fetched.kind, 'tree', 'kind')
      expectEqual(await read(bob, '/from-alice/hello.txt'), encodeText(letters), 'the letter')
      expectEqual(
        await read(bob, '/from-alice/more/large'),
        await read(alice, '/letters/more/large'),
        'the large one'
      )
      await expectRefused(
        bob.call('content.fetch', { urn: folder, path: '/from-alice' }),
        ['ERR_FILE_EXISTS'],
        'fetched over it'
      )
    })

    await step('the store is killed in the middle of the download: the URL finishes it', async () => {
      await using proxy = await killingProxy(port, () => alice.kill())
      const carol = await startAsking(context, 'carol', `http://127.0.0.1:${proxy.port}?get`)
      const { bytes, source, reason } = await readContent(carol, {
        urn: app,
        url: `http://127.0.0.1:${web.port}/`
      })
      await alice.exit
      expectTrue(proxy.passed() > killedAfterBytes, `${proxy.passed()} bytes of blocks came before`)
      expectEqual(source, 'url', 'source')
      expectTrue(reason !== undefined, 'a reason is given')
      expectTrue(Buffer.compare(bytes, pack) === 0, 'the package is the one that was published')
      const installed = await carol.client.call(
        'app.install',
        { name: 'keeper', decline: ['letters'] },
        { upload: [bytes] }
      )
      expectEqual(installed.name, 'keeper', 'installed')
      report('bytes of blocks before the kill', proxy.passed())
    })

    await step('a store that lies and a URL that gives something else change nothing', async () => {
      await using liar = await serve((_, response) => response.end(random.bytes(32_768)))
      await using wrong = await serve((_, response) => response.end(encodeText('not the package')))
      const dave = await startAsking(context, 'dave', `http://127.0.0.1:${liar.port}?get`)
      await expectRefused(
        dave.call('content.fetch', { urn: app, path: '/x' }),
        [
          'ERR_ERIS_BLOCK_MISSING',
          'ERR_ERIS_BLOCK_CORRUPT',
          'ERR_ERIS_STORE_UNAVAILABLE',
          'ERR_ERIS_STORE_ANSWER'
        ],
        'a lie'
      )
      expectEqual((await dave.call('file.list', { path: '/' })).entries.length, 0, 'entries after the lie')
      const url = `http://127.0.0.1:${wrong.port}/`
      await expectRefused(readContent(dave, { urn: app, url }), ['ERR_CONTENT_OTHER'], 'another package')
      const right = await readContent(dave, { urn: app, url: `http://127.0.0.1:${web.port}/` })
      expectTrue(
        right.source === 'url' && Buffer.compare(right.bytes, pack) === 0,
        'the right one, from the URL'
      )
    })

    await step(
      'after a restart the folder is still published; unpublished, its blocks are gone',
      async () => {
        const again = await harness.startNode('home', { arguments: ['--apps-port', '0'] })
        expectEqual((await again.call('content.published', {})).published.length, 2, 'publications')
        const { blocks } = await again.call('content.unpublish', { urn: folder })
        expectTrue(blocks > 0, 'blocks were removed')
        await expectRefused(
          again.call('content.unpublish', { urn: folder }),
          ['ERR_CONTENT_UNKNOWN'],
          'twice'
        )
        await expectRefused(
          again.call('content.fetch', { urn: folder, path: '/y' }),
          ['ERR_ERIS_BLOCK_MISSING'],
          'gone'
        )
        const { source } = await readContent(again, { urn: app })
        expectEqual(source, 'blocks', 'the package is still there')
      }
    )
  }
}

async function startAsking({ harness }: ScenarioContext, name: string, store: string): Promise<Node> {
  return await harness.startNode(name, { arguments: ['--apps-port', '0', '--eris-stores', store] })
}

async function listeningPort(node: Node): Promise<number> {
  const { listening } = await node.call('content.published', {})
  const [url = ''] = listening
  return Number(new URL(url).port)
}

async function read(node: Node, path: string): Promise<Uint8Array> {
  return (await node.call('file.read', { path })).data
}

async function readContent(
  node: Node,
  params: { readonly urn: string; readonly url?: string }
): Promise<{ readonly bytes: Uint8Array; readonly source: string; readonly reason: string | undefined }> {
  const call = node.client.callStream('content.read', { ...params, isPrivateAllowed: true })
  const parts: Uint8Array[] = []
  for await (const part of call.download) parts.push(part)
  const { source, reason } = await call.result
  return { bytes: Buffer.concat(parts), source, reason }
}

interface Listening extends AsyncDisposable {
  readonly port: number
}

async function serve(answer: Parameters<typeof createWebServer>[1]): Promise<Listening> {
  const server: Server = createWebServer(answer)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}

/** Passes bytes to a port; once enough have come back it kills, and passes nothing any more. */
async function killingProxy(
  port: number,
  kill: () => void
): Promise<Listening & { readonly passed: () => number }> {
  const sockets = new Set<Socket>()
  let passed = 0
  let isKilled = false
  const end = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const server = createServer((incoming) => {
    const outgoing = connect(port, '127.0.0.1')
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
    if (isKilled) return end()
    incoming.on('close', () => outgoing.destroy())
    outgoing.on('close', () => incoming.destroy())
    incoming.pipe(outgoing)
    outgoing.on('data', (bytes: Buffer) => {
      passed += bytes.length
      incoming.write(bytes)
      if (passed <= killedAfterBytes || isKilled) return
      isKilled = true
      kill()
      end()
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    passed: () => passed,
    async [Symbol.asyncDispose]() {
      end()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}
