/** doc/spec/vectors/coordinator.json, written from the page, against the package. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { decodeCommand, encodeCommand } from '../src/command.ts'
import type { CommandOutcome } from '../src/command-result.ts'
import { CoordinatorState } from '../src/coordinator-state.ts'
import { decodeAnswer, decodeQuestion, encodeAnswer, encodeQuestion } from '../src/link.ts'
import { decodeMessage, encodeMessage } from '../src/raft/message.ts'
import { decodeState, encodeState } from '../src/state-snapshot.ts'

interface Bytes {
  readonly comment: string
  readonly bytes: string
}

interface Story {
  readonly comment: string
  readonly steps: readonly {
    readonly index: number
    readonly command: string
    readonly answer: readonly [number, number]
  }[]
  readonly state: string
}

type BytesGroup =
  | 'commands'
  | 'refuseCommands'
  | 'messages'
  | 'refuseMessages'
  | 'questions'
  | 'refuseQuestions'
  | 'answers'
  | 'refuseAnswers'
  | 'refuseStates'

const file = join(import.meta.dirname, '../../../doc/spec/vectors/coordinator.json')
const { groups } = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly groups: Readonly<Record<BytesGroup, readonly Bytes[]>> & { readonly stories: readonly Story[] }
}
const refusal: RegExp = /^ERR_(COORDINATOR_MALFORMED|CODEC_)/
const outcomes: readonly CommandOutcome[] = ['done', 'queued', 'held', 'ended', 'full']

const formats: readonly {
  readonly accepted: BytesGroup
  readonly refused: BytesGroup
  readonly again: (bytes: Uint8Array) => Uint8Array
}[] = [
  { accepted: 'commands', refused: 'refuseCommands', again: (bytes) => encodeCommand(decodeCommand(bytes)) },
  { accepted: 'messages', refused: 'refuseMessages', again: (bytes) => encodeMessage(decodeMessage(bytes)) },
  {
    accepted: 'questions',
    refused: 'refuseQuestions',
    again: (bytes) => encodeQuestion(decodeQuestion(bytes))
  },
  { accepted: 'answers', refused: 'refuseAnswers', again: (bytes) => encodeAnswer(decodeAnswer(bytes)) }
]

describe.for(formats)('$accepted', ({ accepted, refused, again }) => {
  test.for(groups[accepted])('are read and written: $comment', ({ bytes }) => {
    expect(again(Uint8Array.fromHex(bytes)).toHex()).toBe(bytes)
  })

  test.for(groups[refused])('are refused: $comment', ({ bytes }) => {
    expect(() => again(Uint8Array.fromHex(bytes))).toThrow(
      expect.objectContaining({ code: expect.stringMatching(refusal) as unknown })
    )
  })
})

describe('the state', () => {
  test.for(groups.stories)('comes to what the page says: $comment', ({ steps, state }) => {
    const agreed = new CoordinatorState()
    for (const { index, command, answer } of steps) {
      const result = agreed.apply(index, decodeCommand(Uint8Array.fromHex(command)))
      expect([index, outcomes.indexOf(result.outcome), result.value]).toEqual([index, ...answer])
    }
    expect(encodeState(agreed).toHex()).toBe(state)
    expect(encodeState(decodeState(Uint8Array.fromHex(state))).toHex()).toBe(state)
  })

  test.for(groups.refuseStates)('is refused: $comment', ({ bytes }) => {
    expect(() => decodeState(Uint8Array.fromHex(bytes))).toThrow(
      expect.objectContaining({ code: expect.stringMatching(refusal) as unknown })
    )
  })
})
