/**
 * The method table: what a peer can ask, as data. Both framings, the server, the client's types, `rpc.discover` and
 * the reference page come from one table (doc/spec/10-rpc.md, section 3).
 */
import { nearestName } from './nearest-name.ts'
import { numericOfCode, RpcError } from './rpc-error.ts'
import { type Infer, object, type ObjectSchema, type Schema } from './schema.ts'

/** Which byte streams accompany a method's requests. */
export type StreamKind = 'none' | 'upload' | 'download' | 'both'

export interface ErrorDescription {
  readonly code: string
  /** When it happens and what to do. */
  readonly summary: string
}

/** The static side of one method: write these by hand where a table's type must be named. */
export interface MethodShape {
  readonly params: object
  readonly result: unknown
  readonly stream?: StreamKind
  /** Set for methods that start a subscription. */
  readonly event?: unknown
}
export type MethodShapes<M> = { readonly [K in keyof M]: MethodShape }
export type MethodName<M> = keyof M & string

export interface MethodDefinition<Name extends string, P extends object, R, S extends StreamKind, E> {
  readonly name: Name
  readonly summary: string
  readonly description: string | undefined
  readonly params: ObjectSchema<P>
  readonly result: Schema<R>
  readonly errors: readonly ErrorDescription[]
  readonly stream: S
  readonly event: Schema<E> | undefined
}
export type AnyMethod = MethodDefinition<string, object, unknown, StreamKind, unknown>

export interface MethodOptions<Name extends string, P extends object, R, S extends StreamKind, E> {
  /** `area.verb`; the area `rpc` and the area `stream` belong to the protocol. */
  readonly name: Name
  /** One sentence, no full stop. */
  readonly summary: string
  readonly description?: string
  /** No parameters when absent. */
  readonly params?: ObjectSchema<P>
  /** An empty object when absent. */
  readonly result?: Schema<R>
  readonly errors?: readonly ErrorDescription[]
  readonly stream?: S
  readonly event?: Schema<E>
}

const namePattern = /^[a-z][a-zA-Z0-9]*(\.[a-z][a-zA-Z0-9]*)+$/

/** Throws ERR_RPC_DEFINITION when the name is not `area.verb` or belongs to the protocol. */
export function defineMethod<
  const Name extends string,
  P extends object = object,
  R = object,
  const S extends StreamKind = 'none',
  E = never
>(
  options: MethodOptions<Name, P, R, S, E>
): MethodDefinition<Name, NoInfer<P>, NoInfer<R>, NoInfer<S>, NoInfer<E>> {
  // NoInfer: the table around it must not widen what the options say.
  if (!namePattern.test(options.name)) {
    throw new RpcError('ERR_RPC_DEFINITION', `method name "${options.name}" is not of the form area.verb`)
  }
  if (/^(rpc|stream)\./.test(options.name)) {
    throw new RpcError(
      'ERR_RPC_DEFINITION',
      `method name "${options.name}" belongs to the protocol; choose another area`
    )
  }
  // The casts are the defaults of the type parameters: absent members have exactly these types.
  return {
    name: options.name,
    summary: options.summary,
    description: options.description,
    params: options.params ?? (object({}) as unknown as ObjectSchema<P>),
    result: options.result ?? (object({}) as unknown as Schema<R>),
    errors: options.errors ?? [],
    stream: options.stream ?? ('none' as S),
    event: options.event
  }
}

type EventOf<D extends AnyMethod> =
  D extends MethodDefinition<string, object, unknown, StreamKind, infer E> ? E : never

interface ShapeOf<D extends AnyMethod> {
  readonly params: Infer<D['params']> extends object ? Infer<D['params']> : never
  readonly result: Infer<D['result']>
  readonly stream: D['stream']
  readonly event: EventOf<D>
}

/** The shapes of a list of definitions. */
export type MethodsOf<D extends readonly AnyMethod[]> = {
  readonly [K in D[number]['name']]: ShapeOf<Extract<D[number], { readonly name: K }>>
}

/**
 * `M` maps names to shapes. It may be inferred (`MethodsOf`) or written by hand as an interface, which packages need
 * that export their table: `export const table: MethodTable<NodeMethods> = createMethodTable([...])`.
 */
export interface MethodTable<M extends MethodShapes<M>> {
  readonly methods: ReadonlyMap<string, AnyMethod>
  /** Only in types; never set. */
  readonly shapes?: M
}

/** Throws ERR_RPC_DEFINITION for a name that stands twice and for error codes whose numbers collide. */
export function createMethodTable<const D extends readonly AnyMethod[]>(
  definitions: D
): MethodTable<MethodsOf<D>> {
  const methods = new Map<string, AnyMethod>()
  const codeByNumber = new Map<number, string>()
  for (const method of definitions) {
    if (methods.has(method.name))
      throw new RpcError('ERR_RPC_DEFINITION', `method "${method.name}" is defined twice`)
    methods.set(method.name, method)
    for (const { code } of method.errors) {
      const other = codeByNumber.get(numericOfCode(code))
      if (other !== undefined && other !== code) {
        throw new RpcError(
          'ERR_RPC_DEFINITION',
          `error codes ${code} and ${other} have the same number; rename one`
        )
      }
      codeByNumber.set(numericOfCode(code), code)
    }
  }
  return { methods }
}

/** The refusal of a name that is not in the table, with the nearest one that is. */
export function unknownMethod(name: string, known: Iterable<string>): RpcError {
  const nearest = nearestName(name, known)
  const shown = name.length > 100 ? `${name.slice(0, 100)}…` : name
  const hint = nearest === undefined ? 'rpc.discover lists the methods' : `did you mean "${nearest}"?`
  return new RpcError('ERR_RPC_METHOD_UNKNOWN', `unknown method "${shown}"; ${hint}`, {
    method: shown,
    ...(nearest === undefined ? {} : { nearest })
  })
}
