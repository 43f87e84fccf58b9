import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expectEqual, expectTrue } from '../expect.ts'
import { compileGuest } from '../guest-package.ts'
import { keeper } from '../guests/keeper.ts'
import { InstalledApp, installApp } from '../installed-app.ts'
import { restoreInto } from '../restore-node.ts'
import type { Node, Scenario, ScenarioContext } from '../scenario.ts'
import { letters, packKeeper, startHome } from './app-stage.ts'

const passphrase = 'a long passphrase for the backup'

export const appRestore: Scenario = {
  name: 'app-restore',
  summary:
    'A node made again from its backup has its apps, their data and their grants, with and without their keys',
  async run(context) {
    const { harness, step } = context
    const node = await startHome(harness)
    const file = join(harness.directory, 'home.backup')
    const app = await installApp(node, packKeeper(compileGuest(keeper), {}), {
      objects: { letters: '/letters' }
    })
    await step('an app with data, a granted folder and a permission that was taken back', async () => {
      expectEqual((await app.ask('/visits')).text, '1', 'visits')
      await app.ask('/note', { method: 'PUT', body: 'mine' })
      await node.call('app.revoke', { name: 'keeper', permission: 'talk' })
    })
    const before = await step('a backup, then the machine is lost', async () => {
      await node.call('backup.create', { file, passphrase })
      const { installation } = await node.call('app.info', { name: 'keeper' })
      node.kill()
      await node.exit
      rmSync(node.directory, { recursive: true })
      return installation
    })
    await step('the backup becomes a node with the app as it was', async () => {
      const again = harness.prepareNode('again', { arguments: ['--apps-port', '0'] })
      expectEqual(restoreInto(again.directory, file, passphrase), 0, 'exit code')
      await again.start()
      await expectSame(again)
      await again.stop()
    })
    await withoutKeys(context, file, before)
  }
}

/** The key of the installation is not there: it gets another principal with the same rights. */
async function withoutKeys({ harness, step }: ScenarioContext, file: string, before: string): Promise<void> {
  const bare = harness.prepareNode('bare', { arguments: ['--apps-port', '0'] })
  await step(
    'without the key of the installation the app runs under a new one, with the same grants',
    async () => {
      expectEqual(restoreInto(bare.directory, file, passphrase), 0, 'exit code')
      const key = join(bare.directory, 'keys', 'app-keeper.key')
      if (existsSync(key)) rmSync(key)
      await bare.start()
      await expectSame(bare)
      const { installation } = await bare.call('app.info', { name: 'keeper' })
      expectTrue(installation !== before, 'another principal')
      const app = new InstalledApp(bare, await bare.call('app.info', { name: 'keeper' }))
      expectTrue((await app.log()).includes('its key is not on this machine'), 'its log says so')
    }
  )
  await step('the former principal has no right any more, the new one has', async () => {
    const { grants } = await bare.call('grant.list', { path: '/letters' })
    expectEqual(
      grants.map(({ recipient }) => recipient),
      ['app-keeper'],
      'readers of the folder'
    )
    const { caps } = await bare.call('cap.list', { path: '/letters' })
    expectEqual(
      caps.map(({ subject }) => subject),
      ['app-keeper'],
      'writers of the folder'
    )
  })
  await step('it stays the same principal from then on', async () => {
    const { installation } = await bare.call('app.info', { name: 'keeper' })
    await bare.restart()
    const again = await bare.call('app.info', { name: 'keeper' })
    expectEqual(again.installation, installation, 'principal')
    expectEqual((await new InstalledApp(bare, again).ask('/note')).text, 'mine', 'the note')
    expectEqual((await bare.call('store.check', {})).problems, [], 'problems')
  })
}

async function expectSame(node: Node): Promise<void> {
  const app = new InstalledApp(node, await node.call('app.info', { name: 'keeper' }))
  expectEqual((await app.ask('/visits')).text, '2', 'visits')
  expectEqual((await app.ask('/note')).text, 'mine', 'the note')
  expectEqual((await app.ask('/hello.txt')).text, letters, 'the folder')
  expectEqual((await app.ask('/writes', { method: 'PUT', body: 'new' })).status, 200, 'writing')
  const { grants } = await node.call('app.grants', { name: 'keeper' })
  expectEqual(
    grants.filter(({ isGranted }) => isGranted).map(({ name }) => name),
    ['data', 'letters', 'web'],
    'grants'
  )
}
