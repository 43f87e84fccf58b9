/** A program that watches a directory written elsewhere: nothing is missed and nothing comes twice, whatever is cut. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { blocktreeBinary } from '@blocktree/harness'
import { expectEqual, expectTrue } from '../expect.ts'
import { createFaultNetwork, faultNetworkMissing } from '../fault-network.ts'
import { joinNode, waitUntil } from '../join-node.ts'
import { allInStep, rewriteText, writeText } from '../replicas.ts'
import type { Node, Scenario } from '../scenario.ts'

interface SeenEvent {
  readonly type: string
  readonly path?: string
  readonly id?: string
  readonly versionId?: string
  readonly token: string
}

export const watchAcrossCuts: Scenario = {
  name: 'watch-across-cuts',
  summary:
    'A watch of what another node writes, over cuts of the network, a killed writer and a restart of its own node',
  missing: faultNetworkMissing,
  async run({ harness, step, report, random, scale }) {
    await using network = createFaultNetwork()
    const home = await harness.startNode('home', { environment: await network.place('home') })
    network.add(home)
    await home.call('file.mkdir', { path: '/diary' })
    await writeText(home, '/diary/log.txt', 'version 0')
    const laptop = await joinNode(harness, home, 'laptop', { environment: await network.place('laptop') })
    network.add(laptop)
    await allInStep([home, laptop])
    await using watch = await watchAt(laptop, '/diary')

    let written = 0
    const files: string[] = []
    const write = async (count: number): Promise<void> => {
      for (let one = 0; one < count; one++) {
        written += 1
        const path = `/diary/entry-${written}.txt`
        await writeText(home, path, `entry ${written}`)
        files.push(path)
        await rewriteText(home, '/diary/log.txt', `version ${written}`)
      }
    }
    const isTold = async (): Promise<void> => {
      const { versionId } = await home.call('file.stat', { path: '/diary/log.txt' })
      await waitUntil(
        async () =>
          watch.events.some((event) => event.versionId === versionId) &&
          files.every((path) => watch.events.some((event) => event.path === path)),
        'all that was written is told',
        120_000
      )
    }

    await step('what is written elsewhere is told here', async () => {
      await write(5 * scale)
      await isTold()
    })
    await step('over cuts of the network, at any moment', async () => {
      for (let round = 0; round < 3 * scale; round++) {
        const writing = write(5)
        await new Promise((resolve) => setTimeout(resolve, random.below(20)))
        network.around('laptop', { isCut: true })
        await writing
        await write(2)
        network.heal()
        await isTold()
      }
    })
    await step('over the end of the node that writes', async () => {
      await write(3)
      home.kill()
      await home.exit
      await home.start()
      await write(3)
      await isTold()
    })
    await step('each file was told of once as new, and versions of one file in their order', async () => {
      const created = watch.events.filter(({ type }) => type === 'created').map(({ path = '' }) => path)
      expectEqual(created.length, new Set(created).size, 'entries told of as new, each once')
      expectEqual(created.toSorted(), files.toSorted(), 'entries told of as new')
      const { versions } = await laptop.call('file.history', { path: '/diary/log.txt' })
      const order = versions.map(({ versionId }) => versionId).toReversed()
      const { id } = await laptop.call('file.stat', { path: '/diary/log.txt' })
      const told = watch.events
        .filter((event) => event.id === id)
        .map(({ versionId = '' }) => order.indexOf(versionId))
      expectTrue(
        told.every((place, index) => place >= 0 && (index === 0 || place > (told[index - 1] ?? 0))),
        `versions in their order: ${told.join(' ')}`
      )
      report('versions written', written)
      report('of them told', told.length)
    })
    await step(
      'over a restart of the own node, the watcher is told that it has to look, and goes on',
      async () => {
        await laptop.stop()
        await write(3)
        await laptop.start()
        await waitUntil(async () => watch.events.some(({ type }) => type === 'overrun'), 'it is told')
        const before = files.length
        await write(2)
        const later = files.slice(before)
        await waitUntil(
          async () => later.every((path) => watch.events.some((event) => event.path === path)),
          'what is written later is told'
        )
        expectEqual(watch.process.exitCode, null, 'the same program')
      }
    )
  }
}

interface Watch extends AsyncDisposable {
  readonly events: readonly SeenEvent[]
  readonly process: ChildProcess
}

/** `blocktree watch` as a process of its own. */
async function watchAt(node: Node, path: string): Promise<Watch> {
  const events: SeenEvent[] = []
  const child = spawn(
    process.execPath,
    [blocktreeBinary, 'watch', path, '--json', '--data', node.directory],
    {
      stdio: ['ignore', 'pipe', 'pipe']
    }
  )
  createInterface({ input: child.stdout }).on(
    'line',
    (line) => events.push(JSON.parse(line) as SeenEvent) // its own words
  )
  await waitUntil(async () => events.length > 0, 'the watch has begun')
  return {
    events,
    process: child,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    }
  }
}
