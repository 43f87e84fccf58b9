/** Storing directories and reading them back, against peers and against the machine itself. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { compareDigests, digestDirectory, type DirectoryDigest } from '../../tools/tour/directory-digest.ts'
import { createBlocktreePeers } from '../blocktree-peer.ts'
import { type Corpus, type CorpusName, prepareCorpus } from '../corpus.ts'
import { median, type Measurement } from '../measure.ts'
import { type Peer, peers } from '../peers.ts'
import type { BenchContext, Figure, Measured, Section, Table } from '../section.ts'
import { measureYardstick, type Yardstick } from '../yardstick.ts'

/** One subject in one round; undefined in rounds that it sat out. */
interface Round {
  readonly store: Measurement
  readonly read: Measurement
  readonly diskMiB: number
}

interface Subject {
  readonly peer: Peer
  readonly rounds: (Round | undefined)[]
  failure: string | undefined
}

interface CorpusResult {
  readonly corpus: Corpus
  readonly subjects: readonly Subject[]
  readonly yardsticks: readonly Yardstick[]
}

const defaultRuns: Readonly<Record<CorpusName, number>> = { large: 7, mixed: 5, small: 3 }
const mebibyte = 1024 * 1024
const roomPerRound = 8 // repository and output, and as much again three times for what others need

const titles: Readonly<Record<CorpusName, string>> = {
  large: 'Storing and reading back large files',
  mixed: 'Storing and reading back files of mixed sizes',
  small: 'Storing and reading back 100,000 small files'
}

const corpora: readonly CorpusName[] = ['large', 'mixed', 'small']

/** One section for each corpus, so that each can be measured again by itself. */
export const transferSections: readonly Section[] = corpora.map((name) => ({
  name: `transfer-${name}`,
  title: titles[name],
  async run(context) {
    await using own = createBlocktreePeers()
    return summarize([await measureCorpus(context, name, own.peers)])
  }
}))

async function measureCorpus(
  context: BenchContext,
  name: CorpusName,
  own: readonly Peer[]
): Promise<CorpusResult> {
  context.progress(`${name}: preparing the corpus`)
  const corpus = prepareCorpus(context.corpora, name, context.isQuick)
  const expected = digestDirectory(corpus.directory)
  const used: string[] = []
  const chosen = peers.filter((peer) => context.peers === undefined || context.peers.includes(peer.name))
  const subjects = [...own, ...chosen].map((peer): Subject => ({ peer, rounds: [], failure: peer.missing() }))
  const yardsticks: Yardstick[] = []
  const runs = context.runs ?? (context.isQuick ? 1 : defaultRuns[name])
  for (let run = 0; run < runs; run++) {
    yardsticks.push(measureYardstick(context.directory, corpus.bytes))
    for (const subject of subjects) {
      if (subject.failure !== undefined) continue
      if (name === 'small' && run > 0 && subject.peer.isSlowWithSmallFiles === true) continue
      try {
        const room = mkdtempSync(join(context.directory, 'round-'))
        used.push(room)
        const round = await measureRound(room, subject.peer, corpus, expected)
        subject.rounds[run] = round
        const times = `${round.store.wallSeconds.toFixed(2)} s, read back in ${round.read.wallSeconds.toFixed(2)} s`
        context.progress(`${name}: run ${run + 1} of ${runs}, ${subject.peer.name}: stored in ${times}`)
      } catch (error) {
        subject.failure = `failed: ${error instanceof Error ? error.message : String(error)}`
        context.progress(`${name}: ${subject.peer.name} ${subject.failure}`)
      }
      if (isShort(context.directory, corpus)) removeAll(used)
    }
  }
  removeAll(used)
  return { corpus, subjects, yardsticks }
}

/**
 * What a round wrote is removed at the end: ext4 passes over recently deleted inodes one by one, so who writes next would
 * pay for it.
 */
function removeAll(rooms: string[]): void {
  for (const room of rooms.splice(0)) rmSync(room, { recursive: true, force: true, maxRetries: 5 })
}

/** Is there no room for another round? */
function isShort(directory: string, corpus: Corpus): boolean {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize < corpus.bytes * roomPerRound
}

