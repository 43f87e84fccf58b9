/** A new project from a template of `packages/app-sdk`. Files come and go as texts: who calls it reads and writes them. */
import { checkAppName } from './manifest.ts'
import { PackageError } from './package-error.ts'
import { checkPlainText } from './plain-text.ts'
import { titleBytesMax } from './limits.ts'

/** Where the guest library of a language lies, and where a project has it. */
const libraries = {
  assemblyscript: { source: 'assemblyscript/blocktree.ts', target: 'blocktree.ts' },
  c: { source: 'c/blocktree.h', target: 'blocktree.h' },
  rust: { source: 'rust/blocktree.rs', target: 'src/blocktree.rs' },
  wat: undefined
} as const

export type ProjectTemplate = keyof typeof libraries
export const projectTemplates: readonly ProjectTemplate[] = ['assemblyscript', 'c', 'rust', 'wat']

export interface ProjectOptions {
  readonly template: string
  /** Of the app; also what its host name begins with. */
  readonly name: string
  /** Absent: made from the name. */
  readonly title?: string
  /** Every file of `packages/app-sdk` as text, by its path in there with `/`. */
  readonly sdk: ReadonlyMap<string, string>
}

/**
 * Files of the project by path.
 * @throws ERR_PROJECT_TEMPLATE for a template that is not there, ERR_PACKAGE_MANIFEST for a name that an app cannot have
 */
export function createProject(options: ProjectOptions): Map<string, string> {
  const { name, sdk } = options
  const template = projectTemplates.find((known) => known === options.template)
  if (template === undefined) {
    fail(`"${options.template}" is not a template: choose one of ${projectTemplates.join(', ')}`)
  }
  checkAppName(name)
  const title = options.title ?? titleOf(name)
  const problem = checkPlainText(title, titleBytesMax)
  if (problem !== undefined) fail(`the title ${problem}`)
  const folder = `templates/${template}/`
  const files = new Map<string, string>()
  for (const [path, text] of sdk) {
    if (!path.startsWith(folder)) continue
    const target = path.slice(folder.length)
    files.set(target === 'gitignore' ? '.gitignore' : target, fill(target, text, name, title))
  }
  if (files.size === 0) fail(`the files of template "${template}" are missing: install Blocktree again`)
  const library = libraries[template]
  if (library !== undefined)
    files.set(library.target, sdk.get(library.source) ?? fail(`"${library.source}" is missing`))
  return files
}

/** In JSON and HTML the title stands as those write it. */
function fill(path: string, text: string, name: string, title: string): string {
  const shown = path.endsWith('.json')
    ? JSON.stringify(title).slice(1, -1)
    : path.endsWith('.html')
      ? title.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
      : title
  return text.replaceAll('{{name}}', () => name).replaceAll('{{title}}', () => shown)
}

function titleOf(name: string): string {
  const words = name.replaceAll('-', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function fail(message: string): never {
  throw new PackageError('ERR_PROJECT_TEMPLATE', message)
}
