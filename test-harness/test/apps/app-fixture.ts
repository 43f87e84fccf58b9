/** Apps of `apps/`, built as `npm run build:apps` does, installed in a real node and asked over HTTP. */
import { spawnSync } from 'node:child_process'
import { createReadStream, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createHarness, type Harness } from '@blocktree/harness'
import { type NodeMethods, nodeMethodTable } from '@blocktree/node/method-table'
import { InstalledApp } from '../../src/installed-app.ts'
import type { Node } from '../../src/scenario.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Path of the package. Throws with the compiler's output. */
export function buildApp(name: string): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=source', 'tools/build-apps.ts', name],
    { cwd: root, encoding: 'utf8' }
  )
  if (status !== 0) throw new Error(`app "${name}" was not built: ${stdout}${stderr}`)
  return `${root}apps/${name}/build/${name}.btapp`
}

export function moduleOf(name: string): Uint8Array {
  return readFileSync(`${root}apps/${name}/build/app.wasm`)
}

export function hasProgram(program: string): boolean {
  return spawnSync(program, ['--version']).error === undefined
}

export interface AppNode extends AsyncDisposable {
  readonly harness: Harness<NodeMethods>
  readonly node: Node
  install(name: string, objects?: Readonly<Record<string, string>>): Promise<InstalledApp>
}

/** A node whose gateway listens on a free port. */
export async function startAppNode(): Promise<AppNode> {
  const harness = createHarness<NodeMethods>({ table: nodeMethodTable })
  const node = await harness.startNode('home', { arguments: ['--apps-port', '0'] })
  return {
    harness,
    node,
    async install(name, objects = {}) {
      const upload = createReadStream(buildApp(name))
      const installed = await node.client.call('app.install', { objects }, { upload })
      return new InstalledApp(node, installed)
    },
    [Symbol.asyncDispose]: () => harness.close()
  }
}
