/** Builds before the first test that spawns the emitted program. */
import { build } from './build.ts'

export function setup(): void {
  if (build() !== 0) throw new Error('the build failed; its messages are above')
}
