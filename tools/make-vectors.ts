/**
 * Writes the vectors of the specification, `doc/spec/vectors/<name>.json`, from one generator a page under
 * `tools/vectors/`. `--check` compares instead, and also fails on files that no generator writes; names as
 * arguments restrict it to those pages.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { VectorGenerator, VectorPage } from './vector-page.ts'

const generatorDirectory = fileURLToPath(new URL('vectors/', import.meta.url))
const outputDirectory = fileURLToPath(new URL('../doc/spec/vectors/', import.meta.url))

function generatorNames(): string[] {
  return readdirSync(generatorDirectory)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort()
}

async function loadPage(name: string): Promise<VectorPage> {
  const module: unknown = await import(pathToFileURL(`${generatorDirectory}${name}.ts`).href)
  const { generateVectors } = module as { generateVectors?: VectorGenerator }
  if (generateVectors === undefined)
    throw new Error(`tools/vectors/${name}.ts does not export generateVectors`)
  const page = await generateVectors()
  if (page.name !== name) throw new Error(`tools/vectors/${name}.ts names its page "${page.name}"`)
  return page
}

function format(page: VectorPage): string {
  const { name: _name, ...content } = page
  return `${JSON.stringify(content, null, 1)}\n`
}

async function main(): Promise<void> {
  const check = process.argv.includes('--check')
  const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
  const names = generatorNames()
  const problems: string[] = []
  mkdirSync(outputDirectory, { recursive: true })
  for (const name of asked.length > 0 ? asked : names) {
    const file = `${outputDirectory}${name}.json`
    const wanted = format(await loadPage(name))
    const current = existsSync(file) ? readFileSync(file, 'utf8') : undefined
    if (current === wanted) continue
    if (check)
      problems.push(`doc/spec/vectors/${name}.json is not what its generator gives; run: npm run vectors`)
    else {
      writeFileSync(file, wanted)
      console.log(`wrote doc/spec/vectors/${name}.json`)
    }
  }
  for (const file of readdirSync(outputDirectory)) {
    if (!names.includes(file.replace(/\.json$/, '')))
      problems.push(`doc/spec/vectors/${file} has no generator`)
  }
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) process.exitCode = 1
}

await main()
