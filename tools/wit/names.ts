/** The names of the WIT file (`kebab-case`) in the spellings of the generated languages. */

export function camelCase(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase())
}

export function pascalCase(name: string): string {
  const camel = camelCase(name.replaceAll('.', '-'))
  return camel.charAt(0).toUpperCase() + camel.slice(1)
}

export function snakeCase(name: string): string {
  return name.replace(/[-.]/g, '_')
}
