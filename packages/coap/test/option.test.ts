import { describe, expect, test } from 'vitest'
import {
  createIntegerOption,
  createTextOption,
  decodeOptions,
  encodeOptions,
  integerOption,
  optionsLength,
  pathOf,
  pathOptions,
  usableOptions
} from '../src/option.ts'

describe('options', () => {
  test('are written in order of their numbers, equal ones as they were', () => {
    const options = [createTextOption(15, 'q'), createTextOption(11, 'a'), createTextOption(11, 'b')]
    const bytes = new Uint8Array(optionsLength(options))
    encodeOptions(options, bytes, 0)
    expect(decodeOptions(bytes, 0, bytes.length).options.map(({ number }) => number)).toEqual([11, 11, 15])
  })

  test.each([0, 1, 255, 256, 65_536, 0xff_ff_ff_ff])(
    'hold the integer %i in as few bytes as it needs',
    (integer) => {
      const option = createIntegerOption(60, integer)
      expect(integerOption([option], 60)).toBe(integer)
      expect(option.value[0]).not.toBe(0)
    }
  )

  test('give the path, encoded where a segment needs it', () => {
    expect(pathOf(pathOptions('/.well-known/eris/blocks'))).toBe('/.well-known/eris/blocks')
    expect(pathOf([createTextOption(11, 'a/b'), createTextOption(11, 'ü')])).toBe('/a%2Fb/%C3%BC')
    expect(pathOf([])).toBe('/')
  })

  test('whose segment is no text are refused', () => {
    expect(() => pathOf([{ number: 11, value: Uint8Array.of(0xff) }])).toThrow(
      expect.objectContaining({ code: 'ERR_COAP_OPTION' })
    )
  })

  test('that are unknown are passed over when elective and reported when critical', () => {
    const path = createTextOption(11, 'a')
    expect(usableOptions([path, { number: 2000, value: new Uint8Array(1) }])).toEqual({
      options: [path],
      refused: undefined
    })
    expect(usableOptions([path, { number: 2001, value: new Uint8Array(1) }]).refused).toBe(2001)
  })

  test('of a wrong length, or given twice, count as unknown', () => {
    expect(usableOptions([{ number: 60, value: new Uint8Array(5) }]).options).toEqual([])
    expect(usableOptions([{ number: 27, value: new Uint8Array(4) }]).refused).toBe(27)
    expect(usableOptions([createIntegerOption(27, 1), createIntegerOption(27, 1)]).refused).toBe(27)
  })
})
