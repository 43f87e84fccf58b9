import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from '@blocktree/harness'
import { expectEqual, expectTrue } from '../expect.ts'
import type { Node, Scenario } from '../scenario.ts'
import { decodeText, encodeText } from '../text.ts'

/** Every regular file below a directory. */
function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** The words of every passphrase on stderr, six to a line; undefined while there are none. */
function shownWords(node: Node): readonly string[] | undefined {
  const lines = node.log.flatMap((entry) => entry.text.match(/ {4}(?:[a-z]{4} ){5}[a-z]{4}\b/g) ?? [])
  return lines.length < 2 ? undefined : lines.flatMap((line) => line.trim().split(' '))
}

export const firstBoot: Scenario = {
  name: 'first-boot',
  summary: 'A node makes its keys, shows the passphrase once, and keeps what it is given',
  async run({ harness, step }) {
    const node = harness.prepareNode('alice')
    await step('the first start answers on stdin', () => node.start())
    const passphrase = await step('the passphrase is shown once, on stderr', async () => {
      const words = await waitFor(() => shownWords(node), { description: 'a passphrase on stderr' })
      expectEqual(words.length, 12, 'words of the passphrase')
      return words.join(' ')
    })
    await step('it is written nowhere, and secrets are readable by their owner alone', () => {
      const words = passphrase.split(/[ -]/).slice(0, 4)
      for (const file of filesBelow(node.directory)) {
        const content = readFileSync(file, 'latin1')
        expectTrue(
          !content.includes(words.join(' ')) && !content.includes(words.join('-')),
          `${file} holds the passphrase`
        )
        expectEqual(statSync(file).mode & 0o077, 0, `mode of ${file} for others`)
      }
    })
    await step('a file comes back byte for byte', async () => {
      await node.call('file.create', { path: '/hello', data: encodeText('hello, tree') })
      expectEqual(
        decodeText((await node.call('file.read', { path: '/hello' })).data),
        'hello, tree',
        'content'
      )
    })
    await step('the passphrase unlocks the root key', async () => {
      expectTrue((await node.call('root.unlock', { passphrase })).isUnlocked, 'unlocked')
      await node.call('root.lock', {})
    })
    await step('it ends when its input ends', async () => {
      expectEqual((await node.stop()).code, 0, 'exit code')
    })
    await step('the second start shows no passphrase and still has the file', async () => {
      const logged = node.log.length
      await node.start()
      const texts = node.log.slice(logged).map((entry) => entry.text)
      expectTrue(!texts.some((text) => text.includes(passphrase)), 'no passphrase in the second log')
      expectEqual((await node.call('file.stat', { path: '/hello' })).size, 11, 'size')
    })
  }
}
