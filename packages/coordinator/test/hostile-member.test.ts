/** A member that lies: forged terms, second leaders, votes of those who have none, repeated and random messages. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CoordinatorError } from '../src/coordinator-error.ts'
import type { Entry } from '../src/raft/entry.ts'
import { votelessLocksMax, votelessSequencesMax } from '../src/limits.ts'
import { encodeQuestion } from '../src/link.ts'
import { type Message, decodeMessage, encodeMessage } from '../src/raft/message.ts'
import { generationOf, termLeapMax } from '../src/raft/generation.ts'
import { Raft } from '../src/raft/raft.ts'
import { type StoredRaft, nothingStored } from '../src/raft/storage.ts'
import { VirtualCluster } from './virtual-cluster.ts'

const three = ['ann', 'bob', 'cas']
const timing = { beatMs: 1000, electionMs: 2500 }
const membership = { voters: three, learners: ['dan'] }
const later = 2 ** 40 + 1
const empty = new Uint8Array([0x94, 1, 0x90, 0x90, 0x90])

function entry(index: number, term: number): Entry {
  return { index, term, content: { kind: 'command', bytes: new Uint8Array([index]) } }
}

/** Ann, who follows bob in term 5 and has three entries, two of them committed. */
function follower(): Raft {
  const first = { index: 1, term: 4, content: { kind: 'membership', membership } } as const
  const stored: StoredRaft = { ...nothingStored, term: 5, entries: [first, entry(2, 5), entry(3, 5)] }
  const ann = new Raft('ann', stored, timing, () => 0.5, 0)
  ann.receive(0, 'bob', append({ previousIndex: 3, previousTerm: 5, commit: 2 }))
  ann.take()
  return ann
}

function append(fields: Partial<Extract<Message, { kind: 'append' }>>): Extract<Message, { kind: 'append' }> {
  return {
    kind: 'append',
    term: 5,
    round: 0,
    previousIndex: 0,
    previousTerm: 0,
    commit: 0,
    entries: [],
    ...fields
  }
}

function snapshot(
  fields: Partial<Extract<Message, { kind: 'snapshot' }>>
): Extract<Message, { kind: 'snapshot' }> {
  return {
    kind: 'snapshot',
    term: later,
    round: 0,
    lastIndex: 9,
    lastTerm: later,
    membership,
    state: empty,
    ...fields
  }
}

/** A leader of three voters, elected in term 6. */
function leader(): Raft {
  const ann = follower()
  ann.receive(0, 'bob', { kind: 'stand', term: 5 })
  ann.receive(0, 'bob', { kind: 'vote', term: 6, trial: false, granted: true })
  ann.take()
  return ann
}

