/** The guest library for AssemblyScript: one file, classes for records, namespaces of functions, a class `App` of events. */
import type {
  HostCase,
  HostDeclaration,
  HostEvent,
  HostField,
  HostInterface,
  HostOperation,
  HostType
} from './host-interface.ts'
import { camelCase, pascalCase } from './names.ts'

export function renderAssemblyScript(host: HostInterface, runtime: string): string {
  const kinds = new Map(host.declarations.map((one) => [one.name, one.kind]))
  return new AssemblyScript(host, kinds).render(runtime)
}

class AssemblyScript {
  readonly #host: HostInterface
  readonly #kinds: ReadonlyMap<string, HostDeclaration['kind']>

  constructor(host: HostInterface, kinds: ReadonlyMap<string, HostDeclaration['kind']>) {
    this.#host = host
    this.#kinds = kinds
  }

  render(runtime: string): string {
    const { declarations, operations, events, interfaces, packageName } = this.#host
    const namespaces = interfaces.flatMap(({ name, text }) => {
      const own = operations.filter((operation) => operation.name.startsWith(`${name}.`))
      return own.length === 0 ? [] : [this.#namespace(name, text, own)]
    })
    const parts = [
      `// The host interface ${packageName} for AssemblyScript. Generated from doc/spec/blocktree.wit; do not edit.`,
      runtime.trim(),
      ...declarations.map((one) => this.#declaration(one)),
      ...namespaces,
      this.#app(events),
      this.#dispatch(events)
    ]
    return `${parts.join('\n\n')}\n`
  }

  #declaration(one: HostDeclaration): string {
    const name = pascalCase(one.name)
    switch (one.kind) {
      case 'enum': {
        // A status counts from 1: 0 is success.
        const first = one.name === 'failure' ? 1 : 0
        return `${comment(one.text)}export enum ${name} {\n${one.cases.map((each, index) => `${comment(each.text, '  ')}  ${pascalCase(each.name)} = ${index + first}`).join(',\n')}\n}`
      }
      case 'flags':
        return `${comment(one.text)}export enum ${name} {\n${one.cases.map((each, index) => `${comment(each.text, '  ')}  ${pascalCase(each.name)} = ${2 ** index}`).join(',\n')}\n}`
      case 'record':
        return this.#record(name, one.text, one.fields)
      case 'variant':
        return this.#variant(name, one.text, one.cases)
    }
  }

  #record(name: string, text: string, fields: readonly HostField[]): string {
    const members = fields.map(
      (field) =>
        `${comment(field.text, '    ')}    public ${camelCase(field.name)}: ${this.#type(field.type)}`
    )
    const reads = fields.map(
      ({ name, type }) => `  const ${camelCase(name)}_: ${this.#type(type)} = ${this.#read(type)}`
    )
    const writes = fields.map(({ name, type }) => this.#write(type, `value.${camelCase(name)}`, '  '))
    return `${comment(text)}export class ${name} {
  constructor(
${members.join(',\n')}
  ) {}
}

function read${name}(r: Reader): ${name} {
  r.array()
${reads.join('\n')}
  return new ${name}(${fields.map(({ name }) => `${camelCase(name)}_`).join(', ')})
}

function write${name}(w: Writer, value: ${name}): void {
  w.array(${fields.length})
${writes.join('\n')}
}`
  }

  #variant(name: string, text: string, cases: readonly HostCase[]): string {
    const carrying = cases.flatMap(({ name, type }) => (type === undefined ? [] : [{ name, type }]))
    const members = carrying.map(
      ({ name, type }) => `  ${camelCase(name)}: ${this.#nullable(type)} = ${this.#absent(type)}`
    )
    const makers = cases.map(({ name: each, text, type }, index) => {
      const parameter = type === undefined ? '' : `value: ${this.#type(type)}`
      const set = type === undefined ? '' : `\n    made.${camelCase(each)} = value`
      return `${comment(text, '  ')}  static of${pascalCase(each)}(${parameter}): ${name} {
    const made = new ${name}(${index})${set}
    return made
  }`
    })
    const reads = carrying.map(({ name: each, type }) => {
      const index = cases.findIndex((one) => one.name === each)
      return `  if (made.kind == ${index}) made.${camelCase(each)} = ${this.#read(type)}`
    })
    const writes = cases.map(({ name: each, type }, index) => {
      const value =
        type === undefined
          ? ''
          : `\n${this.#write(type, this.#present(type, `value.${camelCase(each)}`), '    ')}`
      return `  if (value.kind == ${index}) {\n    w.array(${type === undefined ? 1 : 2})\n    w.uint(${index})${value}\n  }`
    })
    const kinds = cases.map(({ name }, index) => `${index} ${name}`).join(', ')
    return `${comment(text)}export class ${name} {
  /** ${kinds}. */
  constructor(public kind: u32) {}

${[...members, '', ...makers].join('\n')}
}

function read${name}(r: Reader): ${name} {
  r.array()
  const made = new ${name}(<u32>r.uint())
${reads.join('\n')}
  return made
}

function write${name}(w: Writer, value: ${name}): void {
${writes.join('\n')}
}`
  }

