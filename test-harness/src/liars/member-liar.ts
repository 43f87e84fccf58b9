/**
 * A node of the tree whose program was exchanged: its key and its cap are real, what it says and answers is not. It dials
 * one honest node, says a true hello, and lies from then on.
 */
import { parseId } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import type { Connection, ConnectionHandlers, Network } from '@blocktree/network'
import {
  createEndpoint,
  createReceipt,
  decodeRecord,
  type HeaderRecord,
  type Principal,
  recordType
} from '@blocktree/tree'
import * as message from './hostile-message.ts'

export interface MemberOptions {
  readonly crypto: CryptoProvider
  readonly network: Network
  readonly principal: Principal
  /** Of the honest node, ending in its peer id. */
  readonly address: string
  readonly treeId: string
}

/** How the liar answers replication. */
export type Habit = 'quiet' | 'endless births' | 'huge claims' | 'wrong content' | 'false receipts'

const top = new Uint8Array(0)
const dayMs = 86_400_000
const signatureBytes = 66 // with its length before it

export class MemberLiar {
  readonly #options: MemberOptions
  readonly #tree: Uint8Array
  #connection: Connection | undefined
  #scope: readonly Uint8Array[] = []
  #headers: readonly message.Streamed[] = []
  #habit: Habit = 'quiet'
  #asked = 0

  constructor(options: MemberOptions) {
    this.#options = options
    this.#tree = parseId(options.treeId)
  }

