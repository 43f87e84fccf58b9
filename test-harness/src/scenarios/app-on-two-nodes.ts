/** One app on two nodes of a tree: both serve it over the same files, apart and together, and each goes on without the other. */
import { expectEqual, expectRefused, expectTrue } from '../expect.ts'
import { createFaultNetwork, faultNetworkMissing } from '../fault-network.ts'
import { packApps } from '../guest-package.ts'
import { InstalledApp, installApp } from '../installed-app.ts'
import { joinNode, waitUntil } from '../join-node.ts'
import { allInStep } from '../replicas.ts'
import type { Node, Scenario } from '../scenario.ts'
import { upgradeApp } from './app-stage.ts'

interface Row {
  readonly id: string
  readonly title: string
  readonly conflict?: boolean
}

const limitMs = 120_000

export const appOnTwoNodes: Scenario = {
  name: 'app-on-two-nodes',
  summary:
    'Notes on two nodes: written on both, apart too, with one of them killed, upgraded and removed for both',
  missing: faultNetworkMissing,
  async run({ harness, step, report, random }) {
    await using network = createFaultNetwork()
    const anyPort = { BLOCKTREE_APPS_PORT: '0' }
    const laptop = await harness.startNode('laptop', {
      environment: { ...(await network.place('laptop')), ...anyPort }
    })
    network.add(laptop)
    const server = await joinNode(harness, laptop, 'server', {
      environment: { ...(await network.place('server')), ...anyPort }
    })
    network.add(server)
    const nodes = [laptop, server]
    const ms = (name: string, value: number): void => report(`${name}, ms`, Math.round(value))
    const here = await installApp(laptop, packApps('notes'))

    const there = await step(
      'what was installed on one is started on the other, once somebody there agrees',
      async () => {
        await waitUntil(
          async () => (await namesOn(server)).includes('notes'),
          'the installation arrives',
          limitMs
        )
        await waitUntil(async () => await isWhole(server), 'the installation is whole', limitMs)
        await expectRefused(
          server.call('app.start', { name: 'notes' }),
          ['ERR_APP_ELSEWHERE'],
          'without a word of consent'
        )
        await expectRefused(
          server.call('app.start', { name: 'letters', isAgreed: true }),
          ['ERR_APP_UNKNOWN'],
          'an app that is nowhere'
        )
        const started = new InstalledApp(
          server,
          await server.call('app.start', { name: 'notes', isAgreed: true })
        )
        const acting = await Promise.all(nodes.map((node) => node.call('app.info', { name: 'notes' })))
        expectTrue(acting[0]?.installation !== acting[1]?.installation, 'each acts in its own name')
        return started
      }
    )
    const apps = [here, there]

    await step('what is written on one is on the page of the other, which is told of it', async () => {
      using told = await follow(there)
      const { id } = await write(here, 'from the laptop')
      ms('told on the other node', await waitUntil(async () => told.ids.includes(id), 'told', limitMs))
      expectEqual(await titleOf(there, id), 'from the laptop', 'on the server')
      using back = await follow(here)
      await write(there, 'from the laptop, changed on the server', id)
      await waitUntil(async () => back.ids.includes(id), 'told of the change', limitMs)
      expectEqual(await titleOf(here, id), 'from the laptop, changed on the server', 'on the laptop')
    })

    const { id: both } = await write(here, 'as it was')
    await agree(apps, both, 'as it was')
    await step('cut apart, both go on, and change the same note', async () => {
      network.between('laptop', 'server', { isCut: true })
      await waitUntil(async () => (await peersOf(laptop)) === 0, 'the cut', limitMs)
      await write(here, 'as the LAPTOP has it', both)
      await write(there, 'as the SERVER has it', both)
      await write(here, 'made on the laptop')
      await write(there, 'made on the server')
      expectEqual(await titleOf(here, both), 'as the LAPTOP has it', 'on the laptop')
      expectEqual(await titleOf(there, both), 'as the SERVER has it', 'on the server')
    })
    await step(
      'together again both have all of it, and both apps are told that one note was written apart',
      async () => {
        network.heal()
        const isSame = async (): Promise<boolean> => {
          const [one, other] = await Promise.all(apps.map(rowsOf))
          const [left, right] = [one, other].map((rows) => rows?.find(({ id }) => id === both))
          const isTold = left?.conflict === true && right?.conflict === true && left.title === right.title
          return one?.length === 4 && other?.length === 4 && isTold
        }
        ms('both apps agree', await waitUntil(isSame, 'both apps show the same, and the conflict', limitMs))
        const path = `/apps/notes/data/files/${both}.txt`
        const { versions } = await server.call('file.history', { path })
        expectEqual(
          versions.filter(({ label }) => label === 'winner' || label === 'head').length,
          2,
          'versions kept'
        )
        await laptop.call('file.resolve', { path })
        const isOver = async (): Promise<boolean> =>
          (await Promise.all(apps.map(rowsOf))).every((rows) =>
            rows.every(({ conflict }) => conflict !== true)
          )
        await waitUntil(isOver, 'the conflict is over for both', limitMs)
      }
    )

    await step(
      'what is taken back on one node holds on the other, and so does what is granted again',
      async () => {
        await laptop.call('app.revoke', { name: 'notes', permission: 'data' })
        await waitUntil(
          async () => (await there.ask('/api/notes')).status !== 200,
          'the notes are not shown',
          limitMs
        )
        await laptop.call('app.grant', { name: 'notes', permission: 'data' })
        await waitUntil(
          async () => (await there.ask('/api/notes')).status === 200,
          'the notes are shown',
          limitMs
        )
      }
    )

    await step(
      'one is killed in the middle of it; the other goes on, and the killed one comes back with all of it',
      async () => {
        const [victim, other] = random.below(2) === 0 ? [laptop, there] : [server, here]
        victim.kill()
        await victim.exit
        const { id } = await write(other, 'written while one was away')
        await victim.start()
        const again = victim === laptop ? here : there
        await again.find()
        expectEqual(again.state, 'running', 'state after the start')
        ms('back with the note', await agree([again], id, 'written while one was away'))
        report('killed', victim.name)
        await allInStep(nodes)
      }
    )

    await step('upgraded on one, it runs in the new version on both', async () => {
      await upgradeApp(laptop, here, packApps('notes', 2))
      const versions = async (): Promise<string> => {
        const found = await Promise.all(nodes.map((node) => node.call('app.info', { name: 'notes' })))
        return found.map(({ version, state }) => `${version} ${state}`).join()
      }
      await waitUntil(async () => (await versions()) === '2 running,2 running', 'version 2 on both', limitMs)
      expectEqual((await rowsOf(there)).length, 5, 'notes')
    })

    await step('removed on one, it is gone on both', async () => {
      await server.call('app.uninstall', { name: 'notes' })
      const isGone = async (): Promise<boolean> => (await Promise.all(nodes.map(namesOn))).flat().length === 0
      await waitUntil(isGone, 'no app on either', limitMs)
      await waitUntil(async () => (await here.ask('/')).status === 404, 'no page', limitMs)
      await allInStep(nodes)
      for (const node of nodes) expectEqual((await node.call('store.check', {})).problems, [], 'problems')
    })
  }
}

