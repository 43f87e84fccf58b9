/** What every command on content by URN opens: the kernel, threads, the store; and how it reads its arguments. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chooseBlockKernel, createBlockWorkers } from '@blocktree/node/block-crypto'
import {
  type BlockSize,
  type BlockStore,
  type OpeningOptions,
  type ReadCapability,
  beginsTreeIndex,
  decodeLinkFile,
  largeBlock,
  nullSecret,
  parseMagnet,
  parseUrn,
  readWhole,
  smallBlock,
  uniqueSecret
} from '@blocktree/eris'
import { openBlockStore } from '@blocktree/eris-store'
import { CliError } from './cli-error.ts'
import type { CommandContext } from './command.ts'
import { blockSizeName } from './eris-options.ts'
import { readLocalFile } from './local-file.ts'

export interface ErisSession extends AsyncDisposable {
  readonly store: BlockStore
  readonly reading: OpeningOptions
}

export async function openErisSession(context: CommandContext): Promise<ErisSession> {
  const store = await openBlockStore(storeUrls(context), {
    onFailure: ({ name }, error) =>
      context.output.note(`store ${name}: ${error instanceof Error ? error.message : String(error)}`)
  })
  const workers = createBlockWorkers()
  return {
    store,
    reading: { kernel: chooseBlockKernel(), workers, store, signal: context.signal },
    async [Symbol.asyncDispose]() {
      await workers.close()
      await store.close()
    }
  }
}

/** The stores that were named, separated by spaces; else those of ERIS_STORE_URL or the database of this user. */
export function storeUrls({ options, environment }: CommandContext): string {
  const given = options.list('store')
  if (given.length > 0) return given.join(' ')
  return environment['ERIS_STORE_URL'] ?? defaultStore(environment)
}

/** A database of this user, made when it is first needed. */
function defaultStore(environment: CommandContext['environment']): string {
  const home = environment['HOME'] ?? ''
  const data = environment['XDG_DATA_HOME'] ?? (home === '' ? '' : join(home, '.local', 'share'))
  if (data === '') {
    throw new CliError(
      'ERR_OPTION_VALUE',
      'no store is named, and there is no home directory to keep one in',
      {
        advice: 'name one with --store or ERIS_STORE_URL'
      }
    )
  }
  const directory = join(data, 'eris')
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  return pathToFileURL(join(directory, 'blocks.sqlite')).href.replace(/^file:/u, 'sqlite:')
}

/** A URN, a magnet link, or the path of a link file. */
export function capabilityArgument(context: CommandContext): ReadCapability {
  const text = context.arguments[0] ?? ''
  if (text.startsWith('magnet:')) return parseMagnet(text).capability
  if (text.endsWith('.eris')) return decodeLinkFile(readLocalFile(context, text)).capability
  return parseUrn(text)
}

export function blockSizeOption(context: CommandContext): BlockSize | undefined {
  const name = blockSizeName(context)
  return name === undefined ? undefined : name === '1k' ? smallBlock : largeBlock
}

export function secretOption({ options }: CommandContext): Uint8Array {
  const given = ['convergent', 'unique', 'secret'].filter((name) => options.has(name))
  if (given.length > 1) {
    throw new CliError('ERR_OPTION_VALUE', `--${given.join(' and --')}: only one of them can be meant`)
  }
  const hex = options.text('secret')
  if (hex !== undefined && !/^[\da-f]{64}$/iu.test(hex)) {
    throw new CliError('ERR_OPTION_VALUE', '--secret: give 32 bytes as 64 hexadecimal digits')
  }
  if (hex !== undefined) return Uint8Array.fromHex(hex)
  const random = {
    bytes: (length: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(length))
  }
  return options.has('unique') ? uniqueSecret(random) : nullSecret()
}

/** Whether content is the index of a directory; reads its first block. */
export async function isTree(reading: OpeningOptions, capability: ReadCapability): Promise<boolean> {
  return beginsTreeIndex(await readWhole({ ...reading, workers: undefined }, capability, 16, { end: 16 }))
}
