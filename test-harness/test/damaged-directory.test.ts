/**
 * Damage anywhere in a real data directory, met by the real node: it starts and says what is damaged, or refuses with a
 * stable code; nothing else is lost, and a second start fares no worse than the first.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blocktreeBinary, createHarness, type Harness, HarnessError } from '@blocktree/harness'
import { type NodeMethods, nodeMethodTable } from '@blocktree/node/method-table'
import type { Node } from '../src/scenario.ts'
import { createSeededRandom } from '@blocktree/crypto/seeded-random'

const rounds = process.env['SLOW'] === '1' ? 600 : 40
const random = createSeededRandom(process.env['SCENARIO_SEED'] ?? '7')
const fileCount = 24
const written = new Map<string, Uint8Array>()
let harness: Harness<NodeMethods>
/** Data directories of a node that was stopped, and of one that was killed. */
let stopped: string
let killed: string
let copies = 0

beforeAll(async () => {
  harness = createHarness<NodeMethods>({ table: nodeMethodTable })
  const node = harness.prepareNode('original')
  await node.start()
  await node.call('file.mkdir', { path: '/photos' })
  for (let index = 0; index < fileCount; index++)
    await write(node, `/photos/${index}`, index % 4 === 0 ? 300_000 : 2000)
  await node.call('principal.create', { name: 'bob' })
  await node.call('grant.issue', { path: '/photos', to: 'bob' })
  writeFileSync(
    join(node.directory, 'config.yaml'),
    'store:\n  segmentBytes: 1048576\nlog:\n  level: info\n',
    { mode: 0o600 }
  )
  await node.restart() // makes tables of the index, and small segments from now on
  for (let index = 0; index < fileCount; index++)
    await write(node, `/photos/later-${index}`, index % 4 === 0 ? 300_000 : 2000)
  await node.stop()
  stopped = join(harness.directory, 'stopped')
  cpSync(node.directory, stopped, { recursive: true })
  await node.start()
  await write(node, '/photos/last', 2000)
  node.kill()
  await node.exit
  killed = join(harness.directory, 'killed')
  cpSync(node.directory, killed, { recursive: true, filter: (name) => !name.endsWith('.sock') })
})

afterAll(async () => {
  await harness.close()
})

async function write(node: Node, path: string, length: number): Promise<void> {
  const data = random.bytes(length)
  await node.call('file.create', { path, data })
  written.set(path, data)
}

function copyOf(original: string): string {
  const copy = join(harness.directory, `copy-${copies++}`)
  cpSync(original, copy, { recursive: true })
  return copy
}

interface Outcome {
  /** undefined when the node started. */
  readonly refusal: string | undefined
  /** Codes of what could not be read. */
  readonly lost: readonly string[]
  /** What the node says of damage: at the start, and in its check. */
  readonly findings: readonly string[]
}

/** Starts a node there, reads everything, checks, writes, and stops it. */
async function meet(directory: string, where: string): Promise<Outcome> {
  const node = harness.prepareNode(`node-${copies++}`, { directory })
  try {
    await node.start()
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error
    return {
      refusal: /ERR_(?!HARNESS)[A-Z_]+/.exec(error.message)?.[0] ?? `no code: ${error.message}`,
      lost: [],
      findings: []
    }
  }
  const lost: string[] = []
  for (const [path, data] of written) {
    if (path === '/photos/last' && !where.includes('killed')) continue // written after the copy was made
    try {
      const read = await node.call('file.read', { path })
      if (Buffer.compare(read.data, data) !== 0) throw new Error(`${where}: ${path} has other content`)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error
      lost.push(`${path} ${String(error.code)}`)
    }
  }
  const { recovery } = await node.call('node.status', {})
  const { problems } = await node.call('store.check', {})
  await node
    .call('file.create', { path: `/photos/new-${copies}`, data: new Uint8Array(100) })
    .catch((error: unknown) => {
      if (lost.length === 0)
        throw new Error(`${where}: it does not write any more: ${String(error)}`, { cause: error })
    })
  const { code, signal } = await node.stop()
  expect({ code, signal }, where).toEqual({ code: 0, signal: null })
  const logged = node.log.flatMap(({ fields, text }) =>
    fields?.['level'] === 'error' || fields?.['level'] === 'warn' ? [text] : []
  )
  return {
    refusal: undefined,
    lost,
    findings: [...recovery, ...problems.map(({ reason, place }) => `${place}: ${reason}`), ...logged]
  }
}

