import { describe, expect, test } from 'vitest'
import { printable, visible } from '../src/format.ts'

describe('printable', () => {
  test('shows what turns the direction of writing, hides or steers, in all of Unicode', () => {
    for (const code of [
      0x0a, 0x1b, 0x7f, 0x9b, 0x061c, 0x200b, 0x200e, 0x200f, 0x2028, 0x202e, 0x2066, 0xfeff
    ]) {
      const escaped = `\\u${code.toString(16).padStart(4, '0')}`
      expect(printable(`a${String.fromCodePoint(code)}b`)).toBe(`a${escaped}b`)
    }
    const bidi = /\p{Bidi_Control}|\p{Cc}/u
    for (let code = 0; code < 0x11_0000; code++) {
      const character = String.fromCodePoint(code)
      if (bidi.test(character)) expect(printable(character)).not.toBe(character)
    }
  })

  test('leaves the scripts of people as they are', () => {
    for (const name of ['Übung', 'مرحبا', 'שלום', '日本語', 'नमस्ते', '👩‍👩‍👧', 'a b'])
      expect(printable(name)).toBe(name)
  })
})

describe('visible', () => {
  test('keeps lines and colours, and shows what is none', () => {
    expect(visible('\u001b[31mred\u001b[0m\n\tnext')).toBe('\u001b[31mred\u001b[0m\n\tnext')
    expect(visible('\u001b[2J\u001b]0;title\u0007\r\u202e')).toBe(
      '\\u001b[2J\\u001b]0;title\\u0007\\u000d\\u202e'
    )
  })
})