async function write(app: InstalledApp, body: string, id?: string): Promise<Row> {
  const [method, path] = id === undefined ? ['POST', '/api/notes'] : ['PUT', `/api/notes/${id}`]
  const { status, text } = await app.ask(path, { method, body })
  expectTrue(status === 200 || status === 201, `${method} ${path} was answered with ${status}: ${text}`)
  return asRow(JSON.parse(text))
}

async function rowsOf(app: InstalledApp): Promise<readonly Row[]> {
  const { status, text } = await app.ask('/api/notes')
  if (status !== 200) return []
  const answer: unknown = JSON.parse(text)
  if (typeof answer !== 'object' || answer === null || !('notes' in answer))
    throw new Error(`no notes: ${text}`)
  const rows: readonly unknown[] = Array.isArray(answer.notes) ? answer.notes : []
  return rows.map(asRow)
}

function asRow(value: unknown): Row {
  const isRow = typeof value === 'object' && value !== null && 'id' in value && 'title' in value
  if (!isRow) throw new Error(`no note: ${JSON.stringify(value)}`)
  return {
    id: String(value.id),
    title: String(value.title),
    conflict: 'conflict' in value && value.conflict === true
  }
}

async function titleOf(app: InstalledApp, id: string): Promise<string | undefined> {
  return (await rowsOf(app)).find((row) => row.id === id)?.title
}

async function agree(apps: readonly InstalledApp[], id: string, title: string): Promise<number> {
  const isAgreed = async (): Promise<boolean> =>
    (await Promise.all(apps.map((app) => titleOf(app, id)))).every((one) => one === title)
  return await waitUntil(isAgreed, `"${title}" in every app`, limitMs)
}

async function namesOn(node: Node): Promise<readonly string[]> {
  return (await node.call('app.list', {})).apps.map(({ name }) => name)
}

async function isWhole(node: Node): Promise<boolean> {
  try {
    await node.call('app.info', { name: 'notes' })
    return true
  } catch {
    return false
  }
}

async function peersOf(node: Node): Promise<number> {
  return (await node.call('peer.list', {})).peers.length
}

/** What an open page of the app is told. */
async function follow(app: InstalledApp): Promise<Disposable & { readonly ids: readonly string[] }> {
  const answer = await app.open('/api/changes')
  const ids: string[] = []
  answer.on('data', (part: Buffer) => {
    for (const match of part.toString().matchAll(/^data: (.*)$/gm)) ids.push(match[1] ?? '')
  })
  answer.on('error', () => undefined)
  return { ids, [Symbol.dispose]: () => void answer.destroy() }
}
