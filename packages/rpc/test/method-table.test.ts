import { describe, expect, test } from 'vitest'

import {
  bindHandlers,
  createMethodTable,
  defineMethod,
  type MethodTable,
  RpcError,
  schema
} from '@blocktree/rpc'

interface EchoMethods {
  'test.echo': { params: { text: string; times?: number | undefined }; result: { text: string } }
  'test.watch': { params: object; result: { subscription: number }; event: { path: string } }
}

const inferred = createMethodTable([
  defineMethod({
    name: 'test.echo',
    summary: 'Answers with the text',
    params: schema.object({ text: schema.string(), times: schema.optional(schema.integer({ min: 1 })) }),
    result: schema.object({ text: schema.string() })
  }),
  defineMethod({
    name: 'test.watch',
    summary: 'Watches',
    result: schema.object({ subscription: schema.integer() }),
    event: schema.object({ path: schema.string() })
  })
])

describe('createMethodTable', () => {
  test('gives a type that a hand-written interface describes', () => {
    const named: MethodTable<EchoMethods> = inferred
    expect([...named.methods.keys()]).toEqual(['test.echo', 'test.watch'])
  })

  test('binds typed handlers', () => {
    const bound = bindHandlers(inferred, {
      'test.echo': ({ text, times }) => ({ text: text.repeat(times ?? 1) }),
      'test.watch': (_params, context) => {
        const subscription = context.subscribe()
        subscription.emit({ path: '/a' })
        return { subscription: subscription.id }
      }
    })
    expect(bound.byName.size).toBe(2)
  })

  test('does not compile with a handler or an interface of another type', () => {
    interface Other {
      'test.echo': { params: { text: number }; result: { text: string } }
    }
    // @ts-expect-error: the table's text is text
    const wrong: MethodTable<Other> = inferred
    expect(wrong).toBe(inferred)
    const bind = (): unknown =>
      bindHandlers(inferred, {
        // @ts-expect-error: the result's text is text
        'test.echo': () => ({ text: 5 })
      })
    expect(bind).toThrow(/no handler/)
  })

  test('refuses a name that stands twice', () => {
    const method = defineMethod({ name: 'test.echo', summary: 'x' })
    expect(() => createMethodTable([method, method])).toThrow(RpcError)
  })

  test('refuses a name of the protocol and a name without an area', () => {
    expect(() => defineMethod({ name: 'rpc.mine', summary: 'x' })).toThrow(/belongs to the protocol/)
    expect(() => defineMethod({ name: 'echo', summary: 'x' })).toThrow(/area.verb/)
  })
})
