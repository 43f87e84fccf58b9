import { expectEqual, expectRefused, expectTrue } from '../expect.ts'
import { compileGuest } from '../guest-package.ts'
import { keeper } from '../guests/keeper.ts'
import { installApp } from '../installed-app.ts'
import type { Scenario } from '../scenario.ts'
import { letters, packKeeper, startHome } from './app-stage.ts'

export const appRevoke: Scenario = {
  name: 'app-revoke',
  summary: 'Grants are taken back while an app runs: it holds at once, and the log of the app says so',
  async run({ harness, step }) {
    const node = await startHome(harness)
    const app = await installApp(node, packKeeper(compileGuest(keeper), {}), {
      objects: { letters: '/letters' }
    })
    const before = await node.call('app.info', { name: 'keeper' })
    await step('it reads, and keeps a file of the folder open', async () => {
      expectEqual((await app.ask('/hello.txt')).text, letters, 'content')
      expectEqual((await app.ask('/open')).status, 200, 'a handle')
      expectEqual((await app.ask('/again')).text, letters, 'by the handle')
    })
    await step('while it is asked without a pause, the folder is taken back', async () => {
      const outcomes: string[] = []
      let isRevoked = false
      const asking = Array.from({ length: 4 }, async () => {
        for (let round = 0; round < 60; round++) {
          const sentAfter = isRevoked
          const { status } = await app.ask('/hello.txt')
          outcomes.push(`${sentAfter ? 'after' : 'before'} ${status}`)
        }
      })
      await new Promise((resolve) => setTimeout(resolve, 20))
      await node.call('app.revoke', { name: 'keeper', permission: 'letters' })
      isRevoked = true
      await Promise.all(asking)
      expectTrue(!outcomes.includes('after 200'), 'nothing is read after the revocation was answered')
      expectEqual((await app.ask('/hello.txt')).status, 403, 'status')
    })
    await step('what it had open is of no use, nor can it write or lock', async () => {
      expectEqual((await app.ask('/again')).status, 403, 'by the handle')
      expectEqual((await app.ask('/writes', { method: 'PUT', body: 'x' })).status, 403, 'writing')
      expectEqual((await app.ask('/lock')).status, 409, 'locking')
      const { grants } = await node.call('grant.list', { path: '/letters' })
      expectEqual(grants, [], 'grants of the folder')
    })
    await step('its log names the call and the permission that is missing', async () => {
      const log = await app.log()
      expectTrue(/host warning: files\.read-file was denied: .*"letters"/.test(log), `the log: ${log}`)
      expectTrue(/host warning: files\.read was (denied|revoked)/.test(log), `the log: ${log}`)
    })
    await step('it runs on in the same process, with all else', async () => {
      expectEqual((await app.ask('/visits')).text, '1', 'visits')
      const { processes, crashes } = await node.call('app.info', { name: 'keeper' })
      expectEqual({ processes, crashes }, { processes: before.processes, crashes: 0 }, 'processes')
    })
    await step(
      'with another folder under the same name, what it had open does not lead to the first',
      async () => {
        await node.call('file.mkdir', { path: '/other' })
        await node.call('app.grant', { name: 'keeper', permission: 'letters', path: '/other' })
        expectEqual((await app.ask('/again')).status, 403, 'by the handle')
        expectEqual((await app.ask('/hello.txt')).status, 403, 'by its path')
        await node.call('app.revoke', { name: 'keeper', permission: 'letters' })
      }
    )
    await step('granted again it reads again', async () => {
      await node.call('app.grant', { name: 'keeper', permission: 'letters', path: '/letters' })
      expectEqual((await app.ask('/hello.txt')).text, letters, 'content')
    })
    await step('without the permission to answer it gets no request, and the log says so', async () => {
      await node.call('app.revoke', { name: 'keeper', permission: 'web' })
      expectEqual((await app.ask('/visits')).status, 503, 'status')
      expectTrue((await app.log()).includes('no grant covers answering web requests'), 'the log')
      await expectRefused(
        node.call('app.revoke', { name: 'keeper', permission: 'web' }),
        ['ERR_APP_PERMISSION'],
        'twice'
      )
    })
    await step('a revocation outlasts the node', async () => {
      await node.restart()
      await app.find()
      expectEqual((await app.ask('/visits')).status, 503, 'status')
      await node.call('app.grant', { name: 'keeper', permission: 'web' })
      expectEqual((await app.ask('/visits')).text, '2', 'visits')
    })
  }
}
