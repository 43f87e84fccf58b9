/** Apps of `apps/`, built as `npm run build:apps` does, installed in a real node and asked over HTTP. */
import { spawnSync } from 'node:child_process'
import { createReadStream, readFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { createHarness, type Harness } from '@blocktree/harness'
import { type AppMethods, type NodeMethods, nodeMethodTable } from '@blocktree/node/method-table'
import type { Node } from '../../src/scenario.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Path of the package. Throws with the compiler's output. */
export function buildApp(name: string): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=source', 'tools/build-apps.ts', name],
    { cwd: root, encoding: 'utf8' }
  )
  if (status !== 0) throw new Error(`app "${name}" was not built: ${stdout}${stderr}`)
  return `${root}apps/${name}/build/${name}.btapp`
}

export function moduleOf(name: string): Uint8Array {
  return readFileSync(`${root}apps/${name}/build/app.wasm`)
}

export function hasProgram(program: string): boolean {
  return spawnSync(program, ['--version']).error === undefined
}

export interface AppNode extends AsyncDisposable {
  readonly harness: Harness<NodeMethods>
  readonly node: Node
  install(name: string, objects?: Readonly<Record<string, string>>): Promise<RunningApp>
}

/** A node whose gateway listens on a free port. */
export async function startAppNode(): Promise<AppNode> {
  const harness = createHarness<NodeMethods>({ table: nodeMethodTable })
  const node = await harness.startNode('home', { arguments: ['--apps-port', '0'] })
  return {
    harness,
    node,
    async install(name, objects = {}) {
      const upload = createReadStream(buildApp(name))
      const installed = await node.client.call('app.install', { objects }, { upload })
      return new RunningApp(node, installed)
    },
    [Symbol.asyncDispose]: () => harness.close()
  }
}

interface Ask {
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

export class RunningApp {
  readonly #node: Node
  #summary: AppMethods['app.install']['result']

  constructor(node: Node, summary: AppMethods['app.install']['result']) {
    this.#node = node
    this.#summary = summary
  }

  /** After the node was started again: its port is another one. */
  async find(): Promise<void> {
    this.#summary = await this.#node.call('app.info', { name: this.#summary.name })
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
    return new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path, method, headers: { host, ...headers } }, resolve)
      sent.on('error', reject)
      sent.end(body)
    })
  }
}
