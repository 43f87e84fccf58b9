/** Steps: the node is killed with SIGKILL in the middle of writing; after the restart everything it had acknowledged is there. */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from '@blocktree/rpc'
import { count, duration, size } from './narrator.ts'
import { refusal, timed, type Tour } from './tour.ts'

const directory = '/diary'
const inFlight = 64
const writingMs = 2000

export interface Written {
  readonly acknowledged: ReadonlySet<number>
  /** Sent and not answered when the node was killed. */
  readonly open: ReadonlySet<number>
}

export async function killWhileWriting({ narrator, node }: Tour): Promise<Written> {
  narrator.step('Kill it in the middle of writing')
  await node.call('file.mkdir', { path: directory })
  const connection = await node.connect()
  const acknowledged = new Set<number>()
  const open = new Set<number>()
  let next = 0
  const writer = async (): Promise<void> => {
    for (;;) {
      const page = next++
      open.add(page)
      try {
        await connection.client.call('file.create', { path: pagePath(page), data: pageContent(page) })
      } catch (error) {
        if (codeOf(error) === 'ERR_RPC_CLOSED') return
        throw error
      }
      open.delete(page)
      acknowledged.add(page)
    }
  }
  narrator.busy('writing')
  const started = performance.now()
  const writers = Promise.all(Array.from({ length: inFlight }, writer))
  await Promise.race([sleep(writingMs), writers])
  node.kill()
  const ms = performance.now() - started
  await Promise.all([writers, node.exit])
  connection.disconnect()
  narrator.say(`${inFlight} writers at once made small files; after ${duration(ms)} the process got SIGKILL.`)
  narrator.hold(
    acknowledged.size > 0,
    `${count(acknowledged.size)} files were acknowledged by then, ${count(open.size)} were on their way`
  )
  narrator.figure('durable signed creates', `${count(Math.round((acknowledged.size * 1000) / ms))}/s`)
  return { acknowledged, open }
}

export async function restartAndVerify(
  { narrator, node }: Tour,
  { acknowledged, open }: Written
): Promise<void> {
  narrator.step('Start it again and look for everything')
  const { ms } = await timed(() => node.start())
  const { recovery } = await node.call('node.status', {})
  narrator.say(
    `It answered ${duration(ms)} after the start. ${recovery.length === 0 ? 'Nothing had to be repaired.' : 'It reports:'}`
  )
  for (const line of recovery) narrator.say(`  ${line}`)
  await using connection = await node.connect()
  let intact = 0
  for (const page of acknowledged) {
    const answer = await connection.client.call('file.read', { path: pagePath(page) })
    if (Buffer.compare(answer.data, pageContent(page)) === 0) intact++
    if (intact % 500 === 0) narrator.busy(`read ${count(intact)} of ${count(acknowledged.size)}`)
  }
  narrator.hold(
    intact === acknowledged.size,
    `${count(intact)} of ${count(acknowledged.size)} acknowledged files are there, byte for byte`
  )
  let absent = 0
  let complete = 0
  for (const page of open) {
    const reading = connection.client.call('file.read', { path: pagePath(page) })
    if ((await refusal(reading)) === 'ERR_FILE_NOT_FOUND') absent++
    else if (Buffer.compare((await reading).data, pageContent(page)) === 0) complete++
  }
  narrator.hold(
    absent + complete === open.size,
    `of the ${count(open.size)} that were on their way ${count(absent)} are absent and ${count(complete)} complete; none is torn`
  )
  narrator.figure('start after SIGKILL', duration(ms))
}

export async function checkStore({ narrator, node }: Tour): Promise<void> {
  narrator.step('Verify the whole store')
  narrator.busy('checking every record and every sector')
  const { result, ms } = await timed(() => node.call('store.check', {}))
  const [problem] = result.problems
  narrator.hold(
    problem === undefined,
    problem === undefined
      ? `${count(result.records)} records and ${count(result.sectors)} sectors, ${size(result.bytes)}, read and verified in ${duration(ms)}: no damage`
      : `${problem.code} at ${problem.place}: ${problem.reason}`
  )
  narrator.figure('check of everything', `${size((result.bytes * 1000) / ms)}/s`)
}

function pagePath(page: number): string {
  return `${directory}/page-${page}`
}

/** Follows from the number, so that nothing has to be remembered; lengths from 1 byte to about 16 KiB. */
function pageContent(page: number): Uint8Array {
  const seed = createHash('sha256').update(`page ${page}`).digest()
  const bytes = new Uint8Array(1 + (seed.readUInt16LE(0) & 0x3fff))
  for (let offset = 0; offset < bytes.length; offset += seed.length) {
    bytes.set(seed.subarray(0, Math.min(seed.length, bytes.length - offset)), offset)
  }
  return bytes
}