/** Files that carry data; the texts that LevelDB writes for people, and empty files, do not. */
function dataFiles(directory: string): readonly string[] {
  const all = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  return all.filter((name) => {
    const status = statSync(join(directory, name), { throwIfNoEntry: false })
    return (
      status?.isFile() === true &&
      status.size > 0 &&
      !/\/LOG(\.old)?$/.test(name) &&
      !name.endsWith('reserve')
    )
  })
}

describe('a flipped bit', () => {
  test(
    `in ${rounds} random places is named, and nothing else is lost`,
    { timeout: rounds * 5000 },
    async () => {
      const kinds = new Map<string, number>()
      for (let round = 0; round < rounds; round++) {
        const original = round % 2 === 0 ? stopped : killed
        const files = dataFiles(original)
        const name = files[random.below(2) === 0 ? random.below(files.length) : round % files.length] ?? ''
        const directory = copyOf(original)
        const bytes = readFileSync(join(directory, name))
        const offset = random.below(bytes.length)
        const bit = random.below(8)
        bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit)
        writeFileSync(join(directory, name), bytes)
        const where = `round ${round}: ${name} at ${offset} of ${bytes.length}, bit ${bit} (${round % 2 === 0 ? 'stopped' : 'killed'})`
        const first = await meet(directory, where)
        expectTold(first, name, where)
        // No start makes it worse for the next one.
        if (round % 5 === 0) expectNoWorse(first, await meet(directory, `${where}, second start`), where)
        const kind =
          first.refusal ?? (first.lost.length > 0 ? 'started, one file lost' : 'started, nothing lost')
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
        rmSync(directory, { recursive: true })
      }
      console.log(`flipped bits, ${rounds} rounds:`, JSON.stringify(Object.fromEntries(kinds)))
    }
  )
})

function expectTold({ refusal, lost, findings }: Outcome, name: string, where: string): void {
  if (refusal !== undefined) {
    expect(refusal, where).toMatch(/^ERR_/)
    // The truth itself never keeps a node from starting, and neither does what can be made again.
    expect(name, `${where}: ${refusal}`).not.toMatch(/^store\/(index|format|lock)/)
    return
  }
  expect(lost.length, `${where}: lost ${lost.join()}`).toBeLessThanOrEqual(1)
  if (lost.length > 0 || name.startsWith('store/segments') || name === 'store/format')
    expect(findings, where).not.toEqual([])
}

function expectNoWorse(first: Outcome, second: Outcome, where: string): void {
  expect({ refusal: second.refusal, lost: second.lost.length }, where).toEqual({
    refusal: first.refusal,
    lost: first.lost.length
  })
}

