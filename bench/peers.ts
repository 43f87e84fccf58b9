/**
 * The peers of the comparison: how each stores a directory and writes it back. Encrypted repositories, compression off,
 * a fresh repository for each run; making the repository (and its password derivation) is not timed.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Measurement, measureCommand } from './measure.ts'
import { readCpuSeconds, readMemory } from './process-figures.ts'

export interface Peer {
  readonly name: string
  readonly note: string
  /** Shows what is possible with less: not counted among the peers. */
  readonly isLimit?: boolean
  /** Takes minutes for many small files: measured once there. */
  readonly isSlowWithSmallFiles?: boolean
  /** What is missing on this machine, or undefined when the peer can run. */
  missing(): string | undefined
  /** Prepares an empty repository below `work`; untimed. */
  prepare(work: string): Promise<void>
  /** Stores `source` durably. */
  store(work: string, source: string): Promise<Measurement>
  /** Writes everything back below `output`. */
  read(work: string, output: string): Promise<Measurement>
  /** Ends what `prepare` started. */
  finish?(work: string): Promise<void>
}

const benchDirectory = fileURLToPath(new URL('.', import.meta.url))

function onPath(program: string): string | undefined {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
    ? undefined
    : `${program} is not installed (tools/setup-extras)`
}

function shell(script: string, ...args: readonly string[]): readonly string[] {
  return ['sh', '-ec', script, 'sh', ...args]
}

async function prepareWith(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {}
): Promise<void> {
  await measureCommand(argv, { env })
}

const resticEnvironment = { RESTIC_PASSWORD: 'benchmark', RESTIC_CACHE_DIR: '/nonexistent' }
const restic: Peer = {
  name: 'restic',
  note: 'encrypted repository, --compression off, --no-cache',
  missing: () => onPath('restic'),
  prepare: (work) =>
    prepareWith(
      ['restic', '-r', join(work, 'restic'), 'init', '--repository-version', '2'],
      resticEnvironment
    ),
  store: (work, source) =>
    measureCommand(
      ['restic', '-r', join(work, 'restic'), '--no-cache', 'backup', '--compression', 'off', '.'],
      {
        cwd: source,
        env: resticEnvironment
      }
    ),
  read: (work, output) =>
    measureCommand(
      ['restic', '-r', join(work, 'restic'), '--no-cache', 'restore', 'latest', '--target', output],
      {
        env: resticEnvironment
      }
    )
}

function borgEnvironment(work: string): Readonly<Record<string, string>> {
  return {
    BORG_PASSPHRASE: 'benchmark',
    BORG_BASE_DIR: join(work, 'borg-base'),
    BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes'
  }
}
const borg: Peer = {
  name: 'borgbackup',
  note: 'repokey-blake2, -C none',
  missing: () => onPath('borg'),
  prepare: (work) =>
    prepareWith(['borg', 'init', '-e', 'repokey-blake2', join(work, 'borg')], borgEnvironment(work)),
  store: (work, source) =>
    measureCommand(['borg', 'create', '-C', 'none', `${join(work, 'borg')}::a`, '.'], {
      cwd: source,
      env: borgEnvironment(work)
    }),
  read: (work, output) =>
    measureCommand(['borg', 'extract', `${join(work, 'borg')}::a`], {
      cwd: output,
      env: borgEnvironment(work)
    })
}

const gocryptfs: Peer = {
  name: 'gocryptfs',
  note: 'copy through a mounted directory, then sync and unmount',
  missing: () => onPath('gocryptfs') ?? (existsSync('/dev/fuse') ? undefined : '/dev/fuse is not available'),
  prepare: (work) =>
    prepareWith(
      shell(
        'mkdir -p "$1/gcfs" "$1/gcfs-mount"; gocryptfs -q -init -scryptn 10 -extpass "echo benchmark" "$1/gcfs"',
        work
      )
    ),
  store: (work, source) => gocryptfsCopy(work, 'cp -r "$2/." "$1/gcfs-mount/"', source),
  read: (work, output) => gocryptfsCopy(work, 'cp -r "$1/gcfs-mount/." "$2/"', output)
}

/** The program that serves the mount stays in the foreground, so that its processor time and memory can be counted. */
async function gocryptfsCopy(work: string, copy: string, other: string): Promise<Measurement> {
  const mount = join(work, 'gcfs-mount')
  const [program = 'sh', ...words] = shell(
    'exec gocryptfs -q -fg -extpass "echo benchmark" "$1/gcfs" "$1/gcfs-mount"',
    work
  )
  const server = spawn(program, words, { stdio: 'ignore' })
  const ended = new Promise((resolve) => {
    server.once('close', resolve)
  })
  try {
    const pid = await mounted(server, mount)
    const cpuBefore = readCpuSeconds(pid)
    const measured = await measureCommand(shell(`${copy}; sync -f "$1/gcfs"`, work, other))
    return {
      wallSeconds: measured.wallSeconds,
      cpuSeconds: measured.cpuSeconds + readCpuSeconds(pid) - cpuBefore,
      residentMiB: Math.max(measured.residentMiB, readMemory(pid).peakMiB)
    }
  } finally {
    spawnSync('fusermount', ['-u', mount])
    await ended
  }
}

/** Resolves to the process id once the file system is there. */
async function mounted(server: ChildProcess, mount: string): Promise<number> {
  for (let attempt = 0; attempt < 200 && server.exitCode === null; attempt++) {
    if (server.pid !== undefined && readFileSync('/proc/mounts', 'utf8').includes(` ${mount} `))
      return server.pid
    await sleep(25)
  }
  throw new Error(`gocryptfs did not mount ${mount}`)
}

const age: Peer = {
  name: 'age over tar',
  isLimit: true,
  note: 'one stream without access to single files: a limit, not a peer',
  missing: () => onPath('age'),
  prepare: (work) =>
    prepareWith(shell('mkdir -p "$1"; rm -f "$1/age.key"; age-keygen -o "$1/age.key" 2>/dev/null', work)),
  store: (work, source) =>
    measureCommand(
      shell(
        'tar -C "$2" -c . | age -r "$(age-keygen -y "$1/age.key")" -o "$1/age.out"; sync "$1/age.out"',
        work,
        source
      )
    ),
  read: (work, output) =>
    measureCommand(shell('age -d -i "$1/age.key" "$1/age.out" | tar -C "$2" -x', work, output))
}

function npmPeer(name: string, note: string): Peer {
  const script = join(benchDirectory, 'peers', `${name}.js`)
  return {
    name,
    note,
    isSlowWithSmallFiles: true,
    missing: () =>
      existsSync(join(benchDirectory, 'node_modules'))
        ? undefined
        : `${name}: run npm install --prefix bench`,
    prepare: async (work) => {
      mkdirSync(work, { recursive: true })
      rmSync(join(work, name), { recursive: true, force: true })
      mkdirSync(join(work, name))
    },
    store: (work, source) =>
      measureCommand(
        shell('"$1" "$2" store "$3" "$4"; sync -f "$4"', process.execPath, script, source, join(work, name))
      ),
    read: (work, output) => measureCommand([process.execPath, script, 'read', join(work, name), output])
  }
}

export const peers: readonly Peer[] = [
  restic,
  borg,
  gocryptfs,
  npmPeer('hyperdrive', 'encryptionKey given, put one file after another'),
  npmPeer('helia', 'unixfs over blockstore-fs, no encryption'),
  age
]
