/**
 * The host interface as a model, from the parsed WIT file: names resolved, bounds known, operations and events with
 * their numbers. Refuses what the encoding cannot carry and what would make a generated name or number ambiguous.
 */
import { WitError } from './wit-error.ts'
import type { WitDeclaration, WitFile, WitFunction, WitInterface, WitType } from './wit-syntax.ts'

export const permissionKinds = [
  'always',
  'files',
  'messages',
  'http-client',
  'http-server',
  'sockets'
] as const

/** A type as it stands in the bytes: aliases are gone, every length has its bound. */
export type HostType =
  | { readonly kind: 'uint'; readonly max: number; readonly width: 'u8' | 'u16' | 'u32' | 'u64' }
  | { readonly kind: 'bool' }
  | { readonly kind: 'string'; readonly max: number }
  | { readonly kind: 'bytes'; readonly min: number; readonly max: number }
  | { readonly kind: 'list'; readonly max: number; readonly element: HostType }
  | { readonly kind: 'option'; readonly element: HostType }
  | { readonly kind: 'result'; readonly ok: HostType | undefined; readonly error: HostType | undefined }
  | { readonly kind: 'named'; readonly name: string }

export interface HostField {
  readonly name: string
  readonly text: string
  readonly type: HostType
}

export interface HostCase {
  readonly name: string
  readonly text: string
  readonly type: HostType | undefined
}

export type HostDeclaration = { readonly name: string; readonly text: string } & (
  | { readonly kind: 'record'; readonly fields: readonly HostField[] }
  | { readonly kind: 'variant' | 'enum' | 'flags'; readonly cases: readonly HostCase[] }
)

interface HostFunction {
  /** `interface.function` of an operation, the plain name of an event. */
  readonly name: string
  readonly number: number
  readonly text: string
  readonly parameters: readonly HostField[]
  readonly reply: HostType | undefined
}

export interface HostOperation extends HostFunction {
  readonly permission: (typeof permissionKinds)[number]
  readonly right: string | undefined
}

export type HostEvent = HostFunction

export interface HostInterface {
  readonly packageName: string
  /** Records, variants, enums and flags in the order of the file. */
  readonly declarations: readonly HostDeclaration[]
  readonly operations: readonly HostOperation[]
  readonly events: readonly HostEvent[]
  /** Documentation of each interface. */
  readonly interfaces: readonly { readonly name: string; readonly text: string }[]
}

const uintMax = { u8: 0xff, u16: 0xffff, u32: 0xffff_ffff, u64: Number.MAX_SAFE_INTEGER } as const
const callsMax = 0xffff // an operation number fits two bytes
const failureType = 'failure'
const eventsInterface = 'events'

export function resolveHostInterface(file: WitFile): HostInterface {
  return new Resolver(file).resolve()
}

class Resolver {
  readonly #file: WitFile
  /** What each interface calls by which name. */
  readonly #scopes = new Map<string, Map<string, WitDeclaration>>()

  constructor(file: WitFile) {
    this.#file = file
  }

