/** Rights to files that an app asks for, as rights of the tree. */
import type { FileRight } from '@blocktree/app-package'
import { right } from '@blocktree/tree'

const rightBits: Readonly<Record<FileRight, number>> = {
  read: 0, // a grant, not a cap
  list: 0, // comes with the keys to read
  lock: 0, // of the coordinator
  write: right.write,
  create: right.create,
  remove: right.delete
}

export function bitsOf(rights: Iterable<FileRight>): number {
  return [...rights].reduce((sum, one) => sum | rightBits[one], 0)
}
