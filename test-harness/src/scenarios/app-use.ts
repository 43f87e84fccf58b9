import { encodeText } from '../text.ts'
import { expectEqual, expectRefused, expectTrue } from '../expect.ts'
import { compileGuest } from '../guest-package.ts'
import { keeper } from '../guests/keeper.ts'
import { installApp } from '../installed-app.ts'
import type { Scenario } from '../scenario.ts'
import { letters, packKeeper, startHome } from './app-stage.ts'

export const appUse: Scenario = {
  name: 'app-use',
  summary: 'A person installs an app with a folder, uses it, stops and starts it, and removes it',
  async run({ harness, step, report }) {
    const node = await startHome(harness)
    const module = compileGuest(keeper)
    const package1 = packKeeper(module, { version: 1 })
    await step('the package says who made it and what it asks for', async () => {
      const found = await node.client.call('app.inspect', {}, { upload: [package1] })
      expectEqual(found.name, 'keeper', 'name')
      expectEqual(
        found.permissions.map(({ name }) => name),
        ['data', 'letters', 'talk', 'web'],
        'permissions'
      )
      expectTrue(found.author.length > 10, 'the author is named')
    })
    await step(
      'without a folder for what it needs one for, and with one that is not there, nothing is installed',
      async () => {
        await expectRefused(
          node.client.call('app.install', { objects: { letters: '/nowhere' } }, { upload: [package1] }),
          ['ERR_FILE_NOT_FOUND', 'ERR_APP_CONSENT'],
          'a folder that is not there'
        )
        expectEqual((await node.call('app.list', {})).apps, [], 'apps')
      }
    )
    const started = performance.now()
    const app = await step('it is installed with a folder and answers', async () => {
      const installed = await installApp(node, package1, { objects: { letters: '/letters' } })
      expectEqual((await installed.ask('/ping')).text, 'pong', 'answer')
      return installed
    })
    report('install and first answer', `${Math.round(performance.now() - started)} ms`)
    await step('it counts, keeps and reads', async () => {
      expectEqual((await app.ask('/visits')).text, '1', 'visits')
      expectEqual((await app.ask('/note', { method: 'PUT', body: 'mine' })).text, 'kept', 'a note')
      expectEqual((await app.ask('/note')).text, 'mine', 'the note')
      expectEqual((await app.ask('/hello.txt')).text, letters, 'a file of the folder')
    })
    await step('what a person changes in the folder, the app reads', async () => {
      await node.call('file.create', {
        path: '/letters/hello.txt',
        data: encodeText('changed'),
        replace: true
      })
      expectEqual((await app.ask('/hello.txt')).text, 'changed', 'content')
    })
    await step('stopped it answers nothing, started it goes on where it was', async () => {
      await node.call('app.stop', { name: 'keeper' })
      expectEqual((await app.ask('/visits')).status, 503, 'status')
      await node.call('app.start', { name: 'keeper' })
      expectEqual((await app.ask('/visits')).text, '2', 'visits')
    })
    await step('killed with the node it is back with it', async () => {
      node.kill()
      await node.exit
      await node.start()
      await app.find()
      expectEqual((await app.ask('/visits')).text, '3', 'visits')
      expectEqual((await app.ask('/note')).text, 'mine', 'the note')
    })
    await step('removed, it leaves what the person wanted to keep, and no right', async () => {
      const { keptAt } = await node.call('app.uninstall', { name: 'keeper', keepData: true })
      expectEqual(keptAt, '/keeper-data', 'place')
      const kept = await node.call('file.read', { path: '/keeper-data/note.txt' })
      expectEqual(Buffer.from(kept.data).toString(), 'mine', 'the note')
      const { grants } = await node.call('grant.list', { path: '/letters' })
      expectEqual(grants, [], 'grants')
      expectEqual((await app.ask('/ping')).status, 404, 'status')
    })
  }
}
