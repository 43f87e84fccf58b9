/** Messages for tests. */
import fc from 'fast-check'
import { code } from '../src/code.ts'
import type { Message, OutgoingRequest, ReceivedResponse } from '../src/message.ts'
import { resourceOptions } from '../src/url.ts'

export const arbitraryMessage: fc.Arbitrary<Message> = fc.record({
  code: fc.integer({ min: 1, max: 255 }),
  token: fc.uint8Array({ maxLength: 8 }),
  options: fc
    .array(
      fc.record({ number: fc.integer({ min: 0, max: 65_535 }), value: fc.uint8Array({ maxLength: 300 }) }),
      {
        maxLength: 12
      }
    )
    .map((options) => options.toSorted((left, right) => left.number - right.number)),
  payload: fc.uint8Array({ maxLength: 2000 })
})

export function get(path: string, queries: readonly string[] = []): OutgoingRequest {
  return { code: code.get, options: resourceOptions(path, queries) }
}

export function put(path: string, payload: Uint8Array): OutgoingRequest {
  return { code: code.put, options: resourceOptions(path), payload }
}

export function textOf({ payload }: ReceivedResponse): string {
  return new TextDecoder().decode(payload)
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Bytes that differ from block to block. */
export function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) & 255)
}
