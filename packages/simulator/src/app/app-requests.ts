/** People at work with the app: each step of a script at its moment, and what came of it. */
import type { VirtualTime } from '@blocktree/network/memory'
import type { AppCluster, AppSeat } from './app-cluster.ts'
import type { AppRequest, Step } from './app-script.ts'

const answerMs = 60_000
const bodyMs = 2000
const bodyBytesMax = 1024 * 1024

interface Answer {
  readonly status: number
  readonly body: Uint8Array
}

export class AppRequests {
  readonly #cluster: AppCluster
  readonly #time: VirtualTime
  readonly #running = new Set<Promise<void>>()
  answered = 0
  /** The node was down, or went down before the answer. */
  lost = 0

  constructor(cluster: AppCluster) {
    this.#cluster = cluster
    this.#time = cluster.simulation.time
  }

  plan(steps: readonly Step[]): void {
    for (const step of steps) {
      this.#time.start(step.at * 1000, () => {
        const work = this.#take(step).finally(() => this.#running.delete(work))
        this.#running.add(work)
      })
    }
  }

  /** Resolves when every request that began has its answer, or is lost. */
  async settled(): Promise<void> {
    await this.#time.until(Promise.all(this.#running), 2 * answerMs)
  }

  async #take({ node, request, status }: Step): Promise<void> {
    const cluster = this.#cluster
    const name = `node-${node}`
    const what = `${request.method} ${request.path}`
    const seat = cluster.seat(name)
    if (seat === undefined) return this.#lose(what, name, 'the node is down')
    const answer = await Promise.race([this.#ask(seat, request), this.#pass(answerMs)])
    if (!cluster.isAlive(seat.node)) return this.#lose(what, name, 'the node went down before it answered')
    if (answer === undefined) {
      cluster.note('request', `${what}: no answer in ${answerMs / 1000} s`, name)
      return cluster.violate('every request is answered while its node runs', `${name}: ${what}`)
    }
    if (typeof answer === 'string') return cluster.note('request', `${what}: ${answer}`, name)
    this.answered++
    cluster.note('request', `${what}: ${answer.status}${shown(answer.body)}`, name)
    if (status !== undefined && status !== answer.status)
      cluster.violate(
        'the script gets the status it names',
        `${name}: ${what}: ${answer.status}, not ${status}`
      )
  }

  #lose(what: string, node: string, why: string): void {
    this.lost++
    this.#cluster.note('request', `${what}: ${why}`, node)
  }

  /** The text of a failure that the gateway would answer in the app's place. */
  async #ask({ host }: AppSeat, request: AppRequest): Promise<Answer | string> {
    const { name } = this.#cluster
    const [path = '/', query = ''] = request.path.split('?', 2)
    const served = host.find(name)
    if (served === undefined) return '503 the app does not run'
    const gone: (() => void)[] = []
    try {
      served.admit?.(false)
      const asset = served.asset(decoded(path))
      if (asset !== undefined) return { status: 200, body: new Uint8Array(0) }
      const response = await served.handle({
        id: '0',
        method: request.method,
        path,
        decodedPath: decoded(path),
        query,
        scheme: 'http',
        authority: `${name}.localhost`,
        headers: [['host', `${name}.localhost`], ...request.headers],
        body: new TextEncoder().encode(request.body),
        remote: '127.0.0.1',
        isPublic: false,
        whenGone: (call) => void gone.push(call)
      })
      const { status, body } = response
      return { status, body: body instanceof Uint8Array ? body : await this.#read(body) }
    } catch (error) {
      return failureText(error)
    } finally {
      for (const call of gone) call()
    }
  }

  /** What comes of a body in time: some never end. */
  async #read(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    let bytes = 0
    const over = this.#pass(bodyMs)
    const iterator = body[Symbol.asyncIterator]()
    while (bytes < bodyBytesMax) {
      const next = await Promise.race([iterator.next(), over])
      if (next === undefined || next.done === true) break
      parts.push(next.value)
      bytes += next.value.byteLength
    }
    return Buffer.concat(parts)
  }

  async #pass(milliseconds: number): Promise<undefined> {
    await new Promise<void>((resolve) => {
      this.#time.start(milliseconds, resolve)
    })
    return undefined
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

function failureText(error: unknown): string {
  if (!(error instanceof Error)) return `502 ${String(error)}`
  const status = 'status' in error ? String(error.status) : '502'
  const code = 'code' in error ? ` ${String(error.code)}` : ''
  return `${status}${code} ${error.message}`
}

const shownMax = 60

/** One line of it, where it is text. */
function shown(body: Uint8Array): string {
  if (body.byteLength === 0) return ''
  const [line = ''] = new TextDecoder().decode(body.subarray(0, 4 * shownMax)).split('\n')
  const isText = !/[\p{Cc}\uFFFD]/u.test(line)
  if (isText && line.length <= shownMax && line !== '') return ` ${line}`
  return isText && line !== '' ? ` ${line.slice(0, shownMax)}…` : ` (${body.byteLength} bytes)`
}
