import { describe, expect, it } from 'vitest'
import { canonicalSha256 } from '@shared/canonical'
import { answer, header, judgedAnswers, missing, partContent, result, type Draft } from './draft'
import { freeze } from './entry'
import { differing, invitation, join, mine, readInvitation, share, takeParts, undecided, type TeamPart } from './team'
import { draftOf, template } from './testing'

const two = { ...template, body: { ...template.body, sections: [...template.body.sections, { code: '2', name: { zh: '二', en: 'Two' }, items: [{ code: '2.1', key: false, text: { zh: '丁', en: 'D' }, basis: 'x' }] }] } }
const colleague = { id: 'b', display_name: '李梅', certificate_number: 'Y-2' }

function shared(): Draft {
  const draft = { ...draftOf('a'), template: two }
  share(draft, [draft.officers[0]!, colleague], { 2: 'b' })
  return draft
}
const partOf = async (draft: Draft): Promise<TeamPart> => {
  const content = partContent(draft, { device_time: '2026-11-23T06:05:00.000Z', monotonic_ms: 1 })
  return { id: draft.part_id, owner_id: draft.user_id, owner_name: '李梅', revision: 1, content_sha256: await canonicalSha256(content), content }
}

describe('two officers on one inspection', () => {
  it('join by a code, with the very same header and a part of their own', async () => {
    const lead = shared()
    const text = invitation(lead)
    expect(text.length, 'fits a code that a phone reads off a phone').toBeLessThan(1_200)
    const read = readInvitation(text)!
    const member = join(read, colleague, two, { id: 'phone-2' }) as Draft
    expect(await canonicalSha256(header(member))).toBe(await canonicalSha256(header(lead)))
    expect([member.id, member.part_id === lead.part_id, member.device.id]).toEqual([lead.id, false, 'phone-2'])
    expect([mine(member, '2.1'), mine(member, '1.1'), mine(lead, '2.1')]).toEqual([true, false, true])
    expect(missing(member).map((one) => one.item.code), 'only one’s own sections').toEqual(['2.1'])
    expect(join(read, { id: 'c', display_name: 'x' }, two, { id: 'p' })).toBe('notNamed')
    expect(join(read, lead.officers[0]!, two, { id: 'p' })).toBe('isLead')
    expect(join(read, colleague, undefined, { id: 'p' })).toBe('noTemplate')
    expect(readInvitation('bk:join:1:{"i":1}')).toBeNull()
    expect(readInvitation('https://example.org')).toBeNull()
  })

  it('are merged without loss: both answers kept, the lead chooses, and names all parts by hash', async () => {
    const lead = shared()
    const member = join(readInvitation(invitation(lead))!, colleague, two, { id: 'phone-2' }) as Draft
    answer(lead, '1.1', { result: 'conforms' })
    answer(lead, '1.2', { result: 'conforms', number: 130 })
    answer(lead, '1.3', { result: 'not_applicable', reason: '不供应' })
    answer(member, '1.1', { result: 'fails', affects_safety: false, remark: '标签不清', evidence_ids: ['e'] })
    answer(member, '2.1', { result: 'conforms' })
    const part = await partOf(member)
    takeParts(lead, { state: 'draft', parts: [part] })
    expect(missing(lead)).toEqual([])
    expect(undecided(lead)).toEqual(['1.1'])
    expect(differing(lead)[0]).toMatchObject({ code: '1.1', given: [{ answer: { result: 'conforms' } }, { owner: '李梅', answer: { result: 'fails' } }] })
    expect(judgedAnswers(lead).map((one) => one.item_code)).toEqual(['1.1', '1.2', '1.3', '2.1'])
    lead.team!.choices['1.1'] = part.id
    expect(undecided(lead)).toEqual([])
    expect(result(lead).key_failed).toEqual(['1.1'])
    expect(partContent(lead, part.content.clock).answers.map((one) => one.item_code), 'the part is still one’s own').toEqual(['1.1', '1.2', '1.3'])
    const entry = await freeze(lead, 1)
    expect(entry.submit).toMatchObject({ parts: [{ id: lead.part_id }, { id: part.id, content_sha256: part.content_sha256 }], choices: { '1.1': part.id } })
    expect((await freeze(member, 1)).submit).toBeNull()
    // A part that is gone takes its choices with it.
    takeParts(lead, { state: 'draft', parts: [] })
    expect(lead.team!.choices).toEqual({})
  })
})
