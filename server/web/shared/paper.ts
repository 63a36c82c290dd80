/**
 * The paper that the phone draws on site, as `mobile-api/src/paper.rs` has it word for word (what it is, and why, stands there);
 * `mobile-api/vectors/paper.json` holds both to the same. The page on the glass is a plain rendering of what comes out of here, and
 * the hash of it is what is signed. Papers are in Chinese, whatever language the app speaks.
 */
import { asked, isGiven, isTouched } from './asked'
import { canonicalSha256 } from './canonical'
import {
  itemsOf,
  type Answer, type Evidence, type Field, type FieldValue, type Grade, type Header, type InspectionKind, type Item, type ItemResult, type Judgement, type Outcome,
  type Consequence, type QuickTest, type SampleTaken, type TemplateBody, type Visit,
} from './inspection'
import { judge } from './judge'
import { standings, type Standing } from './originals'

export const FORM = 'bright-kitchen/paper/1'

/** Names and wording as the phone had them; sent with the part, so that the server can draw the same. */
export interface PaperFrame {
  drawn_at: string
  bureau: string
  title: string
  statement: string
  premises: { name: string; address?: string; operator?: string }
  officers: { id: string; name: string; certificate?: string }[]
  template_name: string
  template_version: number
  number?: { office_id: string; year: number; number: number; text: string }
}

export interface Gathered {
  inspection_id: string
  header: Pick<Header, 'kind' | 'started_at'>
  template: TemplateBody
  /** Those that count. */
  answers: Answer[]
  /** Of all parts, in the order in which the lead names them. */
  evidence: Evidence[]
  /** Of all parts. */
  visit: Visit
  samples?: SampleTaken[]
  quick_tests?: QuickTest[]
}

export interface DrawnItem { code: string; key: boolean; text: string; result: string; notes: string[]; photos: string[] }
export interface DrawnSection { name: string; items: DrawnItem[] }
export interface Drawn {
  form: string
  inspection_id: string
  bureau: string
  title: string
  number?: string
  facts: [string, string][]
  visit: string[]
  sections: DrawnSection[]
  /** Left out where there are none. */
  sampling?: string[]
  result: { outcome: string; score: string; grade: string; summary: string; reasons: string[] }
  statement: string
}

const RESULT: Record<ItemResult, string> = { conforms: '符合', fails: '不符合', not_applicable: '合理缺项' }
const QUICK: Record<QuickTest['result'], string> = { passes: '合格', fails: '不合格', unclear: '需复测' }
const OUTCOME: Record<Outcome, string> = { conforms: '符合', basically_conforms: '基本符合', does_not_conform: '不符合' }
const GRADE: Record<Grade, string> = { excellent: '优秀', good: '良好', fair: '一般', none: '' }
const KIND: Record<InspectionKind, string> = { routine: '日常检查', unannounced: '飞行检查', system: '体系检查', campaign: '专项检查', reinspection: '复查' }
const CONSEQUENCE: Record<Consequence, string> = {
  investigation: '依法调查处理', supervisor_decides: '报负责人决定处理方式', correct_on_spot: '已当场改正，记录在案', order: '责令限期改正',
}

export function draw(frame: PaperFrame, from: Gathered): Drawn {
  const taken = sampling(from)
  const judged = judge(from.template, from.answers)
  return {
    form: FORM,
    inspection_id: from.inspection_id,
    bureau: frame.bureau,
    title: frame.title,
    ...(frame.number ? { number: frame.number.text } : {}),
    facts: facts(frame, from),
    visit: visit(from.visit),
    sections: sections(from),
    ...(taken.length > 0 ? { sampling: taken } : {}),
    result: {
      outcome: OUTCOME[judged.outcome], score: judged.score === null ? '' : judged.score.toFixed(1), grade: GRADE[judged.grade],
      summary: summary(judged), reasons: reasons(judged, from.template),
    },
    statement: frame.statement,
  }
}

