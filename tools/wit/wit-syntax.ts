/** What a WIT file says, as far as doc/spec/blocktree.wit uses the language. */

export type WitNumber = 'u8' | 'u16' | 'u32' | 'u64'

export type WitType =
  | { readonly kind: WitNumber | 'bool' | 'string' }
  | { readonly kind: 'list' | 'option'; readonly element: WitType }
  | { readonly kind: 'result'; readonly ok: WitType | undefined; readonly error: WitType | undefined }
  | { readonly kind: 'name'; readonly name: string; readonly line: number }

/** Common to everything that has a documentation comment. */
interface Documented {
  readonly name: string
  readonly line: number
  /** The comment without its annotations. */
  readonly text: string
  /** `@name value` lines of the comment. */
  readonly annotations: ReadonlyMap<string, string>
}

export interface WitField extends Documented {
  readonly type: WitType
}

export interface WitCase extends Documented {
  readonly type: WitType | undefined
}

export type WitDeclaration = Documented &
  (
    | { readonly kind: 'alias'; readonly type: WitType }
    | { readonly kind: 'record'; readonly fields: readonly WitField[] }
    | { readonly kind: 'variant'; readonly cases: readonly WitCase[] }
    | { readonly kind: 'enum' | 'flags'; readonly cases: readonly WitCase[] }
  )

export interface WitFunction extends Documented {
  readonly parameters: readonly WitField[]
  readonly result: WitType | undefined
}

export interface WitUse {
  readonly line: number
  readonly from: string
  readonly names: readonly string[]
}

export interface WitInterface extends Documented {
  readonly uses: readonly WitUse[]
  readonly declarations: readonly WitDeclaration[]
  readonly functions: readonly WitFunction[]
}

export interface WitFile {
  readonly packageName: string
  readonly interfaces: readonly WitInterface[]
  readonly imports: readonly string[]
  readonly exports: readonly string[]
}
