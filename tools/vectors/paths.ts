/** Vectors of doc/spec/09-directories-and-paths.md, sections 9.2, 9.3 and 9.5: names, conflict names, paths. */
import { conflictName, invalidName, isValidName, parsePath } from '@blocktree/tree'
import { type VectorCase, type VectorPage, hex } from '../vector-page.ts'
import { crypto } from '../vector-tree.ts'

const block = crypto.sha256(new TextEncoder().encode('block'))

const names: readonly (readonly [comment: string, name: string])[] = [
  ['one character', 'a'],
  ['spaces, points and a backslash', ' a..b \\ '],
  ['three points', '...'],
  ['a character of four bytes', '😀'],
  ['a line feed', 'a\nb'],
  ['255 bytes', 'n'.repeat(255)],
  ['256 bytes', 'n'.repeat(256)],
  ['255 bytes in 127 characters and one', `${'é'.repeat(127)}n`],
  ['128 characters of two bytes', 'é'.repeat(128)],
  ['nothing', ''],
  ['a point', '.'],
  ['two points', '..'],
  ['a slash', 'a/b'],
  ['a NUL', 'a\0'],
  ['a letter and an accent that have one character', 'e\u0301'],
  ['the Kelvin sign, which normalization replaces', '\u212a'],
  ['a Hangul syllable in parts', '\u1100\u1161']
]

const clashes: readonly (readonly [name: string, digits: number])[] = [
  ['a', 8],
  ['a.txt', 16],
  ['a.tar.gz', 52],
  ['.hidden', 8],
  ['ends.', 8],
  [`x.${'y'.repeat(63)}`, 8],
  [`x.${'y'.repeat(64)}`, 8],
  ['n'.repeat(255), 8],
  [`${'é'.repeat(120)}.txt`, 52],
  [`n${'😀'.repeat(63)}`, 16]
]

const paths: readonly string[] = [
  '/',
  '/a',
  '/a/',
  '/a/b',
  '/e\u0301/x',
  '/a b/c.d',
  '/.../x',
  `/${'a/'.repeat(256)}`
]

const refusedPaths: readonly string[] = [
  '',
  'a',
  './a',
  '//',
  '/a//b',
  '//a',
  '/a//',
  '/.',
  '/..',
  '/a/../b',
  '/a/./b',
  '/a\0',
  `/${'n'.repeat(256)}`,
  `/${'a/'.repeat(257)}`
]

export function generateVectors(): VectorPage {
  return {
    name: 'paths',
    specification: 'doc/spec/09-directories-and-paths.md',
    comment:
      'names: whether a name is valid. conflictNames: what `block` is called with so many `digits` of its id, and when ' +
      'its name is not valid. paths: what a person types and its components, none for the root. refusePaths: ERR_PATH_INVALID.',
    groups: {
      names: names.map(([comment, name]) => ({ comment, name, valid: isValidName(name) })),
      conflictNames: clashes.map(([name, digits]) => ({
        comment: `${digits} digits`,
        block: hex(block),
        name,
        digits,
        shown: conflictName(name, block, digits),
        invalid: invalidName(block)
      })),
      paths: paths.map((path): VectorCase => ({
        comment: path.slice(0, 20),
        path,
        components: parsePath(path)
      })),
      refusePaths: refusedPaths.map((path): VectorCase => {
        let error: unknown
        try {
          parsePath(path)
        } catch (cause) {
          error = cause
        }
        if (!(error instanceof Error && 'code' in error)) throw new Error(`"${path}" is accepted`)
        return { comment: path.slice(0, 20), path, error: error.code }
      })
    }
  }
}
