/** Runs one script in both worlds, step by step, and counts where they agree. */
import { ModuleError, instrumentModule } from '@blocktree/wasm-module'
import { assemble } from './assembler.ts'
import { type List, type Node, isList, parseScript, wordAt } from './script.ts'
import { type Value, ValueReader, matches } from './value.ts'
import { webAssembly } from './web-assembly.ts'
import { type Outcome, World } from './world.ts'

export interface Tally {
  /** Modules that ran in both worlds. */
  modules: number
  /** Steps whose results are equal in both and, without rewriting, what the script expects. */
  equal: number
  /** Modules that must not be valid, and are refused by the reader or by the engine after rewriting. */
  refused: number
  /** What the policy of the reader excludes, by reason. */
  readonly excluded: Map<string, number>
  /** Steps that could not be tried: text that wabt or values that this adapter does not read, or modules excluded. */
  skipped: number
  /** Plain runs that are not what the script expects: the engine's or the adapter's matter. */
  plainDiffers: number
  readonly failures: string[]
}

/** Large enough for the scripts, whose modules may ask for 4 GiB. */
const limits = { memoryPages: 65_536, tableEntries: 0xffff_ffff, startFuel: Number.MAX_SAFE_INTEGER }

export function createTally(): Tally {
  return {
    modules: 0,
    equal: 0,
    refused: 0,
    excluded: new Map(),
    skipped: 0,
    plainDiffers: 0,
    failures: []
  }
}

type Rewrite = (bytes: Uint8Array) => Uint8Array

function instrument(bytes: Uint8Array): Uint8Array {
  return instrumentModule(bytes, limits)
}

/** Adds to `tally`. Throws when the script itself cannot be read. */
export function runScript(file: string, text: string, tally: Tally, rewrite: Rewrite = instrument): void {
  new ScriptRun(file, tally, rewrite).run(parseScript(text))
}

class ScriptRun {
  readonly #file: string
  readonly #tally: Tally
  readonly #plain = new World((bytes) => bytes)
  readonly #rewritten: World
  readonly #rewrite: Rewrite
  readonly #values = new ValueReader()

  constructor(file: string, tally: Tally, rewrite: Rewrite) {
    this.#file = file
    this.#tally = tally
    this.#rewrite = rewrite
    this.#rewritten = new World(rewrite)
  }

