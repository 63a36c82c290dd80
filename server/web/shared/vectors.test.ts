import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { canonical, canonicalSha256 } from './canonical'
import { asked, lacksOf } from './asked'
import { itemsOf, type Answer, type InspectionKind, type Evidence, type Header, type Judgement, type PartContent, type TemplateBody, type QuickTest, type SampleTaken, type Visit } from './inspection'
import { judge } from './judge'
import { standings, type Standing } from './originals'
import { draw, drawnSha256, type Drawn, type PaperFrame } from './paper'
import { joinedVisit, signingLacks, unexplained, type Named, type SigningLack } from './signing'

const vectors = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../../../mobile-api/vectors/${name}.json`, import.meta.url), 'utf8')) as T

describe('canonical hashes are those of the vectors, as on the server', () => {
  const { cases } = vectors<{ cases: { name: string; json: string; canonical: string; sha256: string }[] }>('canonical')
  it.each(cases)('$name', async (one) => {
    const value: unknown = JSON.parse(one.json)
    expect(canonical(value)).toBe(one.canonical)
    expect(await canonicalSha256(value)).toBe(one.sha256)
  })
  it('refuses what has no JSON', () => {
    expect(() => canonical('\ud800')).toThrow(RangeError)
    expect(() => canonical(Number.NaN)).toThrow(RangeError)
    expect(canonical({ b: undefined, a: 1 })).toBe('{"a":1}')
  })
})

describe('judgements are those of the vectors, as on the server', () => {
  interface Case { name: string; template: string; answers: Answer[]; expected: Judgement }
  const file = vectors<{ templates: Record<string, TemplateBody>; cases: Case[] }>('judgement')
  it.each(file.cases)('$name', (one) => {
    expect(judge(file.templates[one.template]!, one.answers)).toEqual(one.expected)
  })
})

describe('what lacks on site is that of the vectors, as on the server', () => {
  interface Case { name: string; officers: Named[]; parts: Partial<PartContent>[]; expected: SigningLack[]; unexplained?: SigningLack[] }
  it.each(vectors<Case[]>('signing'))('$name', (one) => {
    const parts = one.parts.map((part) => ({ signatures: part.signatures ?? [], visit: part.visit }))
    const found = signingLacks(one.officers, parts, one.parts.flatMap((part) => part.answers ?? []))
    expect(found).toEqual(one.expected)
    if (one.unexplained) expect(unexplained(found, joinedVisit(parts.flatMap((part) => part.visit ?? [])))).toEqual(one.unexplained)
  })
})

describe('which photos as taken are waited for is that of the vectors, as on the server', () => {
  interface Case { name: string; template: TemplateBody; evidence: Evidence[]; standings: Standing[] }
  it.each(vectors<Case[]>('originals'))('$name', (one) => {
    expect(one.evidence.map(standings(one.template, one.evidence))).toEqual(one.standings)
  })
})

describe('papers drawn on site are those of the vectors, as on the server', () => {
  interface Case { name: string; template: string; inspection_id: string; header: Header; frame: PaperFrame; answers: Answer[]; evidence: Evidence[]; visit: Visit; samples?: SampleTaken[]; quick_tests?: QuickTest[]; expected: Drawn; sha256: string }
  const file = vectors<{ templates: Record<string, TemplateBody>; cases: Case[] }>('paper')
  it.each(file.cases)('$name', async (one) => {
    const drawn = draw(one.frame, { ...one, template: file.templates[one.template]! })
    expect(drawn).toEqual(one.expected)
    expect(await drawnSha256(drawn)).toBe(one.sha256)
  })
})

describe('what is asked is that of the vectors, as on the server', () => {
  interface Expected { hidden: string[]; hidden_fields: string[]; lacks: Record<string, string[]>; unanswered: string[]; checked: number }
  interface Case { name: string; template: string; kind: InspectionKind; answers: Answer[]; expected: Expected }
  const file = vectors<{ templates: Record<string, TemplateBody>; cases: Case[] }>('asked')
  it.each(file.cases)('$name', (one) => {
    const body = file.templates[one.template]!
    const given = new Map(one.answers.map((answer) => [answer.item_code, answer]))
    const found: Expected = { hidden: [], hidden_fields: [], lacks: {}, unanswered: [], checked: 0 }
    for (const [index, ask] of asked(body, one.answers).entries()) {
      const item = itemsOf(body)[index]!
      if (!ask.shown) found.hidden.push(item.code)
      ask.fields.forEach((field, number) => field.shown || found.hidden_fields.push(`${item.code}/${item.fields![number]!.code}`))
      const lacks = lacksOf(item, given.get(item.code), ask, one.kind)
      if (lacks.length > 0) found.lacks[item.code] = lacks
    }
    const { unanswered, checked } = judge(body, one.answers)
    expect({ ...found, unanswered, checked }).toEqual(one.expected)
  })
})
