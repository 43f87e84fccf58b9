/**
 * A hostile app on a real node, with a well-behaved neighbour: every attack ends as it must, its cause is in the log, and
 * the neighbour answers as fast as it may expect to (doc/spec/hostile-apps.md).
 */
import { readdirSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { connect } from 'node:net'
import { expectEqual, expectRefused, expectTrue } from '../expect.ts'
import { installWasmtime, wasmtimeWheel } from '../engine-extra.ts'
import { compileGuest, compileText, packGuest } from '../guest-package.ts'
import { keeper } from '../guests/keeper.ts'
import { rogue, tableBomb } from '../guests/rogue.ts'
import { installApp, type InstalledApp } from '../installed-app.ts'
import { formatLatency, type Latency, summarizeLatency } from '../percentiles.ts'
import type { Node, Scenario, ScenarioContext } from '../scenario.ts'
import { encodeText } from '../text.ts'
import { letters, packKeeper, permissions, startHome, upgradeApp } from './app-stage.ts'
import { type Attack, attackRequests, type Ports } from './attack-requests.ts'
import { hostilePackages } from './hostile-packages.ts'

/** Of the neighbour's answers while two apps attack without a pause, on a machine with two cores that does other work too. */
const bound = { medianMs: 10, p95Ms: 250 } as const

const objects = { letters: '/letters' }
const limits = { fuel: 50_000_000_000, invokeMs: 700, stateBytes: 1_048_576 }

export const appAttacks: Scenario = {
  name: 'app-attacks',
  summary: 'Hostile apps on V8: each attack ends with its cause in the log, the neighbour keeps its latency',
  run: (context) => attack(context, 'v8')
}

export const appAttacksWasmtime: Scenario = {
  name: 'app-attacks-wasmtime',
  summary: 'The same on wasmtime',
  missing: () => (wasmtimeWheel() === undefined ? 'needs libwasmtime, see tools/setup-extras' : undefined),
  run: (context) => attack(context, 'wasmtime')
}

interface Stage {
  readonly node: Node
  readonly neighbour: InstalledApp
  readonly attacker: InstalledApp
}

async function attack(context: ScenarioContext, engine: 'v8' | 'wasmtime'): Promise<void> {
  const { step, report } = context
  await using redirecting = await serve((_, response) => {
    response.writeHead(302, { location: `http://127.0.0.1:${inner.port}/` }).end()
  })
  await using inner = await serve((_, response) => response.end('inside'))
  const ports = { redirecting: redirecting.port, inner: inner.port }
  const stage = await step(`two apps on ${engine}`, () => setUp(context, engine, ports))
  const { node, neighbour, attacker } = stage
  const descriptors = countDescriptors(node)
  const calm = await step('the neighbour alone', () => measure(neighbour, 1500))
  for (const one of attackRequests(ports)) await step(one.what, () => expectAttack(stage, one))
  await step('handles of others are guessed', async () => {
    expectEqual((await neighbour.ask('/open')).status, 200, 'the neighbour has a file open')
    await node.call('app.restart', { name: 'rogue' })
    expectEqual((await attacker.ask('/guess')).text, '0', 'handles that were of use')
  })
  await step('a lock of an app that is killed goes to who waits for it', () => expectLockPasses(stage))
  await step('a table without end', () => expectTableBomb(stage))
  await step('host names and requests that are not what they seem', () => expectStrictGateway(stage))
  await step('the permission is gone while handles are open', () => expectRevoked(stage))
  for (const { what, bytes, codes } of hostilePackages) {
    await step(what, async () => {
      await expectRefused(node.client.call('app.install', { objects }, { upload: bytes() }), codes, what)
      await expectCalm(stage, ['keeper', 'rogue'])
    })
  }
  await step('a package of another author, and an older one, in the place of an app', () =>
    expectOwner(stage)
  )
  const stormy = await step('the neighbour while two apps attack', () => measureUnderAttack(stage, ports))
  report('neighbour alone', formatLatency(calm))
  report('neighbour under attack', formatLatency(stormy))
  await step('it keeps its latency', () => {
    expectTrue(stormy.medianMs <= Math.max(bound.medianMs, calm.medianMs * 5), formatLatency(stormy))
    expectTrue(stormy.p95Ms <= Math.max(bound.p95Ms, calm.p95Ms * 5), formatLatency(stormy))
  })
  await step('nothing of it stays: descriptors, the store, what the neighbour kept', async () => {
    for (const name of ['rogue', 'second']) await node.call('app.uninstall', { name })
    const left = countDescriptors(node) - descriptors
    expectTrue(left < 20, `${left} descriptors more than before`)
    expectEqual((await neighbour.ask('/note')).text, 'mine', 'the note')
    expectEqual((await node.call('store.check', {})).problems, [], 'problems')
  })
}

async function setUp({ harness }: ScenarioContext, engine: string, ports: Ports): Promise<Stage> {
  const node = await startHome(harness, ['--apps-engine', engine === 'v8' ? 'v8' : 'auto'])
  if (engine === 'wasmtime') {
    installWasmtime(node.directory)
    await node.restart()
  }
  await node.call('file.create', { path: '/secret', data: encodeText('secret') })
  await node.call('file.symlink', { path: '/letters/out', target: '/secret' })
  const neighbour = await installApp(node, packKeeper(compileGuest(keeper), {}), { objects })
  const attacker = await installApp(node, packRogue(ports), { objects })
  await neighbour.ask('/note', { method: 'PUT', body: 'mine' })
  expectEqual((await node.call('node.status', {})).apps?.engine, engine, 'engine')
  return { node, neighbour, attacker }
}

function packRogue({ redirecting, inner }: Ports, version = 1): Uint8Array {
  const origins = [`http://*:${inner}`, `http://*:${redirecting}`, `http://127.0.0.1:${redirecting}`].sort()
  const net = { name: 'net', kind: 'http-client', origins, reason: 'Reaches others' }
  return packGuest(compileGuest(rogue), {
    name: 'rogue',
    version,
    permissions: [...permissions, net],
    limits
  })
}

async function expectAttack({ node, neighbour, attacker }: Stage, one: Attack): Promise<void> {
  const { status, text } = await attacker.ask(one.path)
  expectTrue(one.answer.test(`${status} ${text}`), `the answer: ${status} ${text}`)
  if (one.log !== undefined) await expectLog(attacker, one.log)
  expectEqual((await neighbour.ask('/ping')).text, 'pong', 'the neighbour')
  if (status >= 500) await node.call('app.restart', { name: 'rogue' })
}

/** Also what is said once a second. */
async function expectLog(app: InstalledApp, expected: RegExp): Promise<void> {
  let log = ''
  for (let attempt = 0; attempt < 30; attempt++) {
    log = await app.log()
    if (log.split('\n').some((line) => line.startsWith('host ') && expected.test(line))) return
    await pause(100)
  }
  const ofHost = log.split('\n').filter((line) => line.startsWith('host '))
  throw new Error(`no line of its log matches ${String(expected)}: ${ofHost.slice(-10).join('; ')}`)
}

async function expectLockPasses({ node, neighbour, attacker }: Stage): Promise<void> {
  expectEqual((await attacker.ask('/hold?%2Fletters%2Fhello.txt')).text, 'GOT', 'the lock')
  const waiting = neighbour.ask('/lock')
  await pause(200)
  expectEqual((await attacker.ask('/trap')).status, 502, 'the holder ends')
  expectEqual((await waiting).status, 200, 'who waited has the lock')
  await node.call('app.restart', { name: 'rogue' })
}

async function expectTableBomb({ node, neighbour }: Stage): Promise<void> {
  const bytes = packGuest(compileText(tableBomb), { name: 'bomb', permissions: permissions.slice(3), limits })
  const bomb = await installApp(node, bytes)
  expectEqual((await bomb.ask('/')).status, 502, 'status')
  await expectLog(bomb, /host error: .*unreachable/)
  expectEqual((await neighbour.ask('/ping')).text, 'pong', 'the neighbour')
  await node.call('app.uninstall', { name: 'bomb' })
}

async function expectStrictGateway({ neighbour }: Stage): Promise<void> {
  const { hostname, port } = new URL(neighbour.url)
  const host = `Host: ${hostname}:${port}`
  const requests: readonly (readonly [lines: readonly string[], answer: RegExp])[] = [
    [['GET /ping HTTP/1.1', host, 'Connection: close'], /^HTTP\/1\.1 200 /],
    [['GET /ping HTTP/1.1', 'Host: rebound.attacker.example'], /^HTTP\/1\.1 4\d\d /],
    [['GET /ping HTTP/1.1', `Host: ${hostname}.attacker.example`], /^HTTP\/1\.1 4\d\d /],
    [['GET /ping HTTP/1.1', `Host: rogue@${hostname}`], /^HTTP\/1\.1 4\d\d /],
    [['GET /ping HTTP/1.1', host, 'Host: rogue.localhost'], /^HTTP\/1\.1 4\d\d /],
    [['GET /ping HTTP/1.1'], /^HTTP\/1\.1 4\d\d /],
    [['GET http://rogue.localhost/ HTTP/1.1', host], /^HTTP\/1\.1 4\d\d /],
    [['GET /a/../../etc/passwd HTTP/1.1', host], /^HTTP\/1\.1 4\d\d /],
    [['GET /a/%2e%2e/ping HTTP/1.1', host], /^HTTP\/1\.1 4\d\d /],
    [['POST /note HTTP/1.1', host, 'Content-Length: 3', 'Transfer-Encoding: chunked'], /^HTTP\/1\.1 4\d\d /]
  ]
  for (const [lines, answer] of requests) {
    const answered = await exchange(Number(port), `${lines.join('\r\n')}\r\n\r\n`)
    expectTrue(answer.test(answered), `${lines.join(', ')}: ${answered.slice(0, 60)}`)
  }
}

async function expectRevoked({ node, attacker }: Stage): Promise<void> {
  expectTrue((await attacker.ask('/read?%2Fletters%2Fhello.txt')).text === `GOT ${letters}`, 'before')
  await node.call('app.revoke', { name: 'rogue', permission: 'letters' })
  expectTrue((await attacker.ask('/read?%2Fletters%2Fhello.txt')).text.startsWith('REFUSED'), 'after')
  await expectLog(attacker, /files\.read-file was denied: .*"letters"/)
}

async function expectOwner({ node, neighbour }: Stage): Promise<void> {
  const module = compileGuest(keeper)
  const stranger = packKeeper(module, { version: 9, author: 'somebody else' })
  await expectRefused(upgradeApp(node, neighbour, stranger), ['ERR_PACKAGE_OTHER_APP'], 'another author')
  const install = node.client.call('app.install', {}, { upload: [stranger] })
  await expectRefused(install, ['ERR_APP_EXISTS'], 'the same name')
  const same = packKeeper(module, {})
  await expectRefused(upgradeApp(node, neighbour, same), ['ERR_PACKAGE_DOWNGRADE'], 'the same version')
}

/** Exactly these apps are there, and the neighbour answers. */
async function expectCalm({ node, neighbour }: Stage, names: readonly string[]): Promise<void> {
  const { apps } = await node.call('app.list', {})
  expectEqual(
    apps.map(({ name }) => name),
    names,
    'installed apps'
  )
  const { entries } = await node.call('file.list', { path: '/apps' })
  expectEqual(entries.length, names.length, 'what lies below /apps')
  expectEqual((await neighbour.ask('/ping')).text, 'pong', 'the neighbour')
}

const storm = [
  '/spin',
  '/flood-log',
  '/fill',
  '/flood-messages?keeper',
  '/grow',
  '/flood-store',
  '/flood-files',
  '/trap'
]

async function measureUnderAttack({ node, neighbour, attacker }: Stage, ports: Ports): Promise<Latency> {
  const second = await installApp(node, packRogue(ports), { name: 'second', objects })
  const end = performance.now() + 6000
  const attacks = [attacker, second].map(async (app, index) => {
    for (let turn = index * 3; performance.now() < end; turn++) {
      const { status } = await app.ask(storm[turn % storm.length] ?? '/spin')
      if (status >= 500) await node.call('app.restart', { name: app.name })
    }
  })
  const latency = await measure(neighbour, 6000)
  await Promise.all(attacks)
  return latency
}

/** One request after the other, each after a short pause. */
async function measure(app: InstalledApp, forMs: number): Promise<Latency> {
  const times: number[] = []
  const end = performance.now() + forMs
  while (performance.now() < end) {
    const started = performance.now()
    expectEqual((await app.ask('/ping')).text, 'pong', 'the answer')
    times.push(performance.now() - started)
    await pause(5)
  }
  return summarizeLatency(times)
}

function countDescriptors({ pid = 0 }: Node): number {
  return process.platform === 'linux' ? readdirSync(`/proc/${pid}/fd`).length : 0
}

/** What a server says to these bytes until it has nothing more to say. */
function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.setTimeout(5000, () => socket.destroy())
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part))
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}

async function serve(listener: RequestListener): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => void server.listen(0, resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => void server.close(resolve))
    }
  }
}

function pause(forMs: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, forMs))
}
