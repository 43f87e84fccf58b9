/** The guest library for C: one header without libc; structs, functions, and an event for each `BT_ON_…` that is defined. */
import type {
  HostDeclaration,
  HostEvent,
  HostField,
  HostInterface,
  HostOperation,
  HostType
} from './host-interface.ts'
import { snakeCase } from './names.ts'

export function renderC(host: HostInterface, runtime: string): string {
  const numbers = new Set(
    host.declarations.filter(({ kind }) => kind === 'enum' || kind === 'flags').map(({ name }) => name)
  )
  return new HeaderFile(host, numbers).render(runtime)
}

class HeaderFile {
  readonly #host: HostInterface
  /** Enums and flags: plain numbers. */
  readonly #numbers: ReadonlySet<string>
  /** List types that are declared already. */
  readonly #lists = new Set<string>()

  constructor(host: HostInterface, numbers: ReadonlySet<string>) {
    this.#host = host
    this.#numbers = numbers
  }

  render(runtime: string): string {
    const { declarations, operations, events, packageName } = this.#host
    const all = [...operations, ...events].flatMap(({ parameters, reply }) => [
      ...parameters.map(({ type }) => type),
      ...(reply === undefined ? [] : [reply])
    ])
    const parts = [
      `/* The host interface ${packageName} for C, without libc. Generated from doc/spec/blocktree.wit; do not edit. */`,
      runtime.trim(),
      ...declarations.map((one) => this.#declaration(one)),
      this.#listsOf(all),
      ...operations.map((one) => this.#operation(one)),
      '/* Events: `#define BT_ON_HTTP my_http` before this header is included, and so on. */',
      ...events.map((one) => this.#eventDeclaration(one)),
      this.#dispatch(events),
      '#endif'
    ]
    return `${parts.filter((part) => part !== '').join('\n\n')}\n`
  }

  #declaration(one: HostDeclaration): string {
    const name = `bt_${snakeCase(one.name)}`
    const upper = name.toUpperCase()
    switch (one.kind) {
      case 'enum':
      case 'flags': {
        const first = one.name === 'failure' ? 1 : 0
        const rows = one.cases.map(({ name, text }, index) => {
          const value = one.kind === 'enum' ? String(index + first) : `1u << ${index}`
          return `${comment(text, '  ')}  ${upper}_${snakeCase(name).toUpperCase()} = ${value}`
        })
        return `${comment(one.text)}typedef uint32_t ${name};\nenum {\n${rows.join(',\n')}\n};`
      }
      case 'record': {
        const lists = this.#listsOf(one.fields.map(({ type }) => type))
        const fields = one.fields.map(
          (field) => `${comment(field.text, '  ')}  ${this.#member(field.type, snakeCase(field.name))}`
        )
        const reads = one.fields.map(({ name, type }) => this.#read(type, `v->${snakeCase(name)}`, '  '))
        const writes = one.fields.map(({ name, type }) => this.#write(type, `v->${snakeCase(name)}`, '  '))
        return `${lists}${comment(one.text)}typedef struct {\n${fields.join('\n')}\n} ${name};

BT_API void bt_read_${snakeCase(one.name)}(bt_reader *r, ${name} *v) {
  bt_read_array(r);
${reads.join('\n')}
}

BT_API void bt_write_${snakeCase(one.name)}(bt_writer *w, const ${name} *v) {
  bt_write_array(w, ${one.fields.length});
${writes.join('\n')}
}`
      }
      case 'variant':
        return this.#variant(one.name, one.text, one.cases)
    }
  }

  #variant(
    wit: string,
    text: string,
    cases: readonly { name: string; text: string; type: HostType | undefined }[]
  ): string {
    const name = `bt_${snakeCase(wit)}`
    const upper = name.toUpperCase()
    const kinds = cases.map(
      ({ name, text }, index) =>
        `${comment(text, '  ')}  ${upper}_${snakeCase(name).toUpperCase()} = ${index}`
    )
    const carrying = cases.filter(({ type }) => type !== undefined)
    const lists = this.#listsOf(carrying.flatMap(({ type }) => (type === undefined ? [] : [type])))
    const members = carrying.map(({ name, type }) =>
      type === undefined ? '' : `    ${this.#member(type, snakeCase(name))}`
    )
    const union = members.length === 0 ? '' : `  union {\n${members.join('\n')}\n  } as;\n`
    const branch = (render: (type: HostType, target: string) => string): string =>
      cases
        .map(({ name, type }, index) =>
          type === undefined
            ? ''
            : `  if (v->kind == ${index}) {\n${render(type, `v->as.${snakeCase(name)}`)}\n  }`
        )
        .filter((part) => part !== '')
        .join('\n')
    const carries = carrying
      .map(({ name }) => `v->kind == ${upper}_${snakeCase(name).toUpperCase()}`)
      .join(' || ')
    return `${lists}enum {\n${kinds.join(',\n')}\n};\n${comment(text)}typedef struct {\n  uint32_t kind;\n${union}} ${name};

BT_API void bt_read_${snakeCase(wit)}(bt_reader *r, ${name} *v) {
  bt_read_array(r);
  v->kind = (uint32_t)bt_read_uint(r);
${branch((type, target) => this.#read(type, target, '    '))}
}

BT_API void bt_write_${snakeCase(wit)}(bt_writer *w, const ${name} *v) {
  bt_write_array(w, ${carries === '' ? '1' : `${carries} ? 2 : 1`});
  bt_write_uint(w, v->kind);
${branch((type, target) => this.#write(type, target, '    '))}
}`
  }

  #type(type: HostType): string {
    switch (type.kind) {
      case 'uint':
        return type.width === 'u64' ? 'uint64_t' : 'uint32_t'
      case 'bool':
        return 'bool'
      case 'string':
      case 'bytes':
        return 'bt_bytes'
      case 'list':
        return `bt_list_of_${this.#element(type.element)}`
      case 'option':
        return `bt_optional_${this.#element(type.element)}`
      case 'result':
        return 'bt_bytes'
      case 'named':
        return `bt_${snakeCase(type.name)}`
    }
  }

  /** Part of the name of a list or option of it. */
  #element(type: HostType): string {
    const name = this.#type(type)
    return name.startsWith('bt_') ? name.slice('bt_'.length) : name.replace(/_t$/, '')
  }

  #member(type: HostType, name: string): string {
    return `${this.#type(type)} ${name};`
  }

