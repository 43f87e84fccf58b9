/** Where the program of `app simulate` lies: beside the bundle, or emitted in its own package. It is started, never loaded. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CliError } from './cli-error.ts'

const places = ['./app-simulator.js', '../../simulator/dist/app-process.js']

/** @throws ERR_START_FAILED */
export function simulatorProgram(): string {
  const files = places.map((place) => fileURLToPath(new URL(place, import.meta.url)))
  const found = files.find((file) => existsSync(file))
  if (found !== undefined) return found
  throw new CliError('ERR_START_FAILED', `the simulator is not built: "${files.join('" or "')}" is missing`, {
    advice: 'run "npm run build" in the project'
  })
}
