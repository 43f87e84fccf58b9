/** Expectations with messages a person can read; a scenario runs outside the test runner too. */
import assert from 'node:assert/strict'
import { RpcError } from '@blocktree/rpc'

export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  assert.deepEqual(
    actual,
    expected,
    `${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`
  )
}

export function expectTrue(condition: boolean, what: string): void {
  assert.ok(condition, what)
}

/** The call must fail with one of these codes. */
export async function expectRefused(
  call: Promise<unknown>,
  codes: readonly string[],
  what: string
): Promise<void> {
  let outcome: unknown
  try {
    outcome = await call
  } catch (error) {
    if (error instanceof RpcError && codes.includes(error.code)) return
    throw new Error(`${what}: expected ${codes.join(' or ')}, got ${String(error)}`, { cause: error })
  }
  throw new Error(`${what}: expected ${codes.join(' or ')}, but it succeeded with ${JSON.stringify(outcome)}`)
}
