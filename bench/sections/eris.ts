/**
 * ERIS: encoding and decoding by this project's kernels against libsodium on one thread and against noble, all through
 * the same encoder and decoder, blocks discarded or held in memory; rounds take turns, medians count.
 */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { BlockKernel, BlockWorkers } from '@blocktree/crypto'
import { createPortableBlockKernel } from '@blocktree/crypto/block-kernel'
import {
  chooseBlockKernel,
  createBlockWorkers,
  createNativeBlockKernel
} from '@blocktree/crypto/native-block-kernel'
import {
  type Block,
  type BlockSize,
  type ReadCapability,
  encodeContent,
  nullSecret,
  putBlocks,
  verifyContent
} from '@blocktree/eris'
import { createMemoryStore } from '@blocktree/eris/memory'
import type { BenchContext, Figure, Measured, Section } from '../section.ts'

const mebibyte = 1 << 20
const largeUrn =
  'urn:eris:BIC6F5EKY2PMXS2VNOKPD3AJGKTQBD3EXSCSLZIENXAXBM7PCTH2TCMF5OKJWAN36N4DFO6JPFZBR3MS7ECOGDYDERIJJ4N5KAQSZS67YY'

interface Contestant {
  readonly name: string
  readonly kernel: BlockKernel
  readonly workers?: BlockWorkers
  /** Slow ones take less. */
  readonly share: number
}

export const erisSection: Section = {
  name: 'eris',
  title: 'ERIS',
  async run(context): Promise<Measured> {
    await using workers = createBlockWorkers()
    const kernel = chooseBlockKernel()
    const native = createNativeBlockKernel()
    if (native === undefined)
      throw new Error('sodium-native does not load here, and it is what is compared with')
    const contestants: Contestant[] = [
      { name: 'ours', kernel, workers, share: 1 },
      { name: 'ours, one thread', kernel, share: 1 },
      { name: 'libsodium', kernel: native, share: 1 },
      { name: 'noble', kernel: createPortableBlockKernel(), share: 1 / 32 }
    ]
    const figures: Figure[] = []
    const rows: string[][] = []
    for (const blockSize of [1024, 32_768] as const) {
      for (const kind of ['encode', 'decode'] as const) {
        const speeds = await measure(context, contestants, blockSize, kind)
        const [ours = none, alone = none, sodium = none, noble = none] = speeds
        const label = `${kind} ${blockSize / 1024} KiB`
        rows.push([label, ...speeds.map((speed) => speed.wall.toFixed(0))])
        figures.push(
          {
            name: `${label}: against libsodium`,
            value: ours.wall / sodium.wall,
            unit: 'x',
            target: { bound: 'at least', value: kind === 'encode' ? 1.3 : 1.2 }
          },
          {
            name: `${label}: one thread against libsodium, processor time`,
            value: alone.cpu / sodium.cpu,
            unit: 'x'
          },
          {
            name: `${label}: against noble`,
            value: ours.wall / noble.wall,
            unit: 'x',
            ...(kind === 'encode' ? { target: { bound: 'at least' as const, value: 15 } } : {})
          }
        )
      }
    }
    figures.push(...processFigures(context))
    return {
      figures,
      tables: [{ title: 'MB/s (M = 10^6)', head: ['', ...contestants.map(({ name }) => name)], rows }],
      notes: [
        'libsodium is sodium-native called without its JavaScript wrapper, one block after another on one thread, in the same encoder and decoder.',
        'Decoding reads from memory and verifies every block.',
        'Threads need idle cores: on a machine that is busy with other work, only the figures in processor time mean something.'
      ]
    }
  }
}

/** MB/s by the clock, and by processor time, which other work on the machine does not change. */
interface Speed {
  readonly wall: number
  readonly cpu: number
}

const none: Speed = { wall: 0, cpu: 0 }

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1] ?? 0
}

