/**
 * Large modules are judged and rewritten on a thread, since each megabyte takes about 100 ms, in which a node that does
 * it itself answers nobody. Small ones are done at once: a thread takes 25 ms to begin. One thread at a time.
 */
import { Worker } from 'node:worker_threads'
import {
  ModuleError,
  type ModuleErrorCode,
  type ModulePolicy,
  type ModuleRefusal
} from '@blocktree/wasm-module'
import { moduleBytesAtOnce, moduleThreadMiB } from './limits.ts'
import { type ModuleResults, type ModuleTask, doModuleTask } from './module-task.ts'

/** Sources run in tests and tools, emitted files everywhere else. */
const isSource = import.meta.url.endsWith('.ts')
const entry: URL = new URL(isSource ? './module-worker.ts' : './module-worker.js', import.meta.url)

type Answer =
  | { readonly result: ModuleResults[ModuleTask['kind']] }
  | { readonly result?: undefined; readonly code: ModuleErrorCode; readonly message: string }

let last: Promise<unknown> = Promise.resolve()

/** As `checkModule` of wasm-module, without holding up anybody. */
export async function checkModuleApart(
  module: Uint8Array,
  policy: ModulePolicy
): Promise<readonly ModuleRefusal[]> {
  const refusals = await settle({ kind: 'check', module, policy })
  if (refusals instanceof Uint8Array) throw new Error('a thread answered another question')
  return refusals
}

/** @throws ModuleError when it cannot be rewritten */
export async function rewriteModuleApart(
  task: Omit<ModuleTask & { kind: 'rewrite' }, 'kind'>
): Promise<Uint8Array> {
  const rewritten = await settle({ ...task, kind: 'rewrite' })
  if (rewritten instanceof Uint8Array) return rewritten
  throw new Error('a thread answered another question')
}

async function settle(task: ModuleTask): Promise<ModuleResults[ModuleTask['kind']]> {
  if (task.module.byteLength <= moduleBytesAtOnce) return doModuleTask(task)
  const done = last.then(() => inThread(task))
  last = done.catch(() => undefined)
  return await done
}

async function inThread(task: ModuleTask): Promise<ModuleResults[ModuleTask['kind']]> {
  const worker = new Worker(entry, {
    name: 'module',
    resourceLimits: { maxOldGenerationSizeMb: moduleThreadMiB },
    ...(isSource ? { execArgv: ['--conditions=source', '--no-warnings'] } : {})
  })
  try {
    const answer = await new Promise<Answer>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
      worker.once('exit', () => reject(new Error('the thread for modules ended without an answer')))
      const module = new Uint8Array(task.module) // a copy, also of a Buffer; a view would take the whole package with it
      worker.postMessage({ ...task, module }, [module.buffer])
    })
    if (answer.result !== undefined) return answer.result
    throw new ModuleError(answer.code, answer.message)
  } finally {
    await worker.terminate()
  }
}
