/** An app in a real node, asked over HTTP as a browser on the same machine would. */
import { Agent, type IncomingMessage, request } from 'node:http'
import type { AppMethods } from '@blocktree/node/method-table'
import type { Node } from './scenario.ts'

type Summary = AppMethods['app.install']['result']

export interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  readonly text: string
}

export class InstalledApp {
  readonly #node: Node
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 })
  #summary: Summary

  constructor(node: Node, summary: Summary) {
    this.#node = node
    this.#summary = summary
  }

  /** After the node was started again: its port is another one. */
  async find(): Promise<void> {
    this.#summary = await this.#node.call('app.info', { name: this.#summary.name })
  }

  get name(): string {
    return this.#summary.name
  }

  get url(): string {
    return this.#summary.url ?? ''
  }

  get state(): string {
    return this.#summary.state
  }

  async ask(path: string, options: Ask = {}): Promise<Answer> {
    const answer = await this.open(path, options)
    const parts: Buffer[] = []
    for await (const part of answer) parts.push(Buffer.from(part as Uint8Array))
    const body = Buffer.concat(parts)
    return { status: answer.statusCode ?? 0, headers: answer.headers, body, text: body.toString() }
  }

  /** The answer as it comes. Not every resolver knows names below `localhost`, so the name goes into the header alone. */
  open(path: string, { method = 'GET', headers = {}, body }: Ask = {}): Promise<IncomingMessage> {
    const { host, port } = new URL(this.url)
    const options = {
      host: '127.0.0.1',
      port,
      path,
      method,
      headers: { host, ...headers },
      agent: this.#agent
    }
    return new Promise((resolve, reject) => {
      const sent = request(options, resolve)
      sent.on('error', reject)
      sent.end(body)
    })
  }

  /** The lines of its log, its own and those of the node about it. */
  async log(): Promise<string> {
    const { entries } = await this.#node.call('app.logs', { name: this.name, limit: 500 })
    return entries.map(({ source, level, message }) => `${source} ${level}: ${message}`).join('\n')
  }
}

/** Installs a package from memory. */
export async function installApp(
  node: Node,
  bytes: Uint8Array,
  consent: AppMethods['app.install']['params'] = {}
): Promise<InstalledApp> {
  return new InstalledApp(node, await node.client.call('app.install', consent, { upload: [bytes] }))
}
