import { expectEqual, expectTrue } from '../expect.ts'
import { compileGuest } from '../guest-package.ts'
import { keeper } from '../guests/keeper.ts'
import { InstalledApp, installApp } from '../installed-app.ts'
import type { Node, Scenario, ScenarioContext } from '../scenario.ts'
import { letters, packKeeper, startHome, upgradeApp } from './app-stage.ts'

const migrating = keeper.replace(
  '//MORE',
  `migrate(fromVersion: u32): string | null {
    const anything = new WriteOptions(Expectation.ofAnything(), -1, null)
    const words = Uint8Array.wrap(String.UTF8.encode('new'))
    return files.writeFile('/data/note.txt', words, anything) == null ? explanation : null
  }`
)

const roundsWanted = 3 // of each act, times the scale
const actMs = 250 // kills fall somewhere in the first milliseconds of an act

export const appKills: Scenario = {
  name: 'app-kills',
  summary: 'SIGKILL while apps are installed, upgraded and uninstalled: each is as before or as after',
  async run(context) {
    const { harness, step, report, scale } = context
    const node = await startHome(harness)
    const outcomes: Record<string, number> = {}
    for (let round = 1; round <= roundsWanted * scale; round++) {
      for (const act of [install, upgrade, uninstall]) {
        await step(`round ${round}: killed while it does "${act.name}"`, async () => {
          const outcome = await act(context, node)
          const key = `${act.name}, ${outcome}`
          outcomes[key] = (outcomes[key] ?? 0) + 1
        })
      }
    }
    for (const [name, count] of Object.entries(outcomes)) report(name, count)
    await step('the store is sound, and no right is left over', async () => {
      expectEqual((await node.call('store.check', {})).problems, [], 'problems')
      expectEqual((await node.call('grant.list', { path: '/letters' })).grants, [], 'grants of the folder')
    })
  }
}

type Outcome = 'as before' | 'as after'

/** Kills the node in the middle of it, and starts it again. */
async function cut({ random }: ScenarioContext, node: Node, act: Promise<unknown>): Promise<void> {
  const ended = act.catch(() => undefined)
  await new Promise((resolve) => void setTimeout(resolve, random.below(actMs)))
  node.kill()
  await node.exit
  await ended
  await node.start()
}

async function install(context: ScenarioContext, node: Node): Promise<Outcome> {
  const bytes = packKeeper(compileGuest(keeper), { version: 1 })
  await cut(context, node, installApp(node, bytes, { objects: { letters: '/letters' } }))
  if (await isInstalled(node)) {
    await expectVersion(node, 1)
    return 'as after'
  }
  await expectNothing(node)
  await installApp(node, bytes, { objects: { letters: '/letters' } })
  return 'as before'
}

async function upgrade(context: ScenarioContext, node: Node): Promise<Outcome> {
  const app = new InstalledApp(node, await node.call('app.info', { name: 'keeper' }))
  await app.ask('/note', { method: 'PUT', body: 'old' })
  const bytes = packKeeper(compileGuest(migrating), { version: 2 })
  await cut(context, node, upgradeApp(node, app, bytes))
  const { version } = await node.call('app.info', { name: 'keeper' })
  await expectVersion(node, version)
  await app.find()
  expectEqual((await app.ask('/note')).text, version === 1 ? 'old' : 'new', 'the note')
  return version === 1 ? 'as before' : 'as after'
}

async function uninstall(context: ScenarioContext, node: Node): Promise<Outcome> {
  const { version } = await node.call('app.info', { name: 'keeper' })
  const kept = async (): Promise<boolean> => {
    const { entries } = await node.call('file.list', { path: '/' })
    return entries.some(({ name }) => name === 'keeper-data')
  }
  await cut(context, node, node.call('app.uninstall', { name: 'keeper', keepData: true }))
  const isBefore = await isInstalled(node)
  if (isBefore) {
    await expectVersion(node, version)
    await node.call('app.uninstall', { name: 'keeper', keepData: true })
  }
  await expectNothing(node)
  expectTrue(await kept(), 'its data is kept')
  const { data } = await node.call('file.read', { path: '/keeper-data/note.txt' })
  expectEqual(Buffer.from(data).toString(), version === 1 ? 'old' : 'new', 'the note')
  await node.call('file.remove', { path: '/keeper-data', recursive: true })
  return isBefore ? 'as before' : 'as after'
}

async function isInstalled(node: Node): Promise<boolean> {
  const { apps } = await node.call('app.list', {})
  return apps.some(({ name }) => name === 'keeper')
}

/** It runs, and reads what it was granted. */
async function expectVersion(node: Node, version: number): Promise<void> {
  const found = await node.call('app.info', { name: 'keeper' })
  expectEqual({ version: found.version, problem: found.problem }, { version, problem: undefined }, 'the app')
  const app = new InstalledApp(node, found)
  expectEqual((await app.ask('/hello.txt')).text, letters, 'a file of the folder')
  const { entries } = await node.call('file.list', { path: '/apps/keeper' })
  expectEqual(
    entries.map(({ name }) => name).toSorted(),
    ['data', 'grant', 'nodes', 'package', 'state'],
    'what is stored of it'
  )
}

async function expectNothing(node: Node): Promise<void> {
  const { entries: top } = await node.call('file.list', { path: '/' })
  if (top.some(({ name }) => name === 'apps')) {
    expectEqual((await node.call('file.list', { path: '/apps' })).entries, [], 'what lies below /apps')
  }
  expectEqual((await node.call('grant.list', { path: '/letters' })).grants, [], 'grants of the folder')
}
