/** All content of a directory to a second machine's place, beside bare transports, syncthing and hyperdrive in one run. */
import { join } from 'node:path'
import { prepareCorpus } from '../corpus.ts'
import { median } from '../measure.ts'
import { createBlocktreeReplica } from '../replicas/blocktree-replica.ts'
import { createHyperdriveReplica } from '../replicas/hyperdrive-replica.ts'
import type { Replica, Replication } from '../replicas/replica.ts'
import { createSyncthingReplica } from '../replicas/syncthing-replica.ts'
import type { BenchContext, Figure, Measured, Section, Table } from '../section.ts'
import { measureBareLibp2p, measureBareTls } from './network.ts'

const megabyte = 1_000_000
const mebibyte = 1 << 20

interface Subject {
  readonly replica: Replica
  readonly rounds: Replication[]
  failure: string | undefined
}

interface Bare {
  readonly tls: number
  readonly libp2p: number
}

export const replicationSection: Section = {
  name: 'replication',
  title: 'Replication of mixed files, beside others',
  async run(context): Promise<Measured> {
    const sources = Array.from({ length: context.isLarge ? 4 : 1 }, (_, copy) =>
      prepareCorpus(context.corpora, 'mixed', context.isQuick, copy)
    )
    const bytes = sources.reduce((sum, corpus) => sum + corpus.bytes, 0)
    await using own = createBlocktreeReplica()
    await using syncthing = createSyncthingReplica(join(context.directory, 'syncthing'))
    await using hyperdrive = createHyperdriveReplica(join(context.directory, 'hyperdrive'))
    const subjects = await prepareAll(
      context,
      [own, syncthing, hyperdrive],
      sources.map(({ directory }) => directory),
      bytes
    )
    const bares: Bare[] = []
    const runs = context.runs ?? (context.isQuick ? 1 : 5)
    for (let run = 0; run < runs; run++) {
      for (const subject of subjects) {
        context.progress(`run ${run + 1} of ${runs}: ${subject.replica.name}`)
        await measureRound(subject)
      }
      context.progress(`run ${run + 1} of ${runs}: bare transports`)
      bares.push({ tls: await measureBareTls(context), libp2p: await measureBareLibp2p(context) })
    }
    return summarize(subjects, bares, bytes)
  }
}

async function prepareAll(
  context: BenchContext,
  replicas: readonly Replica[],
  sources: readonly string[],
  bytes: number
): Promise<readonly Subject[]> {
  const wanted = replicas.filter(
    ({ name }) => name === 'blocktree' || context.peers === undefined || context.peers.includes(name)
  )
  const subjects = wanted.map((replica): Subject => ({ replica, rounds: [], failure: replica.missing() }))
  for (const subject of subjects) {
    if (subject.failure !== undefined) continue
    context.progress(`${subject.replica.name} reads ${Math.round(bytes / mebibyte)} MiB of mixed files`)
    await subject.replica.prepare(sources, bytes).catch((error: unknown) => fail(subject, error))
  }
  return subjects
}

async function measureRound(subject: Subject): Promise<void> {
  if (subject.failure !== undefined) return
  try {
    subject.rounds.push(await subject.replica.replicate())
  } catch (error) {
    fail(subject, error)
  }
}

function fail(subject: Subject, error: unknown): void {
  subject.failure = `failed: ${error instanceof Error ? error.message : String(error)}`
}

function summarize(subjects: readonly Subject[], bares: readonly Bare[], bytes: number): Measured {
  const [own, ...others] = subjects
  if (own === undefined || own.rounds.length === 0) throw new Error(own?.failure ?? 'nothing was measured')
  const rates = own.rounds.map(({ seconds }) => bytes / megabyte / seconds)
  const against = (of: (bare: Bare) => number): number =>
    median(rates.map((rate, round) => rate / of(bares[round] ?? { tls: Number.NaN, libp2p: Number.NaN })))
  const figures: Figure[] = [
    { name: 'mixed files replicated', value: bytes / mebibyte, unit: 'MiB' },
    { name: 'replication', value: median(rates), unit: 'MB/s' },
    {
      name: 'replication against a bare libp2p stream',
      value: against(({ libp2p }) => libp2p),
      unit: 'x',
      target: { bound: 'at least', value: 0.6 }
    },
    {
      name: 'replication against bare TLS',
      value: against(({ tls }) => tls),
      unit: 'x',
      target: { bound: 'at least', value: 0.7 }
    },
    ...others.filter(({ rounds }) => rounds.length > 0).map((other) => speedUp(own, other)),
    {
      name: 'largest resident memory of the receiver',
      value: median(own.rounds.map(({ receiverMiB }) => receiverMiB)),
      unit: 'MiB'
    }
  ]
  return {
    figures,
    tables: [tableOf(subjects, bares, bytes)],
    notes: [
      'Two processes of each on loopback, sharing the processors with each other. Timed from when an empty receiver answers until it has every byte on its disk; what the sender does to read the files first is not. The bare transports carry random bytes to a process that throws them away. Medians of interleaved rounds; ratios are of one round each.'
    ]
  }
}

/** How many times as fast we are, round by round. */
function speedUp(own: Subject, other: Subject): Figure {
  const ratios = other.rounds.map(
    ({ seconds }, round) => seconds / (own.rounds[round]?.seconds ?? Number.NaN)
  )
  return {
    name: `replication against ${other.replica.name}`,
    value: median(ratios),
    unit: 'x',
    target: { bound: 'more than', value: 1 }
  }
}

function tableOf(subjects: readonly Subject[], bares: readonly Bare[], bytes: number): Table {
  const of = (rounds: readonly Replication[], field: keyof Replication): number =>
    median(rounds.map((round) => round[field]))
  const rows = subjects.map(({ replica, rounds, failure }) =>
    rounds.length === 0
      ? [replica.name, failure ?? '', '', '', replica.note]
      : [
          replica.name,
          `${(bytes / megabyte / of(rounds, 'seconds')).toFixed(0)} MB/s`,
          `${((of(rounds, 'cpuSeconds') * 100 * mebibyte) / bytes).toFixed(2)} s`,
          `${of(rounds, 'receiverMiB').toFixed(0)} MiB`,
          replica.note
        ]
  )
  const bare = (name: string, rate: number): readonly string[] => [
    name,
    `${rate.toFixed(0)} MB/s`,
    '',
    '',
    ''
  ]
  return {
    title: 'Replication',
    head: ['', 'rate', 'processor for 100 MiB, both sides', 'receiver', ''],
    rows: [
      ...rows,
      bare('bare TLS', median(bares.map(({ tls }) => tls))),
      bare('bare libp2p stream', median(bares.map(({ libp2p }) => libp2p)))
    ]
  }
}