  resolve(): HostInterface {
    const { interfaces, imports, exports, packageName } = this.#file
    const declared = new Set<string>()
    for (const one of interfaces) this.#declare(one, declared)
    const names = interfaces.map(({ name }) => name)
    for (const name of [...imports, ...exports]) {
      if (!names.includes(name)) throw new WitError(0, `the world names "${name}", which is no interface`)
    }
    const declarations: HostDeclaration[] = []
    const operations: HostOperation[] = []
    const events: HostEvent[] = []
    for (const one of interfaces) {
      declarations.push(...this.#declarations(one))
      if (one.name === eventsInterface) events.push(...one.functions.map((func) => this.#event(one, func)))
      else if (one.functions.length > 0 && !imports.includes(one.name))
        throw new WitError(one.line, `"${one.name}" has functions and the world does not import it`)
      else operations.push(...one.functions.map((func) => this.#operation(one, func)))
    }
    refuseSameNumbers(operations)
    refuseSameNumbers(events)
    return { packageName, declarations, operations, events, interfaces }
  }

  /** Fills the scope of one interface; `use` reaches only interfaces above. */
  #declare(one: WitInterface, declared: Set<string>): void {
    const scope = new Map<string, WitDeclaration>()
    const add = (line: number, name: string, declaration: WitDeclaration): void => {
      if (scope.has(name)) throw new WitError(line, `"${name}" is there twice`)
      scope.set(name, declaration)
    }
    for (const use of one.uses) {
      for (const name of use.names) {
        const found = this.#scopes.get(use.from)?.get(name)
        if (found === undefined) throw new WitError(use.line, `"${use.from}.${name}" is not declared above`)
        add(use.line, name, found)
      }
    }
    for (const declaration of one.declarations) {
      add(declaration.line, declaration.name, declaration)
      if (declared.has(declaration.name))
        throw new WitError(declaration.line, `another interface has a type "${declaration.name}" too`)
      declared.add(declaration.name)
    }
    for (const { name, line } of one.functions) {
      if (scope.has(name)) throw new WitError(line, `"${name}" is a type and a function`)
    }
    this.#scopes.set(one.name, scope)
  }

  #declarations(one: WitInterface): HostDeclaration[] {
    return one.declarations.flatMap((declaration): HostDeclaration[] => {
      const { name, text } = declaration
      switch (declaration.kind) {
        case 'alias':
          this.#type(one, declaration.type, declaration.annotations, declaration.line)
          return []
        case 'record':
          return [{ name, text, kind: 'record', fields: this.#fields(one, declaration.fields) }]
        case 'enum':
        case 'flags':
        case 'variant': {
          if (declaration.kind === 'flags' && declaration.cases.length > 32)
            throw new WitError(declaration.line, `"${name}" has more than 32 flags`)
          const cases = declaration.cases.map(({ name, text, type, line, annotations }) => ({
            name,
            text,
            type: type === undefined ? undefined : this.#type(one, type, annotations, line)
          }))
          return [{ name, text, kind: declaration.kind, cases }]
        }
      }
    })
  }

  #fields(
    one: WitInterface,
    fields: readonly {
      name: string
      text: string
      type: WitType
      line: number
      annotations: ReadonlyMap<string, string>
    }[]
  ): HostField[] {
    return fields.map(({ name, text, type, annotations, line }) => ({
      name,
      text,
      type: this.#type(one, type, annotations, line)
    }))
  }

  #type(one: WitInterface, type: WitType, bounds: ReadonlyMap<string, string>, line: number): HostType {
    switch (type.kind) {
      case 'u8':
      case 'u16':
      case 'u32':
      case 'u64':
        return { kind: 'uint', width: type.kind, max: bound(bounds, 'max', line) ?? uintMax[type.kind] }
      case 'bool':
        return { kind: 'bool' }
      case 'string':
        return { kind: 'string', max: needed(bound(bounds, 'max', line), 'string', line) }
      case 'list':
        return this.#list(one, type.element, bounds, line)
      case 'option': {
        const element = this.#type(one, type.element, bounds, line)
        if (element.kind === 'option')
          throw new WitError(line, 'an option of an option has two spellings of nothing')
        return { kind: 'option', element }
      }
      case 'result':
        return {
          kind: 'result',
          ok: type.ok === undefined ? undefined : this.#type(one, type.ok, bounds, line),
          error: type.error === undefined ? undefined : this.#type(one, type.error, bounds, line)
        }
      case 'name':
        return this.#named(one, type.name, type.line)
    }
  }

  #list(one: WitInterface, element: WitType, bounds: ReadonlyMap<string, string>, line: number): HostType {
    const exact = bound(bounds, 'exact', line)
    const max = exact ?? needed(bound(bounds, 'max', line), 'list', line)
    if (element.kind === 'u8') return { kind: 'bytes', min: exact ?? 0, max }
    return { kind: 'list', max, element: this.#type(one, element, new Map(), line) }
  }

  #named(one: WitInterface, name: string, line: number): HostType {
    const declaration = this.#scopes.get(one.name)?.get(name)
    if (declaration === undefined) throw new WitError(line, `type "${name}" is not declared or used here`)
    if (declaration.kind !== 'alias') return { kind: 'named', name }
    const home = this.#file.interfaces.find((other) => other.declarations.includes(declaration)) ?? one
    return this.#type(home, declaration.type, declaration.annotations, declaration.line)
  }

  #operation(one: WitInterface, func: WitFunction): HostOperation {
    const { result, line } = func
    const error = result?.kind === 'result' ? result.error : undefined
    if (result?.kind !== 'result' || error?.kind !== 'name' || error.name !== failureType)
      throw new WitError(line, `operation "${func.name}" does not return result<…, ${failureType}>`)
    const [kind, right] = (func.annotations.get('permission') ?? '').split(/\s+/)
    const permission = permissionKinds.find((known) => known === kind)
    if (permission === undefined)
      throw new WitError(line, `operation "${func.name}" has no @permission of ${permissionKinds.join(', ')}`)
    return {
      name: `${one.name}.${func.name}`,
      number: callNumber(func, 'op'),
      text: func.text,
      permission,
      right,
      parameters: this.#fields(one, func.parameters),
      reply: result.ok === undefined ? undefined : this.#type(one, result.ok, new Map(), line)
    }
  }

  #event(one: WitInterface, func: WitFunction): HostEvent {
    return {
      name: func.name,
      number: callNumber(func, 'event'),
      text: func.text,
      parameters: this.#fields(one, func.parameters),
      reply: func.result === undefined ? undefined : this.#type(one, func.result, new Map(), func.line)
    }
  }
}

function callNumber(func: WitFunction, annotation: 'op' | 'event'): number {
  const number = bound(func.annotations, annotation, func.line)
  if (number === undefined || number < 1 || number > callsMax)
    throw new WitError(func.line, `"${func.name}" needs @${annotation} from 1 to ${callsMax}`)
  return number
}

function refuseSameNumbers(calls: readonly HostFunction[]): void {
  const seen = new Map<number, string>()
  for (const { number, name } of calls) {
    const other = seen.get(number)
    if (other !== undefined) throw new WitError(0, `"${name}" and "${other}" have one number, ${number}`)
    seen.set(number, name)
  }
}

function bound(annotations: ReadonlyMap<string, string>, name: string, line: number): number | undefined {
  const text = annotations.get(name)
  if (text === undefined) return undefined
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new WitError(line, `@${name} ${text} is not a number`)
  return value
}

function needed(value: number | undefined, what: string, line: number): number {
  if (value === undefined) throw new WitError(line, `a ${what} needs a bound: declare a type with @max`)
  return value
}
