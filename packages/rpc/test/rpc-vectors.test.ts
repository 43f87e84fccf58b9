/**
 * The vectors of doc/spec/10-rpc.md: what a server with the protocol's own methods answers, byte for byte of what it is
 * sent, in one piece and byte by byte.
 */
import { readFileSync } from 'node:fs'
import { concatBytes, unpackFrame } from '@blocktree/codec'
import { describe, expect, test } from 'vitest'
import { RpcError, bindHandlers, createMethodTable, createRpcServer } from '../src/index.ts'

interface Exchange {
  readonly comment: string
  readonly input: string
  readonly answers: readonly unknown[]
  readonly closed: boolean
}

interface Vectors {
  readonly groups: {
    readonly lines: readonly Exchange[]
    readonly frames: readonly Exchange[]
    readonly numbers: readonly { readonly code: string; readonly number: number }[]
  }
}

const { groups } = JSON.parse(
  readFileSync(new URL('../../../doc/spec/vectors/rpc.json', import.meta.url), 'utf8')
) as Vectors

/** What the server sends for these pieces, and whether it closes. */
async function answersTo(
  pieces: readonly Uint8Array[]
): Promise<{ readonly sent: Uint8Array; readonly closed: boolean }> {
  const sent: Uint8Array[] = []
  let closed = false
  const server = createRpcServer({ handlers: bindHandlers(createMethodTable([]), {}) })
  const transport = {
    send: (bytes: Uint8Array) => sent.push(bytes.slice()) > 0,
    pause: () => undefined,
    resume: () => undefined,
    close: () => {
      closed = true
    }
  }
  const receiver = server.connect(transport, undefined)
  for (const piece of pieces) receiver.receive(piece)
  await new Promise((resolve) => setImmediate(resolve))
  return { sent: concatBytes(...sent), closed }
}

function readLines(bytes: Uint8Array): readonly unknown[] {
  const lines = new TextDecoder().decode(bytes).split('\n')
  return lines.filter((line) => line !== '').map((line): unknown => JSON.parse(line))
}

function readFrames(bytes: Uint8Array): readonly unknown[] {
  const values: unknown[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  for (let at = 0; at < bytes.length; at += 4 + view.getUint32(at))
    values.push(unpackFrame(bytes.slice(at + 4, at + 4 + view.getUint32(at))))
  return values
}

/** Result, or code and number of the error; messages and other data are left out. */
function inShort(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(inShort)
  const { id, result, error } = answer as {
    readonly id: unknown
    readonly result?: unknown
    readonly error?: { readonly code: number; readonly data: { readonly code: string } }
  }
  return error === undefined ? { id, result } : { id, error: error.data.code, number: error.code }
}

const framings = [
  ['lines', groups.lines, readLines],
  ['frames', groups.frames, readFrames]
] as const

describe.each(framings)('vectors of RPC in %s', (_framing, exchanges, read) => {
  test.each(exchanges)('$comment: is answered as the page says', async ({ input, answers, closed }) => {
    const whole = await answersTo([Uint8Array.fromHex(input)])
    expect({ answers: read(whole.sent).map(inShort), closed: whole.closed }).toEqual({ answers, closed })
  })

  test('the answers do not depend on how the bytes are cut', async () => {
    const short = exchanges.filter(({ input }) => input.length < 2000)
    expect(short.length).toBeGreaterThan(exchanges.length / 2)
    for (const { comment, input, answers, closed } of short) {
      const bytewise = await answersTo([...Uint8Array.fromHex(input)].map((byte) => Uint8Array.of(byte)))
      const got = { comment, answers: read(bytewise.sent).map(inShort), closed: bytewise.closed }
      expect(got).toEqual({ comment, answers, closed })
    }
  })
})

test.each(groups.numbers)('$code has the number of the page', ({ code, number }) => {
  expect(new RpcError(code, '').numeric).toBe(number)
})
