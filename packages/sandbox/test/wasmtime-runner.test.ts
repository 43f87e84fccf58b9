import { describe, test } from 'vitest'
import { testAppRunner, testHostileGuests } from '../src/conformance.ts'
import { probeLevels } from '../src/probe-levels.ts'
import { createProcessRunner } from '../src/process-runner.ts'
import { bundledProgram, compileText, wasmtimeLibrary } from './subject.ts'

const program = bundledProgram()
const library = await wasmtimeLibrary()
const levels = probeLevels({ hasFilter: true })

if (library === undefined) {
  describe.skip('wasmtime (needs libwasmtime, see tools/setup-extras)', () => test('absent', () => undefined))
} else {
  for (const level of levels.available) {
    const runner = createProcessRunner({ program, level, levels, engine: 'wasmtime', library })
    testAppRunner(`wasmtime, ${level}`, { runner, compile: compileText })
    if (level === levels.available.at(-1)) {
      testHostileGuests(`wasmtime, ${level}`, { runner, compile: compileText })
    }
  }
}
