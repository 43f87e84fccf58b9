import { expectEqual, expectTrue } from '../expect.ts'
import { fakeTime, fakeTimeLibrary } from '../fake-time.ts'
import type { Scenario } from '../scenario.ts'
import { decodeText, encodeText } from '../text.ts'

export const clockJumps: Scenario = {
  name: 'clock-jumps',
  summary:
    'The clock is years back, then years ahead: nothing is lost, order does not depend on it, the doctor notices',
  missing: () => (fakeTimeLibrary() === undefined ? 'needs faketime' : undefined),
  async run({ harness, step }) {
    const node = await harness.startNode('alice')
    const { directory } = node
    await step('a file in the present', async () => {
      await node.call('file.mkdir', { path: '/notes' })
      await node.call('file.create', { path: '/notes/one', data: encodeText('present') })
      await node.stop()
    })
    const past = harness.prepareNode('in the past', {
      directory,
      environment: fakeTime('@1971-01-01 00:00:00')
    })
    await step('in 1971 the node starts, reads, and a newer version still wins', async () => {
      await past.start()
      expectEqual(
        decodeText((await past.call('file.read', { path: '/notes/one' })).data),
        'present',
        'content'
      )
      await past.call('file.create', {
        path: '/notes/one',
        data: encodeText('written in 1971'),
        replace: true
      })
      expectEqual(
        decodeText((await past.call('file.read', { path: '/notes/one' })).data),
        'written in 1971',
        'content'
      )
    })
    await step('the doctor says that the clock is wrong', async () => {
      const { findings } = await past.call('node.doctor', {})
      expectTrue(
        findings.some((finding) => finding.code.includes('CLOCK')),
        'a finding about the clock'
      )
      await past.stop()
    })
    const future = harness.prepareNode('in the future', {
      directory,
      environment: fakeTime('@2099-06-01 00:00:00')
    })
    await step('in 2099 everything is there and can be written', async () => {
      await future.start()
      expectEqual(
        decodeText((await future.call('file.read', { path: '/notes/one' })).data),
        'written in 1971',
        'content'
      )
      await future.call('file.create', {
        path: '/notes/one',
        data: encodeText('written in 2099'),
        replace: true
      })
      await future.stop()
    })
    await step('back in the present the last write is what is shown, and check is clean', async () => {
      await node.start()
      expectEqual(
        decodeText((await node.call('file.read', { path: '/notes/one' })).data),
        'written in 2099',
        'content'
      )
      expectEqual((await node.call('file.history', { path: '/notes/one' })).versions.length, 3, 'versions')
      expectEqual((await node.call('store.check', {})).problems, [], 'problems')
    })
  }
}
