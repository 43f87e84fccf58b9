/** The enemy's process as the scenario holds it. */
import { fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LiarOrder, LiarReply } from './liar-order.ts'

export interface Liar extends AsyncDisposable {
  /** What it did; rejects when it could not. */
  do(order: LiarOrder): Promise<unknown>
}

export function startLiar(): Liar {
  const program = fileURLToPath(new URL(`./liar-process${extname(import.meta.url)}`, import.meta.url))
  const execArgv = program.endsWith('.ts') ? ['--conditions=source'] : []
  const child = fork(program, [], { execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const waiting = new Map<number, (reply: LiarReply) => void>()
  let last = 0
  child.on('message', (value: LiarReply) => {
    waiting.get(value.id)?.(value)
    waiting.delete(value.id)
  })
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  void exit.then(() => {
    for (const [id, tell] of waiting) tell({ id, error: 'the process of the liar has ended' })
  })
  return {
    async do(order) {
      const id = ++last
      const replied = new Promise<LiarReply>((resolve) => waiting.set(id, resolve))
      child.send({ id, order })
      const { result, error } = await replied
      if (error !== undefined) throw new Error(`the liar could not "${order.act}": ${error}`)
      return result
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exit
    }
  }
}