describe('damage to whole files', () => {
  const index = (directory: string, name: RegExp): string => {
    const found = readdirSync(join(directory, 'store/index')).find((file) => name.test(file))
    if (found === undefined) throw new Error(`no ${String(name)} in the index`)
    return join(directory, 'store/index', found)
  }

  test.each<[string, (directory: string) => void, number]>([
    ['a deleted CURRENT', (directory) => rmSync(join(directory, 'store/index/CURRENT')), 0],
    ['a deleted manifest', (directory) => rmSync(index(directory, /^MANIFEST/)), 0],
    ['a deleted table', (directory) => rmSync(index(directory, /\.ldb$/)), 0],
    ['a deleted index', (directory) => rmSync(join(directory, 'store/index'), { recursive: true }), 0],
    ['a deleted format file', (directory) => rmSync(join(directory, 'store/format')), 0],
    [
      'a segment cut off in its middle',
      (directory) => truncateSync(join(directory, 'store/segments/00000002.seg'), 400_000),
      fileCount
    ],
    ['a missing segment', (directory) => rmSync(join(directory, 'store/segments/00000002.seg')), fileCount]
  ])('%s is named, the rest is there', { timeout: 60_000 }, async (name, damage, lostMax) => {
    const directory = copyOf(stopped)
    damage(directory)
    const { refusal, lost, findings } = await meet(directory, name)
    expect(refusal).toBeUndefined()
    expect(lost.length).toBeLessThanOrEqual(lostMax)
    expect(
      lost.every((line) => / ERR_/.test(line)),
      lost.join('; ')
    ).toBe(true)
    expect(findings).not.toEqual([])
    expect(await meet(directory, `${name}, second start`)).toMatchObject({ refusal: undefined })
  })

  test.each<[string, (directory: string) => void, RegExp]>([
    [
      'the first segment is missing',
      (directory) => rmSync(join(directory, 'store/segments/00000001.seg')),
      /^ERR_(STORE|DATA|RECORD)/
    ],
    [
      'no segment is there',
      (directory) => rmSync(join(directory, 'store/segments'), { recursive: true }),
      /^ERR_(STORE|DATA|RECORD)/
    ],
    [
      'the store is missing',
      (directory) => rmSync(join(directory, 'store'), { recursive: true }),
      /^ERR_(STORE|DATA)/
    ],
    [
      'the key of the node is missing',
      (directory) => rmSync(join(directory, 'keys/node.key')),
      /^ERR_(KEY|DATA)/
    ],
    ['node.json is missing', (directory) => rmSync(join(directory, 'node.json')), /^ERR_DATA_INCOMPLETE/],
    [
      'the data directory has a later format',
      (directory) => replaceText(join(directory, 'node.json'), /"format": ?1/, '"format":2'),
      /^ERR_DATA_FORMAT/
    ]
  ])('when %s the start is refused with a code', { timeout: 60_000 }, async (name, damage, code) => {
    const directory = copyOf(stopped)
    damage(directory)
    const { refusal } = await meet(directory, name)
    expect(refusal).toMatch(code)
    expect((await meet(directory, `${name}, second start`)).refusal).toBe(refusal)
  })
})

function replaceText(file: string, what: RegExp, by: string): void {
  const before = readFileSync(file, 'utf8')
  const after = before.replace(what, by)
  expect(after).not.toBe(before)
  writeFileSync(file, after)
}

/** root writes everywhere: as somebody else, through `setpriv`. */
const someone = 65_534
const switcher: string = 'setpriv'
const canSwitch = process.getuid?.() === 0 && spawnSync(switcher, ['--version']).status === 0
const missing = canSwitch ? undefined : 'needs root and setpriv, to run as another user'

describe(`a data directory that cannot be written${missing === undefined ? '' : ` (${missing})`}`, () => {
  test.skipIf(missing !== undefined)('is refused with a code and left as it is', { timeout: 60_000 }, () => {
    const directory = copyOf(stopped)
    for (const name of ['.', ...readdirSync(directory, { recursive: true, encoding: 'utf8' })]) {
      const path = join(directory, name)
      chownSync(path, someone, someone)
      chmodSync(path, statSync(path).isDirectory() ? 0o500 : 0o400)
    }
    chmodSync(harness.directory, 0o755) // so that the other user reaches it
    const words = [
      '--reuid',
      String(someone),
      '--regid',
      String(someone),
      '--clear-groups',
      process.execPath,
      blocktreeBinary,
      'start',
      '--data',
      directory
    ]
    const { status, stderr } = spawnSync(switcher, words, {
      input: '',
      encoding: 'utf8',
      env: { ...process.env, HOME: directory, BLOCKTREE_LOG_FORMAT: 'json' }
    })
    expect(status).not.toBe(0)
    expect(stderr).toMatch(/ERR_DATA_(ACCESS|READ_ONLY)/)
  })
})
