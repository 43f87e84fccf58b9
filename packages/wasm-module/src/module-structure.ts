/**
 * What a module is made of: sections, index spaces and places of function bodies, read strictly and within bounds.
 * Bodies themselves are walked by those who need them (check, instrumentation).
 */
import { equalBytes } from '@blocktree/codec'
import { BinaryReader } from './binary-reader.ts'
import { type IndexSpaces, InstructionCursor } from './instruction-cursor.ts'
import { refuseFeature } from './feature.ts'
import {
  customSectionsMax,
  elementsMax,
  exportsMax,
  functionBytesMax,
  functionsMax,
  globalsMax,
  importsMax,
  moduleBytesMax,
  parametersMax,
  resultsMax,
  segmentsMax,
  typesMax
} from './limits.ts'
import { opcode } from './opcode.ts'
import {
  type FunctionType,
  type Limits,
  type ReferenceType,
  type ValueType,
  readReferenceType,
  readValueType
} from './value-type.ts'

export type ExternalKind = 'function' | 'table' | 'memory' | 'global'

export interface TableFacts extends Limits {
  readonly type: ReferenceType
  readonly isImported: boolean
}

export interface MemoryFacts extends Limits {
  readonly isShared: boolean
  readonly isImported: boolean
}

export interface ModuleImport {
  readonly module: string
  readonly name: string
  readonly kind: ExternalKind
  /** Signature of an imported function. */
  readonly type: FunctionType | undefined
}

export interface ModuleExport {
  readonly name: string
  readonly kind: ExternalKind
  readonly index: number
  /** Signature of an exported function. */
  readonly type: FunctionType | undefined
}

/** Bytes from `start` to `end` of the module. */
export interface Range {
  readonly start: number
  readonly end: number
}

export interface Section extends Range {
  readonly id: number
  /** Name of a custom section. */
  readonly name: string | undefined
}

export interface ModuleStructure {
  readonly bytes: Uint8Array
  /** In the order of the module; ranges are of the contents. */
  readonly sections: readonly Section[]
  readonly types: readonly FunctionType[]
  readonly imports: readonly ModuleImport[]
  readonly exports: readonly ModuleExport[]
  readonly tables: readonly TableFacts[]
  readonly memories: readonly MemoryFacts[]
  readonly globals: number
  readonly start: number | undefined
  readonly bodies: readonly Range[]
  readonly spaces: IndexSpaces
  /** Functions named in element segments and constants: they may be called without their name. */
  readonly referenced: ReadonlySet<number>
  /** Signature of function `index`, imports first. */
  functionType(index: number): FunctionType
}

const declaredMax = 1000 // memories or tables that are read; the policy accepts far fewer

export const sectionId = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12
} as const

/** Sections in the order they have to stand in. */
export const sectionOrder: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11]

const header = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)

/** Throws ModuleError for everything that is not a whole module within the bounds of limits.ts. */
export function readStructure(bytes: Uint8Array): ModuleStructure {
  return new StructureReader(bytes).read()
}

