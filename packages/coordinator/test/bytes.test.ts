/** Every decoder takes back what its encoder wrote and refuses everything else with an error of its own. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Command, decodeCommand, encodeCommand } from '../src/command.ts'
import { CoordinatorState } from '../src/coordinator-state.ts'
import {
  type LeaderAnswer,
  type LeaderQuestion,
  decodeAnswer,
  decodeQuestion,
  encodeAnswer,
  encodeQuestion
} from '../src/link.ts'
import { type Message, decodeMessage, encodeMessage } from '../src/raft/message.ts'
import { decodeState, encodeState } from '../src/state-snapshot.ts'

const numbers = { session: 7, request: 3, floor: 2 }
const commands: Command[] = [
  { kind: 'open', member: 'ann', nonce: 2 ** 52 },
  { kind: 'acquire', ...numbers, name: 'ä/b', ttlMs: 1000, queue: true },
  { kind: 'renew', session: 7, name: 'a', token: 9 },
  { kind: 'release', session: 7, name: 'a', token: 9 },
  { kind: 'cancel', session: 7, name: 'a', request: 3 },
  { kind: 'expire', name: 'a', token: 9, renewals: 4 },
  { kind: 'break', name: 'a', token: 9 },
  { kind: 'sequence', ...numbers, name: 'a', count: 1_000_000 },
  { kind: 'close', session: 7 }
]
const membership = { voters: ['ann', 'bob'], learners: ['cas'] }
const messages: Message[] = [
  { kind: 'ask-vote', term: 3, trial: true, handedOn: false, lastIndex: 8, lastTerm: 2 },
  { kind: 'vote', term: 3, trial: false, granted: true },
  {
    kind: 'append',
    term: 3,
    round: 5,
    previousIndex: 8,
    previousTerm: 2,
    commit: 7,
    entries: [
      { index: 9, term: 3, content: { kind: 'begin' } },
      { index: 10, term: 3, content: { kind: 'command', bytes: new Uint8Array([1, 2]) } },
      { index: 11, term: 3, content: { kind: 'membership', membership } }
    ]
  },
  { kind: 'appended', term: 3, round: 5, success: true, index: 11 },
  { kind: 'snapshot', term: 3, round: 5, lastIndex: 8, lastTerm: 2, membership, state: new Uint8Array([9]) },
  { kind: 'stand', term: 3 }
]
const questions: LeaderQuestion[] = [
  { kind: 'propose', command: new Uint8Array([1]) },
  { kind: 'read' },
  { kind: 'add', member: 'dan' },
  { kind: 'remove', member: 'dan' }
]
const answers: LeaderAnswer[] = [
  { kind: 'result', index: 12, result: { outcome: 'queued', value: 0 } },
  { kind: 'elsewhere', leader: 'ann' },
  { kind: 'elsewhere', leader: undefined }
]

describe('what was written is read back', () => {
  it.each(commands)('command $kind', (command) =>
    expect(decodeCommand(encodeCommand(command))).toEqual(command)
  )
  it.each(messages)('message $kind', (message) =>
    expect(decodeMessage(encodeMessage(message))).toEqual(message)
  )
  it.each(questions)('question $kind', (question) =>
    expect(decodeQuestion(encodeQuestion(question))).toEqual(question)
  )
  it.each(answers)('answer $kind', (answer) => expect(decodeAnswer(encodeAnswer(answer))).toEqual(answer))

  it('a state with sessions, locks, queues and sequences', () => {
    const state = new CoordinatorState()
    const { value: session } = state.apply(1, { kind: 'open', member: 'ann', nonce: 5 })
    const ask = { kind: 'acquire', session, floor: 0, name: 'a', ttlMs: 1000, queue: true } as const
    state.apply(2, { ...ask, request: 0 })
    state.apply(3, { ...ask, request: 1 })
    state.apply(4, { kind: 'sequence', session, request: 2, floor: 0, name: 'n', count: 3 })
    const copy = decodeState(encodeState(state))
    expect(encodeState(copy)).toEqual(encodeState(state))
    expect(copy.size).toBe(state.size)
    expect(copy.locks.get('a')?.waiters).toHaveLength(1)
  })
})

describe('what is refused', () => {
  const decoders = {
    command: [decodeCommand, commands.map(encodeCommand)],
    message: [decodeMessage, messages.map(encodeMessage)],
    question: [decodeQuestion, questions.map(encodeQuestion)],
    answer: [decodeAnswer, answers.map(encodeAnswer)],
    state: [decodeState, [encodeState(new CoordinatorState())]]
  } as const

  for (const [name, [decode, samples]] of Object.entries(decoders)) {
    it(`a ${name} that is cut short or goes on`, () => {
      for (const sample of samples) {
        for (let length = 0; length < sample.length; length++) {
          expect(() => decode(sample.subarray(0, length))).toThrow(
            expect.objectContaining({ code: expect.any(String) })
          )
        }
        expect(() => decode(new Uint8Array([...sample, 0]))).toThrow(
          expect.objectContaining({ code: expect.any(String) })
        )
      }
    })

    it(`anything else as a ${name}, with an error that has a code`, () => {
      fc.assert(
        fc.property(
          fc.constantFrom(...samples),
          fc.nat(),
          fc.integer({ min: 0, max: 255 }),
          (sample, at, value) => {
            const bytes = sample.slice()
            bytes[at % Math.max(1, bytes.length)] = value
            try {
              decode(bytes)
            } catch (error) {
              expect(error).toHaveProperty('code')
            }
          }
        ),
        { numRuns: 500 }
      )
    })
  }

  it('names and times outside the limits, a member listed twice, entries with a gap', () => {
    const acquire = { kind: 'acquire', ...numbers, name: 'a', ttlMs: 1000, queue: true } as const
    expect(() => decodeCommand(encodeCommand({ ...acquire, name: '' }))).toThrow('empty')
    expect(() => decodeCommand(encodeCommand({ ...acquire, name: 'a'.repeat(129) }))).toThrow()
    expect(() => decodeCommand(encodeCommand({ ...acquire, ttlMs: 999 }))).toThrow()
    const [append, snapshot] = [messages[2], messages[4]]
    if (append?.kind !== 'append' || snapshot?.kind !== 'snapshot') throw new Error('samples moved')
    expect(() => decodeMessage(encodeMessage({ ...append, previousIndex: 5 }))).toThrow('gap')
    const twice = { voters: ['ann'], learners: ['ann'] }
    expect(() => decodeMessage(encodeMessage({ ...snapshot, membership: twice }))).toThrow('twice')
  })
})