describe('a member that lies', () => {
  it('cannot raise the term beyond what elections lead to', () => {
    for (const kind of ['vote', 'stand', 'ask-vote', 'append', 'appended'] as const) {
      const ann = follower()
      const term = 5 + termLeapMax + 1
      const messages: Record<typeof kind, Message> = {
        vote: { kind: 'vote', term, trial: false, granted: true },
        stand: { kind: 'stand', term },
        'ask-vote': { kind: 'ask-vote', term, trial: false, handedOn: true, lastIndex: 99, lastTerm: term },
        append: append({ term }),
        appended: { kind: 'appended', term, round: 0, success: true, index: 3 }
      }
      ann.receive(1, 'dan', messages[kind])
      expect(ann.term, kind).toBe(5)
      expect(ann.leader, kind).toBe('bob')
    }
  })

  it('cannot raise the generation but by a whole state, from a voter of it', () => {
    const refused: Message[] = [
      { kind: 'vote', term: later, trial: false, granted: true },
      { kind: 'ask-vote', term: later, trial: false, handedOn: true, lastIndex: 99, lastTerm: later },
      append({ term: later, previousIndex: 3, previousTerm: 5, entries: [entry(4, later)] }),
      snapshot({ lastTerm: 5 }),
      snapshot({ membership: { voters: ['cas'], learners: ['ann', 'dan'] } })
    ]
    for (const message of refused) {
      const ann = follower()
      ann.receive(1, 'dan', message)
      expect(ann.term, message.kind).toBe(5)
      expect(ann.log.lastIndex).toBe(3)
    }
    const ann = follower()
    ann.receive(1, 'dan', snapshot({ membership: { voters: ['dan'], learners: ['ann'] } }))
    expect(ann.term).toBe(later)
    expect(ann.log.snapshot.index).toBe(9)
  })

  it('cannot lead beside the leader of the term, nor unseat it by its word alone', () => {
    const ann = follower()
    ann.receive(1, 'dan', append({ previousIndex: 3, previousTerm: 5, entries: [entry(4, 5)], commit: 4 }))
    expect(ann.leader).toBe('bob')
    expect(ann.log.lastIndex).toBe(3)
    const first = leader()
    first.receive(1, 'dan', append({ term: 6, previousIndex: 3, previousTerm: 5 }))
    first.receive(1, 'dan', snapshot({ term: 6, lastTerm: 6 }))
    expect(first.role).toBe('leader')
  })

  it('changes nothing that is committed, even as the leader', () => {
    const ann = follower()
    ann.receive(1, 'cas', append({ term: 6, previousIndex: 1, previousTerm: 4, entries: [entry(2, 6)] }))
    expect(ann.log.termAt(2)).toBe(5)
    ann.receive(1, 'cas', snapshot({ term: 6, lastTerm: 6, lastIndex: 1 }))
    expect(ann.log.termAt(2)).toBe(5)
  })

  it('is not counted when it has no vote, nor twice when it has one', () => {
    const ann = follower()
    ann.receive(0, 'bob', { kind: 'stand', term: 5 })
    expect(ann.role).toBe('candidate')
    for (let time = 0; time < 5; time++) {
      ann.receive(1, 'dan', { kind: 'vote', term: 6, trial: false, granted: true })
      ann.receive(1, 'zoe', { kind: 'vote', term: 6, trial: false, granted: true })
    }
    expect(ann.role).toBe('candidate')
    ann.receive(1, 'cas', { kind: 'vote', term: 6, trial: false, granted: true })
    expect(ann.role).toBe('leader')
  })

  it('commits nothing by acknowledging for others or in advance', () => {
    const ann = leader()
    const index = ann.propose(1, new Uint8Array([7])) ?? 0
    ann.take()
    ann.saved(1, index)
    for (const from of ['dan', 'zoe'])
      ann.receive(1, from, { kind: 'appended', term: 6, round: 99, success: true, index: 2 ** 50 })
    expect(ann.commitIndex).toBe(2)
    ann.receive(1, 'bob', { kind: 'appended', term: 6, round: 0, success: true, index })
    expect(ann.commitIndex).toBe(index)
  })

  it('cannot make this member stand by handing on what is not its own', () => {
    const ann = follower()
    ann.receive(1, 'dan', { kind: 'stand', term: 5 })
    expect(ann.role).toBe('follower')
  })

  it('whatever it sends, votes are given once in a term and what is committed stays', () => {
    const number = fc.oneof(fc.nat(8), fc.constantFrom(later, 2 ** 53 - 1, termLeapMax))
    const entries = fc.array(fc.record({ term: number, byte: fc.nat(255) }), { maxLength: 4 })
    const messages = fc.oneof(
      fc.record({
        kind: fc.constant('ask-vote'),
        term: number,
        trial: fc.boolean(),
        handedOn: fc.boolean(),
        lastIndex: number,
        lastTerm: number
      }),
      fc.record({ kind: fc.constant('vote'), term: number, trial: fc.boolean(), granted: fc.boolean() }),
      fc.record({
        kind: fc.constant('appended'),
        term: number,
        round: number,
        success: fc.boolean(),
        index: number
      }),
      fc.record({ kind: fc.constant('stand'), term: number }),
      fc
        .record({
          term: number,
          round: number,
          previousIndex: fc.nat(6),
          previousTerm: number,
          commit: number,
          entries
        })
        .map(({ entries: made, previousIndex, ...head }) => ({
          kind: 'append' as const,
          ...head,
          previousIndex,
          entries: made.map(({ term }, place) => entry(previousIndex + 1 + place, term))
        }))
    )
    const sent = fc.array(fc.tuple(fc.constantFrom('bob', 'cas', 'dan', 'zoe'), messages), { maxLength: 30 })
    fc.assert(
      fc.property(sent, (steps) => {
        const ann = follower()
        const votes = new Map<number, string>()
        const before = [ann.log.termAt(1), ann.log.termAt(2)]
        let now = 0
        let term = ann.term
        for (const [from, message] of steps) {
          ann.receive(++now, from, decodeMessage(encodeMessage(message)))
          ann.tick(now)
          const ready = ann.take()
          ann.saved(now, ready.entries.at(-1)?.index ?? 0)
          expect(ann.term).toBeGreaterThanOrEqual(term)
          expect(generationOf(ann.term)).toBe(0)
          term = ann.term
          for (const { to, message: answer } of ready.messages) {
            if (answer.kind !== 'vote' || answer.trial || !answer.granted) continue
            expect(votes.get(answer.term) ?? to).toBe(to)
            votes.set(answer.term, to)
          }
        }
        expect([ann.log.termAt(1), ann.log.termAt(2)]).toEqual(before)
      }),
      { numRuns: 300 }
    )
  })

  it('repeats what others said, and the cluster goes on with one leader in a term', async () => {
    const cluster = await VirtualCluster.of(three)
    await cluster.untilLeader()
    cluster.links.setWeather({ jitterMs: 500, loss: 0, repetition: 0.5 })
    const liar = cluster.links.join('dan')
    for (let round = 0; round < 200; round++) {
      const { term: newest } = cluster.member('bob').status()
      const term = Math.floor(cluster.random() * (newest + 1)) // the past, and a second leader of now
      const head = { term, previousIndex: round, previousTerm: term }
      const messages = [
        append({ ...head, entries: [entry(round + 1, term)], commit: round + 1 }),
        snapshot({ term, lastTerm: term, lastIndex: 2 ** 40 }),
        { kind: 'vote', term, trial: false, granted: true } as const
      ]
      for (const name of three) liar.send(name, encodeMessage(messages[round % 3] ?? append(head)))
      liar.send(three[round % 3] ?? '', new Uint8Array([round % 256, 1, 2, 3]))
      await cluster.time.advance(100)
    }
    expect(await cluster.time.until(cluster.member('cas').nextSequence('n'))).toBeGreaterThan(0)
    for (const [term, leaders] of cluster.leaders) expect([...leaders], `term ${term}`).toHaveLength(1)
    await cluster.close()
  })
})

