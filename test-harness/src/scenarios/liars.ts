/**
 * A process of an enemy against real nodes: first with keys of its own and no right, then with the keys of a node that was
 * taken over. After each attack the honest nodes answer, hold what they held, and say who it was.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createKeyFileStorage } from '@blocktree/crypto/key-file-storage'
import { createNativeProvider } from '@blocktree/crypto/native'
import { formatPeerId } from '@blocktree/network'
import { expectEqual, expectTrue } from '../expect.ts'
import { joinNode, loopback, waitUntil } from '../join-node.ts'
import { type Liar, startLiar } from '../liars/liar.ts'
import type { LiarOrder } from '../liars/liar-order.ts'
import type { Habit } from '../liars/member-liar.ts'
import { arrives, rewriteText, textAt, writeText } from '../replicas.ts'
import type { Node, Scenario } from '../scenario.ts'

const crypto = createNativeProvider()
const content = 'what the honest nodes agree on'
const answerMsMax = 10_000 // an answer that takes longer is none; how long it took is in the report
const growthMax = 500 * 1024 * 1024
const limitMs = 60_000

export const liars: Scenario = {
  name: 'liars',
  summary:
    'An enemy process: strangers of many kinds, then a member that lies in every way it can; both are named',
  async run({ harness, step, report, random, scale }) {
    const environment = { ...(await loopback()), BLOCKTREE_NETWORK_LIBP2P: 'true' }
    const home = await harness.startNode('home', { environment })
    await home.call('file.mkdir', { path: '/shared' })
    await writeText(home, '/shared/first.txt', content)
    const box = await joinNode(harness, home, 'box')
    const taken = await joinNode(harness, home, 'taken')
    await arrives([box, taken], '/shared/first.txt', content)
    await writeText(taken, '/shared/mine.txt', 'written in good faith')
    await arrives([home, box], '/shared/mine.txt', 'written in good faith')
    for (let version = 0; version < 10; version++)
      await rewriteText(home, '/shared/first.txt', content.slice(0, -1) + String(version))
    const last = `${content.slice(0, -1)}9`
    await arrives([box, taken], '/shared/first.txt', last)
    const { treeId } = (await home.call('sync.status', {})).trees[0] ?? { treeId: '' }
    const address = await addressOf(home)
    const honest = [home, box]
    const before = new Map(honest.map((node) => [node, residentBytes(node)]))
    const holds = async (what: string): Promise<void> => {
      const slowest = Math.max(...(await Promise.all(honest.map((node) => answerMs(node, last)))))
      expectTrue(slowest < answerMsMax, `${what}: an answer took ${slowest} ms`)
      for (const node of honest) {
        const grown = residentBytes(node) - (before.get(node) ?? 0)
        expectTrue(grown < growthMax, `${what}: ${node.name} grew by ${grown} bytes`)
      }
    }
    await using liar = startLiar()

    await step('a stranger learns nothing, over TLS and libp2p', async () => {
      const peerId = address.slice(address.lastIndexOf('/p2p/'))
      const { addresses } = await home.call('peer.list', {})
      const ways = [address, ...addresses.filter((one) => !one.includes('/tls')).map((one) => one + peerId)]
      expectTrue(ways.length >= 2, `home is reached over libp2p too: ${addresses.join(' ')}`)
      for (const way of ways.slice(0, 2)) {
        const answers = await liar.do({ act: 'ask', address: way, treeId })
        const codes = new Set(Object.values(answers as Record<string, string>))
        expectTrue(!codes.has('answered'), `a stranger was answered: ${JSON.stringify(answers)}`)
      }
      await holds('a stranger asks')
    })
    await step('one that asks on and on is sent away and named', async () => {
      const { asked, comesAgain } = asAskedOn(await liar.do({ act: 'ask on', address, treeId }))
      report('refusals until a stranger is sent away', asked)
      expectTrue(asked < 500, `it was let ask ${asked} times`)
      expectEqual(comesAgain, false, 'its key is let in again')
      const { shutOut } = await home.call('peer.list', {})
      expectTrue(
        shutOut.some(({ code }) => code === 'ERR_PEER_REFUSALS'),
        'it is among those shut out'
      )
      expectLogged(home, 'ERR_PEER_REFUSALS')
    })
    await step('hellos that prove nothing shut their key out', async () => {
      const tries = Number(await liar.do({ act: 'false hellos', address, treeId }))
      report('false hellos until the key is shut out', tries)
      expectTrue(tries < 60, 'a key that proves nothing is let in for ever')
      expectLogged(home, 'ERR_PEER_HELLO')
      await holds('false hellos')
    })
    await step('connections that are opened and left hold up nobody', async () => {
      await liar.do({ act: 'half open', address, count: 150 })
      await writeText(home, '/shared/beside.txt', 'beside slow ones')
      await arrives([box], '/shared/beside.txt', 'beside slow ones')
      await holds('half open connections')
      await liar.do({ act: 'half close' })
    })

    await taken.stop()
    const name = (await home.call('peer.list', {})).peers.length
    report('peers of home beside the liar', name)
    await liar.do({ act: 'member', directory: taken.directory, address, treeId })
    const lie = async (what: string, code: string, act: () => Promise<unknown>): Promise<void> => {
      await step(what, async () => {
        await act()
        await waitUntil(async () => (await codesOf(home)).includes(code), `${code} in sync status`, limitMs)
        await holds(what)
        await expectNothingFalse(honest)
      })
    }
    await step('a member reads what it may', async () => {
      await connected(liar, 'quiet')
      const records = Number(await persist(liar, { act: 'read' }))
      expectTrue(records > 10, `it read ${records} records`)
    })
    await lie('forged signatures', 'ERR_SYNC_WRONG_RECORD', async () => {
      await liar.do({ act: 'forge', count: 2 })
    })
    await lie('altered headers', 'ERR_SYNC_WRONG_RECORD', async () => {
      await liar.do({ act: 'alter', count: 2 })
    })
    await lie('messages that are none', 'ERR_SYNC_WRONG_EVENT', async () => {
      await liar.do({ act: 'garbage', count: 1 })
    })
    await step('old versions, true in every bit, change nothing', async () => {
      await connected(liar, 'quiet')
      report('old records replayed', Number(await liar.do({ act: 'replay', count: 30 * scale })))
      await holds('old versions')
      await expectNothingFalse(honest)
    })
    await lie('a stream that never ends', 'ERR_SYNC_WRONG_ANSWER', () => connected(liar, 'endless births'))
    await lie('a summary without end that contradicts itself', 'ERR_SYNC_WRONG_ANSWER', () =>
      connected(liar, 'huge claims')
    )
    await lie('a promise of what it does not have', 'ERR_SYNC_WRONG_RECEIPT', async () => {
      await connected(liar, 'false receipts')
      await persist(liar, { act: 'read' })
      await home.call('file.create', { path: '/shared/promised.bin', data: random.bytes(40_000) })
      const { kept } = await home.call('sync.wait', {
        path: '/shared/promised.bin',
        copies: 3,
        timeoutMs: 3000
      })
      expectTrue(kept <= 2, `${kept} nodes keep it, so they say`)
    })
    await step('floods of questions are answered at a rate, and nobody else waits', async () => {
      await connected(liar, 'quiet')
      const asking = liar.do({ act: 'requests', kind: 'summaries', count: 200 })
      const waits: number[] = []
      for (let count = 0; count < 20; count++) waits.push(await answerMs(home, last))
      report('slowest answer under a flood of summaries, ms', Math.round(Math.max(...waits)))
      report('flood of summaries', JSON.stringify(await asking))
      await connected(liar, 'quiet')
      const messages = await liar.do({ act: 'requests', kind: 'messages', count: 1200 })
      report('flood of messages', JSON.stringify(messages))
      expectTrue(
        JSON.stringify(messages).includes('ERR_MESSAGE_BUSY'),
        'messages over their rate are refused'
      )
      await holds('floods of questions')
    })
    await step('floods of events are dropped, and their sender is shut out for a while', async () => {
      await connected(liar, 'quiet')
      await liar.do({ act: 'events', count: 40_000 })
      await waitUntil(
        async () => (await codesOf(home)).includes('ERR_SYNC_FLOOD'),
        'the flood in sync status'
      )
      await holds('floods of events')
    })
    await step(
      'the owner removes it, in the middle of a flood: everything ends, and the others go on',
      async () => {
        await connected(liar, 'quiet').catch(() => undefined)
        const asking = liar.do({ act: 'requests', kind: 'summaries', count: 100_000 }).catch(() => undefined)
        await home.call('node.remove', { principal: 'taken', confirm: true })
        const isGone = async (): Promise<boolean> =>
          (await home.call('peer.list', {})).peers.every((peer) => peer.name !== 'taken')
        report('removed and disconnected after, ms', Math.round(await waitUntil(isGone, 'the liar is gone')))
        await asking
        await writeText(home, '/shared/after.txt', 'without it')
        await arrives([box], '/shared/after.txt', 'without it')
        await expectNothingFalse(honest)
      }
    )
    for (const node of honest) {
      const grown = residentBytes(node) - (before.get(node) ?? 0)
      report(`${node.name} grew by, MiB`, Math.round(grown / 1024 / 1024))
    }
  }
}

/** As an invitation tells it: where, and with which key. */
async function addressOf(node: Node): Promise<string> {
  const secret = await createKeyFileStorage({ folder: join(node.directory, 'keys'), crypto }).open(
    'transport'
  )
  if (secret === undefined) throw new Error(`${node.name} has no key for the network`)
  const key = crypto.signingKey(secret.signSeed)
  const { addresses } = await node.call('peer.list', {})
  return `${addresses.find((one) => one.includes('/tls')) ?? ''}/p2p/${formatPeerId(key.publicKey)}`
}