  #type(type: HostType): string {
    switch (type.kind) {
      case 'uint':
        return type.width === 'u64' ? 'u64' : 'u32'
      case 'bool':
        return 'bool'
      case 'string':
        return 'string'
      case 'bytes':
        return 'Uint8Array'
      case 'list':
        return `Array<${this.#type(type.element)}>`
      case 'option':
        return this.#nullable(type.element)
      case 'result':
        return 'string | null'
      case 'named':
        return this.#isNumber(type) ? 'u32' : pascalCase(type.name)
    }
  }

  /** Numbers have no null: -1 stands for an absent one. */
  #nullable(type: HostType): string {
    if (type.kind === 'option') return this.#nullable(type.element)
    return this.#isNumber(type) ? 'i64' : `${this.#type(type)} | null`
  }

  #absent(type: HostType): string {
    return this.#isNumber(type) ? '-1' : 'null'
  }

  #present(type: HostType, value: string): string {
    return this.#isNumber(type) ? `<u64>${value}` : `${value}!`
  }

  #isNumber(type: HostType): boolean {
    if (type.kind === 'uint' || type.kind === 'bool') return true
    const kind = type.kind === 'named' ? this.#kinds.get(type.name) : undefined
    return kind === 'enum' || kind === 'flags'
  }

  #read(type: HostType): string {
    switch (type.kind) {
      case 'uint':
        return type.width === 'u64' ? 'r.uint()' : '<u32>r.uint()'
      case 'bool':
        return 'r.bool()'
      case 'string':
        return 'r.str()'
      case 'bytes':
        return 'r.bin()'
      case 'list':
        return `readList<${this.#type(type.element)}>(r, (r: Reader) => ${this.#read(type.element)})`
      case 'option':
        return this.#isNumber(type.element)
          ? `r.nil() ? <i64>-1 : <i64>r.uint()`
          : `r.nil() ? null : ${this.#read(type.element)}`
      case 'result':
        throw new Error('no operation answers a result')
      case 'named':
        return this.#isNumber(type) ? '<u32>r.uint()' : `read${pascalCase(type.name)}(r)`
    }
  }

  #write(type: HostType, value: string, indent: string): string {
    switch (type.kind) {
      case 'uint':
        return `${indent}w.uint(${value})`
      case 'bool':
        return `${indent}w.bool(${value})`
      case 'string':
        return `${indent}w.str(${value})`
      case 'bytes':
        return `${indent}w.bin(${value})`
      case 'list':
        return `${indent}w.array(${value}.length)\n${indent}for (let index = 0; index < ${value}.length; index++) {\n${this.#write(type.element, `${value}[index]`, `${indent}  `)}\n${indent}}`
      case 'option': {
        const isAbsent = this.#isNumber(type.element) ? `${value} < 0` : `${value} == null`
        return `${indent}if (${isAbsent}) w.nil()\n${indent}else {\n${this.#write(type.element, this.#present(type.element, value), `${indent}  `)}\n${indent}}`
      }
      case 'result':
        return `${indent}if (${value} == null) {\n${indent}  w.array(1)\n${indent}  w.uint(0)\n${indent}} else {\n${indent}  w.array(2)\n${indent}  w.uint(1)\n${indent}  w.str(${value})\n${indent}}`
      case 'named':
        return this.#isNumber(type)
          ? `${indent}w.uint(${value})`
          : `${indent}write${pascalCase(type.name)}(w, ${value})`
    }
  }

  #namespace(name: string, text: string, operations: readonly HostOperation[]): string {
    const functions = operations.map((operation) => this.#function(operation))
    return `${comment(text)}export namespace ${camelCase(name)} {\n${functions.join('\n\n')}\n}`
  }

  #function({ name, number, text, parameters, reply }: HostOperation): string {
    const short = camelCase(name.slice(name.indexOf('.') + 1))
    const list = parameters.map(({ name, type }) => `${camelCase(name)}: ${this.#type(type)}`).join(', ')
    const request =
      parameters.length === 0
        ? ''
        : `    const w = new Writer()\n    w.array(${parameters.length})\n${parameters.map(({ name, type }) => this.#write(type, camelCase(name), '    ')).join('\n')}\n`
    const called = `call(${number}, ${parameters.length === 0 ? 'null' : 'w'})`
    const isNumber = reply !== undefined && this.#isNumber(reply)
    const result = reply === undefined ? 'bool' : isNumber ? this.#type(reply) : this.#nullable(reply)
    const body =
      reply === undefined
        ? `    return ${called} != null`
        : `    const r = ${called}\n    if (r == null) return ${isNumber ? (reply.kind === 'bool' ? 'false' : '0') : 'null'}\n    return ${this.#read(reply)}`
    return `${comment(text, '  ')}  export function ${short === 'delete' ? 'remove' : short}(${list}): ${result} {\n${request}${body}\n  }`
  }

  #app(events: readonly HostEvent[]): string {
    const methods = events.map(({ name, text, parameters, reply }) => {
      const list = parameters.map(({ name, type }) => `${camelCase(name)}: ${this.#type(type)}`).join(', ')
      const [result, body] =
        reply === undefined
          ? ['void', '{}']
          : reply.kind === 'result'
            ? ['string | null', '{\n    return null\n  }']
            : [
                this.#type(reply),
                '{\n    return HttpAnswer.ofNow(new Response(404, [], ResponseBody.ofEmpty()))\n  }'
              ]
      return `${comment(text, '  ')}  ${name}(${list}): ${result} ${body}`
    })
    return `/** What the node calls; override what the app needs. A text that is returned says what went wrong. */
export class App {
${methods.join('\n\n')}
}

let app: App = new App()

/** Call it once at the top level. */
export function run(own: App): void {
  app = own
}

function readList<T>(r: Reader, read: (r: Reader) => T): Array<T> {
  const length = r.array()
  const items: Array<T> = []
  for (let index = 0; index < length; index++) items.push(read(r))
  return items
}`
  }

  #dispatch(events: readonly HostEvent[]): string {
    const cases = events.map(({ name, number, parameters, reply }) => {
      const reads = parameters.map(({ name, type }) => `    const ${camelCase(name)} = ${this.#read(type)}`)
      const called = `app.${name}(${parameters.map(({ name }) => camelCase(name)).join(', ')})`
      const open = parameters.length === 0 ? '' : '    r.array()\n'
      const rest =
        reply === undefined
          ? `    ${called}`
          : `    const answered = ${called}\n${this.#write(reply, 'answered', '    ')}`
      return `  if (kind == ${number}) {\n${open}${[...reads, rest].join('\n')}\n  }`
    })
    return `export function bt_event(kind: u32, pointer: usize, length: u32): u64 {
  const r = new Reader(input)
  const w = new Writer()
${cases.join('\n')}
  return answer(w)
}`
  }
}

function comment(text: string, indent = ''): string {
  return text === '' ? '' : `${indent}/** ${text} */\n`
}
