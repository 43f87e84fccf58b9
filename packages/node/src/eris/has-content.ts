/** Where content by URN lies in the data directory, known without opening it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export const contentFolder = 'eris'
export const publishedName = 'published.sqlite'

/** Whether anything was ever published or fetched here. */
export function hasContent(directory: string): boolean {
  return existsSync(join(directory, contentFolder, publishedName))
}
