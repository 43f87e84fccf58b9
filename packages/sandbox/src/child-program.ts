/** Where the bundled child program lies; tools/build.ts writes it. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const fileName = 'sandbox-child.cjs'

/** Beside the emitted JavaScript or the bundle that this module is part of; from the sources, what was built last. */
export function childProgramPath(): string {
  const places = [`./${fileName}`, `../dist/${fileName}`].map((place) =>
    fileURLToPath(new URL(place, import.meta.url))
  )
  const found = places.find((place) => existsSync(place))
  if (found === undefined)
    throw new Error(
      `the program of sandbox processes is missing: "${places.join('" or "')}"; run: npm run build`
    )
  return found
}
