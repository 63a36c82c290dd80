/** What the designer does to a template's file: pure moves on plain data, so that each can be tried and undone. */
import type { Bilingual, Condition, Field, FieldKind, Item, OriginalPolicy, Rule, Section } from '@shared/inspection'

export interface TemplateFile {
  code: string
  name: Bilingual
  premises_kinds: string[]
  audience: 'officer' | 'canteen'
  source: Bilingual
  body: { rule: Rule; originals?: OriginalPolicy; sections: Section[] }
}

export interface Fault { pointer: string; code: string; detail: string }
export interface Place { section: number; item: number | null }

const empty = (): Bilingual => ({ zh: '', en: '' })
export const usualRule = (): Rule => ({ general_limit: 8, points_key: 3, points_general: 1, grades: [{ min: 90, grade: 'excellent' }, { min: 75, grade: 'good' }, { min: 60, grade: 'fair' }] })

export function newFile(): TemplateFile {
  return { code: '', name: empty(), premises_kinds: ['school_canteen'], audience: 'officer', source: empty(), body: { rule: usualRule(), sections: [] } }
}

const codes = (file: TemplateFile) => new Set(file.body.sections.flatMap((section) => section.items.map((item) => item.code)))

/** The first number that is not taken, with something before it. */
function free(taken: Set<string>, before: string): string {
  for (let number = 1; ; number += 1) if (!taken.has(`${before}${number}`)) return `${before}${number}`
}

export function addSection(file: TemplateFile): Place {
  const code = free(new Set(file.body.sections.map((section) => section.code)), '')
  file.body.sections.push({ code, name: empty(), items: [] })
  return { section: file.body.sections.length - 1, item: null }
}

export function newItem(code: string, question: boolean): Item {
  return question
    ? { code, key: false, text: empty(), basis: '', question: true, min_photos: 0, photo_on_fail: false, fields: [], required: true }
    : { code, key: false, text: empty(), basis: '', min_photos: 0, photo_on_fail: false, fields: [], remarks: [] }
}

export function addItem(file: TemplateFile, section: number, question = file.audience === 'canteen'): Place {
  const into = file.body.sections[section]!
  into.items.push(newItem(free(codes(file), `${into.code}.`), question))
  return { section, item: into.items.length - 1 }
}

export function copyItem(file: TemplateFile, { section, item }: Place): Place {
  const into = file.body.sections[section]!
  const copy = JSON.parse(JSON.stringify(into.items[item!])) as Item
  const before = copy.code
  copy.code = free(codes(file), `${into.code}.`)
  // What looked at itself looks at the copy.
  const own = (condition: Condition | null | undefined) => condition && rename(condition, before, copy.code)
  own(copy.require_when)
  for (const field of copy.fields ?? []) [field.show_when, field.require_when].forEach(own)
  into.items.splice(item! + 1, 0, copy)
  return { section, item: item! + 1 }
}

export function remove(file: TemplateFile, { section, item }: Place): void {
  if (item === null) file.body.sections.splice(section, 1)
  else file.body.sections[section]!.items.splice(item, 1)
}

/** Moves a section or an item to where another stands; gives where it is then. */
export function move(file: TemplateFile, from: Place, to: Place): Place {
  const { sections } = file.body
  if (from.item === null) {
    const target = Math.max(0, Math.min(to.section, sections.length - 1))
    sections.splice(target, 0, ...sections.splice(from.section, 1))
    return { section: target, item: null }
  }
  const [moved] = sections[from.section]!.items.splice(from.item, 1)
  if (!moved) return from
  const into = sections[to.section] ?? sections[from.section]!
  const target = Math.max(0, Math.min(to.item ?? into.items.length, into.items.length))
  into.items.splice(target, 0, moved)
  return { section: sections.indexOf(into), item: target }
}

/** One step up or down with the keyboard; an item goes on into the section before or after. */
export function step(file: TemplateFile, from: Place, by: -1 | 1): Place {
  const { sections } = file.body
  if (from.item === null) return move(file, from, { section: from.section + by, item: null })
  const target = from.item + by
  if (target >= 0 && target < sections[from.section]!.items.length) return move(file, from, { section: from.section, item: target })
  const next = from.section + by
  if (next < 0 || next >= sections.length) return from
  return move(file, from, { section: next, item: by < 0 ? sections[next]!.items.length : 0 })
}

