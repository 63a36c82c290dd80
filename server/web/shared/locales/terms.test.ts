import { expect, it } from 'vitest'
import en from './terms.en'
import zh from './terms.zh'

const keys = (value: unknown, path = ''): string[] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, inner]) => keys(inner, `${path}/${name}`))
    : [path]

it('says every term in both languages', () => {
  expect(keys(en).sort()).toEqual(keys(zh).sort())
})
