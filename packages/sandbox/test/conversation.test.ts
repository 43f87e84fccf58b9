import { describe, expect, test } from 'vitest'
import type { ChildFrame } from '../src/child-frame.ts'
import { Conversation, type Turn } from '../src/conversation.ts'
import { SandboxError } from '../src/sandbox-error.ts'

const nothing = new Uint8Array(0)
const hello: ChildFrame = { type: 'hello', engine: 'v8', engineVersion: '1' }
const result = (id: number): ChildFrame => ({ type: 'result', id, payload: nothing, fuelUsed: 0 })
const hostCall = (id: number): ChildFrame => ({ type: 'hostCall', id, op: 1, payload: nothing })
const log: ChildFrame = { type: 'log', stream: 1, text: Uint8Array.of(65) }
const trap = (id: number): ChildFrame => ({ type: 'trap', id, fault: 'trap', message: '' })

/** A conversation brought to a turn by the shortest way; one invocation and one host call have been made. */
function conversationAt(turn: Turn): Conversation {
  const conversation = new Conversation('v8')
  if (turn === 'greeting') return conversation
  conversation.receive(hello)
  if (turn === 'loading') return conversation
  conversation.receive(result(0))
  if (turn === 'waiting') return conversation
  conversation.invoke()
  if (turn === 'serving') return conversation
  if (turn === 'ended') conversation.receive(trap(1))
  else conversation.receive(hostCall(1))
  return conversation
}

describe('Conversation', () => {
  test('follows a child through loading, an invocation and a host call', () => {
    const conversation = conversationAt('asking')
    expect(conversation.turn).toBe('asking')
    expect(conversation.reply()).toBe(1)
    conversation.receive(log)
    conversation.receive(hostCall(2))
    expect(conversation.reply()).toBe(2)
    conversation.receive(result(1))
    expect(conversation.turn).toBe('waiting')
    expect(conversation.invoke()).toBe(2)
  })

  test('lets a module make host calls while it is initialised', () => {
    const conversation = conversationAt('loading')
    conversation.receive(hostCall(1))
    conversation.reply()
    expect(conversation.turn).toBe('loading')
    conversation.receive(result(0))
    expect(conversation.turn).toBe('waiting')
  })

  test('serves what was sent ahead in its order, with host calls in between', () => {
    const conversation = conversationAt('serving')
    expect(conversation.invoke()).toBe(2)
    conversation.receive(hostCall(1))
    expect(conversation.invoke()).toBe(3)
    expect(conversation.turn).toBe('asking')
    conversation.reply()
    conversation.receive(result(1))
    expect(conversation.turn).toBe('serving')
    expect(conversation.invocation).toBe(2)
    conversation.receive(hostCall(2))
    conversation.reply()
    conversation.receive(result(2))
    conversation.receive(result(3))
    expect(conversation.turn).toBe('waiting')
  })

  test('refuses answers to what was sent ahead before its turn, and to what was never sent', () => {
    const withAhead = (): Conversation => {
      const conversation = conversationAt('serving')
      conversation.invoke()
      return conversation
    }
    expect(() => withAhead().receive(result(2))).toThrow(SandboxError)
    expect(() => withAhead().receive(trap(2))).toThrow(SandboxError)
    const answered = withAhead()
    answered.receive(result(1))
    answered.receive(result(2))
    expect(() => answered.receive(result(3))).toThrow(SandboxError)
  })

  test('lets the node send no event before the module is loaded, nor after a trap', () => {
    for (const turn of ['greeting', 'loading', 'ended'] as const) {
      expect(() => conversationAt(turn).invoke()).toThrow('may not speak')
    }
  })

  const refused: readonly (readonly [Turn, string, ChildFrame])[] = [
    ['greeting', 'a result', result(0)],
    ['greeting', 'a host call', hostCall(1)],
    ['greeting', 'a log', log],
    ['loading', 'a second hello', hello],
    ['loading', 'the result of an invocation', result(1)],
    ['waiting', 'a log', log],
    ['waiting', 'a result', result(0)],
    ['waiting', 'a host call', hostCall(1)],
    ['waiting', 'a trap', trap(0)],
    ['serving', 'the result of an earlier invocation', result(0)],
    ['serving', 'a host call out of order', hostCall(2)],
    ['serving', 'the trap of another invocation', trap(0)],
    ['asking', 'a second host call', hostCall(2)],
    ['asking', 'a result', result(1)],
    ['asking', 'a log', log],
    ['asking', 'a trap', trap(1)],
    ['ended', 'a result', result(1)]
  ]
  for (const [turn, what, frame] of refused) {
    test(`refuses ${what} while ${turn}`, () => {
      expect(() => conversationAt(turn).receive(frame)).toThrow(SandboxError)
    })
  }

  test('refuses a hello of another engine', () => {
    expect(() => new Conversation('wasmtime').receive(hello)).toThrow(SandboxError)
  })
})
