/** Worker of worker-pool.test.ts. */
import { serveTasks } from '../src/worker-tasks.ts'

serveTasks({
  double: (input) => {
    const bytes = input instanceof Uint8Array ? input : new Uint8Array()
    const doubled = bytes.map((byte) => byte * 2)
    return { result: doubled, transfer: [doubled.buffer] }
  },
  fail: () => {
    throw new TypeError('this task fails')
  },
  die: () => process.exit(3),
  wait: async () => {
    await new Promise((resolve) => setTimeout(resolve, 10_000))
    return { result: 'late' }
  }
})
