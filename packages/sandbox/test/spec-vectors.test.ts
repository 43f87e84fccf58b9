/** The frames of doc/spec/19-sandbox-frames.md, byte for byte. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { decodeChildFrame, decodeNodeFrame, encodeChildFrame, encodeNodeFrame } from '../src/frames.ts'

interface Page {
  readonly groups: {
    readonly fromNode: readonly { readonly comment: string; readonly body: string }[]
    readonly fromChild: readonly { readonly comment: string; readonly body: string }[]
    readonly refused: readonly { readonly comment: string; readonly body: string; readonly error: string }[]
  }
}

const file = new URL('../../../doc/spec/vectors/sandbox-frames.json', import.meta.url)
const { groups }: Page = JSON.parse(readFileSync(file, 'utf8'))
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

describe('vectors of sandbox frames', () => {
  for (const { comment, body } of groups.fromNode) {
    test(`from the node: ${comment}`, () => {
      expect(encodeNodeFrame(decodeNodeFrame(bytes(body)))).toEqual(bytes(body))
    })
  }
  for (const { comment, body } of groups.fromChild) {
    test(`from the child: ${comment}`, () => {
      expect(encodeChildFrame(decodeChildFrame(bytes(body), 1024))).toEqual(bytes(body))
    })
  }
  for (const { comment, body, error } of groups.refused) {
    test(`refused: ${comment}`, () => {
      expect(() => decodeChildFrame(bytes(body), 1024)).toThrow(expect.objectContaining({ code: error }))
    })
  }
})
