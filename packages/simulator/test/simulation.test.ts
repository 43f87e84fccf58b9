/** Thirty seeds in every test run; hundreds in the nightly one (`npm run simulate -- --seeds 300`). */
import { describe, expect, it, vi } from 'vitest'
import { commandOf, faultKinds, runSimulation } from '../src/index.ts'

vi.setConfig({ testTimeout: 600_000 }) // a busy machine takes its time

const seeds = Array.from({ length: 30 }, (_, index) => String(index + 1))

describe('three nodes, with everything going wrong', () => {
  it.each(seeds)('keep every promise with seed %s', async (seed) => {
    const options = { seed, nodes: 3, hours: 0.1, faults: faultKinds }
    const report = await runSimulation(options)
    expect(report.violations, commandOf(options)).toEqual([])
    expect(report.acknowledged, 'writes that were acknowledged').toBeGreaterThan(5)
  })
})

describe('a run', () => {
  it('is the same again with the same seed', async () => {
    const options = { seed: 'again', nodes: 3, hours: 0.05, faults: faultKinds }
    const [first, second] = [await runSimulation(options), await runSimulation(options)]
    expect(second.digest).toBe(first.digest)
    expect(second.acknowledged).toBe(first.acknowledged)
    expect(second.faults).toEqual(first.faults)
  })

  it('is another one with another seed', async () => {
    const options = { nodes: 2, hours: 0.02, faults: faultKinds }
    const first = await runSimulation({ ...options, seed: 'left' })
    const second = await runSimulation({ ...options, seed: 'right' })
    expect(second.digest).not.toBe(first.digest)
  })

  it('of one node that is alone works too', async () => {
    const report = await runSimulation({ seed: 'alone', nodes: 1, hours: 0.1, faults: ['crash', 'disk'] })
    expect(report.violations).toEqual([])
  })
})