async function measureRound(
  room: string,
  peer: Peer,
  corpus: Corpus,
  expected: DirectoryDigest
): Promise<Round> {
  const work = join(room, 'work')
  const output = join(room, 'output')
  mkdirSync(work)
  mkdirSync(output)
  try {
    await peer.prepare(work)
    digestDirectory(corpus.directory) // reads everything: each subject finds the page cache warm
    settle()
    const store = await peer.store(work, corpus.directory)
    const diskMiB = Number(
      execFileSync('du', ['-s', '--block-size=1M', work], { encoding: 'utf8' }).split('\t')[0]
    )
    settle()
    const read = await peer.read(work, output)
    refuseDifferences(expected, output)
    return { store, read, diskMiB }
  } finally {
    await peer.finish?.(work)
  }
}

/** Lets the disk finish what others left, so that nobody pays for it. */
function settle(): void {
  execFileSync('sync')
}

/** A wrong answer cannot be fast. */
function refuseDifferences(expected: DirectoryDigest, output: string): void {
  let actual = digestDirectory(output)
  if (actual.entries.get('tree') === 'directory') actual = digestDirectory(join(output, 'tree'))
  const differences = compareDigests(expected, actual)
  const [first] = differences
  if (first === undefined) return
  throw new Error(
    `what came back differs in ${differences.length} places, the first: "${first.path}" is ${first.kind}`
  )
}

function summarize(results: readonly CorpusResult[]): Measured {
  return {
    figures: results.flatMap(figuresOf),
    tables: results.map(tableOf),
    notes: [
      'store: until durable. read: everything written back as files, not synced, by anyone. What came back is compared by hash after every run, untimed.',
      'The machine: the slower of one core that encrypts (AES-256-GCM) and hashes (SHA-256) sectors of 128 KiB, and a sequential write of the same bytes with fdatasync.',
      'Our node runs before the clock starts, as the repositories of peers are made before; it is restarted, untimed, between storing and reading. The row "put/get" is the whole command, with the start of its process.',
      'Not equal work: age seals one stream without access to single files and without a writer’s signature (a limit, not a peer); restic and borg also cut by content and remove duplicates, and derive the key from the passphrase in each command; gocryptfs pays for FUSE, keeps no history and signs nothing; hyperdrive signs a Merkle root and encrypts without authenticating each block; helia encrypts nothing.',
      'Ours signs every file’s header, seals its name, size and times, gives each sector a key of its own and verifies every sector when reading; it does not remove duplicates.',
      'Every round writes into directories of its own, which are removed at the end: ext4 looks at recently deleted inodes one by one, and who writes next would pay for it. The corpus is read before each store, so that all find it in the page cache.',
      'A bare durable write is one sequential write of the content with one fdatasync, without encryption, hashes, names or an index. Where the ratio of that to the best peer is below 2, no store that writes one log with one thread can be twice as fast as this peer; the limit is the copy into fresh pages of the page cache, which peers that write several files do on several processors.',
      'Peak memory is that of the largest process. hyperdrive and helia take minutes for 100,000 files and are measured once there.'
    ]
  }
}

function tableOf({ corpus, subjects, yardsticks }: CorpusResult): Table {
  const seconds = (value: number): string => (Number.isNaN(value) ? '–' : value.toFixed(2))
  const whole = (value: number): string => (Number.isNaN(value) ? '–' : Math.round(value).toString())
  const rate = (value: number): string => whole(corpus.bytes / mebibyte / value)
  const rows = subjects.map((subject) => {
    const name = subject.peer.isLimit === true ? `${subject.peer.name} (limit)` : subject.peer.name
    if (subject.failure !== undefined) return [name, subject.failure.slice(0, 200)]
    const middle = (pick: (round: Round) => number): number => median(present(subject.rounds).map(pick))
    const store = middle((round) => round.store.wallSeconds)
    const read = middle((round) => round.read.wallSeconds)
    return [
      name,
      seconds(store),
      rate(store),
      seconds(middle((round) => round.store.cpuSeconds)),
      seconds(read),
      rate(read),
      seconds(middle((round) => round.read.cpuSeconds)),
      whole(middle((round) => Math.max(round.store.residentMiB, round.read.residentMiB))),
      whole(middle((round) => round.diskMiB)),
      present(subject.rounds).length.toString()
    ]
  })
  const crypto = median(yardsticks.map(({ cryptoSeconds }) => cryptoSeconds))
  const write = median(yardsticks.map(({ writeSeconds }) => writeSeconds))
  const runs = yardsticks.length.toString()
  return {
    title: `${corpus.name}: ${corpus.files.toLocaleString('en')} files, ${Math.round(corpus.bytes / mebibyte)} MiB`,
    head: ['', 'store s', 'MiB/s', 'CPU s', 'read s', 'MiB/s', 'CPU s', 'peak MiB', 'disk MiB', 'runs'],
    rows: [
      ...rows,
      [
        'machine: one core of crypto',
        seconds(crypto),
        rate(crypto),
        '',
        seconds(crypto),
        rate(crypto),
        '',
        '',
        '',
        runs
      ],
      [
        'machine: durable write',
        seconds(write),
        rate(write),
        '',
        seconds(write),
        rate(write),
        '',
        '',
        '',
        runs
      ]
    ]
  }
}

