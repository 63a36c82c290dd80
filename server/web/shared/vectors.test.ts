import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { canonical, canonicalSha256 } from './canonical'
import type { Answer, Judgement, TemplateBody } from './inspection'
import { judge } from './judge'

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
