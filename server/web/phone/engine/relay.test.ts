import { describe, expect, it } from 'vitest'
import { answer } from './draft'
import { draftOf } from './testing'
import { freeze } from './entry'
import { Collector, fileText, framesOf, readRelayed, relayed } from './relay'
import { share, takeParts } from './team'

const LONG = '排水沟盖板缺失，沟内有积水。😀'.repeat(60)

async function handedIn() {
  const draft = draftOf()
  for (const code of ['1.1', '1.2', '1.3']) answer(draft, code, { result: 'fails', remark: LONG + code, affects_safety: false, reason: code })
  const entry = await freeze(draft, 1)
  return { entry, what: relayed(entry, { id: draft.user_id, name: '黄志远' }) }
}

describe('a part from phone to phone', () => {
  it('arrives as codes read in any order, some twice, and is what is sent later', async () => {
    const { entry, what } = await handedIn()
    const frames = await framesOf(what)
    expect(frames.length).toBeGreaterThan(1)
    const collector = new Collector()
    for (const frame of [...frames].reverse()) {
      expect(collector.whole).toBe(false)
      expect(collector.add(frame)).toBe(true)
      collector.add(frame)
    }
    const part = await readRelayed(await collector.text(), { id: entry.id, officers: [what.part.owner_id] })
    expect(part).toEqual({ ...what.part, carried: true })
    expect((entry.put.part as { content_sha256: string }).content_sha256).toBe(what.part.content_sha256)
  })

  it('begins anew with the codes of another part, and takes nothing that is damaged', async () => {
    const [first, second] = [await handedIn(), await handedIn()]
    const collector = new Collector()
    collector.add((await framesOf(first.what))[0]!)
    for (const frame of await framesOf(second.what)) collector.add(frame)
    expect(collector.whole).toBe(true)
    expect(JSON.parse(await collector.text()).part.id).toBe(second.what.part.id)
    for (const text of ['', 'bk:part:1:00000000:5:3:abc', 'https://example.org', 'bk:part:1:00000000:0:9999:abc']) expect(collector.add(text)).toBe(false)
    const frames = await framesOf(first.what)
    const broken = new Collector()
    frames.forEach((frame, index) => broken.add(index === 0 ? frame.slice(0, -4) + 'AAAA' : frame))
    await expect(broken.text()).rejects.toThrow()
  })

  it('is refused where it is of another inspection, of nobody named, or changed', async () => {
    const { entry, what } = await handedIn()
    const here = { id: entry.id, officers: [what.part.owner_id] }
    expect(await readRelayed(fileText(what), { ...here, id: 'another' })).toBe('other')
    expect(await readRelayed(fileText(what), { ...here, officers: [] })).toBe('notNamed')
    expect(await readRelayed(fileText(what).replace('积水', '清水'), here)).toBe('damaged')
    expect(await readRelayed('{}', here)).toBe('damaged')
  })

  it('stays with the lead until the server has it, and gives way to what is newer there', async () => {
    const { what } = await handedIn()
    const lead = draftOf()
    share(lead, [...lead.officers, { id: what.part.owner_id, display_name: '黄志远' }], {})
    lead.team!.parts = [{ ...what.part, carried: true }]
    takeParts(lead, { state: 'draft', parts: [] })
    expect(lead.team!.parts.map((part) => part.id)).toEqual([what.part.id])
    takeParts(lead, { state: 'draft', parts: [{ ...what.part, revision: what.part.revision + 1 }] })
    expect(lead.team!.parts).toEqual([{ ...what.part, revision: what.part.revision + 1 }])
  })
})