  /** Declares what lists and options among the types need. */
  #listsOf(types: readonly HostType[]): string {
    return types
      .map((type) => {
        if (type.kind !== 'list' && type.kind !== 'option') return ''
        const inner = this.#listsOf([type.element])
        const name = this.#type(type)
        if (this.#lists.has(name)) return inner
        this.#lists.add(name)
        const element = this.#type(type.element)
        const body =
          type.kind === 'list'
            ? `  const ${element} *items;\n  uint32_t count;`
            : `  bool is_present;\n  ${element} value;`
        return `${inner}typedef struct {\n${body}\n} ${name};\n\n`
      })
      .join('')
  }

  #read(type: HostType, target: string, indent: string): string {
    switch (type.kind) {
      case 'uint':
        return `${indent}${target} = ${type.width === 'u64' ? '' : '(uint32_t)'}bt_read_uint(r);`
      case 'bool':
        return `${indent}${target} = bt_read_bool(r);`
      case 'string':
        return `${indent}${target} = bt_read_str(r);`
      case 'bytes':
        return `${indent}${target} = bt_read_bin(r);`
      case 'list': {
        const element = this.#type(type.element)
        return `${indent}{\n${indent}  uint32_t count = bt_read_array(r);\n${indent}  ${element} *items = bt_reserve(count * sizeof(${element}));\n${indent}  for (uint32_t i = 0; i < count; i++) {\n${this.#read(type.element, 'items[i]', `${indent}    `)}\n${indent}  }\n${indent}  ${target}.items = items;\n${indent}  ${target}.count = count;\n${indent}}`
      }
      case 'option':
        return `${indent}${target}.is_present = !bt_read_nil(r);\n${indent}if (${target}.is_present) {\n${this.#read(type.element, `${target}.value`, `${indent}  `)}\n${indent}}`
      case 'result':
        throw new Error('no operation answers a result')
      case 'named':
        return this.#numbers.has(type.name)
          ? `${indent}${target} = (uint32_t)bt_read_uint(r);`
          : `${indent}bt_read_${snakeCase(type.name)}(r, &${target});`
    }
  }

  #write(type: HostType, value: string, indent: string): string {
    switch (type.kind) {
      case 'uint':
        return `${indent}bt_write_uint(w, ${value});`
      case 'bool':
        return `${indent}bt_write_bool(w, ${value});`
      case 'string':
        return `${indent}bt_write_str(w, ${value});`
      case 'bytes':
        return `${indent}bt_write_bin(w, ${value});`
      case 'list':
        return `${indent}bt_write_array(w, ${value}.count);\n${indent}for (uint32_t i = 0; i < ${value}.count; i++) {\n${this.#write(type.element, `${value}.items[i]`, `${indent}  `)}\n${indent}}`
      case 'option':
        return `${indent}if (${value}.is_present) {\n${this.#write(type.element, `${value}.value`, `${indent}  `)}\n${indent}} else bt_write_nil(w);`
      case 'result':
        return `${indent}bt_write_array(w, ${value}.data == 0 ? 1 : 2);\n${indent}bt_write_uint(w, ${value}.data == 0 ? 0 : 1);\n${indent}if (${value}.data != 0) bt_write_str(w, ${value});`
      case 'named':
        return this.#numbers.has(type.name)
          ? `${indent}bt_write_uint(w, ${value});`
          : `${indent}bt_write_${snakeCase(type.name)}(w, &${value});`
    }
  }

  /** Structs go by pointer, everything else by value. */
  #parameter({ name, type }: HostField): string {
    const isStruct = type.kind === 'named' && !this.#numbers.has(type.name)
    return isStruct
      ? `const ${this.#type(type)} *${snakeCase(name)}`
      : `${this.#type(type)} ${snakeCase(name)}`
  }

  #argument({ name, type }: HostField): string {
    const isStruct = type.kind === 'named' && !this.#numbers.has(type.name)
    return isStruct ? `(*${snakeCase(name)})` : snakeCase(name)
  }

  #operation({ name, number, text, parameters, reply }: HostOperation): string {
    const list = [
      ...parameters.map((one) => this.#parameter(one)),
      ...(reply === undefined ? [] : [`${this.#type(reply)} *reply`])
    ]
    const writes = parameters.map((one) => this.#write(one.type, this.#argument(one), '  '))
    const begin =
      parameters.length === 0
        ? '  bt_writer writer_ = {0, 0};'
        : `  bt_writer writer_ = bt_write_begin(), *w = &writer_;\n  bt_write_array(w, ${parameters.length});\n${writes.join('\n')}`
    const read =
      reply === undefined
        ? `  return bt_call(${number}, &writer_, r);`
        : `  bt_status status_ = bt_call(${number}, &writer_, r);\n  if (status_ != 0) return status_;\n${this.#read(reply, '(*reply)', '  ')}\n  return 0;`
    return `${comment(text)}BT_API bt_status bt_${snakeCase(name)}(${list.length === 0 ? 'void' : list.join(', ')}) {\n${begin}\n  bt_reader reader_, *r = &reader_;\n${read}\n}`
  }

  #eventParts({ parameters, reply }: HostEvent): string[] {
    const list = parameters.map((one) => this.#parameter(one))
    if (reply === undefined) return list
    // Of a `result` the text says what went wrong; left as it is, nothing did.
    return [...list, `${this.#type(reply)} *${reply.kind === 'result' ? 'problem' : 'answer'}`]
  }

  #eventDeclaration(event: HostEvent): string {
    const macro = `BT_ON_${snakeCase(event.name).toUpperCase()}`
    const list = this.#eventParts(event)
    return `#ifdef ${macro}\n${comment(event.text)}static void ${macro}(${list.length === 0 ? 'void' : list.join(', ')});\n#endif`
  }

  #dispatch(events: readonly HostEvent[]): string {
    const cases = events.map((event) => {
      const { name, number, parameters, reply } = event
      const macro = `BT_ON_${snakeCase(name).toUpperCase()}`
      const declared = parameters.map(
        (one) =>
          `    ${this.#type(one.type)} ${snakeCase(one.name)};\n${this.#read(one.type, snakeCase(one.name), '    ')}`
      )
      const given = parameters.map((one) =>
        this.#argument(one).startsWith('(*') ? `&${snakeCase(one.name)}` : snakeCase(one.name)
      )
      const answer = reply === undefined ? '' : `    ${this.#type(reply)} answer = {0};\n`
      const list = [...given, ...(reply === undefined ? [] : ['&answer'])].join(', ')
      const open = parameters.length === 0 ? '' : '    bt_read_array(r);\n'
      const begin =
        reply === undefined ? '' : `\n    reply = bt_write_begin();\n${this.#write(reply, 'answer', '    ')}`
      const called = `${open}${declared.join('\n')}${declared.length > 0 ? '\n' : ''}${answer}    ${macro}(${list});${begin}`
      const otherwise =
        reply?.kind === 'result'
          ? `#else\n  if (kind == ${number}) {\n    reply = bt_write_begin();\n    bt_write_array(w, 1);\n    bt_write_uint(w, 0);\n  }\n`
          : ''
      return `#ifdef ${macro}\n  if (kind == ${number}) {\n${called}\n  }\n${otherwise}#endif`
    })
    return `__attribute__((export_name("bt_event"))) uint64_t bt_event(uint32_t kind, const uint8_t *data, uint32_t size) {
  if (bt_is_over) bt_top = 0;
  bt_reader reader_ = {data, data + size}, *r = &reader_;
  bt_writer reply = {0, 0}, *w = &reply;
  (void)r, (void)w, (void)kind;
${cases.join('\n')}
  bt_is_over = true;
  return (uint64_t)(uintptr_t)reply.data << 32 | reply.size;
}`
  }
}

function comment(text: string, indent = ''): string {
  return text === '' ? '' : `${indent}/** ${text} */\n`
}
