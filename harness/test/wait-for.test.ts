import { describe, expect, test } from 'vitest'
import { waitFor } from '../src/wait-for.ts'

describe('waitFor', () => {
  test('returns the first answer that is neither undefined nor false', async () => {
    const answers = [undefined, false, 'here']
    expect(await waitFor(() => answers.shift(), { intervalMs: 1 })).toBe('here')
  })

  test('asks again after a failure', async () => {
    let tries = 0
    const condition = (): number => {
      if (++tries < 3) throw new Error('not yet')
      return tries
    }
    expect(await waitFor(condition, { intervalMs: 1 })).toBe(3)
  })

  test('gives up in time, with the last failure as the cause', async () => {
    const failing = waitFor(
      () => {
        throw new Error('never')
      },
      { timeoutMs: 20, intervalMs: 1, description: 'a miracle' }
    )
    await expect(failing).rejects.toMatchObject({
      code: 'ERR_HARNESS_TIMEOUT',
      message: expect.stringContaining('a miracle'),
      cause: expect.objectContaining({ message: 'never' })
    })
  })
})
