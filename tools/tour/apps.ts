/** Steps: an app of somebody else is installed, opened as a browser would, shut out and let in again. */
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { buildApp } from '../build-apps.ts'
import { duration, size } from './narrator.ts'
import { timed, type Tour } from './tour.ts'

const name = 'hits'

export async function installApp({ narrator, node }: Tour): Promise<void> {
  narrator.step('Install an app')
  const bytes = readFileSync(buildApp(name))
  const found = await node.client.call('app.inspect', {}, { upload: [bytes] })
  narrator.say(
    `"${found.title}" is one signed file of ${size(bytes.length)}; what it says of itself is proven:`
  )
  narrator.say(`  author ${found.author}`)
  for (const { sentence, reason } of found.permissions) narrator.say(`  ${sentence}: "${reason}"`)
  const { ms } = await timed(async () => {
    await node.client.call('app.install', {}, { upload: [bytes] })
    return await open(node)
  })
  const { engine = '', level = '' } = await node.call('app.info', { name })
  narrator.say(`It runs in a process of its own without any right (${engine}, ${level}).`)
  const second = await open(node)
  narrator.hold(second.text.trim() === '2', `its page answers; it counts its visits: ${second.text.trim()}`)
  narrator.figure('installing an app, to its first answer', duration(ms))
}

export async function revokeApp({ narrator, node }: Tour): Promise<void> {
  narrator.step('Take a permission back from the app')
  await node.call('app.revoke', { name, permission: 'web' })
  const refused = await open(node)
  narrator.hold(refused.status === 503, `its page is gone at once: status ${refused.status}`)
  const { entries } = await node.call('app.logs', { name })
  const said = entries.findLast(({ source }) => source === 'host')?.message ?? ''
  narrator.hold(said.includes('no grant covers'), `its log says why: ${said}`)
  await node.call('app.grant', { name, permission: 'web' })
  const again = await open(node)
  narrator.hold(again.text.trim() === '3', `granted again it goes on where it was: ${again.text.trim()}`)
}

/** After a kill of the node. */
export async function expectAppBack({ narrator, node }: Tour): Promise<void> {
  const { status, text } = await open(node)
  narrator.hold(status === 200 && text.trim() === '4', `the app is back with its count: ${text.trim()}`)
}

/** The address is the app's own; not every resolver knows names below `localhost`, so the name goes into the header alone. */
async function open(node: Tour['node']): Promise<{ readonly status: number; readonly text: string }> {
  const { url = '' } = await node.call('app.info', { name })
  const { host, port } = new URL(url)
  return await new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: '/', headers: { host } }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    sent.on('error', reject).end()
  })
}
