/** Names under which apps are installed: a directory below `/apps`, a part of a key's name, and a label of a host name. */
import { NodeError } from '../node-error.ts'

const pattern = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
const charactersMax = 60 // with "app-" before it the name of a key
/** As labels below a public name they are taken for something else by people or by programs. */
const taken: ReadonlySet<string> = new Set(['isatap', 'local', 'localhost', 'wpad', 'www'])

/** @throws ERR_APP_NAME */
export function expectAppName(name: string): void {
  if (!pattern.test(name) || name.length > charactersMax) {
    throw new NodeError(
      'ERR_APP_NAME',
      `"${name}" is no name for an installed app; use a letter, then up to ${charactersMax - 1} of a-z 0-9, with single hyphens between`
    )
  }
  if (taken.has(name)) {
    throw new NodeError(
      'ERR_APP_NAME',
      `"${name}" means something else as part of a host name; install the app under another name`
    )
  }
}
