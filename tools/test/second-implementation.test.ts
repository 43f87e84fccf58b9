/** The vectors of the specification against the implementation that was written from its pages alone. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const script = fileURLToPath(
  new URL('../../doc/spec/second-implementation/check_vectors.py', import.meta.url)
)
const hasPython = spawnSync('python3', ['--version']).status === 0
const name = 'the second implementation gives every vector of doc/spec, and refuses what it has to refuse'

test.skipIf(!hasPython)(hasPython ? name : `${name} (needs python3)`, { timeout: 120_000 }, () => {
  const run = spawnSync('python3', ['-B', script], { encoding: 'utf8' })
  const lines = run.stdout.trimEnd().split('\n')
  // Pages from 16 on describe what stays on one machine or needs a network; they may have vectors of their own.
  const judged = lines.filter((line) => !line.endsWith(': of a page that is not implemented here'))
  expect(judged.filter((line) => !/^[a-z-]+\.json: [1-9]\d* passed, 0 failed$/.test(line))).toEqual([])
  expect({ status: run.status, problem: run.stderr }).toEqual({ status: 0, problem: '' })
  expect(judged.length).toBeGreaterThanOrEqual(15)
})
