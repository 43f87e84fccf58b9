/** The other engine for apps, put into a node as a person does it; its wheel comes with `tools/setup-extras`. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { blocktreeBinary } from '@blocktree/harness'

const extras = fileURLToPath(new URL('../../tools/setup-extras', import.meta.url))

/** undefined when it is not on this machine. */
export function wasmtimeWheel(): string | undefined {
  const path = spawnSync(extras, ['--path', 'libwasmtime'], { encoding: 'utf8' }).stdout.trim()
  return path === '' ? undefined : path
}

/** Used from the next start of the node on. Throws with the command's output. */
export function installWasmtime(directory: string): void {
  const words = ['engine', 'install', 'wasmtime', '--file', wasmtimeWheel() ?? '', '--data', directory]
  const { status, stderr } = spawnSync(process.execPath, [blocktreeBinary, ...words], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the engine was not installed: ${stderr}`)
}
