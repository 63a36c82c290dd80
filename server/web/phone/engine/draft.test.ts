import { describe, expect, it } from 'vitest'
import { answer, askedItems, clean, header, judgedAnswers, lacks, missing, outOfRange, partContent, progress, result, shownSha256 } from './draft'
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
    expect(missing(draft)[0]!.lacks).toEqual(['safety_reason'])
    answer(draft, '1.1', { reason: '属于公示问题' })
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

  it('sends what is asked, keeps what went out of sight, and takes it up again', () => {
    const draft = draftOf()
    const [first, second, third] = draft.template.body.sections[0]!.items.map((item) => ({ ...item }))
    second!.show_when = { result: { item: '1.1', one_of: ['fails'] } }
    second!.fields = [
      { code: 'how', label: { zh: '方式', en: 'How' }, kind: { type: 'one', choices: [{ code: 'a', label: { zh: '甲', en: 'A' } }, { code: 'b', label: { zh: '乙', en: 'B' } }] } },
      { code: 'why', label: { zh: '原因', en: 'Why' }, kind: { type: 'text' }, required: true, show_when: { value: { item: '1.2', field: 'how', is: 'equals', to: 'a' } } },
    ]
    const question = { ...third!, code: '1.4', question: true, min_photos: 0, fields: [{ code: 'n', label: { zh: '数', en: 'n' }, kind: { type: 'number' as const } }] }
    draft.template = { ...draft.template, body: { ...draft.template.body, sections: [{ ...draft.template.body.sections[0]!, items: [first!, second!, third!, question] }] } }
    answer(draft, '1.1', { result: 'fails', affects_safety: false, remark: '脏', evidence_ids: ['p'] })
    answer(draft, '1.2', { result: 'conforms', values: { how: 'a', why: ' 旧 ', gone: 'x' } })
    expect(judgedAnswers(draft).map((one) => [one.item_code, one.values])).toEqual([['1.1', undefined], ['1.2', { how: 'a', why: '旧' }]])
    answer(draft, '1.2', { values: { ...draft.answers['1.2']!.values, how: 'b' } })
    expect(judgedAnswers(draft)[1]!.values).toEqual({ how: 'b' })
    expect(progress(draft)).toEqual({ total: 4, answered: 2, failed: 1 })
    answer(draft, '1.1', { result: 'conforms' })
    expect(askedItems(draft).map((item) => item.code)).toEqual(['1.1', '1.3', '1.4'])
    expect(judgedAnswers(draft).map((one) => one.item_code)).toEqual(['1.1'])
    expect(result(draft).unanswered).toEqual(['1.3'])
    answer(draft, '1.1', { result: 'fails' })
    expect(judgedAnswers(draft)[1]!.values).toEqual({ how: 'b' })
    answer(draft, '1.4', { values: { n: 0 } })
    expect(judgedAnswers(draft).at(-1)).toMatchObject({ item_code: '1.4', values: { n: 0 } })
    expect(judgedAnswers(draft).at(-1)).not.toHaveProperty('result')
  })

  it('wants photos of a question once it is begun', () => {
    const question = { code: 'q', key: false, question: true, text: { zh: '照', en: 'p' }, basis: '', min_photos: 2 }
    expect(lacks(question, undefined, 'routine')).toEqual([])
    expect(lacks({ ...question, required: true }, undefined, 'routine')).toEqual(['answer'])
    expect(lacks(question, { answered_at: '', evidence_ids: ['a'] }, 'routine')).toEqual(['photos'])
  })

  it('keeps no control characters, but the ends of lines', () => {
    expect(clean('汤\u0000类\u0007\r\n未\t留\u001b样\u007f😀\u200f')).toBe('汤类\n未\t留样😀\u200f')
  })
})