/** What is signed. */
export function drawnSha256(drawn: Drawn): Promise<string> {
  return canonicalSha256(drawn)
}

function facts(frame: PaperFrame, from: Gathered): [string, string][] {
  const officers = frame.officers.map((one) => (one.certificate ? `${one.name}（执法证号：${one.certificate}）` : one.name)).join('、')
  const all: [string, string][] = [
    ['被检查单位', frame.premises.name], ['经营主体', frame.premises.operator ?? ''], ['地址', frame.premises.address ?? ''],
    ['检查类型', KIND[from.header.kind]], ['检查表', `${frame.template_name}（第${frame.template_version}版）`], ['检查人员', officers],
    ['开始时间', time(from.header.started_at)], ['制作时间', time(frame.drawn_at)],
  ]
  return all.filter(([, value]) => value !== '')
}

function visit({ opened, certificates_shown_at: shown, recusal, unmet }: Visit): string[] {
  const without = (what: string, reason: string | undefined) => (reason?.trim() ? `${what}，理由：${reason.trim()}。` : `${what}。`)
  const answer = recusal && (recusal.requested ? (recusal.reason !== undefined ? `申请回避（${recusal.reason}）` : '申请回避') : '不申请回避')
  return [
    opened ? `${time(opened.device_time)} 扫描场所码到场。` : '未扫描场所码记录到场。',
    shown ? `${time(shown)} 向被检查单位出示执法证件。` : without('未记录出示执法证件', unmet?.certificates),
    recusal ? `${time(recusal.asked_at)} 告知有权申请检查人员回避，${recusal.name}答复：${answer}。` : without('未记录告知申请回避的权利', unmet?.recusal),
    ...(unmet?.second_officer?.trim() ? [without('执法人员不足两名', unmet.second_officer)] : []),
  ]
}

function sections(from: Gathered): DrawnSection[] {
  const ask = asked(from.template, from.answers)
  // Of two answers to one item the last decides, as in the judgement.
  const given = new Map(from.answers.map((answer) => [answer.item_code, answer]))
  const places = new Map(itemsOf(from.template).map((item, index) => [item, index]))
  const standing = standings(from.template, from.evidence)
  return from.template.sections.flatMap((section) => {
    const items = section.items.flatMap((item) => {
      const answer = given.get(item.code)
      const how = ask[places.get(item)!]!
      if (!answer || !how.shown || !(item.question ? isTouched(answer) : answer.result)) return []
      return [drawnItem(item, answer, how.fields.map((field) => field.shown), from.evidence, standing)]
    })
    return items.length > 0 ? [{ name: section.name.zh, items }] : []
  })
}

function sampling({ samples = [], quick_tests: tests = [] }: Gathered): string[] {
  const say = (parts: (string | false | undefined)[]) => `${parts.filter(Boolean).join('，')}。`
  const given = (text: string | undefined, what: string) => text?.trim() && `${what} ${text.trim()}`
  return [
    ...samples.map((one) => say([
      `抽样 ${one.number}：${one.name}`, given(one.batch, '批号'), `数量 ${one.quantity}`, given(one.place, '抽样地点'), one.sealed ? '已封样' : '未封样', `${time(one.taken_at)} 抽取`,
    ])),
    ...tests.map((one) => {
      const kit = [one.kit?.trim(), given(one.kit_lot, '批号')].filter(Boolean).join(' ')
      return say([
        `快检 ${one.food}：${one.item}（${one.method}）`, kit && `试剂 ${kit}`, typeof one.reading === 'number' && `读数 ${measured(one.reading, one.unit?.trim())}`, given(one.limit, '限值'),
        QUICK[one.result], `${time(one.tested_at)} 检测`,
      ])
    }),
  ]
}

