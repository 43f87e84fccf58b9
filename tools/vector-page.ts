/** What a generator under `tools/vectors/` exports: the vectors of one page of the specification. */

/** One case. Byte strings are lower-case hexadecimal; numbers above 2^53-1 do not occur. */
export interface VectorCase {
  readonly comment: string
  readonly [field: string]: unknown
}

export interface VectorPage {
  /** File name without extension under `doc/spec/vectors/`. */
  readonly name: string
  /** The page of the specification, e.g. `doc/spec/01-encoding.md`. */
  readonly specification: string
  /** What the fields of a case mean, for a reader who has only the file. */
  readonly comment: string
  readonly groups: Readonly<Record<string, readonly VectorCase[]>>
}

/** Each `tools/vectors/<name>.ts` exports this; it must give the same page every time. */
export type VectorGenerator = () => VectorPage | Promise<VectorPage>

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
