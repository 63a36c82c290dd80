import { expect, it } from 'vitest'
import { changedRules, follows, overlaid, readRules } from './diagnosis'

it('reads values that are plain and values that say where they come from', () => {
  const plain = readRules({ black: { enabled: true, threshold: 30, duration_s: 5, from: 'system' } })
  const wrapped = readRules({ black: { enabled: { value: true, from: 'system' }, threshold: { value: 30, from: 'system' }, duration_s: { value: 5, from: 'system' } } })
  expect(plain).toEqual(wrapped)
  expect(plain[0].from.threshold).toBe('system')
})

it('sends what was changed and what was already set here, and nothing else', () => {
  const before = readRules({ black: { enabled: true, threshold: 30, duration_s: 5 }, frozen: { enabled: true, duration_s: 5 } })
  const now = structuredClone(before)
  now[0].values.threshold = 25
  expect(changedRules(now, before, { frozen: { enabled: false } })).toEqual({ frozen: { enabled: false }, black: { threshold: 25 } })
  expect(changedRules(before, before, {})).toEqual({})
})

it('takes a camera that follows the scope as its voice, and lays what is set there over it', () => {
  const rules = readRules({ black: { enabled: true, threshold: 30, from: 'premises' }, frozen: { enabled: true, threshold: 1, from: 'default' } })
  expect(follows(rules, 'premises')).toBe(true)
  expect(follows(rules, 'system')).toBe(false)
  const shown = overlaid(rules, readRules({ black: { threshold: 20 } }), 'premises')
  expect(shown[0]).toEqual({ kind: 'black', values: { enabled: true, threshold: 20 }, from: { enabled: 'premises', threshold: 'premises' } })
  expect(shown[1]).toEqual(rules[1])
})
