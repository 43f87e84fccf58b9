/** The etcd driver against a real etcd of three members on loopback; skipped by name where there is none. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { conformanceCases } from '../src/conformance.ts'
import { EtcdCoordinator } from '../src/etcd-coordinator.ts'
import type { CoordinatorClock, NameRule } from '../src/port.ts'

const program = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((directory) => join(directory, 'etcd'))
  .find(existsSync)

const clock: CoordinatorClock = {
  now: () => performance.now(),
  start: (delayMs, call) => {
    const timer = setTimeout(call, delayMs)
    return () => clearTimeout(timer)
  }
}
const names = ['one', 'two', 'three']

describe.skipIf(program === undefined)('the etcd coordinator (needs etcd-server)', () => {
  const members = new Map<string, ChildProcess>()
  let endpoints: readonly string[] = []
  let directory = ''
  let prefixes = 0

  beforeAll(async (): Promise<void> => {
    directory = await mkdtemp(join(tmpdir(), 'blocktree-etcd-'))
    const ports = await freePorts(names.length * 2)
    endpoints = names.map((_, index) => `http://127.0.0.1:${ports[index]}`)
    const peers = names.map((_, index) => `http://127.0.0.1:${ports[names.length + index]}`)
    const cluster = names.map((name, index) => `${name}=${peers[index]}`).join(',')
    for (const [index, name] of names.entries()) {
      const [client = '', peer = ''] = [endpoints[index], peers[index]]
      const addresses = [
        ['--listen-client-urls', client],
        ['--advertise-client-urls', client],
        ['--listen-peer-urls', peer],
        ['--initial-advertise-peer-urls', peer]
      ].flat()
      const rest = ['--name', name, '--data-dir', join(directory, name), '--initial-cluster', cluster]
      members.set(name, spawn(program ?? 'etcd', [...addresses, ...rest], { stdio: 'ignore' }))
    }
    await untilHealthy(endpoints)
  })

  afterAll(async () => {
    for (const child of members.values()) {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      if (child.kill('SIGKILL')) await ended
    }
    await rm(directory, { recursive: true, force: true })
  })

  function open(self: string, prefix: string, order: readonly string[] = endpoints): EtcdCoordinator {
    return new EtcdCoordinator({ self, prefix, endpoints: order, clock })
  }

  for (const { name, run } of conformanceCases) {
    it(name, async () => {
      const prefix = `test-${++prefixes}`
      const [left, right] = [open('ann', prefix), open('bob', prefix, endpoints.toReversed())]
      try {
        await run({
          left,
          right,
          pass: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
          until: (promise) => promise,
          close: () => Promise.resolve()
        })
      } finally {
        await Promise.all([left.close(), right.close()])
      }
    })
  }

  it('refuses to administer the members of etcd', async () => {
    const coordinator = open('ann', 'members')
    await expect(coordinator.addMember('bob')).rejects.toMatchObject({ code: 'ERR_COORDINATOR_UNSUPPORTED' })
    await coordinator.close()
  })

  it('names what the rule of its node allows, and nothing else', async () => {
    const mayName: NameRule = (member, name) => (member === 'ann' && name === 'mine' ? 'allowed' : 'refused')
    const ann = new EtcdCoordinator({ self: 'ann', prefix: 'names', endpoints, clock, mayName })
    const lease = await ann.acquire('mine', { ttlMs: 5000, waitMs: 0 })
    expect(await ann.breakLock('mine', lease.token)).toBe(true)
    expect(await ann.nextSequence('mine')).toBe(1)
    await expect(ann.nextSequence('theirs')).rejects.toMatchObject({ code: 'ERR_COORDINATOR_NAME' })
    await ann.close()
  })

  it('goes on when one of three dies, and says that there is no majority when two have', async () => {
    const coordinator = new EtcdCoordinator({ self: 'ann', prefix: 'deaths', endpoints, clock, callMs: 4000 })
    expect(await coordinator.nextSequence('n')).toBe(1)
    members.get('one')?.kill('SIGKILL')
    expect(await coordinator.nextSequence('n')).toBe(2)
    members.get('two')?.kill('SIGKILL')
    await expect(coordinator.nextSequence('n')).rejects.toMatchObject({ code: 'ERR_COORDINATOR_NO_MAJORITY' })
    await coordinator.close()
  })
})

describe('the etcd coordinator of a node', () => {
  it('asks nothing of etcd about a name that is not for it', async () => {
    const mayName: NameRule = () => 'refused'
    const endpoints = ['http://127.0.0.1:9']
    const ann = new EtcdCoordinator({ self: 'ann', prefix: 'names', endpoints, clock, callMs: 100, mayName })
    for (const refused of [
      ann.acquire('theirs', { ttlMs: 5000, waitMs: 0 }),
      ann.breakLock('theirs', 1),
      ann.nextSequence('theirs')
    ])
      await expect(refused).rejects.toMatchObject({ code: 'ERR_COORDINATOR_NAME' })
    await ann.close()
  })
})

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve) => {
        server.listen(0, '127.0.0.1', resolve)
      })
      return server
    })
  )
  return servers.map((server) => {
    const address = server.address()
    server.close()
    return typeof address === 'object' && address !== null ? address.port : 0
  })
}

async function untilHealthy(endpoints: readonly string[]): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const states = await Promise.all(
      endpoints.map((endpoint) =>
        fetch(`${endpoint}/health`).then(
          (response) => response.ok,
          () => false
        )
      )
    )
    if (states.every(Boolean)) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('etcd did not become healthy within 20 s')
}
