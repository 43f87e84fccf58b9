/**
 * Bundles the program of sandbox processes. By itself: `node tools/bundle-sandbox-child.ts FILE` makes it from the
 * sources, for tests and measurements that must not depend on what was built last.
 */
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Writes the program of sandbox processes: one CommonJS file without anything that it does not use, since it is read at
 * every start of an app's process and is all that such a process may read.
 */
export async function bundleSandboxChild(source: string, targets: readonly string[]): Promise<void> {
  const build = await rolldown({
    cwd: root,
    input: source,
    platform: 'node',
    logLevel: 'warn',
    treeshake: { moduleSideEffects: (module) => module.includes('child-process') },
    resolve: source.endsWith('.ts') ? { conditionNames: ['source', 'node', 'import', 'default'] } : {}
  })
  for (const file of targets) await build.write({ file, format: 'cjs', minify: true, codeSplitting: false })
  await build.close()
}

if (import.meta.main) {
  await bundleSandboxChild('packages/sandbox/src/child-process.ts', process.argv.slice(2))
}
