/** The other side of ./worker-pool.ts: answers tasks inside a worker thread. */
import type { Transferable } from 'node:worker_threads'
import { parentPort } from 'node:worker_threads'
import type { TaskAnswer, TaskMessage } from './worker-pool.ts'

export interface TaskResult {
  readonly result: unknown
  /** Buffers that move back instead of being copied. */
  readonly transfer?: readonly Transferable[]
}

/** Does one task; what it throws rejects the promise of `run`, with its own properties such as `code`. */
export type TaskHandler = (input: unknown) => TaskResult | Promise<TaskResult>

/** Call once in the entry module of the workers. */
export function serveTasks(handlers: Readonly<Record<string, TaskHandler>>): void {
  const port = parentPort
  if (port === null) throw new Error('serveTasks runs in a worker thread only')
  const answer = (message: TaskAnswer, transfer: readonly Transferable[] = []): void =>
    port.postMessage(message, [...transfer])
  port.on('message', (message: TaskMessage) => {
    void perform(handlers, message).then(
      ({ result, transfer }) => answer({ id: message.id, result }, transfer),
      (error: unknown) => answer({ id: message.id, error })
    )
  })
}

async function perform(
  handlers: Readonly<Record<string, TaskHandler>>,
  task: TaskMessage
): Promise<TaskResult> {
  const handler = Object.hasOwn(handlers, task.name) ? handlers[task.name] : undefined
  if (handler === undefined) throw new Error(`there is no task '${task.name}'`)
  return handler(task.input)
}
