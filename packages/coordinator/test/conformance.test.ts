import { createVirtualTime } from '@blocktree/network/memory'
import { describe, it } from 'vitest'
import { type CoordinatorUnderTest, conformanceCases } from '../src/conformance.ts'
import { openLocalCoordinator } from '../src/local-coordinator.ts'
import { MemoryRaftStorage } from '../src/memory.ts'
import { VirtualCluster } from './virtual-cluster.ts'

async function localSubject(): Promise<CoordinatorUnderTest> {
  const time = createVirtualTime()
  const storage = new MemoryRaftStorage()
  const left = await openLocalCoordinator({ self: 'only', storage, clock: time, random: Math.random })
  return {
    left,
    right: left,
    pass: (milliseconds) => time.advance(milliseconds),
    until: (promise) => time.until(promise),
    close: () => time.until(left.close())
  }
}

async function builtinSubject(): Promise<CoordinatorUnderTest> {
  const cluster = await VirtualCluster.of(['ann', 'bob', 'cas'])
  const leader = await cluster.untilLeader()
  const follower = ['ann', 'bob', 'cas'].find((name) => name !== leader) ?? ''
  return {
    left: cluster.member(follower),
    right: cluster.member(leader),
    pass: (milliseconds) => cluster.time.advance(milliseconds),
    until: (promise) => cluster.time.until(promise),
    close: () => cluster.close()
  }
}

const drivers = { local: localSubject, builtin: builtinSubject }

for (const [driver, open] of Object.entries(drivers)) {
  describe(`the ${driver} coordinator`, () => {
    for (const { name, run } of conformanceCases) {
      it(name, async () => {
        const subject = await open()
        try {
          await run(subject)
        } finally {
          await subject.close()
        }
      })
    }
  })
}
