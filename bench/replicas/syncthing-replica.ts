/** Syncthing of Debian: two instances on loopback that know only each other, with no discovery, relay or report. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { killWithCommands } from '../measure.ts'
import { readCpuSeconds, readMemory } from '../process-figures.ts'
import type { Replica, Replication } from './replica.ts'

const key = 'bench' // of the interface on loopback; no secret
const limitMs = 1_200_000

interface Instance {
  readonly home: string
  readonly id: string
  readonly listen: number
  readonly api: number
}

export function createSyncthingReplica(work: string): Replica {
  return new SyncthingReplica(work)
}

class SyncthingReplica implements Replica {
  readonly name = 'syncthing'
  readonly note =
    'TLS; stored in the clear, blocks compared by hash, files synced to the disk, normal priority'
  readonly #work: string
  #sender: Instance | undefined
  #receiver: Instance | undefined
  #sending: ChildProcess | undefined
  #bytes = 0
  #folders: readonly string[] = []

  constructor(work: string) {
    this.#work = work
  }

  missing(): string | undefined {
    const isThere = spawnSync('sh', ['-c', 'command -v syncthing']).status === 0
    return isThere ? undefined : 'syncthing is not installed (tools/setup-extras syncthing)'
  }

  async prepare(sources: readonly string[], bytes: number): Promise<void> {
    this.#bytes = bytes
    this.#folders = sources
    const sender = await createInstance(join(this.#work, 'sender'))
    const receiver = await createInstance(join(this.#work, 'receiver'))
    for (const source of sources) mkdirSync(join(source, '.stfolder'), { recursive: true })
    writeConfig(sender, receiver, 'sendonly', sources)
    cpSync(receiver.home, join(this.#work, 'receiver-new'), { recursive: true })
    this.#sender = sender
    this.#receiver = receiver
    this.#sending = start(sender)
    await untilHeld(sender, this.#sending, sources.length, bytes)
  }

  async replicate(): Promise<Replication> {
    const sender = this.#sender
    const receiver = this.#receiver
    const sending = this.#sending
    if (sender === undefined || receiver === undefined || sending === undefined)
      throw new Error('not prepared')
    const copy = join(this.#work, 'copy')
    for (const place of [copy, receiver.home]) rmSync(place, { recursive: true, force: true })
    cpSync(join(this.#work, 'receiver-new'), receiver.home, { recursive: true })
    const folders = this.#folders.map((_, index) => join(copy, `${index}`))
    for (const folder of folders) mkdirSync(join(folder, '.stfolder'), { recursive: true })
    writeConfig(receiver, sender, 'receiveonly', folders)
    const receiving = start(receiver)
    try {
      while ((await ask(receiver, 'system/ping')) === undefined) await sleep(20)
      const started = performance.now()
      const pids = [sending.pid ?? 0, receiving.pid ?? 0]
      const cpuBefore = cpuOf(pids)
      await untilHeld(receiver, receiving, folders.length, this.#bytes)
      return {
        seconds: (performance.now() - started) / 1000,
        cpuSeconds: cpuOf(pids) - cpuBefore,
        receiverMiB: readMemory(receiving.pid ?? 0).peakMiB
      }
    } finally {
      await end(receiving)
      rmSync(copy, { recursive: true, force: true })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#sending !== undefined) await end(this.#sending)
    for (const source of this.#folders) rmSync(join(source, '.stfolder'), { recursive: true, force: true })
  }
}

async function createInstance(home: string): Promise<Instance> {
  mkdirSync(home, { recursive: true })
  execFileSync('syncthing', ['generate', '--home', home, '--no-default-folder'], { stdio: 'ignore' })
  const id = execFileSync('syncthing', ['--home', home, '--device-id']).toString().trim()
  return { home, id, listen: await freePort(), api: await freePort() }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

function writeConfig(own: Instance, other: Instance, type: string, folders: readonly string[]): void {
  const entries = folders.map(
    (path, index) => `
  <folder id="copy-${index}" label="copy-${index}" path="${path}" type="${type}" rescanIntervalS="0" fsWatcherEnabled="false" ignorePerms="true" autoNormalize="true">
    <device id="${own.id}"></device><device id="${other.id}"></device>
  </folder>`
  )
  const config = `<configuration version="36">${entries.join('')}
  <device id="${own.id}" name="own" compression="never"><address>dynamic</address></device>
  <device id="${other.id}" name="other" compression="never"><address>tcp://127.0.0.1:${other.listen}</address></device>
  <gui enabled="true" tls="false"><address>127.0.0.1:${own.api}</address><apikey>${key}</apikey></gui>
  <options>
    <listenAddress>tcp://127.0.0.1:${own.listen}</listenAddress>
    <globalAnnounceEnabled>false</globalAnnounceEnabled>
    <localAnnounceEnabled>false</localAnnounceEnabled>
    <relaysEnabled>false</relaysEnabled>
    <natEnabled>false</natEnabled>
    <crashReportingEnabled>false</crashReportingEnabled>
    <urAccepted>-1</urAccepted>
    <autoUpgradeIntervalH>0</autoUpgradeIntervalH>
    <startBrowser>false</startBrowser>
    <setLowPriority>false</setLowPriority>
    <reconnectionIntervalS>1</reconnectionIntervalS>
    <progressUpdateIntervalS>-1</progressUpdateIntervalS>
  </options>
</configuration>
`
  writeFileSync(join(own.home, 'config.xml'), config)
}

/** One process: without the one that watches it. */
function start({ home }: Instance): ChildProcess {
  const child = spawn(
    'syncthing',
    ['serve', '--home', home, '--no-browser', '--no-restart', '--no-upgrade'],
    {
      stdio: 'ignore',
      env: { ...process.env, STMONITORED: 'yes', STNOUPGRADE: '1', STNODEFAULTFOLDER: '1' }
    }
  )
  const forget = killWithCommands(child.pid ?? 0)
  child.once('exit', forget)
  return child
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}

/** Every folder is idle, has nothing to fetch, and together they have all bytes. */
async function untilHeld(
  instance: Instance,
  child: ChildProcess,
  folders: number,
  bytes: number
): Promise<void> {
  const started = performance.now()
  for (;;) {
    let held = 0
    let busy = 0
    for (let index = 0; index < folders; index++) {
      const status = await ask(instance, `db/status?folder=copy-${index}`)
      if (status === undefined || status.needBytes > 0 || status.state !== 'idle') busy++
      else held += status.localBytes
    }
    if (busy === 0 && held >= bytes) return
    if (child.exitCode !== null) throw new Error(`syncthing has ended with ${child.exitCode}`)
    if (performance.now() - started > limitMs) throw new Error('syncthing was not done in time')
    await sleep(50)
  }
}

interface FolderStatus {
  readonly state: string
  readonly needBytes: number
  readonly localBytes: number
}

/** undefined while nobody answers. */
async function ask({ api }: Instance, path: string): Promise<FolderStatus | undefined> {
  try {
    const answer = await fetch(`http://127.0.0.1:${api}/rest/${path}`, { headers: { 'X-API-Key': key } })
    if (!answer.ok) return undefined
    const status: FolderStatus = JSON.parse(await answer.text())
    return status
  } catch {
    return undefined
  }
}

function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + readCpuSeconds(pid), 0)
}
