import 'fake-indexeddb/auto'
import { describe, expect, it } from 'vitest'
import { postOrdersIdAnswer } from '@shared/api/generated.operations'
import { uuidv7 } from '@shared/ids'
import type { Template } from '@shared/inspection'
import { openPhoneDb } from './db'
import { answer, missing, type Draft } from './draft'
import { queue, queueAct } from './entry'
import { Outbox } from './outbox'
import { agenda, allWell, beginPaper, dishesOf, labelText, paperOfDraft, prunePapers, samplesOver, type PaperKind, type PaperRow, type PremisesDuties } from './papers'
import { safeOf } from './testing'
import { proofsOf } from '../run/proofs'

const one = (codes: string[]) => ({ type: 'one' as const, choices: codes.map((code) => ({ code, label: { zh: code, en: code } })) })
const label = { zh: '字', en: 'w' }
const template = {
  id: uuidv7(), code: 'self_daily_control', version: 1, name: { zh: '日管控：每日', en: 'Daily control' }, premises_kinds: ['school_canteen'], audience: 'canteen',
  body: {
    rule: { general_limit: 0, points_key: 1, points_general: 1, grades: [] },
    sections: [{
      code: '1', name: label, items: [
        { code: '1', key: false, text: label, basis: '', question: true, required: true, fields: [
          { code: 'ok', label, kind: one(['yes', 'no']), required: true },
          { code: 'problem', label, kind: { type: 'text' as const }, required: true, show_when: { value: { item: '1', field: 'ok', is: 'equals', to: 'no' } } }] },
        { code: '8', key: false, text: label, basis: '', question: true, required: true, fields: [{ code: 'risk', label, kind: one(['none', 'open']), required: true }, { code: 'meal', label, kind: one(['lunch', 'dinner']) }] },
        { code: '9', key: false, text: label, basis: '', question: true, required: true, fields: [{ code: 'name', label, kind: { type: 'text' as const }, required: true }] },
      ],
    }],
  },
} as unknown as Template
const kind: PaperKind = { code: 'self_daily_control', name: template.name, template_id: template.id, every: 'serving_day', slots: [], head: false, carry: ['9.name', '1.ok_not_there'], all_well: { ok: 'yes', risk: 'none' } }
const premises = { id: 'p', name: '澄海实验学校食堂', kind: 'school_canteen' }
const device = { id: 'kitchen-1' }
// 23 November 2026 is a Monday; times of Shanghai.
const at = (clock: string) => Date.parse(`2026-11-23T${clock}:00+08:00`)
const row = (more: Partial<PaperRow>): PaperRow => ({ id: uuidv7(), premises_id: 'p', template_id: template.id, code: kind.code, day: '2026-11-23', slot: '', made_by_name: '林', answered_at: '2026-11-23T02:00:00.000Z', received_at: '2026-11-23T02:00:00.000Z', problems: 0, photos: 0, answers: {}, ...more })
const place: PremisesDuties = {
  premises_id: 'p', premises_name: premises.name, papers: [kind, { ...kind, code: 'self_weekly_check', every: 'week' }, { ...kind, code: 'self_goods_received', every: 'as_needed' }, { ...kind, code: 'self_accompanying_meal', head: true, slots: ['lunch'] }],
  duties: [
    { code: 'self_daily_control', day: '2026-11-20', slot: '', due_at: '2026-11-20T10:00:00.000Z', state: 'missing' },
    { code: 'self_daily_control', day: '2026-11-23', slot: '', due_at: '2026-11-23T10:00:00.000Z', state: 'waiting' },
    { code: 'self_accompanying_meal', day: '2026-11-23', slot: 'lunch', due_at: '2026-11-23T06:30:00.000Z', state: 'waiting' },
    { code: 'self_weekly_check', day: '2026-11-23', slot: '', due_at: '2026-11-27T10:00:00.000Z', state: 'waiting' },
    { code: 'self_daily_control', day: '2026-11-24', slot: '', due_at: '2026-11-24T10:00:00.000Z', state: 'waiting' },
  ],
}
const begin = (last?: PaperRow, slot = ''): Draft => beginPaper({ userId: 'u', premises, template, kind, day: '2026-11-23', slot, device, last, myName: '林晓梅' })

