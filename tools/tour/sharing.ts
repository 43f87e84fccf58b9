/** Steps: a second person is let in, and shut out again; what was written since stays closed to them. */
import type { RpcClient } from '@blocktree/rpc'
import type { NodeMethods } from '@blocktree/node/method-table'
import { duration, many } from './narrator.ts'
import { refusal, timed, type Tour } from './tour.ts'

const directory = '/shared-with-bob'
const letter = `${directory}/letter.txt`
const first = 'Dear Bob, the meeting is on Monday.'
const second = 'Not for Bob any more: it is on Tuesday.'

export async function shareWithBob({ narrator, node }: Tour): Promise<string> {
  narrator.step('Share with a second person')
  await node.call('file.mkdir', { path: directory })
  await node.call('file.create', { path: letter, data: encode(first) })
  await node.call('principal.create', { name: 'bob' })
  narrator.say(`"bob" has keys of his own and no rights; ${letter} has been written.`)
  await using connection = await node.connect()
  const bob = connection.client
  await bob.call('session.as', { principal: 'bob' })
  const before = await refusal(bob.call('file.read', { path: letter }))
  narrator.hold(before !== undefined, `bob is refused: ${before ?? 'he could read without a grant'}`)
  const { result: grant, ms } = await timed(() => node.call('grant.issue', { path: directory, to: 'bob' }))
  narrator.hold(
    (await readLetter(bob)) === first,
    `after one signed grant (${duration(ms)}) bob reads: “${first}”`
  )
  const why = await node.call('access.why', { principal: 'bob', path: letter, right: 'read' })
  narrator.hold(why.allowed, 'the node can say why, link by link:')
  for (const { text } of why.steps) narrator.say(`  ${text}`)
  return grant.id
}

export async function shutBobOut({ narrator, node }: Tour, grant: string): Promise<void> {
  narrator.step('Take it back')
  const { result: report, ms } = await timed(() => node.call('grant.revoke', { grant }))
  narrator.say(
    `Revoked in ${duration(ms)}: new keys for ${many(report.zonesRekeyed, 'zone')}, nothing was encrypted again.`
  )
  narrator.say(
    'What bob could read so far stays known to him; no system can change that, and the node says so:'
  )
  for (const { path, principal } of report.exposed.slice(0, 3))
    narrator.say(`  ${principal} may know ${path}`)
  await node.call('file.create', { path: letter, data: encode(second), replace: true })
  await using connection = await node.connect()
  const bob = connection.client
  await bob.call('session.as', { principal: 'bob' })
  const code = await refusal(readLetter(bob))
  narrator.hold(
    code !== undefined,
    `the letter was written anew, and bob is refused: ${code ?? 'he could still read'}`
  )
  narrator.hold((await readLetter(node.client)) === second, `its owner reads: “${second}”`)
  const why = await node.call('access.why', { principal: 'bob', path: letter, right: 'read' })
  const missing = why.steps.find((step) => !step.ok)
  narrator.hold(!why.allowed, `and why not: ${missing?.text ?? 'nothing is missing'}`)
  narrator.figure('revoking a reader', duration(ms))
}

async function readLetter(client: RpcClient<NodeMethods>): Promise<string> {
  const { data } = await client.call('file.read', { path: letter })
  return new TextDecoder().decode(data)
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
