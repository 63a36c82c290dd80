import { describe, expect, it } from 'vitest'
import { daysOf, isWeekend, marked, named, pressed, stretches, weekday, workingDays, written, type CalendarYear } from './workCalendar'

const YEAR: CalendarYear = {
  year: 2026,
  source: '国务院办公厅通知',
  holidays: [{ name: '元旦', from: '2026-01-01', to: '2026-01-03' }, { name: '劳动节', from: '2026-05-01', to: '2026-05-05' }],
  working_weekends: ['2026-01-04', '2026-05-09'],
}

describe('the working calendar', () => {
  it('knows months and weekdays', () => {
    expect(daysOf(2028, 2)).toHaveLength(29)
    expect([daysOf(2026, 12)[0], daysOf(2026, 12).at(-1)]).toEqual(['2026-12-01', '2026-12-31'])
    expect([weekday('2026-11-23'), weekday('2026-11-29')]).toEqual([0, 6])
    expect([isWeekend('2026-11-27'), isWeekend('2026-11-28')]).toEqual([false, true])
  })

  it('gives back what it was given', () => {
    expect(written(2026, YEAR.source, marked(YEAR))).toEqual(YEAR)
    // 365 days, 104 of weekends; of eight days of rest five are weekdays; two weekends are worked.
    expect(workingDays(2026, marked(YEAR))).toBe(365 - 104 - 5 + 2)
    expect(marked(undefined).days.size).toBe(0)
  })

  it('frees a weekday and works it again; a weekend is worked, then of a holiday, then itself', () => {
    let marks = pressed(marked(undefined), '2026-10-08')
    expect(stretches(marks)).toEqual([{ name: '', from: '2026-10-08', to: '2026-10-08' }])
    marks = pressed(marks, '2026-10-08')
    expect(marks.days.size).toBe(0)
    const seen = ['2026-10-10', '2026-10-10', '2026-10-10'].map((day) => {
      marks = pressed(marks, day)
      return marks.days.get(day)
    })
    expect(seen).toEqual(['work', 'rest', undefined])
  })

  it('joins days to a stretch under one name, and parts it where a day is taken out', () => {
    let marks = pressed(marked(YEAR), '2026-05-06')
    expect(stretches(marks)[1]).toEqual({ name: '劳动节', from: '2026-05-01', to: '2026-05-06' })
    marks = pressed(marks, '2026-05-03')
    expect(stretches(marks).map((one) => `${one.name} ${one.from} ${one.to}`)).toEqual(['元旦 2026-01-01 2026-01-03', '劳动节 2026-05-01 2026-05-02', '劳动节 2026-05-04 2026-05-06'])
    marks = named(marks, '2026-05-04', '2026-05-06', '青年节')
    expect(stretches(marks).map((one) => one.name)).toEqual(['元旦', '劳动节', '青年节'])
    const both = marked({ ...YEAR, holidays: [{ name: '中秋节', from: '2026-09-25', to: '2026-09-25' }, { name: '国庆节', from: '2026-09-26', to: '2026-09-27' }] })
    expect(stretches(both).map((one) => one.name), 'two that follow one another').toEqual(['中秋节', '国庆节'])
  })
})
