import { HarnessError } from './harness-error.ts'

export interface WaitOptions {
  /** Default 10,000. */
  readonly timeoutMs?: number
  /** Default 20. */
  readonly intervalMs?: number
  /** What is waited for, for the message when it does not come. */
  readonly description?: string
}

/** Asks until the answer is neither undefined nor false; ERR_HARNESS_TIMEOUT with the last failure as cause. */
export async function waitFor<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  options: WaitOptions = {}
): Promise<T> {
  const { timeoutMs = 10_000, intervalMs = 20, description = 'the condition' } = options
  const deadline = performance.now() + timeoutMs
  let cause: unknown
  while (performance.now() < deadline) {
    try {
      const value = await condition()
      if (value !== undefined && value !== false) return value
    } catch (error) {
      cause = error
    }
    await new Promise((resolve) => setTimeout(resolve, intervalMs))
  }
  throw new HarnessError('ERR_HARNESS_TIMEOUT', `${description} did not hold within ${timeoutMs} ms`, {
    cause
  })
}
