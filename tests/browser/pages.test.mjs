// Every page, as each role: nothing refused, blocked or thrown, nothing serious for axe, and no sideways scrolling on a phone.
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { after, before, it } from 'node:test'
import { NARROW, openAs, walkTo, WIDE } from './desk.mjs'
import { addPerson, desk, PASSWORD, Person, seedPlace, startServer, until } from './support.mjs'
import { inaccessible, settled, sideways } from './walk.mjs'

const LONG = '澄海区莲下镇第一中心小学与附属幼儿园联合食堂（含教职工餐厅及半成品加工配送中心）'
/** Who looks, from where, and whether axe looks along: the roles that are left out of it see parts of the others' pages. */
const ROLES = [
  ['supervisor', 'district', true], ['administrator', 'top', true], ['food_safety_officer', 'premises', true], ['officer', 'office', true],
  ['head', 'district', false], ['principal', 'premises', false], ['education_viewer', 'district', false], ['parent', 'premises', false],
  ['auditor', 'top', false], ['grid_member', 'office', false], ['wall', 'district', false],
]

let server
let root
let nodes
let browser
let ids

const sorted = (value) => (Array.isArray(value) ? value.map(sorted) : value && typeof value === 'object' ? Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])])) : value)
const hash = (value) => createHash('sha256').update(JSON.stringify(sorted(value))).digest('hex')

/** An inspection as a phone sends it. */
async function inspect(officer, premises) {
  const template = (await officer.get('/templates')).items.find((one) => one.premises_kinds.includes('school_canteen'))
  const { sections } = (await officer.get(`/templates/${template.id}`)).body
  const at = '2026-11-20T02:00:00.000Z'
  const header = { premises_id: premises.id, template_id: template.id, kind: 'routine', started_at: at, officers: [officer.id], device: { id: 'test' } }
  const answers = sections.flatMap((section) => section.items).map((item, index) => ({ item_code: item.code, result: index === 3 ? 'fails' : 'conforms', ...(index === 3 && { remark: LONG, affects_safety: false, reason: LONG }), answered_at: at, evidence_ids: [] }))
  const content = { device_id: 'test', answers, evidence: [], locations: [], signatures: [], clock: { device_time: at, monotonic_ms: 1 } }
  const [id, part] = [randomUUID(), randomUUID()]
  await officer.call('PUT', `/inspections/${id}`, { header, content_sha256: hash(header) })
  await officer.call('PUT', `/inspections/${id}/parts/${part}`, { content, content_sha256: hash(content), revision: 1 })
  return id
}

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  const place = await seedPlace(root)
  nodes = { top: (await root.get('/me')).grants[0].node_id, district: place.district.id, office: place.office.id, premises: place.premises.id }
  const long = await root.post('/premises', { name: LONG, kind: 'school_canteen', organization_id: place.office.id, address: `${LONG} 118 号`, latitude: 23.466, longitude: 116.7551 })
  const lines = ['名称,类型,监管所', ...Array.from({ length: 220 }, (_, index) => `第 ${index + 1} 小学食堂,school_canteen,${place.office.name}`)]
  const imported = await fetch(`${server.base}/api/v1/imports/premises?dry_run=false`, { method: 'POST', headers: { Authorization: `Bearer ${root.token}`, 'Content-Type': 'text/csv' }, body: lines.join('\n') })
  assert.ok(imported.ok, await imported.text())
  await root.post('/operators', { name: `${LONG}运营管理有限责任公司`, credit_code: '91440515MA4WX12345' })
  const camera = await root.post('/cameras', { name: '烹饪间 1 号', premises_id: place.premises.id, source_url: 'test:', zone: 'cooking' })
  await root.post('/cameras', { name: LONG.slice(0, 60), premises_id: long.id, source_url: 'rtsp://127.0.0.1:9/none' })
  await root.post('/cameras', { name: '备餐间', premises_id: place.premises.id, source_url: 'rtsp://127.0.0.1:9/none' })
  const officer = await addPerson(root, { username: 'walk-inspector', display_name: '李明', role: 'officer', node_id: place.office.id })
  const inspection = await inspect(officer, place.premises)
  const template = (await root.get('/templates')).items[0]
  await until('two alerts', async () => (await root.get('/alerts?state=raised')).total === 2, 90_000)
  const alert = (await root.get(`/alerts?premises_id=${place.premises.id}`)).items[0]
  ids = { alerts: alert.id, cameras: camera.id, inspections: inspection, premises: place.premises.id, templates: template.id }
  browser = await desk()
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

/** The addresses a person finds: the rail's, their own, and one of each thing its lists lead to. */
async function addresses(page, person) {
  const rail = await page.$$eval('nav.rail a[href]', (links) => links.map((link) => link.getAttribute('href')).filter((href) => href !== '/'))
  const inRail = Object.keys(ids).filter((list) => rail.includes(`/${list}`) || (list === 'alerts' && rail.includes('/desk')))
  // Not everybody sees a draft: what is not in a person's list is no address of theirs.
  const seen = await Promise.all(inRail.map(async (list) => (await person.raw('GET', `/${list}/${ids[list]}`)).ok))
  const things = inRail.filter((_, index) => seen[index])
  return [...new Set(rail), '/notices', '/account', '/guide', ...things.map((list) => `/${list}/${ids[list]}`)]
}

for (const [role, node, accessible] of ROLES) {
  it(`shows every page to ${role} without a fault`, { timeout: 300_000 }, async () => {
    const username = `walk-${role.replaceAll('_', '-')}`
    const person = await addPerson(root, { username, display_name: role, role, node_id: nodes[node] })
    const { page, faults, close } = await openAs(browser, server.base, username)
    await settled(page)
    const found = []
    for (const path of await addresses(page, person)) {
      faults.length = 0
      await walkTo(page, path)
      await settled(page)
      if (accessible) found.push(...(await inaccessible(page)).map((one) => `${path} wide: ${one}`))
      await page.setViewportSize(NARROW)
      await settled(page)
      const out = await sideways(page)
      if (out) found.push(`${path} scrolls sideways: ${out}`)
      if (accessible) found.push(...(await inaccessible(page)).map((one) => `${path} narrow: ${one}`))
      await page.setViewportSize(WIDE)
      found.push(...faults.map((one) => `${path}: ${one}`))
    }
    await close()
    assert.deepEqual([...new Set(found)], [])
  })
}

it('is as accessible in the dark and in English', { timeout: 300_000 }, async () => {
  const { page, faults, close } = await openAs(browser, server.base, 'walk-supervisor', { colorScheme: 'dark', locale: 'en' })
  await settled(page)
  const found = []
  for (const path of ['/desk', '/overview', '/wall', `/cameras/${ids.cameras}`, `/alerts/${ids.alerts}`, `/inspections/${ids.inspections}`, '/premises']) {
    await walkTo(page, path)
    await settled(page)
    found.push(...(await inaccessible(page)).map((one) => `${path}: ${one}`))
  }
  await close()
  assert.deepEqual([...new Set(found), ...faults], [])
})
