/**
 * Emits JavaScript for every package with `tsc -b`, then gathers what the `blocktree` command loads into few files:
 * some 400 modules one by one cost about 90 ms of each start. Run by `npm ci` through the `prepare` script.
 */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { publishBundle, stageBundle } from './bundle-folder.ts'
import { bundleSandboxChild } from './bundle-sandbox-child.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * What has not changed is skipped by `tsc -b` itself. The compiler's messages go to stderr, since stdout
 * of `npm start` belongs to the protocol.
 * @returns the compiler's exit code
 */
export function build(options: readonly string[] = []): number {
  const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url))
  const result = spawnSync(process.execPath, [compiler, '-b', 'tsconfig.build.json', ...options], {
    cwd: root,
    stdio: ['ignore', 2, 2]
  })
  if (result.error !== undefined) throw result.error
  return result.status ?? 1
}

/** Loaded from where they are installed: native add-ons, and what is needed rarely. */
const external = [/^sodium-native/, /^level$/, /^classic-level/, /^msgpackr/, /^yaml$/, /^@noble\//]

/**
 * Entries keep the folders that `new URL(…, import.meta.url)` beside their users names. The worker is bundled alone: a
 * thread needs a fifth of what the program holds, and starts in two thirds of the time.
 */
const bundles = [
  { input: { bin: 'packages/cli/dist/bin.js' }, chunkFileNames: '[name]-[hash].js' },
  {
    input: { 'worker/transfer-worker': 'packages/node/dist/transfer/worker/transfer-worker.js' },
    chunkFileNames: 'worker/[name]-[hash].js'
  },
  {
    input: { 'module-worker': 'packages/sandbox/dist/module-worker.js' },
    chunkFileNames: 'worker/[name]-[hash].js'
  },
  {
    input: { 'app-simulator': 'packages/simulator/dist/app-process.js' },
    chunkFileNames: 'simulator-[name]-[hash].js',
    checks: { ineffectiveDynamicImport: false } // it loads most of a node at once
  },
  {
    input: { 'native-block-worker': 'packages/crypto/dist/native-block-worker.js' },
    chunkFileNames: 'worker/[name]-[hash].js'
  }
]

/** Gathers the emitted JavaScript of the `blocktree` command into a folder. */
async function bundle(directory: string): Promise<void> {
  for (const { input, chunkFileNames, checks = {} } of bundles) {
    const treeshake = { moduleSideEffects: 'no-external' as const } // nothing external is loaded for its effect
    const build = await rolldown({
      cwd: root,
      input,
      platform: 'node',
      external,
      treeshake,
      checks,
      logLevel: 'warn'
    })
    await build.write({ dir: directory, format: 'esm', sourcemap: true, chunkFileNames })
    await build.close()
  }
}

/** All steps; with errors of types too, what was emitted is bundled. @returns the compiler's exit code */
export async function buildAll(options: readonly string[] = []): Promise<number> {
  const status = build(options)
  const directory = join(root, 'packages/cli/dist/bundle')
  const staged = stageBundle(directory)
  try {
    await bundle(staged)
    await bundleSandboxChild('packages/sandbox/dist/child-process.js', [
      'packages/sandbox/dist/sandbox-child.cjs',
      join(staged, 'sandbox-child.cjs')
    ])
    publishBundle(directory, staged)
  } finally {
    rmSync(staged, { recursive: true, force: true })
  }
  return status
}

if (import.meta.main) process.exitCode = await buildAll(process.argv.slice(2))
