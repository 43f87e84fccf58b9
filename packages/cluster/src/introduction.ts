/**
 * A peer shows the records by which it has a right here, for a node that does not hold them yet: the cap that another
 * member gave it a minute ago. They are judged like any others; what they say holds as soon as they are accepted.
 * Members use the same way to pass on a revocation at once, ahead of every sync.
 */
import { CanonicalReader, CanonicalWriter, CodecError } from '@blocktree/codec'
import { TokenBucket } from '@blocktree/network'
import type { Id, Offer, OfferResult } from '@blocktree/tree'
import { ClusterError } from './cluster-error.ts'
import type { Penalty } from './gate.ts'
import {
  introducedBytesMax,
  introducedRecordsMax,
  strangerIntroductionsBurst as strangersBurst,
  strangerIntroductionsPerSecond as strangersPerSecond
} from './limits.ts'
import type { Peer } from './peer.ts'
import type { StandingSource, Timers } from './ports.ts'
import type { RequestRouter } from './request-router.ts'

export const introduceMethod = 'cluster.introduce'
const format = 1
const birthBytesMax = 256

export interface Introduction {
  readonly tree: Id
  readonly births: readonly Uint8Array[]
  /** Authority records, each after what it rests on. */
  readonly records: readonly Uint8Array[]
}

/** Judges the records as those of this peer; undefined when the tree is not kept here. */
export type TakeIntroduction = (
  peer: Peer,
  tree: Id,
  offer: Offer
) => Promise<readonly OfferResult[] | undefined>

/** @returns a function that ends it */
export function takeIntroductions(
  router: RequestRouter,
  take: TakeIntroduction,
  penalize: (peer: Peer, penalty: Penalty) => void,
  { timers, standing }: { readonly timers: Timers; readonly standing: StandingSource }
): () => void {
  const ofStrangers = new TokenBucket(strangersPerSecond, strangersBurst, timers.now())
  const policy = { audience: 'stranger', bodyBytesMax: 1024 * 1024, perSecond: 1, burst: 8 } as const
  return router.onRequest(introduceMethod, policy, async (peer, body) => {
    const { tree, births, records } = decodeIntroduction(body)
    // Keys cost nothing: what each stranger may do once a second, all of them together may not.
    const isStranger = standing.standingOf(peer.principal) === 'stranger'
    if (isStranger && !ofStrangers.take(1, timers.now()))
      throw new ClusterError('ERR_METHOD_RATE', 'too many strangers introduce themselves just now; later')
    const results = await take(peer, tree, { births, records: records.map((bytes) => ({ bytes })) })
    if (results === undefined)
      throw new ClusterError('ERR_METHOD_FORBIDDEN', 'nothing of that tree is kept here')
    const wrong = results.filter(({ penalty }) => penalty).length
    if (wrong > 0) penalize(peer, { points: 20 * wrong, wrong: 'ERR_PEER_RECORDS' })
    const accepted = results.filter(({ outcome }) => outcome === 'accepted' || outcome === 'known').length
    return new CanonicalWriter(16).array(2).uint(format).uint(accepted).finish()
  })
}

/** @returns how many of the records the peer holds now */
export async function introduce(peer: Peer, introduction: Introduction): Promise<number> {
  const answer = await peer.connection.request(introduceMethod, encodeIntroduction(introduction))
  try {
    const reader = new CanonicalReader(answer)
    reader.arrayOf(2)
    reader.uint(format, format)
    const accepted = reader.uint(introducedRecordsMax)
    reader.end()
    return accepted
  } catch (cause) {
    throw new ClusterError('ERR_METHOD_FORMAT', 'the answer to an introduction is damaged', { cause })
  }
}

/** @throws ERR_METHOD_SIZE: split it */
export function encodeIntroduction({ tree, births, records }: Introduction): Uint8Array {
  const writer = new CanonicalWriter(16 * 1024).array(4).uint(format).bin(tree).array(births.length)
  for (const birth of births) writer.bin(birth)
  writer.array(records.length)
  for (const record of records) writer.bin(record)
  if (
    records.length > introducedRecordsMax ||
    births.length > introducedRecordsMax ||
    writer.length > introducedBytesMax
  )
    throw new ClusterError('ERR_METHOD_SIZE', `${records.length} records are too many for one introduction`)
  return writer.finish()
}

/** @throws ERR_METHOD_FORMAT */
export function decodeIntroduction(bytes: Uint8Array): Introduction {
  try {
    const reader = new CanonicalReader(bytes)
    reader.arrayOf(4)
    reader.uint(format, format)
    const tree = reader.binExact(32).slice()
    const births = readList(reader, birthBytesMax)
    const records = readList(reader, introducedBytesMax)
    reader.end()
    return { tree, births, records }
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause
    throw new ClusterError('ERR_METHOD_FORMAT', `the introduction is damaged: ${cause.message}`, { cause })
  }
}

function readList(reader: CanonicalReader, bytesMax: number): readonly Uint8Array[] {
  const list: Uint8Array[] = []
  for (let left = reader.array(introducedRecordsMax); left > 0; left--)
    list.push(reader.bin(bytesMax, 1).slice())
  return list
}