/** Medians of each contestant, in their order. */
async function measure(
  context: BenchContext,
  contestants: readonly Contestant[],
  blockSize: BlockSize,
  kind: 'encode' | 'decode'
): Promise<Speed[]> {
  const content = randomBytes((context.isQuick ? 16 : 96) * mebibyte)
  const rounds = context.runs ?? (context.isQuick ? 3 : 7)
  const speeds = contestants.map((): Speed[] => [])
  const prepared =
    kind === 'decode' ? await Promise.all(contestants.map((one) => store(one, content, blockSize))) : []
  for (let round = -1; round < rounds; round++) {
    context.progress(`${kind} ${blockSize}: round ${round + 1} of ${rounds}`)
    for (const [index, contestant] of contestants.entries()) {
      const held = prepared[index]
      const cpuBefore = process.cpuUsage()
      const started = performance.now()
      const bytes = held === undefined ? await encode(contestant, content, blockSize) : await held.read()
      const wall = bytes / 1000 / (performance.now() - started)
      const cpu = process.cpuUsage(cpuBefore)
      const speed: Speed = { wall, cpu: bytes / (cpu.user + cpu.system) }
      if (round >= 0) speeds[index]?.push(speed) // the first warms up
    }
  }
  return speeds.map((each) => ({
    wall: median(each.map(({ wall }) => wall)),
    cpu: median(each.map(({ cpu }) => cpu))
  }))
}

const pieceBytes = 65_536

function* pieces(content: Uint8Array, { share }: Contestant): Generator<Uint8Array> {
  for (let at = 0; at < content.length * share; at += pieceBytes) yield content.subarray(at, at + pieceBytes)
}

async function encode(contestant: Contestant, content: Uint8Array, blockSize: BlockSize): Promise<number> {
  const { kernel, workers } = contestant
  const put = async (): Promise<void> => {}
  const options = { kernel, workers, blockSize, secret: nullSecret(), put }
  return (await encodeContent(options, pieces(content, contestant))).contentBytes
}

async function store(
  contestant: Contestant,
  content: Uint8Array,
  blockSize: BlockSize
): Promise<{ read: () => Promise<number> }> {
  const memory = createMemoryStore()
  const put = (blocks: readonly Block[]): Promise<void> => putBlocks(memory, blocks)
  const fast = chooseBlockKernel()
  const encoded = await encodeContent(
    { kernel: fast, blockSize, secret: nullSecret(), put },
    pieces(content, contestant)
  )
  const capability: ReadCapability = encoded.capability
  const { kernel, workers } = contestant
  return {
    read: async () => (await verifyContent({ kernel, workers, store: memory }, capability)).contentBytes
  }
}

/** What a process of its own takes: its time for 100 MiB, its memory for 1 GiB. */
function processFigures(context: BenchContext): Figure[] {
  const run = (
    bytes: number,
    blockSize: BlockSize,
    kind: 'stream' | 'pieces'
  ): { urn: string; milliseconds: number; residentMiB: number } => {
    const script = join(import.meta.dirname, '..', 'eris-encode.ts')
    context.progress(`a process encodes ${bytes / mebibyte} MiB in blocks of ${blockSize}`)
    const text = execFileSync(
      process.execPath,
      ['--no-warnings', script, String(bytes), String(blockSize), kind],
      {
        encoding: 'utf8'
      }
    )
    return JSON.parse(text) as { urn: string; milliseconds: number; residentMiB: number }
  }
  const rounds = Array.from({ length: context.isQuick ? 1 : 3 }, () => run(100 * mebibyte, 1024, 'stream'))
  if (rounds.some(({ urn }) => urn !== largeUrn))
    throw new Error('100 MiB came out with another URN than the specification has')
  const best = Math.min(...rounds.map(({ milliseconds }) => milliseconds))
  const large = (context.isQuick ? 256 : 1024) * mebibyte
  return [
    {
      name: '100 MiB of key stream in blocks of 1 KiB, best',
      value: best / 1000,
      unit: 's',
      target: { bound: 'below', value: 1 }
    },
    ...([1024, 32_768] as const).map((blockSize): Figure => ({
      name: `resident after ${large / mebibyte} MiB in blocks of ${blockSize / 1024} KiB`,
      value: run(large, blockSize, 'pieces').residentMiB,
      unit: 'MiB',
      target: { bound: 'below', value: 120 }
    }))
  ]
}
