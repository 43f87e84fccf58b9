/** The thread of ./module-thread.ts: takes one task, answers it, and ends. */
import { parentPort } from 'node:worker_threads'
import { ModuleError } from '@blocktree/wasm-module'
import { type ModuleTask, doModuleTask } from './module-task.ts'

parentPort?.once('message', (task: ModuleTask) => {
  try {
    const result = doModuleTask(task)
    const isModule = result instanceof Uint8Array && result.buffer instanceof ArrayBuffer
    parentPort?.postMessage({ result }, isModule ? [result.buffer] : [])
  } catch (error) {
    if (!(error instanceof ModuleError)) throw error
    parentPort?.postMessage({ code: error.code, message: error.message }, [])
  }
})
