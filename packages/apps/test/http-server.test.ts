import { type Host, hostStatus } from '@blocktree/app-package'
import { describe, expect, test } from 'vitest'
import type { AppHttpRequest } from '../src/index.ts'
import { type Guest, grantOf, openHost, text } from './host-fixture.ts'

function request(more: Partial<AppHttpRequest> = {}): AppHttpRequest {
  return {
    method: 'GET',
    path: '/a',
    query: '',
    headers: [],
    body: new Uint8Array(0),
    client: '127.0.0.1',
    isPublic: false,
    whenGone: () => undefined,
    ...more
  }
}

async function bodyText(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<string> {
  return body instanceof Uint8Array
    ? new TextDecoder().decode(body)
    : Buffer.concat(await Array.fromAsync(body)).toString()
}

function answering(body: Host.ResponseBody): Guest {
  return ({ event }) =>
    event === 'http' ? { kind: 'now', value: { status: 200, headers: [], body } } : undefined
}

describe('requests that an app answers', () => {
  test('at once', async () => {
    const host = await openHost({ guest: answering({ kind: 'content', value: text('hello') }) })
    const answer = await host.app.answer(request({ query: 'b=c', headers: [['accept', 'x']] }))
    expect(await bodyText(answer.body)).toBe('hello')
    expect(host.events.at(-1)?.request).toMatchObject({
      request: {
        method: 'GET',
        path: '/a',
        query: 'b=c',
        headers: [{ name: 'accept', value: 'x' }],
        more: false,
        client: undefined
      }
    })
    expect(host.app.describe()?.openHandles).toBe(0)
  })

  test('with a body that is read in parts', async () => {
    async function* body(): AsyncGenerator<Uint8Array> {
      for (const part of ['one ', 'two ', 'three']) yield await Promise.resolve(text(part))
    }
    const host = await openHost({
      guest: async (event, guest) => {
        if (event.event !== 'http') return undefined
        let whole = ''
        let isLast = !event.request.request.more
        while (!isLast) {
          const { reply } = await guest.call('http-server.read', {
            request: event.request.request.request,
            length: 3
          })
          whole += new TextDecoder().decode(reply?.content)
          isLast = reply?.last ?? true
        }
        return {
          kind: 'now',
          value: { status: 200, headers: [], body: { kind: 'content', value: text(whole) } }
        }
      }
    })
    const answer = await host.app.answer(request({ method: 'POST', body: body() }))
    expect(await bodyText(answer.body)).toBe('one two three')
  })

  test('later, from another event, in parts', async () => {
    let handle = 0
    const host = await openHost({
      guest: (event) => {
        if (event.event !== 'http') return undefined
        handle = event.request.request.request
        return { kind: 'later' }
      }
    })
    const answered = host.app.answer(request())
    await new Promise((resolve) => setImmediate(resolve))
    const response = {
      status: 200,
      headers: [{ name: 'content-type', value: 'text/event-stream' }],
      body: { kind: 'streamed' }
    } as const
    expect((await host.call('http-server.respond', { request: handle, response })).status).toBe(0)
    expect((await host.call('http-server.respond', { request: handle, response })).status).toBe(
      hostStatus.conflict
    )
    const answer = await answered
    const read = bodyText(answer.body)
    for (let index = 0; index < 10; index++) {
      expect(
        (await host.call('http-server.write', { request: handle, content: text(`${index}`) })).status
      ).toBe(0)
    }
    expect((await host.call('http-server.finish', { request: handle })).status).toBe(0)
    expect(await read).toBe('0123456789')
    expect((await host.call('http-server.write', { request: handle, content: text('x') })).status).toBe(
      hostStatus.closed
    )
  })

  test('a client that goes away ends the stream, and the app is told at its next write', async () => {
    let leave = (): void => undefined
    let handle = 0
    const host = await openHost({
      guest: (event) => {
        if (event.event !== 'http') return undefined
        handle = event.request.request.request
        return { kind: 'now', value: { status: 200, headers: [], body: { kind: 'streamed' } } }
      }
    })
    await host.app.answer(request({ whenGone: (call) => (leave = call) }))
    leave()
    expect((await host.call('http-server.write', { request: handle, content: text('x') })).status).toBe(
      hostStatus.closed
    )
    expect(host.app.describe()?.openHandles).toBe(0)
  })

  const sendingFile: Guest = async (event, guest) => {
    if (event.event !== 'http') return undefined
    const mode = { read: true, write: false, create: false, exclusive: false, truncate: false }
    const { reply } = await guest.call('files.open', { path: '/data/film', mode })
    const value = { file: reply?.handle ?? 0, offset: 2, length: 600_000 }
    return { kind: 'now', value: { status: 206, headers: [], body: { kind: 'file', value } } }
  }

  test('a file is sent by the node, and its handle is closed', async () => {
    const host = await openHost({ guest: sendingFile })
    host.files.put('/apps/notes/data/files/film', 'x'.repeat(700_000))
    const answer = await host.app.answer(request())
    expect(answer.bodyBytes).toBe(600_000)
    expect(await bodyText(answer.body)).toHaveLength(600_000)
    expect(host.app.describe()?.openHandles).toBe(0)
  })

  test('the handle of a file is closed also when nobody reads the body', async () => {
    const host = await openHost({ guest: sendingFile })
    host.files.put('/apps/notes/data/files/film', 'x'.repeat(700_000))
    const { body } = await host.app.answer(request({ method: 'HEAD' }))
    expect(host.app.describe()?.openHandles).toBe(1)
    if (!(body instanceof Uint8Array)) await body[Symbol.asyncIterator]().return?.()
    expect(host.app.describe()?.openHandles).toBe(0)
  })

  test('a crash of the app fails what waited for it', async () => {
    const host = await openHost({ guest: ({ event }) => (event === 'http' ? { kind: 'later' } : undefined) })
    const answered = host.app.answer(request())
    await new Promise((resolve) => setImmediate(resolve))
    host.crash()
    await expect(answered).rejects.toMatchObject({ failure: 'closed' })
  })

  test('an app whose grant was taken back answers nothing more', async () => {
    const host = await openHost({ guest: answering({ kind: 'empty' }) })
    host.app.setGrants([])
    await expect(host.app.answer(request())).rejects.toMatchObject({ failure: 'denied' })
    expect(() => host.app.expectRequests(false)).toThrow('no grant covers answering web requests')
  })

  test('a request from outside this machine takes a grant that says so', async () => {
    const guest = answering({ kind: 'empty' })
    const granted = (isPublic: boolean): ReturnType<typeof grantOf>[] => [
      grantOf('web', { kind: 'http-server', public: isPublic, clientAddress: false })
    ]
    const host = await openHost({ guest, granted: granted(false) })
    expect((await host.app.answer(request())).status).toBe(200)
    await expect(host.app.answer(request({ isPublic: true }))).rejects.toMatchObject({ failure: 'denied' })
    expect(() => host.app.expectRequests(true)).toThrow('from outside this machine')
    host.app.setGrants(granted(true))
    expect((await host.app.answer(request({ isPublic: true }))).status).toBe(200)
    expect((await host.app.answer(request())).status).toBe(200)
  })

  test('a trap in the handler is the failure of this request alone', async () => {
    let isFirst = true
    const host = await openHost({
      guest: ({ event }) => {
        if (event !== 'http' || !isFirst) return undefined
        isFirst = false
        throw new Error('trap')
      }
    })
    await expect(host.app.answer(request())).rejects.toThrow('trap')
    expect((await host.app.answer(request())).status).toBe(204)
    expect(host.lines.some(({ message }) => message.includes('"http" failed'))).toBe(true)
  })
})

describe('the life of an app', () => {
  test('takes init first, and stop last', async () => {
    const host = await openHost()
    await host.app.stop()
    expect(host.events.map(({ event }) => event)).toEqual(['init', 'stop'])
    expect(host.events[0]?.request).toMatchObject({
      launch: { reason: 'started', version: 3, installation: 'notes' }
    })
  })

  test('an app that refuses init does not start', async () => {
    const guest: Guest = ({ event }) =>
      event === 'init' ? { kind: 'error', value: 'no database' } : undefined
    await expect(openHost({ guest })).rejects.toThrow('no database')
  })

  test('says whether it is well', async () => {
    const problems: string[] = []
    const host = await openHost({
      guest: ({ event }) =>
        event === 'health' && problems.length > 0 ? { kind: 'error', value: problems[0] } : undefined
    })
    expect(await host.app.health()).toBeUndefined()
    problems.push('disk on fire')
    expect(await host.app.health()).toBe('disk on fire')
  })
})
