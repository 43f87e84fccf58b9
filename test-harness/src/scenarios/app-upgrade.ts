import { expectEqual, expectRefused, expectTrue } from '../expect.ts'
import { compileGuest } from '../guest-package.ts'
import { keeper } from '../guests/keeper.ts'
import { installApp, type InstalledApp } from '../installed-app.ts'
import type { Node, Scenario } from '../scenario.ts'
import { packKeeper, startHome, upgradeApp } from './app-stage.ts'

/** Writes over what the version before kept, then fails as it is told to. */
function spoiling(then: string): string {
  return keeper.replace(
    '//MORE',
    `migrate(fromVersion: u32): string | null {
      kv.increment('visits', 1000)
      const anything = new WriteOptions(Expectation.ofAnything(), -1, null)
      files.writeFile('/data/note.txt', new Uint8Array(3), anything)
      files.writeFile('/data/other.txt', new Uint8Array(3), anything)
      ${then}
      return null
    }`
  )
}

const failing = {
  'whose migration says that it cannot': spoiling(`return 'the data is too old'`),
  'whose migration traps': spoiling('unreachable()'),
  'whose migration does not end': spoiling('while (true) {}'),
  'that is not well afterwards': spoiling('').replace(
    'migrate(',
    `health(): string | null { return 'it is not well' }
    migrate(`
  )
} as const

export const appUpgrade: Scenario = {
  name: 'app-upgrade',
  summary: 'An upgrade brings data up; one that fails, or is killed, puts code and data back',
  async run({ harness, step }) {
    const node = await startHome(harness)
    const app = await installApp(node, packKeeper(compileGuest(keeper), { version: 1 }), {
      objects: { letters: '/letters' }
    })
    const before: Before = { node, app, visits: 1 }
    await step('the first version keeps a count and a note', async () => {
      expectEqual((await app.ask('/visits')).text, '1', 'visits')
      await app.ask('/note', { method: 'PUT', body: 'mine' })
    })
    for (const [what, source] of Object.entries(failing)) {
      await step(`a version ${what} is rolled back, with the data`, async () => {
        const broken = packKeeper(compileGuest(source), { version: 2, limits: { invokeMs: 1000 } })
        await expectRefused(
          node.client.call('app.upgrade', { name: 'keeper', limits: {} }, { upload: [broken] }),
          ['ERR_APP_ROLLED_BACK'],
          what
        )
        await expectBefore(before)
      })
    }
    await step('neither an older version, nor the same, nor the one of another author gets in', async () => {
      const refusals = [
        [{ version: 1 }, 'ERR_PACKAGE_DOWNGRADE'],
        [{ version: 2, author: 'somebody else' }, 'ERR_PACKAGE_OTHER_APP'],
        [{ version: 2, name: 'other' }, 'ERR_PACKAGE_OTHER_APP']
      ] as const
      for (const [more, code] of refusals) {
        const bytes = packKeeper(compileGuest(keeper), more)
        await expectRefused(upgradeApp(node, app, bytes), [code], JSON.stringify(more))
      }
      await expectBefore(before)
    })
    await step('the node killed in a migration starts with the version before', async () => {
      const endless = packKeeper(compileGuest(failing['whose migration does not end']), { version: 2 })
      const upgrade = upgradeApp(node, app, endless).catch(() => 'cut short')
      await untilUpgrading(node)
      node.kill()
      await node.exit
      await upgrade
      await node.start()
      await app.find()
      await expectBefore(before)
      expectTrue((await app.log()).includes('an upgrade was cut short'), 'its log says so')
    })
    await step('a version that migrates well goes on with the data', async () => {
      const source = keeper.replace(
        '//MORE',
        `migrate(fromVersion: u32): string | null { kv.increment('visits', 100); return null }`
      )
      await upgradeApp(node, app, packKeeper(compileGuest(source), { version: 2 }))
      expectEqual((await node.call('app.info', { name: 'keeper' })).version, 2, 'version')
      expectEqual((await app.ask('/visits')).text, String(before.visits + 101), 'visits')
      expectEqual((await app.ask('/note')).text, 'mine', 'the note')
      expectEqual((await app.ask('/hello.txt')).status, 200, 'the folder is still granted')
    })
  }
}

/** What the version before keeps, and how often it was asked so far. */
interface Before {
  readonly node: Node
  readonly app: InstalledApp
  visits: number
}

async function expectBefore(before: Before): Promise<void> {
  const { node, app } = before
  expectEqual((await node.call('app.info', { name: 'keeper' })).version, 1, 'version')
  expectEqual((await app.ask('/visits')).text, String(++before.visits), 'visits')
  expectEqual((await app.ask('/note')).text, 'mine', 'the note')
  const names = async (path: string): Promise<readonly string[]> =>
    (await node.call('file.list', { path })).entries.map(({ name }) => name)
  expectEqual(await names('/apps/keeper/data/files'), ['note.txt'], 'its files')
  expectTrue(!(await names('/apps/keeper')).includes('before'), 'no snapshot is left')
}

async function untilUpgrading(node: Node): Promise<void> {
  for (;;) {
    const { entries } = await node.call('file.list', { path: '/apps/keeper' })
    if (entries.some(({ name }) => name === 'before')) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await new Promise((resolve) => setTimeout(resolve, 300))
}
