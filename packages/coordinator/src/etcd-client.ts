/**
 * The part of etcd's v3 API that the coordinator uses, over its JSON gateway (`/v3/kv/range` …), so that no gRPC library is
 * needed. Keys and values are base64, 64-bit numbers are text; revisions stay far below 2^53.
 */
import { CoordinatorError } from './coordinator-error.ts'

/** Posts JSON and answers JSON; rejects when the endpoint cannot be reached or refuses. */
export type PostJson = (
  url: string,
  body: unknown,
  options: { readonly token: string | undefined; readonly signal: AbortSignal }
) => Promise<unknown>

export interface EtcdClientOptions {
  /** `http://host:port`, tried in turn. */
  readonly endpoints: readonly string[]
  readonly user?: { readonly name: string; readonly password: string }
  readonly post?: PostJson
  /** Milliseconds for one request; 2,000 when left out. */
  readonly requestMs?: number
}

export interface EtcdEntry {
  readonly key: string
  readonly value: string
  readonly createRevision: number
  readonly modRevision: number
}

export interface EtcdRange {
  readonly entries: readonly EtcdEntry[]
  /** Entries in all, also beyond the limit. */
  readonly count: number
}

const answerBytesMax = 4 * 1024 * 1024

export class EtcdClient {
  readonly #options: EtcdClientOptions
  readonly #post: PostJson
  #next = 0
  #token: string | undefined

  constructor(options: EtcdClientOptions) {
    if (options.endpoints.length === 0) {
      throw new CoordinatorError(
        'ERR_COORDINATOR_ARGUMENT',
        'etcd needs at least one endpoint, such as http://127.0.0.1:2379'
      )
    }
    this.#options = options
    this.#post = options.post ?? postJson
  }

  /** Entries whose keys begin with `prefix`, the oldest first. */
  async oldest(prefix: string, limit: number): Promise<EtcdRange> {
    const answer = await this.#call('/v3/kv/range', {
      key: toBase64(prefix),
      range_end: toBase64(endOfPrefix(prefix)),
      limit,
      sort_order: 'ASCEND',
      sort_target: 'CREATE'
    })
    return { entries: arrayIn(answer, 'kvs').map(readEntry), count: numberIn(answer, 'count') }
  }

  async get(key: string): Promise<EtcdEntry | undefined> {
    const answer = await this.#call('/v3/kv/range', { key: toBase64(key) })
    return arrayIn(answer, 'kvs').map(readEntry)[0]
  }

  /** Writes when the key's last change is the given one (0: it does not exist). Undefined when it is not; else the revision. */
  async put(
    key: string,
    value: string,
    condition: { readonly modRevision: number; readonly lease?: string }
  ): Promise<number | undefined> {
    const target =
      condition.modRevision === 0
        ? { target: 'CREATE', create_revision: '0' }
        : { target: 'MOD', mod_revision: String(condition.modRevision) }
    const put = {
      key: toBase64(key),
      value: toBase64(value),
      ...(condition.lease === undefined ? {} : { lease: condition.lease })
    }
    const answer = await this.#call('/v3/kv/txn', {
      compare: [{ key: toBase64(key), result: 'EQUAL', ...target }],
      success: [{ request_put: put }]
    })
    return isRecord(answer) && answer['succeeded'] === true ? revisionOf(answer) : undefined
  }

  async remove(key: string): Promise<boolean> {
    return numberIn(await this.#call('/v3/kv/deleterange', { key: toBase64(key) }), 'deleted') > 0
  }

  /** Number of a new lease. */
  async grantLease(seconds: number): Promise<string> {
    const answer = await this.#call('/v3/lease/grant', { TTL: seconds })
    const id = isRecord(answer) ? answer['ID'] : undefined
    if (typeof id !== 'string') throw unexpected('a lease without ID')
    return id
  }

  /** False when the lease is over. */
  async keepLease(id: string): Promise<boolean> {
    const answer = await this.#call('/v3/lease/keepalive', { ID: id })
    return isRecord(answer) && numberIn(answer['result'], 'TTL') > 0
  }

  /** Ends a lease and removes what was written under it; one that is over already is no error. */
  async revokeLease(id: string): Promise<void> {
    try {
      await this.#call('/v3/lease/revoke', { ID: id })
    } catch (error) {
      if (!(error instanceof EtcdRefusal)) throw error
    }
  }

  /** Tries each endpoint once. */
  async #call(path: string, body: unknown): Promise<unknown> {
    const { endpoints } = this.#options
    let last: unknown
    for (let attempt = 0; attempt < endpoints.length; attempt++) {
      const endpoint = endpoints[this.#next % endpoints.length] ?? ''
      try {
        return await this.#authorised(endpoint, path, body)
      } catch (error) {
        if (error instanceof EtcdRefusal && !error.temporary) throw error
        last = error
        this.#next++
      }
    }
    throw new CoordinatorError('ERR_COORDINATOR_NO_MAJORITY', `no etcd endpoint answered: ${String(last)}`, {
      cause: last
    })
  }

  async #authorised(endpoint: string, path: string, body: unknown): Promise<unknown> {
    const { user } = this.#options
    if (user !== undefined) this.#token ??= await this.#authenticate(endpoint, user)
    try {
      return await this.#request(endpoint + path, body)
    } catch (error) {
      if (user === undefined || !(error instanceof EtcdRefusal) || error.status !== 401) throw error
      this.#token = await this.#authenticate(endpoint, user) // the former one ran out
      return await this.#request(endpoint + path, body)
    }
  }

  async #authenticate(endpoint: string, user: { name: string; password: string }): Promise<string> {
    this.#token = undefined
    const answer = await this.#request(`${endpoint}/v3/auth/authenticate`, user)
    const token = isRecord(answer) ? answer['token'] : undefined
    if (typeof token !== 'string') throw unexpected('no token')
    return token
  }

  #request(url: string, body: unknown): Promise<unknown> {
    return this.#post(url, body, {
      token: this.#token,
      signal: AbortSignal.timeout(this.#options.requestMs ?? 2000)
    })
  }
}