describe('a member without a vote', () => {
  it('neither takes the cluster over nor changes its members', async () => {
    const cluster = await VirtualCluster.of(['ann', 'bob', 'cas'])
    cluster.voteless.add('dan')
    await cluster.start('dan')
    await cluster.time.until(cluster.member('ann').addMember('dan'))
    await cluster.time.advance(3000)
    const { term, voters } = cluster.member('bob').status()
    cluster.running
      .get('dan')
      ?.close()
      .catch(() => undefined)
    await cluster.time.advance(1000)
    const dan = cluster.links.join('dan')
    const forged = snapshot({ membership: { voters: ['dan'], learners: three } })
    for (const name of three) dan.send(name, encodeMessage(forged))
    await cluster.time.advance(1000)
    for (const name of three) expect(cluster.member(name).status()).toMatchObject({ term, voters })
    const options = { timeoutMs: 1000, signal: new AbortController().signal }
    for (const kind of ['add', 'remove'] as const) {
      const asked = dan.ask('ann', encodeQuestion({ kind, member: 'bob' }), options).catch(() => 'refused')
      expect(await cluster.time.until(asked)).toBe('refused')
    }
    expect(cluster.member('ann').status().voters).toEqual(voters)
  })
})

describe('a member with one directory', () => {
  async function clusterOfThreeAndDan(): Promise<VirtualCluster> {
    const cluster = await VirtualCluster.of(three)
    cluster.voteless.add('dan')
    cluster.mayName = (_, name) =>
      name.startsWith('dan/') ? 'allowed' : name.startsWith('new/') ? 'unknown' : 'refused'
    await cluster.start('dan')
    await cluster.time.until(cluster.member('ann').addMember('dan'))
    await cluster.time.advance(1000)
    return cluster
  }

  it('locks and numbers what is in it, and its lock passes on', async () => {
    const cluster = await clusterOfThreeAndDan()
    const { time } = cluster
    const dan = cluster.member('dan')
    const lease = await time.until(dan.acquire('dan/a', { ttlMs: 5000, waitMs: 0 }))
    expect(await time.until(dan.nextSequence('dan/a', 3))).toBe(1)
    const waiting = cluster.member('bob').acquire('dan/a', { ttlMs: 5000, waitMs: 5000 })
    await time.advance(500)
    expect(await time.until(dan.breakLock('dan/a', lease.token))).toBe(true)
    expect((await time.until(waiting)).token).toBeGreaterThan(lease.token)
    await cluster.close()
  })

  it('takes, breaks and numbers nothing outside of it', async () => {
    const cluster = await clusterOfThreeAndDan()
    const { time } = cluster
    const lease = await time.until(cluster.member('bob').acquire('bob/a', { ttlMs: 5000, waitMs: 0 }))
    const dan = cluster.member('dan')
    const startedAt = time.now()
    for (const refused of [
      dan.breakLock('bob/a', lease.token),
      dan.acquire('bob/a', { ttlMs: 5000, waitMs: 5000 }),
      dan.acquire('bob/b', { ttlMs: 5000, waitMs: 0 }),
      dan.nextSequence('bob/a')
    ]) {
      const code = refused.catch((error: unknown) => (error instanceof CoordinatorError ? error.code : error))
      expect(await time.until(code)).toBe('ERR_COORDINATOR_NAME')
    }
    expect(time.now() - startedAt).toBeLessThan(5000)
    expect(lease.ended.aborted).toBe(false)
    expect((await time.until(cluster.member('cas').holder('bob/a')))?.token).toBe(lease.token)
    await cluster.close()
  })

  it('leaves room for the locks and numbers of others', async () => {
    const cluster = await clusterOfThreeAndDan()
    const { time } = cluster
    const dan = cluster.member('dan')
    const outcomes = async (asked: readonly Promise<unknown>[]): Promise<readonly unknown[]> => {
      const code = (error: unknown): unknown => (error instanceof CoordinatorError ? error.code : error)
      return await time.until(Promise.all(asked.map((one) => one.then(() => 'given', code))))
    }
    const locks = Array.from({ length: votelessLocksMax + 40 }, (_, number) =>
      dan.acquire(`dan/${number}`, { ttlMs: 3_600_000, waitMs: 0, keepAlive: false })
    )
    const given = (await outcomes(locks)).filter((outcome) => outcome === 'given').length
    expect(given).toBeGreaterThan(0)
    expect(given).toBeLessThanOrEqual(votelessLocksMax)
    expect(await outcomes([dan.acquire('dan/again', { ttlMs: 1000, waitMs: 0 })])).toEqual(
      given === votelessLocksMax ? ['ERR_COORDINATOR_FULL'] : ['given']
    )
    for (let first = 0; first < votelessSequencesMax + 256; first += 256)
      await outcomes(Array.from({ length: 256 }, (_, number) => dan.nextSequence(`dan/${first + number}`)))
    expect(await outcomes([dan.nextSequence('dan/one more'), dan.nextSequence('dan/0')])).toEqual([
      'ERR_COORDINATOR_FULL',
      'given'
    ])
    const bob = cluster.member('bob')
    const ofOthers = Array.from({ length: 200 }, (_, number) => [
      bob.acquire(`bob/${number}`, { ttlMs: 3_600_000, waitMs: 0, keepAlive: false }),
      bob.nextSequence(`bob/${number}`)
    ])
    expect(new Set(await outcomes(ofOthers.flat()))).toEqual(new Set(['given']))
    await cluster.close()
  })

  it('waits for what the leader has not heard of yet, and no longer than its caller', async () => {
    const cluster = await clusterOfThreeAndDan()
    const { time } = cluster
    const dan = cluster.member('dan')
    const early = dan.acquire('new/a', { ttlMs: 5000, waitMs: 0 })
    await time.advance(1000)
    cluster.mayName = () => 'allowed'
    expect((await time.until(early)).token).toBeGreaterThan(0)
    cluster.mayName = () => 'unknown'
    const late = dan.acquire('new/b', { ttlMs: 5000, waitMs: 0 })
    const refused = late.catch((error: unknown) => error)
    expect(await time.until(refused)).toMatchObject({ code: 'ERR_COORDINATOR_NAME' })
    await cluster.close()
  })
})
