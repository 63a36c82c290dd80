import { describe, expect, it } from 'vitest'
import type { Condition } from '@shared/inspection'
import { addItem, addSection, cleaned, copyItem, faultsBelow, lookedAt, move, newField, newFile, placeOf, pointerOf, remove, renameField, renameItem, step } from './model'

const shape = (file: ReturnType<typeof newFile>) => file.body.sections.map((section) => [section.code, section.items.map((item) => item.code).join(' ')])

function three() {
  const file = newFile()
  addSection(file)
  addSection(file)
  addItem(file, 0)
  addItem(file, 0)
  addItem(file, 1)
  return file
}

describe('a template being designed', () => {
  it('gives codes that are free', () => {
    const file = three()
    expect(shape(file)).toEqual([['1', '1.1 1.2'], ['2', '2.1']])
    remove(file, { section: 0, item: 0 })
    addItem(file, 0)
    expect(shape(file)).toEqual([['1', '1.2 1.1'], ['2', '2.1']])
  })

  it('moves items within and between sections, and sections, with what is in them', () => {
    const file = three()
    expect(move(file, { section: 0, item: 0 }, { section: 0, item: 1 })).toEqual({ section: 0, item: 1 })
    expect(shape(file)[0]).toEqual(['1', '1.2 1.1'])
    expect(move(file, { section: 0, item: 1 }, { section: 1, item: null })).toEqual({ section: 1, item: 1 })
    expect(shape(file)).toEqual([['1', '1.2'], ['2', '2.1 1.1']])
    move(file, { section: 1, item: null }, { section: 0, item: null })
    expect(shape(file)).toEqual([['2', '2.1 1.1'], ['1', '1.2']])
  })

  it('steps with the keyboard over the edge of a section and stops at the ends', () => {
    const file = three()
    expect(step(file, { section: 0, item: 1 }, 1)).toEqual({ section: 1, item: 0 })
    expect(shape(file)).toEqual([['1', '1.1'], ['2', '1.2 2.1']])
    expect(step(file, { section: 1, item: 1 }, 1)).toEqual({ section: 1, item: 1 })
    expect(step(file, { section: 1, item: 0 }, -1)).toEqual({ section: 0, item: 1 })
    expect(step(file, { section: 0, item: null }, -1)).toEqual({ section: 0, item: null })
  })

  it('keeps conditions at what they looked at when it is renamed or copied', () => {
    const file = three()
    const [first, second] = file.body.sections[0]!.items
    first!.fields = [newField(first!, 'number')]
    second!.show_when = { all: [{ result: { item: '1.1', one_of: ['fails'] } }, { not: { value: { item: '1.1', field: 'f1', is: 'given' } } }] }
    renameItem(file, first!, 'a')
    renameField(file, first!, first!.fields[0]!, 'weight')
    expect(JSON.stringify(second!.show_when)).toBe('{"all":[{"result":{"item":"a","one_of":["fails"]}},{"not":{"value":{"item":"a","field":"weight","is":"given"}}}]}')
    expect([lookedAt(file, 'a'), lookedAt(file, '1.1')]).toEqual([2, 0])
    first!.fields[0]!.require_when = { result: { item: 'a', one_of: ['fails'] } }
    const at = copyItem(file, { section: 0, item: 0 })
    const copy = file.body.sections[0]!.items[at.item!]!
    expect((copy.fields![0]!.require_when as Extract<Condition, { result: unknown }>).result.item).toBe(copy.code)
    expect((second!.show_when as { all: { result: { item: string } }[] }).all[0]!.result.item).toBe('a')
  })

  it('knows where a fault stands', () => {
    expect(placeOf('/body/sections/2/items/7/show_when/all/0')).toEqual({ section: 2, item: 7 })
    expect(placeOf('/body/sections/2/name/zh')).toEqual({ section: 2, item: null })
    expect(placeOf('/code')).toBeNull()
    expect(pointerOf({ section: 1, item: 0 })).toBe('/body/sections/1/items/0')
    const faults = ['/body/sections/1/items/1/text/zh', '/body/sections/1/items/10'].map((pointer) => ({ pointer, code: 'required', detail: '' }))
    expect(faultsBelow(faults, '/body/sections/1/items/1')).toBe(1)
  })

  it('is sent without what says nothing', () => {
    const file = three()
    const item = file.body.sections[0]!.items[0]!
    Object.assign(item, { question: false, required: false, show_when: null, number: { unit: 'g', min: null, max: 3, label: { zh: '重', en: 'w' } } })
    expect(cleaned(file).body.sections[0]!.items[0]).toEqual({ code: '1.1', key: false, text: { zh: '', en: '' }, basis: '', min_photos: 0, photo_on_fail: false, number: { unit: 'g', max: 3, label: { zh: '重', en: 'w' } } })
    expect(cleaned({ ...file, body: { ...file.body, originals: 'always' } }).body.originals, 'what says nothing is left out').toBeUndefined()
    expect(cleaned({ ...file, body: { ...file.body, originals: 'never' } }).body.originals).toBe('never')
  })
})
