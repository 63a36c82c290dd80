/**
 * What the phone needs, beside what it gathers, to draw the record on site without a network: wording, and a few numbers of the
 * register. Both are fetched while there is a network. A number is taken when a record is first drawn, and goes back when the
 * draft is thrown away; those of a past year are voided, with the reason.
 */
import { call, send, type Sender } from '@shared/api/call'
import { getPaperNumbers, getPaperWording, postPaperNumbersIdVoid, postPaperNumbersReserve } from '@shared/api/generated.operations'
import { asProblem } from '@shared/api/problem'
import type { PaperFrame } from '@shared/paper'
import { readMeta, writeMeta, type PhoneDb } from './db'

export interface Wording { title: string; statement: string; offices: { office_id: string; office_name: string; bureau: string }[] }
export type HeldNumber = NonNullable<PaperFrame['number']>
export interface Papers { wording?: Wording; numbers: HeldNumber[]; fetched_at?: number }

/** What is shipped, for a phone that never had a network since it was set up. */
export const SHIPPED = { title: '食品安全现场检查记录', statement: '以上记录已交被检查单位阅看，与现场情况一致。' }
const KIND = 'on_site_record'
/** Numbers of an office that are asked for at once, and under which more are asked for. */
const BLOCK = 3
const LOW = 2
/** Wording seldom changes: it is not asked for with every synchronisation. */
const FRESH_MS = 600_000
/** Offices that numbers are held of. */
const OFFICES_MAX = 3

const key = (userId: string) => `papers:${userId}`
export const yearOf = (at: number) => new Date(at + 8 * 3_600_000).getUTCFullYear()

export async function papersOf(db: PhoneDb, userId: string): Promise<Papers> {
  return (await readMeta<Papers>(db, key(userId))) ?? { numbers: [] }
}

/** One after the other: numbers must not be taken and fetched at the same time. */
let turn: Promise<unknown> = Promise.resolve()
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const done = turn.catch(() => undefined).then(work)
  turn = done
  return done
}

/** Fetches wording and, for these offices, numbers. What fails is tried again with the next synchronisation. */
export function fetchPapers(db: PhoneDb, api: Sender, userId: string, deviceId: string, offices: string[], now = Date.now()): Promise<void> {
  return inTurn(async () => {
    const kept = await papersOf(db, userId)
    const year = yearOf(now)
    const low = (papers: Papers, office: string) => papers.numbers.filter((one) => one.office_id === office && one.year === year).length < LOW
    const wanted = [...new Set(offices)].slice(0, OFFICES_MAX)
    if (now - (kept.fetched_at ?? 0) < FRESH_MS && !wanted.some((office) => low(kept, office))) return
    const wording = await call(api, getPaperWording)
    const papers: Papers = { wording, numbers: kept.numbers.filter((one) => one.year >= year), fetched_at: now }
    // Voided before they are forgotten: what fails is tried again.
    await voidOld(api, kept.numbers.filter((one) => one.year < year))
    await writeMeta(db, key(userId), papers)
    for (const office of wanted) {
      if (!low(papers, office)) continue
      try {
        const block = await call(api, postPaperNumbersReserve, { body: { office_id: office, kind: KIND, count: BLOCK, device_id: deviceId } })
        papers.numbers.push(...block.numbers.map((number, index) => ({ office_id: office, year: block.year, number, text: block.texts[index]! })))
        await writeMeta(db, key(userId), papers)
      } catch (error) {
        // As many as a person may hold, or not permitted there: the record is drawn without a number.
        const { status } = asProblem(error)
        if (status === 0 || status >= 500) throw error
      }
    }
  })
}

/** Numbers that this phone held into another year are voided: the register says what became of each. What a record carries is not among them. */
async function voidOld(api: Sender, dropped: HeldNumber[]): Promise<void> {
  for (const year of new Set(dropped.map((one) => one.year))) {
    const held = await call(api, getPaperNumbers, { query: { kind: KIND, state: 'reserved', mine: true, year, limit: 50 } })
    for (const row of held.items) {
      if (!dropped.some((one) => one.office_id === row.office_id && one.year === year && one.number === row.number)) continue
      await send(api, postPaperNumbersIdVoid, { path: { id: row.id }, body: { reason: '年度结束未使用' } })
    }
  }
}

/** Takes a number of an office for a record; none where the phone holds none of this year. */
export function takeNumber(db: PhoneDb, userId: string, office: string | undefined, now = Date.now()): Promise<HeldNumber | undefined> {
  return inTurn(async () => {
    const papers = await papersOf(db, userId)
    const at = papers.numbers.findIndex((one) => one.office_id === office && one.year === yearOf(now))
    if (at < 0) return undefined
    const [taken] = papers.numbers.splice(at, 1)
    await writeMeta(db, key(userId), papers)
    return taken
  })
}

/** A record that was thrown away gives its number back. */
export function giveBack(db: PhoneDb, userId: string, number: HeldNumber | undefined): Promise<void> {
  return inTurn(async () => {
    if (!number) return
    const papers = await papersOf(db, userId)
    if (papers.numbers.some((one) => one.office_id === number.office_id && one.year === number.year && one.number === number.number)) return
    papers.numbers.unshift(number)
    await writeMeta(db, key(userId), papers)
  })
}
