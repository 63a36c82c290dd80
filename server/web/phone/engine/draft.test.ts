import { describe, expect, it } from 'vitest'
import { answer, header, judgedAnswers, lacks, missing, outOfRange, partContent, progress, result, shownSha256 } from './draft'
import { draftOf, template } from './testing'

const items = template.body.sections[0]!.items

describe('a draft', () => {
  it('says what each item still needs', () => {
    const draft = draftOf()
    expect(missing(draft).map((one) => one.lacks)).toEqual([['answer'], ['answer'], ['answer']])
    answer(draft, '1.1', { result: 'fails' })
    answer(draft, '1.2', { result: 'not_applicable' })
    answer(draft, '1.3', { result: 'conforms' })
    expect(missing(draft).map((one) => one.lacks)).toEqual([['affects_safety', 'reason', 'photo'], ['reason'], ['photos']])
    answer(draft, '1.1', { affects_safety: false, remark: '过期', evidence_ids: ['a'] })
    answer(draft, '1.2', { reason: '不供应' })
    answer(draft, '1.3', { evidence_ids: ['b'] })
    expect(missing(draft)).toEqual([])
    expect(progress(draft)).toEqual({ total: 3, answered: 3, failed: 1 })
    expect(result(draft).outcome).toBe('does_not_conform')
  })

  it('lets an unannounced check leave items out, but not half done', () => {
    expect(lacks(items[0]!, undefined, 'unannounced')).toEqual([])
    expect(lacks(items[0]!, { answered_at: '', evidence_ids: [], remark: '看到' }, 'unannounced')).toEqual(['answer'])
  })

  it('drops the flags of a failure when the result changes', () => {
    const draft = draftOf()
    answer(draft, '1.1', { result: 'fails', affects_safety: true, corrected_on_spot: true, remark: '过期' })
    answer(draft, '1.1', { result: 'conforms' })
    expect(draft.answers['1.1']).not.toHaveProperty('affects_safety')
    expect(judgedAnswers(draft)[0]).toMatchObject({ result: 'conforms', remark: '过期' })
  })

  it('hints at a number out of range and refuses none', () => {
    expect([90, 125, 126, null].map((value) => outOfRange(items[1]!, value))).toEqual([true, false, false, false])
  })

  it('changes what was shown with any answer, so that a signature covers exactly that', async () => {
    const draft = draftOf()
    answer(draft, '1.1', { result: 'conforms' })
    const before = await shownSha256(draft)
    expect(await shownSha256(draft)).toBe(before)
    answer(draft, '1.1', { remark: '许可证已更换' })
    expect(await shownSha256(draft)).not.toBe(before)
  })

  it('writes only what the contract names', () => {
    const draft = draftOf()
    answer(draft, '1.2', { result: 'conforms', number: Number.NaN, remark: '  ' })
    expect(Object.keys(judgedAnswers(draft)[0]!).sort()).toEqual(['answered_at', 'evidence_ids', 'item_code', 'result'])
    expect(Object.keys(header(draft)).sort()).toEqual(['device', 'kind', 'officers', 'premises_id', 'started_at', 'template_id'])
    const content = partContent(draft, { device_time: draft.started_at, monotonic_ms: 1 })
    expect(Object.keys(content).sort()).toEqual(['answers', 'clock', 'device_id', 'evidence', 'locations', 'signatures'])
  })
})
