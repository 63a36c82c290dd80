import { describe, expect, it } from 'vitest'
import { editable, lacking, setMeals, type Duties } from './selfCheckRules'

const duties = (): Duties => editable({
  version: 1, source: '第98号令', remind_before_min: 60,
  rules: [{ code: 'self_retained_samples', every: 'serving_day', by: '14:00', slots: [{ code: 'lunch', by: '13:30' }], problems: {}, carry: ['5.name'] }],
  breaks: [{ from: '2027-01-25', to: '2027-02-21' }],
})

describe('rules of the papers', () => {
  it('keep the time of a meal, and give a new one the time of the rule, in the order of the day', () => {
    const rule = duties().rules[0]!
    setMeals(rule, ['dinner', 'lunch', 'breakfast'])
    expect(rule.slots).toEqual([{ code: 'breakfast', by: '14:00' }, { code: 'lunch', by: '13:30' }, { code: 'dinner', by: '14:00' }])
    setMeals(rule, [])
    expect(rule.slots).toEqual([])
    expect(rule.carry, 'what the page does not show stays').toEqual(['5.name'])
  })

  it('are not saved without times and with days the wrong way round', () => {
    const one = duties()
    expect([...lacking(one)]).toEqual([])
    one.rules[0]!.by = '24:00'
    one.rules[0]!.slots![0]!.by = ''
    one.breaks[0]!.to = '2027-01-01'
    one.source = ' '
    expect([...lacking(one)]).toEqual(['rules/0/by', 'rules/0/slots/0/by', 'breaks/0/to', 'source'])
  })
})