function present<T>(values: readonly (T | undefined)[]): readonly T[] {
  return values.filter((value) => value !== undefined)
}

type Direction = 'store' | 'read'

function figuresOf(result: CorpusResult): readonly Figure[] {
  const { corpus, subjects } = result
  const own = subjects[0]
  if (own === undefined) return []
  const figures: Figure[] = []
  const restic = subjects.find(({ peer }) => peer.name === 'restic')
  for (const direction of ['store', 'read'] as const) {
    const best = bestPeer(subjects.slice(2), direction)
    if (best !== undefined) {
      const name = `${corpus.name}, ${direction}: times as fast as the best peer (${best.peer.name})`
      const target = corpus.name === 'large' ? ({ bound: 'at least', value: 2 } as const) : undefined
      figures.push({ name, value: ratio(own, best, direction), unit: 'x', ...(target && { target }) })
      if (corpus.name === 'large' && direction === 'store') {
        figures.push({
          name: `${corpus.name}, store: that ratio for a bare durable write of the same bytes`,
          value: ratioOfMachine(best, result.yardsticks),
          unit: 'x'
        })
      }
    }
    if (restic !== undefined && restic !== best && restic.failure === undefined) {
      const target = corpus.name === 'small' ? ({ bound: 'more than', value: 1 } as const) : undefined
      const name = `${corpus.name}, ${direction}: times as fast as restic`
      figures.push({ name, value: ratio(own, restic, direction), unit: 'x', ...(target && { target }) })
    } else if (restic !== undefined && restic === best && corpus.name === 'small') {
      const last = figures.pop()
      if (last !== undefined) figures.push({ ...last, target: { bound: 'more than', value: 1 } })
    }
    if (corpus.name === 'large') {
      figures.push({
        name: `${corpus.name}, ${direction}: speed of the machine reached`,
        value: shareOfMachine(own, result.yardsticks, direction),
        unit: 'x',
        target: { bound: 'at least', value: direction === 'store' ? 0.7 : 0.75 }
      })
    }
  }
  const peak = Math.max(
    ...present(own.rounds).flatMap(({ store, read }) => [store.residentMiB, read.residentMiB]),
    own.failure === undefined ? 0 : Number.NaN
  )
  return [
    ...figures,
    {
      name: `${corpus.name}: peak memory of the node`,
      value: peak,
      unit: 'MiB',
      target: { bound: 'below', value: 300 }
    }
  ]
}

function bestPeer(subjects: readonly Subject[], direction: Direction): Subject | undefined {
  return subjects
    .filter(({ peer, rounds }) => peer.isLimit !== true && present(rounds).length > 0)
    .toSorted((left, right) => wall(left, direction) - wall(right, direction))[0]
}

function wall(subject: Subject, direction: Direction): number {
  return median(present(subject.rounds).map((round) => round[direction].wallSeconds))
}

/** The median of the ratios within each round. */
function ratio(own: Subject, other: Subject, direction: Direction): number {
  const ratios = own.rounds.map((round, index) => {
    const theirs = other.rounds[index]
    return round && theirs ? theirs[direction].wallSeconds / round[direction].wallSeconds : undefined
  })
  return median(present(ratios))
}

/** How many times as fast as `best` a writer would be that only wrote and synced one file. */
function ratioOfMachine(best: Subject, yardsticks: readonly Yardstick[]): number {
  const ratios = best.rounds.map((round, index) => {
    const yardstick = yardsticks[index]
    return round && yardstick ? round.store.wallSeconds / yardstick.writeSeconds : undefined
  })
  return median(present(ratios))
}

function shareOfMachine(own: Subject, yardsticks: readonly Yardstick[], direction: Direction): number {
  const ratios = own.rounds.map((round, index) => {
    const yardstick = yardsticks[index]
    return round && yardstick ? yardstick.seconds / round[direction].wallSeconds : undefined
  })
  return median(present(ratios))
}