  run(commands: readonly List[]): void {
    const walk = (node: List): void => {
      for (const item of node.items) {
        if (isList(item) && !this.#values.add(item)) walk(item)
      }
    }
    for (const command of commands) if (wordAt(command, 0) !== 'module') walk(command)
    this.#values.finish()
    for (const command of commands) this.#step(command)
  }

  #step(command: List): void {
    const [, first, second] = command.items
    switch (wordAt(command, 0)) {
      case 'module':
        return this.#load(command)
      case 'register': {
        const as = isList(first) || first === undefined ? '' : new TextDecoder().decode(first.bytes)
        for (const world of [this.#plain, this.#rewritten]) world.register(as, wordAt(command, 2))
        return
      }
      case 'invoke':
      case 'get':
        return this.#compare(command, command, undefined)
      case 'assert_return':
        return this.#compare(command, first, command.items.slice(2))
      case 'assert_trap':
      case 'assert_exhaustion':
        if (isList(first) && wordAt(first, 0) === 'module') return this.#refuse(first, command.line, true)
        return this.#compare(command, first, 'trap')
      case 'assert_unlinkable':
      case 'assert_uninstantiable':
        return isList(first) ? this.#refuse(first, command.line, true) : this.#skip()
      case 'assert_invalid':
      case 'assert_malformed':
        if (second === undefined || !isList(first)) return this.#skip()
        return this.#refuse(first, command.line, false)
      default:
        return this.#skip()
    }
  }

  #load(command: List): void {
    const name = wordAt(command, 1).startsWith('$') ? wordAt(command, 1) : ''
    const bytes = moduleBytes(command)
    for (const world of [this.#plain, this.#rewritten]) world.forget(name)
    if (bytes === undefined) return this.#skip()
    const rewritten = attempt(() => this.#rewritten.load(bytes, name))
    if (rewritten instanceof ModuleError) return this.#exclude(rewritten)
    const plain = attempt(() => this.#plain.load(bytes, name))
    if (plain === undefined && rewritten === undefined) {
      this.#tally.modules++
      return
    }
    for (const world of [this.#plain, this.#rewritten]) world.forget(name)
    if (plain !== undefined && rewritten !== undefined) return this.#skip()
    this.#fail(command.line, `module: ${String(plain)} became ${String(rewritten)}`)
  }

  /** A module that must fail: when it runs (`runs`), or because it is not valid. */
  #refuse(module: List, line: number, runs: boolean): void {
    const bytes = moduleBytes(module)
    if (bytes === undefined) return this.#skip()
    if (!runs && webAssembly.validate(bytes)) return this.#skip() // made valid by the assembler or by a later version
    const rewritten = runs
      ? attempt(() => this.#rewritten.load(bytes, ''))
      : attempt(() => {
          if (!webAssembly.validate(this.#rewrite(bytes))) throw new Error('not valid')
        })
    if (runs && rewritten instanceof ModuleError) return this.#exclude(rewritten)
    if (runs && attempt(() => this.#plain.load(bytes, '')) === undefined) return this.#skip()
    if (rewritten === undefined) return this.#fail(line, 'a module that must fail is accepted')
    this.#tally.refused++
  }

  #compare(command: List, action: Node | undefined, expected: List['items'] | 'trap' | undefined): void {
    const plain = this.#act(this.#plain, action)
    const rewritten = this.#act(this.#rewritten, action)
    if (plain === undefined || rewritten === undefined) return this.#skip()
    if (plain.kind === 'absent' && rewritten.kind === 'absent') return this.#skip()
    const nodes = expected === 'trap' ? undefined : expected
    const values = nodes?.map((node) => this.#values.get(node))
    if (values?.includes(undefined) === true) return this.#skip()
    const wanted = values?.flatMap((value) => value ?? [])
    const isGet = isList(action) && wordAt(action, 0) === 'get'
    if (!isGet && !isExpected(plain, expected === 'trap', wanted)) this.#tally.plainDiffers++
    const isEqual =
      agree(plain, rewritten) || (!isGet && wanted !== undefined && isExpected(rewritten, false, wanted))
    if (isEqual) this.#tally.equal++
    else this.#fail(command.line, `${show(plain)} became ${show(rewritten)}`)
  }

  #act(world: World, action: Node | undefined): Outcome | undefined {
    if (!isList(action)) return undefined
    const hasName = wordAt(action, 1).startsWith('$')
    const field = action.items[hasName ? 2 : 1]
    if (field === undefined || isList(field) || field.bytes === undefined) return undefined
    const name = hasName ? wordAt(action, 1) : ''
    const text = new TextDecoder().decode(field.bytes)
    if (wordAt(action, 0) === 'get') return world.read(name, text)
    const given = action.items.slice(hasName ? 3 : 2).map((node) => this.#values.get(node))
    if (given.includes(undefined)) return undefined
    return world.invoke(
      name,
      text,
      given.flatMap((value) => value?.lowered ?? [])
    )
  }

  #skip(): void {
    this.#tally.skipped++
  }

  #exclude({ code, message }: ModuleError): void {
    const reason =
      code === 'ERR_MODULE_FEATURE'
        ? (message.split(' ')[0] ?? '')
        : `${code}: ${message.replace(/, at offset.*/, '')}`
    this.#tally.excluded.set(reason, (this.#tally.excluded.get(reason) ?? 0) + 1)
  }

  #fail(line: number, what: string): void {
    this.#tally.failures.push(`${this.#file}:${line}: ${what}`)
  }
}

/** Undefined for text that cannot be read. */
function moduleBytes(module: List): Uint8Array | undefined {
  const parts = module.items.slice(1).filter((item) => isList(item) || !item.word.startsWith('$'))
  const [kind] = parts
  if (kind === undefined || isList(kind)) return assemble(module.source)
  if (kind.word !== 'binary') return undefined // `quote` judges readers of text; `definition` and `instance` are new
  const strings = parts.slice(1).flatMap((part) => (isList(part) ? [] : [...(part.bytes ?? [])]))
  return Uint8Array.from(strings)
}

/** What it throws; undefined when it returns. */
function attempt(run: () => void): Error | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function isExpected(outcome: Outcome, isTrap: boolean, values: readonly Value[] | undefined): boolean {
  if (outcome.kind !== 'value') return isTrap
  if (isTrap) return false
  if (values === undefined) return true
  let position = 0
  for (const value of values) {
    const next = position + value.lowered.length
    if (!matches(outcome.values.slice(position, next), value)) return false
    position = next
  }
  return true
}

/** Equal values, or traps with equal messages. */
function agree(left: Outcome, right: Outcome): boolean {
  if (left.kind === 'trap' && right.kind === 'trap') return left.message === right.message
  if (left.kind !== 'value' || right.kind !== 'value') return left.kind === right.kind
  return (
    left.values.length === right.values.length &&
    left.values.every((value, index) => Object.is(value, right.values[index]))
  )
}

function show(outcome: Outcome): string {
  if (outcome.kind === 'value') return outcome.values.map(String).join(' ') || 'nothing'
  return outcome.kind === 'trap' ? `trap "${outcome.message}"` : outcome.kind
}
