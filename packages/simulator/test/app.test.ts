/** An app in the simulator: what holds, what is noticed, and that a seed repeats it. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { AppCluster } from '../src/app/app-cluster.ts'
import { parseScript } from '../src/app/app-script.ts'
import { type AppRunOptions, type AppSabotage, runApp } from '../src/app/run-app.ts'
import { hits, packText, trapping } from './app-fixture.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 }) // a busy machine takes its time

let sound: Uint8Array
let broken: Uint8Array
beforeAll(async () => {
  sound = await packText(hits)
  broken = await packText(trapping)
})

const get = { method: 'GET', path: '/', headers: [], body: '' }

function options(changes: Partial<AppRunOptions> = {}): AppRunOptions {
  return { package: sound, seed: '1', nodes: 2, hours: 0.1, faults: ['crash', 'net'], ...changes }
}

/** The network is cut again, and one node writes. */
async function writeApart({ simulation }: AppCluster): Promise<void> {
  const [first] = simulation.running()
  simulation.hub.partition(['node-1'], ['node-2'])
  const write = first?.files.create(first.owner, '/apps/hits/data/files/alone', new Uint8Array(1))
  if (write !== undefined) await simulation.time.until(write)
}

describe('an app on two nodes that crash and lose each other', () => {
  it.each(['1', '2', '3'])(
    'keeps what it acknowledged, and runs on both at the end, with seed %s',
    async (seed) => {
      const { violations, answered, writes } = await runApp(options({ seed }))
      expect(violations).toEqual([])
      expect(answered).toBeGreaterThan(5)
      expect(writes).toBeGreaterThan(2)
    }
  )

  it('does the same again with the same seed, and something else with another', async () => {
    const [first, second] = [await runApp(options()), await runApp(options())]
    expect(second.events).toEqual(first.events)
    expect(second.digest).toBe(first.digest)
    const other = await runApp(options({ seed: '2' }))
    expect(other.digest).not.toBe(first.digest)
  })

  it('counts on, on one node, with what was counted on the other', async () => {
    const steps = [1, 2, 1].map((node, index) => ({ at: 10 * index, node, request: get, status: 200 }))
    const { events, violations } = await runApp(options({ steps, faults: [], hours: 0.02 }))
    expect(violations).toEqual([])
    const answers = events.filter(({ kind }) => kind === 'request').map(({ text }) => text)
    expect(answers).toEqual(['GET /: 200 1', 'GET /: 200 2', 'GET /: 200 3'])
  })
})

describe('what is noticed', () => {
  const step = { at: 1, node: 1, request: get, status: undefined }

  it('is an app that traps, which starts again', async () => {
    const post = { ...step, request: { ...get, method: 'POST' } }
    const steps = [post, { ...step, at: 2, status: 200 }]
    const { violations, events } = await runApp(options({ package: broken, steps, hours: 0.01, faults: [] }))
    expect(violations).toMatchObject([
      { rule: 'the app does not trap', what: expect.stringContaining('node-1: ERR_RUN_TRAP') }
    ])
    expect(events.some(({ text }) => text === 'GET /: 200 1')).toBe(true)
  })

  it('is another status than the script names', async () => {
    const steps = [{ ...step, status: 201 }]
    const { violations } = await runApp(options({ steps, hours: 0.01, faults: [] }))
    expect(violations).toMatchObject([{ rule: 'the script gets the status it names' }])
  })

  const cases: readonly { readonly rule: string; readonly sabotage: AppSabotage }[] = [
    {
      rule: 'no acknowledged write is lost',
      sabotage: {
        async end({ writes }) {
          writes.push({ node: 'node-1', path: '/apps/hits/data/kv/lost', version: new Uint8Array(32) })
          await Promise.resolve()
        }
      }
    },
    {
      rule: 'no operation outside the grant',
      sabotage: {
        async end(cluster) {
          cluster.judge({ name: 'read', path: '/apps/hits/data/files/own' }, 'node-1')
          cluster.judge({ name: 'read', path: '/apps/hits/data/filesystem' }, 'node-1')
          await Promise.resolve()
        }
      }
    },
    { rule: 'all replicas agree after healing', sabotage: { end: writeApart } },
    { rule: 'replicas converge', sabotage: { end: writeApart } }
  ]

  it.each(cases)('is a run in which it is not true that $rule', async ({ rule, sabotage }) => {
    const steps = [0, 1, 2, 3, 4, 5].map((at) => ({ ...step, at: 10 * at, node: 1 + (at % 2) }))
    const { violations } = await runApp(options({ steps, sabotage, hours: 0.02, faults: ['crash'] }))
    expect(new Set(violations.map((found) => found.rule))).toContain(rule)
    if (rule.startsWith('no ')) expect(violations).toHaveLength(rule.includes('grant') ? 1 : 2)
  })
})

describe('the program', () => {
  const program = fileURLToPath(new URL('../src/app-process.ts', import.meta.url))
  const simulate = (input: Uint8Array, ...words: readonly string[]): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, ['--conditions=source', program, '--again', 'again and again', ...words], {
      input
    })

  it('ends with 1 when the app traps, and says how to see it again', () => {
    const { status, stdout } = simulate(broken, '--hours', '0.05', '--faults', 'none')
    expect(String(stdout)).toContain('violated: the app does not trap: node-')
    expect(String(stdout)).toContain('again: again and again')
    expect(status).toBe(1)
  })

  it('ends with 0 and says the same as JSON when all is well', () => {
    const { status, stdout } = simulate(sound, '--hours', '0.02', '--json')
    expect(JSON.parse(String(stdout))).toMatchObject({
      app: 'hits',
      violations: [],
      command: 'again and again'
    })
    expect(status).toBe(0)
  })

  it('ends with 2 for options that mean nothing', () => {
    expect(simulate(sound, '--faults', 'fire').status).toBe(2)
  })
})

describe('a script', () => {
  it('is a list of steps, of which little has to be said', () => {
    expect(parseScript('[{"at":1,"request":{"path":"/"}}]', 2)).toEqual([
      { at: 1, node: 1, request: get, status: undefined }
    ])
    const full = { method: 'PUT', path: '/a?b=c', headers: { 'If-Match': 'x' }, body: 'text' }
    expect(parseScript(JSON.stringify([{ at: 0, node: 2, request: full, status: 412 }]), 2)).toEqual([
      { at: 0, node: 2, request: { ...full, headers: [['if-match', 'x']] }, status: 412 }
    ])
  })

  it.each([
    '',
    '{}',
    '[1]',
    '[{"at":-1,"request":{"path":"/"}}]',
    '[{"at":1,"node":3,"request":{"path":"/"}}]',
    '[{"at":1,"request":{"path":"x"}}]',
    '[{"at":1,"request":{"path":"/","method":"BREW"}}]',
    '[{"at":1,"request":{"path":"/","headers":{"a":1}}}]',
    '[{"at":1,"request":{"path":"/"},"statsu":200}]'
  ])('is refused when it is %s', (text) => {
    expect(() => parseScript(text, 2)).toThrow(expect.objectContaining({ code: 'ERR_SIMULATION_SCRIPT' }))
  })
})
