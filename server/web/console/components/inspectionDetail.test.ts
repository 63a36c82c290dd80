import { describe, expect, it } from 'vitest'
import type { Answer } from '@shared/inspection'
import { earlier, type Part } from './inspectionDetail'

const answer = (item_code: string, result: Answer['result'], more: Partial<Answer> = {}): Answer => ({ item_code, result, answered_at: '2026-11-23T06:00:00Z', evidence_ids: [], ...more }) as Answer
const part = (id: string, answers: Answer[], versions: Part['versions']): Part =>
  ({ id, owner_name: id, received_at: '', locations: [], signatures: [], clock: { device_time: '' }, answers, versions })

describe('what a part said before', () => {
  it('is named where it is another answer now, the newest first', () => {
    const found = earlier([
      part('a', [answer('1.1', 'conforms'), answer('1.2', 'fails', { remark: '无标签' })], [
        { revision: 2, received_at: '', replaced_at: '2026-11-23T06:20:00Z', answers: [answer('1.1', 'conforms', { answered_at: '2026-11-23T05:00:00Z' }), answer('1.2', 'fails')] },
        { revision: 1, received_at: '', replaced_at: '2026-11-23T06:10:00Z', answers: [answer('1.1', 'fails'), answer('1.3', 'conforms')] },
      ]),
      part('b', [], []),
    ])
    expect(found.map((one) => [one.revision, one.changed.map((item) => [item.code, item.before?.result ?? null, item.now?.result ?? null])])).toEqual([
      [2, [['1.2', 'fails', 'fails']]],
      [1, [['1.1', 'fails', 'conforms'], ['1.3', 'conforms', null], ['1.2', null, 'fails']]],
    ])
  })
})
