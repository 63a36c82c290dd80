import { expect, it } from 'vitest'
import en from './en'
import zh from './zh'

const texts = (value: unknown, path = ''): [string, string][] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, inner]) => texts(inner, `${path}/${name}`))
    : [[path, String(value)]]

it('says everything in both languages, with the same gaps to fill', () => {
  const shape = (all: [string, string][]) => all.map(([path, words]) => `${path} ${[...words.matchAll(/\{\w+\}/g)].map(String).sort().join()}`)
  expect(shape(texts(en))).toEqual(shape(texts(zh)))
})
