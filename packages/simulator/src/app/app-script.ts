/** Requests that an app is sent: those of a script, or ones made up from its routes. */
import type { Route } from '@blocktree/app-package'
import type { SeededRandom } from '@blocktree/crypto/seeded-random'

export interface AppRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

export interface Step {
  /** Seconds after the app runs everywhere. */
  readonly at: number
  /** Number of the node, from 1. */
  readonly node: number
  readonly request: AppRequest
  /** Status that has to come, unless the node is down. */
  readonly status: number | undefined
}

/** A script that cannot be used. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError'
  readonly code = 'ERR_SIMULATION_SCRIPT'
}

const stepsMax = 100_000
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** `[{"at":1,"node":1,"request":{"method":"GET","path":"/","headers":{},"body":""},"status":200}…]`. @throws ScriptError */
export function parseScript(text: string, nodes: number): readonly Step[] {
  let root: unknown
  try {
    root = JSON.parse(text)
  } catch (cause) {
    throw new ScriptError(`the script is not JSON: ${cause instanceof Error ? cause.message : ''}`, { cause })
  }
  if (!Array.isArray(root) || root.length > stepsMax) throw new ScriptError('the script is no list of steps')
  return root.map((step: unknown, index) => readStep(step, `step ${index + 1}`, nodes))
}

function readStep(value: unknown, where: string, nodes: number): Step {
  const step = fieldsOf(value, where, ['at', 'node', 'request', 'status'])
  const at = step['at']
  if (typeof at !== 'number' || !(at >= 0)) throw new ScriptError(`${where}: "at" is no number of seconds`)
  const node = step['node'] ?? 1
  if (typeof node !== 'number' || !Number.isInteger(node) || node < 1 || node > nodes)
    throw new ScriptError(`${where}: "node" is a number from 1 to ${nodes}`)
  const status = step['status']
  if (status !== undefined && typeof status !== 'number')
    throw new ScriptError(`${where}: "status" is no number`)
  return { at, node, request: readRequest(step['request'], where), status }
}

function readRequest(value: unknown, where: string): AppRequest {
  const request = fieldsOf(value, `${where}: "request"`, ['method', 'path', 'headers', 'body'])
  const { method = 'GET', path, headers = {}, body = '' } = request
  if (typeof method !== 'string' || !methods.includes(method))
    throw new ScriptError(`${where}: "method" is one of ${methods.join(', ')}`)
  if (typeof path !== 'string' || !path.startsWith('/'))
    throw new ScriptError(`${where}: "path" begins with "/"`)
  if (typeof body !== 'string') throw new ScriptError(`${where}: "body" is no text`)
  const rows = Object.entries(fieldsOf(headers, `${where}: "headers"`)).map(([name, text]) => {
    if (typeof text !== 'string') throw new ScriptError(`${where}: the header "${name}" is no text`)
    return [name.toLowerCase(), text] as const
  })
  return { method, path, headers: rows, body }
}

function fieldsOf(value: unknown, where: string, known?: readonly string[]): Record<string, unknown> {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new ScriptError(`${where} is no object`)
  const fields = Object.fromEntries(Object.entries(value))
  const odd = Object.keys(fields).find((name) => known !== undefined && !known.includes(name))
  if (odd !== undefined) throw new ScriptError(`${where} has an unknown field "${odd}"`)
  return fields
}

const words = ['ada', 'grace', 'linus', 'barbara']
const pauseSeconds = 20
const textHeaders = [['content-type', 'text/plain; charset=utf-8']] as const

/** What people might ask: every route is read, and written to where it covers more than one path. */
export function inventSteps(
  routes: readonly Route[],
  random: SeededRandom,
  run: { readonly nodes: number; readonly seconds: number }
): readonly Step[] {
  if (routes.length === 0) return []
  const steps: Step[] = []
  for (let node = 1; node <= run.nodes; node++) {
    for (let at = random.number() * pauseSeconds; at < run.seconds; at += random.number() * 2 * pauseSeconds)
      steps.push({ at, node, request: inventRequest(pickRoute(routes, random), random), status: undefined })
  }
  return steps
}

/** Files of the package are no news: they are asked for seldom. */
function pickRoute(routes: readonly Route[], random: SeededRandom): Route {
  const answered = routes.filter(({ target }) => target.kind === 'app')
  return random.pick(answered.length === 0 || random.chance(0.1) ? routes : answered)
}

function inventRequest({ path, target }: Route, random: SeededRandom): AppRequest {
  const isMany = path.endsWith('/') && path !== '/'
  const below = isMany && random.chance(0.5) ? `${path}${random.pick(words)}` : path
  const kind = target.kind === 'app' ? random.number() : 0
  if (kind < 0.5) return { method: 'GET', path: below, headers: [], body: '' }
  const method = kind < 0.75 ? 'POST' : kind < 0.92 ? 'PUT' : 'DELETE'
  const body = method === 'DELETE' ? '' : `${random.pick(words)} ${random.below(1_000_000)}`
  return { method, path: below, headers: method === 'DELETE' ? [] : textHeaders, body }
}
