import { describe, expect, it } from 'vitest'
import { incidentContent, incidentFaults, newFood, newIncident } from './incident'

const NOW = Date.parse('2026-11-23T07:30:00.000Z')
const filled = () => ({ ...newIncident(NOW), people: '12', symptoms: ['vomiting'] })

describe('a report of suspected food poisoning', () => {
  it('asks for what the server asks for, first things first', () => {
    expect(incidentFaults({ ...newIncident(NOW), stops: [] }, NOW)).toEqual(['needPeople', 'needSymptoms', 'needStops'])
    expect(incidentFaults(filled(), NOW)).toEqual([])
    expect(incidentFaults({ ...filled(), people: '1,2' }, NOW)).toEqual(['needPeople'])
    expect(incidentFaults({ ...filled(), in_hospital: '13' }, NOW)).toEqual(['hospitalMany'])
    expect(incidentFaults({ ...filled(), onset: '2027-01-01T00:00' }, NOW)).toEqual(['onsetAhead'])
    expect(incidentFaults({ ...filled(), sealed: [{ ...newFood(), name: '四季豆' }] }, NOW)).toEqual(['needGoods'])
  })

  it('sends what was typed and nothing that was left empty', () => {
    const form = { ...filled(), note: '  ', meal: 'lunch', day: '2026-11-23', foods: ' 四季豆 ', sealed: [{ ...newFood(), name: ' 四季豆 ', quantity: '3 kg', place: '冷柜', photos: ['p'] }] }
    const file = { id: 'p', inspection_id: form.id, user_id: 'u', blob: null, preview: null, sha256: 'ab', filetype: 'image/jpeg', bytes: 3 }
    const content = incidentContent(form, 'place', [file], new Map([['p', '2026-11-23T07:00:00.000Z']]), 1500.4, undefined, new Date(NOW))
    expect(content).toEqual({
      premises_id: 'place', source: 'school', on_site: true, people: 12, symptoms: ['vomiting'], meal: { day: '2026-11-23', meal: 'lunch', foods: '四季豆' },
      stops: ['serving', 'suspected_food', 'scene'], sealed: [{ measure: 'seal', name: '四季豆', quantity: '3 kg', place: '冷柜', evidence_ids: ['p'] }],
      evidence: [{ id: 'p', kind: 'photo', sha256: 'ab', filetype: 'image/jpeg', bytes: 3, taken_at: '2026-11-23T07:00:00.000Z' }],
      clock: { device_time: '2026-11-23T07:30:00.000Z', monotonic_ms: 1500 },
    })
  })
})
