/** Round trips between two bare processes over a socket pair: written in C, compiled when the machine has a compiler. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const source = join(import.meta.dirname, 'ping-pong.c')

/** @returns a function that measures microseconds per round trip, or undefined without a C compiler */
export function compilePingPong(directory: string): ((prefix: readonly string[]) => number) | undefined {
  const program = join(directory, 'ping-pong')
  const compiled = spawnSync('cc', ['-O2', '-o', program, source], { stdio: 'ignore' })
  if (compiled.status !== 0) return undefined
  return (prefix) => {
    const words = [...prefix, program, '20000']
    return Number(spawnSync('env', words, { encoding: 'utf8' }).stdout)
  }
}