function drawnItem(item: Item, answer: Answer, shown: boolean[], evidence: Evidence[], standing: (one: Evidence) => Standing): DrawnItem {
  const notes: string[] = []
  if (typeof answer.number === 'number') notes.push(measured(answer.number, item.number?.unit))
  for (const [index, field] of (item.fields ?? []).entries()) {
    const value = answer.values?.[field.code]
    if (shown[index] && isGiven(value)) notes.push(`${field.label.zh}：${read(field, value)}`)
  }
  const fails = answer.result === 'fails'
  if (answer.remark) notes.push(fails ? `现场发现：${answer.remark}` : answer.remark)
  if (fails) {
    const affects = answer.affects_safety === true ? '影响食品安全' : answer.affects_safety === false ? '不影响食品安全' : '未说明是否影响食品安全'
    notes.push(answer.reason ? `${affects}：${answer.reason}` : affects)
    if (answer.corrected_on_spot === true) notes.push('已当场改正')
  }
  if (answer.result === 'not_applicable' && answer.reason) notes.push(`理由：${answer.reason}`)
  const taken = evidence.filter((one) => one.kind === 'photo' && !one.derived && one.item_code === item.code)
  const withheld = taken.filter((one) => standing(one) === 'withheld').length
  if (withheld > 0) notes.push(`照片${withheld}张按检查表规定不上传原件，只上传缩小件；所列为原件的校验值。`)
  const photos = taken.map((one) => one.sha256)
  for (const one of evidence.filter((other) => other.item_code === item.code)) {
    if ((one.kind === 'video' || one.kind === 'audio') && one.duration_ms !== undefined) notes.push(`${one.kind === 'video' ? '录像' : '录音'}（${Math.ceil(one.duration_ms / 1000)}秒，校验值${one.sha256}）`)
  }
  return { code: item.code, key: item.key, text: item.text.zh, result: answer.result ? RESULT[answer.result] : '已记录', notes, photos }
}

function read(field: Field, value: FieldValue): string {
  const choices = 'choices' in field.kind ? field.kind.choices : []
  const label = (code: string) => choices.find((choice) => choice.code === code)?.label.zh ?? code
  if (typeof value === 'number') return measured(value, field.kind.type === 'number' ? field.kind.unit : undefined)
  if (field.kind.type === 'signature') return '已签名'
  if (typeof value === 'string') return field.kind.type === 'one' ? label(value) : value
  return value.map(label).join('、')
}

function measured(number: number, unit: string | undefined): string {
  const text = JSON.stringify(number)
  return unit ? `${text} ${unit}` : text
}

function summary(judged: Judgement): string {
  const named = (codes: string[]) => (codes.length > 0 ? `（${codes.join('、')}）` : '')
  const { key_failed: key, general_failed: general, not_applicable: left } = judged
  return `本次检查共${judged.checked}项：重点项目${judged.key_checked}项，发现问题${key.length}项${named(key)}；一般项目${judged.general_checked}项，发现问题${general.length}项${named(general)}；合理缺项${left.length}项${named(left)}。`
}

function reasons(judged: Judgement, template: TemplateBody): string[] {
  const [key, general, limit] = [judged.key_failed.length, judged.general_failed.length, template.rule.general_limit]
  const why = key > 0
    ? `重点项目有${key}项不符合（${judged.key_failed.join('、')}），检查结果为不符合。`
    : judged.outcome === 'does_not_conform'
      ? `一般项目有${general}项不符合，超过${limit}项，检查结果为不符合。`
      : general > 0
        ? `一般项目有${general}项不符合，未超过${limit}项，检查结果为基本符合。`
        : '所查项目未发现不符合项，检查结果为符合。'
  return [why, ...judged.consequences.map((one) => `${one.item_code}：${CONSEQUENCE[one.consequence]}。`)]
}

/** 2026年11月24日14时05分, in Asia/Shanghai: there has been no summer time since 1991. */
export function time(at: string): string {
  const there = new Date(Date.parse(at) + 8 * 3_600_000)
  const minutes = String(there.getUTCMinutes()).padStart(2, '0')
  return `${there.getUTCFullYear()}年${there.getUTCMonth() + 1}月${there.getUTCDate()}日${there.getUTCHours()}时${minutes}分`
}