describe('the canteen’s day', () => {
  it('says what is late, due today, coming up and made at any time', () => {
    const list = agenda([place], [], [], () => true, at('10:00'))
    expect(list.late.map((line) => [line.kind.code, line.day, line.state])).toEqual([['self_daily_control', '2026-11-20', 'missing']])
    expect(list.today.map((line) => line.kind.code)).toEqual(['self_accompanying_meal', 'self_daily_control'])
    expect(list.soon.map((line) => line.kind.code)).toEqual(['self_weekly_check'])
    expect(list.any.map((line) => line.kind.code)).toEqual(['self_goods_received'])
    expect([list.done, list.all]).toEqual([0, 2])
    // Late on its own day, it stays among the day's.
    expect(agenda([place], [], [], () => true, at('20:00')).today.map((line) => line.state)).toEqual(['missing', 'missing'])
    expect(agenda([place], [], [], (one) => one.head, at('10:00')).today).toHaveLength(1)
  })

  it('counts what was handed in on this phone as done before it is sent', () => {
    const draft = begin()
    expect(agenda([place], [], [draft], () => true, at('10:00')).today.find((line) => line.kind.code === kind.code)).toMatchObject({ state: 'draft', id: draft.id })
    const list = agenda([place], [], [{ ...draft, stage: 'queued' }], () => true, at('20:00'))
    expect([list.done, list.today.at(-1)?.state]).toEqual([1, 'queued'])
    expect(agenda([place], [row({})], [{ ...draft, stage: 'filling' }], () => true, at('10:00')).today.at(-1)?.state, 'somebody else sent it').toBe('done')
  })

  it('begins with names and the meal as they were, and never with what is looked at', () => {
    const draft = begin(row({ answers: { 9: { values: { name: '陈师傅' } }, 1: { values: { ok: 'yes' } } } }), 'lunch')
    expect(draft.answers['9']?.values).toEqual({ name: '陈师傅' })
    expect(draft.answers['1']).toBeUndefined()
    expect(draft.answers['8']?.values).toEqual({ meal: 'lunch' })
    expect(begin().answers['9']?.values, 'the first time one’s own name').toEqual({ name: '林晓梅' })
  })

  it('says in one tap that all is well, and asks on where it is not', () => {
    const draft = begin()
    for (const { code, values } of allWell(draft, kind)) answer(draft, code, { values: { ...draft.answers[code]?.values, ...values } })
    expect(missing(draft)).toEqual([])
    answer(draft, '1', { values: { ok: 'no' } })
    expect(missing(draft).map((gap) => gap.lacks)).toEqual([['field:problem']])
  })

  it('knows the samples that were kept long enough', () => {
    const sample = { self_check_id: 's', position: 1, dish: '米饭', meal: 'lunch', kept_by: '林', kept_at: '2026-11-21T04:00:00.000Z', due_at: '2026-11-23T04:00:00.000Z' }
    const papers = [row({ samples: [sample, { ...sample, position: 2, discarded_at: '2026-11-23T05:00:00.000Z' }] })]
    expect(samplesOver(papers, new Set(), at('11:59'))).toEqual([])
    expect(samplesOver(papers, new Set(), at('12:01')).map((one) => one.position)).toEqual([1])
    expect(samplesOver(papers, new Set(['s/1']), at('12:01'))).toEqual([])
    const kept = begin()
    kept.answers['3'] = { answered_at: kept.started_at, evidence_ids: [], values: { dishes: '米饭、青菜', meal: 'lunch', name: '林' } }
    expect(paperOfDraft(kept), 'not while it is filled in').toBeUndefined()
    const shown = paperOfDraft({ ...kept, stage: 'queued', submitted_at: '2026-11-23T04:00:00.000Z' })
    expect(shown?.samples?.map((one) => [one.dish, one.kept_by, one.due_at])).toEqual([['米饭', '林', '2026-11-25T04:00:00.000Z'], ['青菜', '林', '2026-11-25T04:00:00.000Z']])
    expect([labelText(sample), dishesOf('米饭、青菜\n汤')]).toEqual(['bk:sample:1:s:1', ['米饭', '青菜', '汤']])
  })
})