class StructureReader {
  readonly #bytes: Uint8Array
  readonly #types: FunctionType[] = []
  readonly #imports: ModuleImport[] = []
  readonly #exports: ModuleExport[] = []
  readonly #tables: TableFacts[] = []
  readonly #memories: MemoryFacts[] = []
  readonly #functions: number[] = []
  readonly #bodies: Range[] = []
  readonly #referenced = new Set<number>()
  #importedFunctions = 0
  #globals = 0
  #start: number | undefined
  #elementSegments = 0
  #elements = 0
  #dataSegments = 0
  #dataCount: number | undefined

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  read(): ModuleStructure {
    const sections = this.#readSections()
    const reader = new BinaryReader(this.#bytes)
    for (const section of sections) {
      const content = new BinaryReader(this.#bytes, section.start, section.end)
      this.#readSection(section.id, content)
      if (!content.isAtEnd) {
        reader.fail('ERR_MODULE_SECTION', `section ${section.id} is longer than its content`, content.offset)
      }
    }
    if (this.#functions.length - this.#importedFunctions !== this.#bodies.length) {
      reader.fail('ERR_MODULE_SECTION', 'the numbers of functions and bodies differ', this.#bytes.length)
    }
    if (this.#dataCount !== undefined && this.#dataCount !== this.#dataSegments) {
      reader.fail('ERR_MODULE_SECTION', 'the number of data segments is another', this.#bytes.length)
    }
    const types = this.#types
    const functions = this.#functions
    return {
      bytes: this.#bytes,
      sections,
      types,
      imports: this.#imports,
      exports: this.#exports,
      tables: this.#tables,
      memories: this.#memories,
      globals: this.#globals,
      start: this.#start,
      bodies: this.#bodies,
      spaces: this.#spaces(),
      referenced: this.#referenced,
      functionType: (index) => typeOf(types, functions, index)
    }
  }

  #readSections(): Section[] {
    const bytes = this.#bytes
    const reader = new BinaryReader(bytes)
    if (bytes.length > moduleBytesMax) {
      reader.fail('ERR_MODULE_LIMIT', `a module of ${bytes.length} bytes is longer than ${moduleBytesMax}`)
    }
    if (!equalBytes(bytes.subarray(0, 4), header.subarray(0, 4))) {
      reader.fail('ERR_MODULE_MAGIC', 'this is no WebAssembly module')
    }
    if (bytes[4] === 0x0d && bytes[6] === 1) refuseFeature('components', 4)
    if (!equalBytes(bytes.subarray(0, 8), header)) {
      reader.fail('ERR_MODULE_MAGIC', 'this is no WebAssembly module of version 1', 4)
    }
    reader.skip(header.length)
    const sections: Section[] = []
    let last = -1
    let customs = 0
    while (!reader.isAtEnd) {
      const start = reader.offset
      const id = reader.byte()
      const content = reader.part(reader.u32())
      if (id === sectionId.custom) {
        if (++customs > customSectionsMax) {
          reader.fail('ERR_MODULE_LIMIT', `there are more than ${customSectionsMax} custom sections`, start)
        }
        const name = content.name()
        sections.push({ id, name, start: content.offset, end: content.end })
        continue
      }
      if (id === 13) refuseFeature('exceptions', start)
      const place = sectionOrder.indexOf(id)
      if (place < 0) reader.fail('ERR_MODULE_SECTION', `there is no section ${id}`, start)
      if (place <= last) {
        reader.fail('ERR_MODULE_SECTION', `section ${id} is repeated or out of order`, start)
      }
      last = place
      sections.push({ id, name: undefined, start: content.offset, end: content.end })
    }
    return sections
  }

  #readSection(id: number, reader: BinaryReader): void {
    switch (id) {
      case sectionId.custom:
        return reader.skip(reader.end - reader.offset)
      case sectionId.type:
        return repeat(reader, typesMax, 'types', () => this.#readType(reader))
      case sectionId.import:
        return repeat(reader, importsMax, 'imports', () => this.#readImport(reader))
      case sectionId.function:
        return repeat(reader, functionsMax, 'functions', () => this.#readFunction(reader))
      case sectionId.table:
        return repeat(reader, declaredMax, 'tables', () => this.#readTable(reader, false))
      case sectionId.memory:
        return repeat(reader, declaredMax, 'memories', () => this.#readMemory(reader, false))
      case sectionId.global:
        return repeat(reader, globalsMax, 'globals', () => this.#readGlobal(reader))
      case sectionId.export:
        return repeat(reader, exportsMax, 'exports', () => this.#readExport(reader))
      case sectionId.start:
        this.#start = reader.index(this.#functions.length, 'function')
        return
      case sectionId.element:
        return repeat(reader, segmentsMax, 'element segments', () => this.#readElements(reader))
      case sectionId.dataCount:
        this.#dataCount = reader.u32()
        return
      case sectionId.code:
        return repeat(reader, functionsMax, 'bodies', () => this.#readBody(reader))
      default:
        return repeat(reader, segmentsMax, 'data segments', () => this.#readData(reader))
    }
  }

  #readType(reader: BinaryReader): void {
    const start = reader.offset
    const kind = reader.byte()
    if (kind === 0x4e || kind === 0x4f || kind === 0x50 || kind === 0x5e || kind === 0x5f) {
      refuseFeature('gc', start)
    }
    if (kind !== 0x60) reader.fail('ERR_MODULE_TYPE', `0x${kind.toString(16)} is no kind of type`, start)
    const parameters = readTypes(reader, parametersMax, 'parameters')
    const results = readTypes(reader, resultsMax, 'results')
    this.#types.push({ parameters, results })
  }

  #readImport(reader: BinaryReader): void {
    const module = reader.name()
    const name = reader.name()
    const start = reader.offset
    const kind = readExternalKind(reader)
    let type: FunctionType | undefined
    if (kind === 'function') {
      type = this.#readFunction(reader)
      this.#importedFunctions++
    } else if (kind === 'table') this.#readTable(reader, true)
    else if (kind === 'memory') this.#readMemory(reader, true)
    else if (kind === 'global') this.#readGlobalType(reader)
    else reader.fail('ERR_MODULE_TYPE', 'an import of no known kind', start)
    this.#imports.push({ module, name, kind, type })
  }

  #readFunction(reader: BinaryReader): FunctionType {
    const type = reader.index(this.#types.length, 'type')
    this.#functions.push(type)
    return typeOf(this.#types, this.#functions, this.#functions.length - 1)
  }

  #readTable(reader: BinaryReader, isImported: boolean): void {
    const start = reader.offset
    if (reader.bytes[start] === 0x40) refuseFeature('function-references', start)
    const type = readReferenceType(reader)
    const { min, max } = readLimits(reader, 'table')
    this.#tables.push({ type, min, max, isImported })
  }

  #readMemory(reader: BinaryReader, isImported: boolean): void {
    const { min, max, isShared } = readLimits(reader, 'memory')
    this.#memories.push({ min, max, isShared, isImported })
  }

  #readGlobalType(reader: BinaryReader): void {
    readValueType(reader)
    const start = reader.offset
    if (reader.byte() > 1) reader.fail('ERR_MODULE_TYPE', 'a global is neither constant nor mutable', start)
    this.#globals++
  }

  #readGlobal(reader: BinaryReader): void {
    const visible = this.#spaces()
    this.#readGlobalType(reader)
    this.#readConstant(reader, visible)
  }

  #readExport(reader: BinaryReader): void {
    const name = reader.name()
    const kind = readExternalKind(reader)
    const spaces = this.#spaces()
    const count = {
      function: spaces.functions,
      table: spaces.tables,
      memory: spaces.memories,
      global: spaces.globals
    }[kind]
    const index = reader.index(count, kind)
    const type = kind === 'function' ? typeOf(this.#types, this.#functions, index) : undefined
    this.#exports.push({ name, kind, index, type })
  }

  #readElements(reader: BinaryReader): void {
    const spaces = this.#spaces()
    const start = reader.offset
    const flags = reader.u32()
    if (flags > 7) reader.fail('ERR_MODULE_SECTION', `${flags} is no kind of element segment`, start)
    const isActive = (flags & 1) === 0
    if (isActive) {
      if ((flags & 2) !== 0) reader.index(spaces.tables, 'table')
      else if (spaces.tables === 0) reader.fail('ERR_MODULE_INDEX', 'there is no table', start)
      this.#readConstant(reader, spaces)
    }
    const hasExpressions = (flags & 4) !== 0
    if ((flags & 3) !== 0) {
      if (hasExpressions) readReferenceType(reader)
      else if (reader.byte() !== 0) reader.fail('ERR_MODULE_TYPE', 'elements of no known kind', start)
    }
    const count = reader.count(elementsMax - this.#elements, 'elements')
    this.#elements += count
    this.#elementSegments++
    for (let left = count; left > 0; left--) {
      if (hasExpressions) this.#readConstant(reader, spaces)
      else this.#referenced.add(reader.index(spaces.functions, 'function'))
    }
  }

  /** A constant expression: constants, references, globals, and sums and products of them. */
  #readConstant(reader: BinaryReader, spaces: IndexSpaces): void {
    const cursor = new InstructionCursor(reader, spaces, 0)
    for (;;) {
      cursor.next()
      if (cursor.code === opcode.end) return
      if (!constantCodes.has(cursor.code)) {
        reader.fail('ERR_MODULE_OPCODE', 'an instruction that no constant expression has', cursor.start)
      }
      if (cursor.code === opcode.refFunc) this.#referenced.add(cursor.immediate)
    }
  }

  #readBody(reader: BinaryReader): void {
    const start = reader.offset
    const length = reader.u32()
    if (length > functionBytesMax) {
      reader.fail(
        'ERR_MODULE_LIMIT',
        `a function of ${length} bytes is longer than ${functionBytesMax}`,
        start
      )
    }
    const body = reader.part(length)
    this.#bodies.push({ start: body.offset, end: body.end })
  }

  #readData(reader: BinaryReader): void {
    const spaces = this.#spaces()
    const start = reader.offset
    const flags = reader.u32()
    if (flags > 2) reader.fail('ERR_MODULE_SECTION', `${flags} is no kind of data segment`, start)
    if (flags === 2 && reader.u32() !== 0) refuseFeature('multi-memory', start)
    if (flags !== 1) {
      if (spaces.memories === 0) reader.fail('ERR_MODULE_INDEX', 'there is no memory', start)
      this.#readConstant(reader, spaces)
    }
    reader.skip(reader.u32())
    this.#dataSegments++
  }

  #spaces(): IndexSpaces {
    return {
      types: this.#types.length,
      functions: this.#functions.length,
      tables: this.#tables.length,
      memories: this.#memories.length,
      globals: this.#globals,
      elements: this.#elementSegments,
      data: this.#dataCount ?? 0 // instructions may name segments only after a data count section
    }
  }
}

function typeOf(types: readonly FunctionType[], functions: readonly number[], index: number): FunctionType {
  const type = types[functions[index] ?? -1]
  if (type === undefined) throw new Error(`function ${index} has no type`)
  return type
}

function repeat(reader: BinaryReader, max: number, what: string, read: () => unknown): void {
  for (let left = reader.count(max, what); left > 0; left--) read()
}

function readTypes(reader: BinaryReader, max: number, what: string): ValueType[] {
  const types: ValueType[] = []
  repeat(reader, max, what, () => types.push(readValueType(reader)))
  return types
}

function readExternalKind(reader: BinaryReader): ExternalKind {
  const start = reader.offset
  const byte = reader.byte()
  const kind = (['function', 'table', 'memory', 'global'] as const)[byte]
  if (kind !== undefined) return kind
  if (byte === 4) refuseFeature('exceptions', start)
  return reader.fail('ERR_MODULE_TYPE', `0x${byte.toString(16)} is no kind of import or export`, start)
}

function readLimits(reader: BinaryReader, what: 'table' | 'memory'): Limits & { isShared: boolean } {
  const start = reader.offset
  const flags = reader.byte()
  if (flags > 7) {
    if (flags <= 15) refuseFeature('custom-page-sizes', start)
    reader.fail('ERR_MODULE_TYPE', `0x${flags.toString(16)} are no limits`, start)
  }
  if ((flags & 4) !== 0) refuseFeature('memory64', start)
  const isShared = (flags & 2) !== 0
  if (isShared && what === 'table') reader.fail('ERR_MODULE_TYPE', 'a table is never shared', start)
  if (isShared && (flags & 1) === 0) {
    reader.fail('ERR_MODULE_TYPE', 'a shared memory has no maximum', start)
  }
  const min = reader.u32()
  const max = (flags & 1) !== 0 ? reader.u32() : undefined
  const bound = what === 'memory' ? 65_536 : 0xffff_ffff
  if (min > bound || (max ?? 0) > bound || (max !== undefined && max < min)) {
    reader.fail('ERR_MODULE_TYPE', `${min} to ${max ?? 'any'} are no limits of a ${what}`, start)
  }
  return { min, max, isShared }
}

const constantCodes: ReadonlySet<number> = new Set([
  0x41, 0x42, 0x43, 0x44, 0x23, 0xd0, 0xd2, 0xfd0c, 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e
])