/** Tried again for a while: after a flood from its address the liar may wait for a place as everybody there. */
async function persist(liar: Liar, order: LiarOrder): Promise<unknown> {
  let reason: unknown
  for (let tries = 0; tries < 30; tries++) {
    try {
      return await liar.do(order)
    } catch (error) {
      reason = error
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  }
  throw reason
}

async function connected(liar: Liar, habit: Habit): Promise<void> {
  await persist(liar, { act: 'connect', habit })
}

/** Milliseconds of a read of a file that everybody agrees on. */
async function answerMs(node: Node, text: string): Promise<number> {
  const started = performance.now()
  expectEqual(await textAt(node, '/shared/first.txt'), text, `content on ${node.name}`)
  return performance.now() - started
}

async function codesOf(node: Node): Promise<readonly (string | undefined)[]> {
  const { trees } = await node.call('sync.status', {})
  return trees.flatMap(({ peers }) => peers.map(({ code }) => code))
}

async function expectNothingFalse(nodes: readonly Node[]): Promise<void> {
  for (const node of nodes) {
    expectEqual(await textAt(node, '/shared/mine.txt'), 'written in good faith', `its file on ${node.name}`)
    const { conflicts } = await node.call('file.conflicts', {})
    expectEqual(conflicts, [], `conflicts on ${node.name}`)
  }
}

function expectLogged(node: Node, code: string): void {
  expectTrue(JSON.stringify(node.log).includes(code), `${code} in the log of ${node.name}`)
}

function asAskedOn(value: unknown): { readonly asked: number; readonly comesAgain: boolean } {
  const isAnswer = typeof value === 'object' && value !== null && 'asked' in value && 'comesAgain' in value
  if (!isAnswer) throw new Error('the liar said nothing of it')
  return { asked: Number(value.asked), comesAgain: value.comesAgain === true }
}

/** 0 where the system does not tell. */
function residentBytes({ pid }: Node): number {
  try {
    const status = readFileSync(`/proc/${pid ?? 0}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