export function conditionsOf(file: TemplateFile): Condition[] {
  const found: (Condition | null | undefined)[] = []
  for (const item of file.body.sections.flatMap((section) => section.items)) {
    found.push(item.show_when, item.require_when)
    for (const field of item.fields ?? []) found.push(field.show_when, field.require_when)
  }
  return found.filter((one) => one !== null && one !== undefined)
}

function leaves(condition: Condition): { item: string; field?: string | null }[] {
  if ('all' in condition) return condition.all.flatMap(leaves)
  if ('any' in condition) return condition.any.flatMap(leaves)
  if ('not' in condition) return leaves(condition.not)
  return ['result' in condition ? condition.result : condition.value]
}

function rename(condition: Condition, before: string, after: string): void {
  for (const leaf of leaves(condition)) if (leaf.item === before) leaf.item = after
}

/** Gives an item another code, and every condition that names it the same. */
export function renameItem(file: TemplateFile, item: Item, code: string): void {
  const before = item.code
  item.code = code
  if (before && ![...codes(file)].includes(before)) conditionsOf(file).forEach((one) => rename(one, before, code))
}

export function renameField(file: TemplateFile, item: Item, field: Field, code: string): void {
  const before = field.code
  field.code = code
  for (const leaf of conditionsOf(file).flatMap(leaves)) if (leaf.item === item.code && leaf.field === before) leaf.field = code
}

/** How many conditions look at an item. */
export function lookedAt(file: TemplateFile, code: string): number {
  return conditionsOf(file).flatMap(leaves).filter((leaf) => leaf.item === code).length
}

export function newField(item: Item, type: FieldKind['type']): Field {
  const kind: FieldKind = type === 'one' || type === 'many' ? { type, choices: [newChoice([])] } : type === 'number' ? { type, unit: '' } : { type }
  return { code: free(new Set((item.fields ?? []).map((field) => field.code)), 'f'), label: empty(), kind }
}

export function newChoice(choices: { code: string }[]): { code: string; label: Bilingual } {
  return { code: free(new Set(choices.map((choice) => choice.code)), 'c'), label: empty() }
}

/** The item or section that a fault stands at. */
export function placeOf(pointer: string): Place | null {
  const found = /^\/body\/sections\/(\d+)(?:\/items\/(\d+))?/.exec(pointer)
  return found ? { section: Number(found[1]), item: found[2] === undefined ? null : Number(found[2]) } : null
}

export const pointerOf = ({ section, item }: Place): string => `/body/sections/${section}${item === null ? '' : `/items/${item}`}`

/** How many faults stand at a place or below it. */
export function faultsBelow(faults: Fault[], pointer: string): number {
  return faults.filter((fault) => fault.pointer === pointer || fault.pointer.startsWith(`${pointer}/`)).length
}

/** The file as it is sent: what says nothing is left out, as the program writes it. */
export function cleaned(file: TemplateFile): TemplateFile {
  const plain = JSON.parse(JSON.stringify(file)) as TemplateFile
  for (const item of plain.body.sections.flatMap((section) => section.items)) {
    for (const one of [item, ...(item.fields ?? [])] as unknown as Record<string, unknown>[]) {
      for (const name of ['show_when', 'require_when', 'number']) if (one[name] === null) delete one[name]
      if (one.required === false) delete one.required
    }
    if (!item.question) delete item.question
    if (item.fields?.length === 0) delete item.fields
    if (item.remarks?.length === 0) delete item.remarks
    if (item.papers?.length === 0) delete item.papers
    for (const bounds of [item.number, ...(item.fields ?? []).map((field) => field.kind)] as unknown as (Record<string, unknown> | null | undefined)[]) {
      for (const name of ['min', 'max']) if (bounds && (bounds[name] === null || bounds[name] === '')) delete bounds[name]
    }
  }
  if (plain.body.originals === 'always') delete plain.body.originals
  return plain
}
