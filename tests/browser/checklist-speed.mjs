// How long a tap in a checklist of 200 items takes to the next paint, CPU throttled four times: a figure, not a test. All items
// stand in one section, the worst that a template can do; every second one has a condition on the one before it.
//   node checklist-speed.mjs [taps]
import { addPerson, PASSWORD, Person, phone, seedPlace, startServer } from './support.mjs'
import * as steps from './phone-steps.mjs'

const taps = Number(process.argv[2] ?? 40)
const words = (text) => ({ zh: text, en: text })
const items = Array.from({ length: 200 }, (_, at) => ({
  code: `1.${at + 1}`, key: at % 5 === 0, text: words(`第 ${at + 1} 项：食品离地离墙存放，距离不少于10厘米，标明名称和日期`), basis: 'GB 31654-2021', min_photos: 0, photo_on_fail: false,
  fields: [{ code: 'n', label: words('温度'), kind: { type: 'number', unit: '°C', min: 0, max: 8 } }],
  ...(at % 2 ? { show_when: { any: [{ result: { item: `1.${at}`, one_of: ['conforms', 'fails'] } }, { not: { value: { item: `1.${at}`, field: 'n', is: 'given' } } }] } } : {}),
}))
const rule = { general_limit: 8, points_key: 3, points_general: 1, grades: [] }
const file = { code: 'two_hundred', name: words('两百项'), premises_kinds: ['school_canteen'], audience: 'officer', source: words('测'), body: { rule, sections: [{ code: '1', name: words('全部'), items }] } }

const server = await startServer()
const device = await phone()
try {
  const root = await new Person(server.base, 'root', PASSWORD).signIn()
  const place = await seedPlace(root)
  await addPerson(root, { username: 'chen', display_name: '陈立群', role: 'officer', node_id: place.office.id })
  const draft = await root.post('/template-drafts', { file })
  await root.post(`/template-drafts/${draft.id}/publish`, { version: 1 })
  const context = await device.open()
  const page = context.pages()[0] ?? (await context.newPage())
  await steps.signIn(page, server.base, 'chen', PASSWORD)
  await steps.readyForOffline(page)
  await page.goto(`${server.base}/m/premises/${place.premises.id}`)
  await page.click('[data-test=begin]')
  await page.locator('.templates button', { hasText: '两百项' }).click()
  await page.click('[data-test=begin-now]')
  await page.waitForSelector('[data-code="1.1"]')
  const session = await context.newCDPSession(page)
  await session.send('Emulation.setCPUThrottlingRate', { rate: 4 })
  // From the event's own time to the frame after the one in which it was drawn.
  const figures = await page.evaluate(async (count) => {
    const found = []
    for (let tap = 0; tap < count; tap += 1) {
      const cards = [...document.querySelectorAll('article[data-code]')]
      const card = cards[(tap * 37) % cards.length]
      card.scrollIntoView({ block: 'center' })
      await new Promise((resolve) => setTimeout(resolve, 250))
      const button = card.querySelectorAll('[role=radio]')[tap % 2]
      found.push(await new Promise((resolve) => {
        const begun = performance.now()
        button.click()
        requestAnimationFrame(() => {
          const channel = new MessageChannel()
          channel.port1.onmessage = () => resolve(performance.now() - begun)
          channel.port2.postMessage(0)
        })
      }))
    }
    return found.sort((one, other) => one - other)
  }, taps)
  const at = (share) => figures[Math.min(figures.length - 1, Math.floor(figures.length * share))].toFixed(0)
  console.log(`200 items in one section, CPU / 4, ${figures.length} taps: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, most ${at(1)} ms to the next paint`)
  console.log(JSON.stringify({ taps_ms: figures }))
} finally {
  await device.throwAway()
  await server.stop()
}