  /** Connects anew when it has to; the answers are those of this habit from now on. */
  async connect(habit: Habit): Promise<void> {
    this.#habit = habit
    const { network, address, crypto, principal } = this.#options
    await this.#connection?.close()
    const connection = await network.dial(address)
    const endpoint = createEndpoint(crypto, principal, {
      tree: this.#tree,
      transportKey: network.localKey,
      addresses: [],
      notAfter: Date.now() + dayMs,
      sequence: Date.now()
    })
    const said = { principal: principal.record.bytes, endpoint: endpoint.bytes, purpose: 0 }
    await connection.request('cluster.hello', message.hello(said))
    connection.serve(this.#handlers())
    this.#connection = connection
    this.#scope = message.scopeOf(await connection.request('sync.open', message.openAsk(this.#tree)))
  }

  /** Everything that an honest member may read: what the lies are made of. @returns how many records */
  async read(): Promise<number> {
    const chunks: Uint8Array[] = []
    const head = message.headersAsk(this.#tree, this.#scope)
    for await (const chunk of this.#open.pull('sync.headers', head)) chunks.push(chunk.slice())
    this.#headers = message.recordsOf(Buffer.concat(chunks))
    return this.#headers.length
  }

  /** New headers under old signatures: one bit of the sealed part, which stands before the signature, is another one. */
  forge(count: number): void {
    const forged = this.#headers.slice(0, count).map(({ record, inline }) => {
      const bytes = record.slice()
      const at = bytes.length - signatureBytes - 1
      bytes[at] = (bytes[at] ?? 0) ^ 1
      return { record: bytes, inline }
    })
    this.#push(forged)
  }

  /** Headers with another body under the true signature. */
  alter(count: number): void {
    const altered = this.#headers.slice(0, count).map(({ record }, index) => {
      const bytes = record.slice()
      const at = Math.floor(bytes.length / 2) + index
      bytes[at] = (bytes[at] ?? 0) ^ 0x55
      return { record: bytes, inline: undefined }
    })
    this.#push(altered)
  }

  /** Old versions, true in every bit, again and again. @returns how many were sent */
  replay(rounds: number): number {
    for (let round = 0; round < rounds; round++) this.#push(this.#headers)
    return rounds * this.#headers.length
  }

  /** Messages with something behind their end. */
  garbage(count: number): void {
    const body = Uint8Array.of(...message.push(this.#tree, []), 0)
    for (let index = 0; index < count; index++) this.#open.notify('sync.push', body)
  }

  /** @returns events that found room on the way */
  async events(count: number): Promise<number> {
    let sent = 0
    for (let index = 0; index < count; index++) {
      if (this.#open.notify('sync.behind', message.behind(this.#tree))) sent++
      if (index % 1000 === 999) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    return sent
  }

  /** Requests as fast as they are answered, many in flight. @returns how often each outcome came */
  async requests(kind: 'summaries' | 'messages' | 'unknown', count: number): Promise<Record<string, number>> {
    const outcomes: Record<string, number> = {}
    const connection = this.#open
    const one = async (index: number): Promise<void> => {
      const [method, body] = this.#request(kind, index)
      const outcome = await connection.request(method, body).then(() => 'answered', codeOf)
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    }
    let next = 0
    const worker = async (): Promise<void> => {
      while (next < count) await one(next++)
    }
    await Promise.all(Array.from({ length: 256 }, worker))
    return outcomes
  }

  /** Streams that are asked for and not read. @returns the codes of those that were refused */
  async unread(count: number): Promise<readonly string[]> {
    const refused: string[] = []
    const head = message.headersAsk(this.#tree, this.#scope)
    for (let index = 0; index < count; index++) {
      const iterator = this.#open.pull('sync.watch', head)[Symbol.asyncIterator]()
      iterator.next().catch((error: unknown) => refused.push(codeOf(error)))
    }
    await new Promise((resolve) => setTimeout(resolve, 500))
    return refused
  }

  /** How often the honest node asked this one for anything. */
  get asked(): number {
    return this.#asked
  }

  get isOpen(): boolean {
    return this.#connection !== undefined
  }

  #request(kind: 'summaries' | 'messages' | 'unknown', index: number): readonly [string, Uint8Array] {
    if (kind === 'unknown') return ['no.such', top]
    if (kind === 'messages') return ['cluster.message', message.nodeMessage(this.#tree, index)]
    const places = Array.from({ length: 512 }, (_, at) => Uint8Array.of(at >> 8, (at >> 4) & 15, at & 15))
    return ['sync.nodes', message.nodesAsk(this.#tree, this.#scope, places)]
  }

  get #open(): Connection {
    if (this.#connection === undefined) throw new Error('the liar is not connected')
    return this.#connection
  }

  #push(records: readonly message.Streamed[]): void {
    for (let at = 0; at < records.length; at += 64)
      this.#open.notify('sync.push', message.push(this.#tree, records.slice(at, at + 64)))
  }

  #handlers(): ConnectionHandlers {
    return {
      request: async (method, body) => {
        this.#asked++
        return await this.#answer(method, body)
      },
      event: () => undefined,
      stream: (method) => {
        this.#asked++
        return this.#stream(method)
      }
    }
  }

  async #answer(method: string, body: Uint8Array): Promise<Uint8Array> {
    const other = new Uint8Array(32).fill(this.#asked & 255)
    if (method === 'sync.open') {
      const isLie = this.#habit === 'endless births' || this.#habit === 'huge claims'
      return message.openAnswer(this.#scope, isLie ? 2 ** 40 : 0, isLie ? other : new Uint8Array(32))
    }
    if (method === 'sync.nodes') {
      const place = message.firstPlaceOf(body)
      return message.innerAnswer(place, 2 ** 40, other)
    }
    if (method === 'sync.receipt' && this.#habit === 'false receipts')
      return await Promise.resolve(this.#receipt(body))
    throw Object.assign(new Error('not said'), { code: 'ERR_SYNC_NOT_HELD' })
  }

  async *#stream(method: string): AsyncGenerator<Uint8Array> {
    if (method === 'sync.sectors' && this.#habit === 'wrong content') {
      for (let part = 0; part < 8; part++) yield message.delimited(new Uint8Array(1000).fill(part))
      return
    }
    if (this.#habit !== 'endless births') return
    const frame = message.birthFrame()
    const chunk = Buffer.concat(Array.from({ length: 500 }, () => frame))
    for (;;) yield await Promise.resolve(Uint8Array.from(chunk))
  }

  /** Signed as it should be, for what it does not have. */
  #receipt(body: Uint8Array): Uint8Array {
    const { crypto, principal } = this.#options
    const { zone, records } = message.receiptAskOf(body)
    const cap = this.#headers.map(({ record }) => this.#capOf(record)).find((id) => id !== undefined)
    const receipt = createReceipt(crypto, principal, {
      tree: this.#tree,
      zone,
      records: records.toSorted((left, right) => Buffer.compare(left, right)),
      coverage: 2,
      durability: 1,
      timeMs: Date.now(),
      keepUntilMs: undefined,
      term: undefined,
      fence: undefined,
      challenge: undefined,
      cap
    })
    return message.receiptAnswer(receipt.bytes)
  }

  /** The cap under which the liar's own principal wrote a record. */
  #capOf(record: Uint8Array): Uint8Array | undefined {
    const decoded = decodeRecord(this.#options.crypto, record)
    if (decoded.type !== recordType.header) return undefined
    const header: HeaderRecord = decoded
    return Buffer.compare(header.signer, this.#options.principal.id) === 0 ? header.body.cap : undefined
  }
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
