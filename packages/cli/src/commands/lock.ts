/** `lock`: the exclusive lock of a file, for a time or for the run of a command. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LockAnswer } from '@blocktree/node/method-table'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command.ts'
import type { NodeClient } from '../node-client.ts'
import { treePath } from '../tree-path.ts'

export async function run(context: CommandContext): Promise<number | void> {
  const { options, output, signal } = context
  const [given = '/', ...command] = context.arguments
  const path = treePath(given)
  const ttlMs = (options.integer('ttl', 1) ?? 60) * 1000
  const waitMs = (options.integer('wait') ?? 0) * 1000
  const node = await context.node()
  const lock = await node.call('lock.acquire', { path, ttlMs, waitMs }, { signal })
  if (command.length > 0) return await runLocked(context, node, { path, lock, ttlMs }, command)
  output.result({ path, ...lock }, () => [`locked for ${Math.ceil(ttlMs / 1000)} s, token ${lock.token}`])
}

interface Locked {
  readonly path: string
  readonly lock: LockAnswer
  readonly ttlMs: number
}

/** The way the command ended; its end is that of the lock. */
async function runLocked(
  { environment, workingDirectory }: CommandContext,
  node: NodeClient,
  { path, lock, ttlMs }: Locked,
  [program = '', ...words]: readonly string[]
): Promise<number> {
  const { token } = lock
  const child = spawn(program, words, {
    cwd: workingDirectory,
    stdio: 'inherit',
    env: { ...environment, BLOCKTREE_FENCE: String(token) }
  })
  const ended = new AbortController()
  const done = new Promise<number>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new CliError('ERR_LOCAL_FILE', `"${program}" cannot be run: ${cause.message}`))
    )
    child.once('exit', (code, name) => resolve(code ?? 128 + (name === null ? 0 : constants.signals[name])))
  })
  const keeping = keep(node, { path, token, ttlMs }, ended.signal).catch((error: unknown) => {
    child.kill('SIGTERM') // what it does from now on is not protected
    throw error
  })
  try {
    const [code] = await Promise.all([
      done.finally(() => {
        ended.abort()
      }),
      keeping
    ])
    return code
  } finally {
    ended.abort()
    await node.call('lock.release', { path, token }).catch(() => undefined) // it ends by itself
  }
}

/** Renews until the signal comes; a node that cannot be reached for a moment is asked again. Throws when the lock is lost. */
async function keep(
  node: NodeClient,
  { path, token, ttlMs }: { readonly path: string; readonly token: number; readonly ttlMs: number },
  signal: AbortSignal
): Promise<void> {
  for (;;) {
    await sleep(ttlMs / 3, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    try {
      await node.call('lock.renew', { path, token })
    } catch (error) {
      const isPassing =
        error instanceof Error && 'code' in error && error.code === 'ERR_COORDINATOR_NO_MAJORITY'
      if (!isPassing) throw error
    }
  }
}
