/**
 * Builds before the first test that spawns the emitted program. A type error does not stop the tests, since
 * the compiler emits all the same; `npm run check` is what refuses it.
 */
import { buildAll } from './build.ts'

export async function setup(): Promise<void> {
  if ((await buildAll()) !== 0) console.error('the build reports errors (above); testing what it emitted')
}
