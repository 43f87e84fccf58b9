/** `app dev`: the project on a scratch node of its own; every change builds, packs and upgrades it again. */
import { watch } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { readAppProject } from '../app-project.ts'
import { authorKeyFile, openAuthorKey } from '../author-key.ts'
import { exitCode } from '../exit-code.ts'
import type { CommandContext } from '../command.ts'
import { createDevelopment } from '../development.ts'
import { localPath } from '../local-path.ts'
import { startScratchNode } from '../scratch-node.ts'

const settleMs = 150 // editors write a file in several steps

export async function run(context: CommandContext): Promise<number> {
  const directory = localPath(context, context.arguments[0] ?? '.')
  const { module } = readAppProject(directory).source
  const author = await openAuthorKey(context, authorKeyFile(context, directory))
  const scratch = await startScratchNode(context)
  try {
    const development = createDevelopment({ context, directory, author, node: scratch.node })
    await development.update()
    if (!context.options.has('once'))
      await watchProject(context, directory, module, () => development.update())
  } finally {
    author.close()
    await scratch.stop()
  }
  return exitCode.ok
}

async function watchProject(
  { signal, output }: CommandContext,
  directory: string,
  module: string,
  update: () => Promise<void>
): Promise<void> {
  output.note('watching the project; Ctrl-C ends and removes the scratch node')
  let changed = Promise.withResolvers<void>()
  const watcher = watch(directory, { recursive: true }, (_, name) => {
    if (name !== null && isSource(directory, name, module)) changed.resolve()
  })
  signal.addEventListener('abort', () => changed.resolve(), { once: true })
  try {
    while (!signal.aborted) {
      await changed.promise
      if (signal.aborted) return
      await delay(settleMs)
      changed = Promise.withResolvers<void>()
      signal.addEventListener('abort', () => changed.resolve(), { once: true })
      await update()
    }
  } finally {
    watcher.close()
  }
}

/** Neither what the build makes nor what is installed. */
function isSource(directory: string, name: string, module: string): boolean {
  if (/(^|[/\\])(node_modules|target|\.git|\.[^/\\]*)([/\\]|$)/.test(name)) return false
  return resolve(directory, name) !== resolve(directory, module) && !name.endsWith('.blocktree')
}