describe('papers on their way', () => {
  /** A server that notes what comes, and answers a paper with what it lacks. */
  function server(lack: string[] = []) {
    const calls: { method: string; path: string; body?: unknown; key?: string }[] = []
    let down = false
    return {
      calls, cut: (now: boolean) => (down = now), has: (id: string) => lack.splice(lack.indexOf(id), 1),
      response: (method: string, path: string, options: { body?: unknown; headers?: Record<string, string> }) => {
        if (down) return Promise.reject(new TypeError('no network'))
        calls.push({ method, path, body: options.body, key: options.headers?.['Idempotency-Key'] })
        const made = path === '/files' ? { id: 'file-1' } : { missing_evidence: lack.map((id) => ({ id })) }
        return Promise.resolve(Response.json(made))
      },
    }
  }

  it('are kept without a network and sent as one body, the same at each try', async () => {
    const safe = await safeOf(await openPhoneDb(`papers-${Math.random()}`), 'u')
    const draft = begin()
    await safe.putDraft(draft)
    await queue(safe, draft, 1)
    const api = server()
    const outbox = new Outbox({ api, safe: () => safe })
    api.cut(true)
    await outbox.kick('all')
    expect((await safe.entries())[0]).toMatchObject({ kind: 'self_check', state: 'waiting' })
    api.cut(false)
    await outbox.kick('all')
    expect(api.calls.map((call) => [call.method, call.path])).toEqual([['PUT', `/self-checks/${draft.id}`]])
    expect(api.calls[0]!.body).toMatchObject({ content: { day: '2026-11-23', template_id: template.id, part: { device_id: 'kitchen-1' } } })
    expect([(await safe.entries()).length, (await safe.draft(draft.id))?.stage]).toEqual([0, 'sent'])
  })

  it('acts carry their pictures and a key of their own', async () => {
    const safe = await safeOf(await openPhoneDb(`acts-${Math.random()}`), 'u')
    const picture = { id: 'local-1', inspection_id: '', user_id: 'u', blob: new Blob(['x'], { type: 'image/png' }), preview: null, sha256: 'x', filetype: 'image/png', bytes: 1 }
    await queueAct(safe, { id: 'act-1', operation: postOrdersIdAnswer, at: { id: 'o' }, title: 'order_answer', premisesName: 'p', body: { version: 1, items: [{ item_id: 'i', text: '已补装', evidence_ids: ['local-1'] }] }, files: [picture] })
    const api = server()
    await new Outbox({ api, safe: () => safe }).kick('all')
    expect(api.calls.map((call) => [call.path, call.key])).toEqual([['/files', undefined], ['/orders/o/answer', 'act-1']])
    expect(api.calls[1]!.body).toEqual({ version: 1, items: [{ item_id: 'i', text: '已补装', evidence_ids: ['file-1'] }] })
    expect(await safe.entries()).toEqual([])
  })
})

describe('old papers', () => {
  it('go, but for the newest of each kind and place', async () => {
    const safe = await safeOf(await openPhoneDb(`old-${Math.random()}`), 'u')
    const rows = [row({ day: '2026-11-01' }), row({ day: '2026-11-02' }), row({ day: '2026-11-22' }), row({ day: '2026-10-01', code: 'self_monthly_review' }), row({ day: '2026-09-01', code: 'self_monthly_review' })]
    for (const one of rows) await safe.db.put('rows', await safe.sealRow({ user_id: 'u', entity: 'self_check', id: one.id, value: one, generation: '' }))
    expect(await prunePapers(safe, 3, at('12:00'))).toBe(3)
    expect((await safe.rows<PaperRow>('self_check')).map((one) => one.day).sort()).toEqual(['2026-10-01', '2026-11-22'])
  })
})

describe('proofs beside an item', () => {
  it('are the newest papers of the premises, and say where there is none', () => {
    const checklist = { ...template, id: 't', audience: 'officer', body: { ...template.body, sections: [{ ...template.body.sections[0]!, items: [{ ...template.body.sections[0]!.items[0]!, papers: ['self_daily_control', 'self_unknown'] }] }] } } as Template
    const papers = [row({ day: '2026-11-20' }), row({ day: '2026-11-23', problems: 1 }), row({ premises_id: 'other' })]
    const found = proofsOf(checklist, 'p', papers, [template, checklist])
    expect(found.get('1')?.map((proof) => [proof.code, proof.papers.map((paper) => paper.day)])).toEqual([['self_daily_control', ['2026-11-23', '2026-11-20']]])
    expect(proofsOf(checklist, 'nowhere', papers, [template]).get('1')?.[0]?.papers).toEqual([])
  })
})
