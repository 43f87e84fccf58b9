import { describe, test } from 'vitest'
import { testAppRunner, testHostileGuests } from '../src/conformance.ts'
import { probeLevels } from '../src/probe-levels.ts'
import { createProcessRunner } from '../src/process-runner.ts'
import { sandboxLevels } from '../src/spawn-command.ts'
import { bundledProgram, compileText } from './subject.ts'

const program = bundledProgram()
const levels = probeLevels({ hasFilter: true })

for (const level of sandboxLevels) {
  if (!levels.available.includes(level)) {
    describe.skip(`v8 at level ${level}, needs bubblewrap: ${levels.reasons[level] ?? 'unknown'}`, () =>
      test('absent', () => undefined))
    continue
  }
  const runner = createProcessRunner({ program, level, levels, engine: 'v8' })
  testAppRunner(`v8, ${level}`, { runner, compile: compileText })
  if (level === levels.available.at(-1)) testHostileGuests(`v8, ${level}`, { runner, compile: compileText })
}