/** What etcd answered instead of doing it. */
export class EtcdRefusal extends Error {
  override readonly name: string = 'EtcdRefusal'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }

  /** No leader, overloaded, a timeout: another endpoint or a later moment may do. */
  get temporary(): boolean {
    return this.status >= 500
  }
}

async function postJson(
  url: string,
  body: unknown,
  options: { readonly token: string | undefined; readonly signal: AbortSignal }
): Promise<unknown> {
  const headers = {
    'content-type': 'application/json',
    ...(options.token === undefined ? {} : { authorization: options.token })
  }
  const response = await fetch(url, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
    signal: options.signal,
    redirect: 'error'
  })
  const text = await response.text()
  if (text.length > answerBytesMax) throw unexpected(`an answer of ${text.length} characters`)
  if (!response.ok) throw new EtcdRefusal(response.status, text.slice(0, 200))
  const answer: unknown = JSON.parse(text.split('\n')[0] ?? '')
  return answer
}

function readEntry(value: unknown): EtcdEntry {
  if (!isRecord(value)) throw unexpected('an entry that is no object')
  return {
    key: fromBase64(value['key']),
    value: fromBase64(value['value'] ?? ''),
    createRevision: numberIn(value, 'create_revision'),
    modRevision: numberIn(value, 'mod_revision')
  }
}

function revisionOf(answer: Record<string, unknown>): number {
  return numberIn(answer['header'], 'revision')
}

/** Zero is left out by the gateway. */
function numberIn(value: unknown, name: string): number {
  const number = isRecord(value) ? Number(value[name] ?? 0) : 0
  if (!Number.isSafeInteger(number)) throw unexpected(`${name} that is no number`)
  return number
}

function arrayIn(value: unknown, name: string): readonly unknown[] {
  const array = isRecord(value) ? value[name] : undefined
  return Array.isArray(array) ? array : []
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function toBase64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function fromBase64(value: unknown): string {
  if (typeof value !== 'string') throw unexpected('a key that is no text')
  return Buffer.from(value, 'base64').toString()
}

/** The first key after all that begin with this prefix, which ends in `/`. */
function endOfPrefix(prefix: string): string {
  return `${prefix.slice(0, -1)}0`
}

function unexpected(what: string): CoordinatorError {
  return new CoordinatorError('ERR_COORDINATOR_MALFORMED', `etcd answered ${what}`)
}
