/** An etcd of one member on loopback, for nodes that are told to keep their locks there. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { waitFor } from '@blocktree/harness'
import { freePort } from './join-node.ts'

export interface EtcdProcess extends AsyncDisposable {
  /** Where clients reach it. */
  readonly url: string
  kill(): Promise<void>
  /** Again on the same ports, with what it had stored. */
  start(): Promise<void>
}

/** Where the program is; undefined when it is not installed. */
export function etcdProgram(): string | undefined {
  const places = (process.env['PATH'] ?? '').split(delimiter)
  return places.map((place) => join(place, 'etcd')).find(existsSync)
}

/** @param directory made by etcd */
export async function startEtcd(directory: string): Promise<EtcdProcess> {
  const program = etcdProgram()
  if (program === undefined) throw new Error('etcd is not installed')
  const url = `http://127.0.0.1:${await freePort()}`
  const peerUrl = `http://127.0.0.1:${await freePort()}`
  const words = [
    ['--name', 'one', '--data-dir', directory, '--initial-cluster', `one=${peerUrl}`],
    ['--listen-client-urls', url, '--advertise-client-urls', url],
    ['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl]
  ].flat()
  let kill = (): Promise<void> => Promise.resolve()
  async function start(): Promise<void> {
    const child = spawn(program ?? 'etcd', words, { stdio: 'ignore' })
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    kill = async () => {
      child.kill('SIGKILL')
      await ended
    }
    const isHealthy = async (): Promise<boolean> => (await fetch(`${url}/health`)).ok
    await waitFor(isHealthy, { timeoutMs: 60_000, intervalMs: 50, description: 'a healthy etcd' })
  }
  await start()
  return { url, start, kill: () => kill(), [Symbol.asyncDispose]: () => kill() }
}
