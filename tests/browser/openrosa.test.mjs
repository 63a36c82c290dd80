// The second door: a phone is let in at the console; the forms that it gets are filled in by ODK's own engine (the one of ODK
// Web Forms), with the files beside them, and sent as that engine puts them together; what they lack is made good at the desk.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { NARROW, WIDE, openAs } from './desk.mjs'
import { addPerson, desk, makePicture, PASSWORD, Person, seedPlace, startServer, until } from './support.mjs'

const test = (name) => `[data-test=${name}]`
const ENGINE = new URL('node_modules/@getodk/xforms-engine/dist/index.js', import.meta.url)
/** An origin of its own, so that the engine runs under no policy of our pages. */
// A page of its own, in a secure context: the engine wants one.
const ELSEWHERE = 'https://forms.test'
let server
let root
let place
let browser
let chen
let second
let device

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  place = await seedPlace(root)
  chen = await addPerson(root, { username: 'chen', display_name: '陈立群', role: 'officer', node_id: place.office.id })
  second = await addPerson(root, { username: 'lin', display_name: '林晓', role: 'officer', node_id: place.office.id })
  browser = await desk()
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

/** Asks the door as Collect does: with a password, by version 1.0. */
function door(path, options = {}) {
  const basic = Buffer.from(`${device.login}:${device.password}`).toString('base64')
  return fetch(path.startsWith('http') ? path : `${server.base}/openrosa${path}`, { ...options, headers: { authorization: `Basic ${basic}`, 'x-openrosa-version': '1.0', ...options.headers } })
}

/** A picture, in base64. */
const drawing = (seed) => makePicture({ width: 320, height: 240, seed }).toString('base64')

/** A picture of the page, where somebody wants to look. */
const look = (page, name) => (process.env.BRIGHT_KITCHEN_PICTURES ? page.screenshot({ path: `${process.env.BRIGHT_KITCHEN_PICTURES}/${name}.png` }) : undefined)

/** The text of every element of this name. */
const all = (xml, name) => [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map((found) => found[1])

/** A page with ODK's engine. */
async function engine() {
  const page = await browser.newPage()
  const script = await readFile(ENGINE, 'utf8')
  await page.route(`${ELSEWHERE}/**`, (route) => {
    const engine = route.request().url().endsWith('/engine.js')
    return route.fulfill({ contentType: engine ? 'text/javascript' : 'text/html', body: engine ? script : '<!doctype html><meta charset="utf-8">' })
  })
  await page.goto(`${ELSEWHERE}/`)
  return page
}

/** Loads a form, sets values by the path of a question, and gives the requests in which the engine would send it. */
function filled(page, form, files, values, maxSize) {
  return page.evaluate(async ({ form, files, values, maxSize }) => {
    const { loadForm } = await import('/engine.js')
    const fetchFormAttachment = async (resource) => new Response(files[resource.href.split('/').at(-1)], { headers: { 'content-type': 'text/csv' } })
    const loaded = await loadForm(form, { fetchFormAttachment })
    if (loaded.status === 'failure') throw new Error(loaded.error.message)
    const { root } = loaded.createInstance()
    const nodes = new Map()
    const gather = (node, path) => {
      const here = path === null ? '' : `${path}/${node.definition.qualifiedName?.localName ?? node.definition.nodeName ?? node.currentState.reference.split('/').at(-1)}`
      nodes.set(node.currentState.reference ?? here, node)
      for (const child of node.currentState.children ?? []) gather(child, here)
    }
    gather(root, null)
    const asked = {}
    for (const [path, value] of Object.entries(values)) {
      const node = nodes.get(path)
      if (!node) throw new Error(`no question ${path} among ${[...nodes.keys()].slice(0, 20).join(' ')}`)
      if (node.nodeType === 'select') node.selectValues(value)
      else if (node.nodeType === 'upload') node.setValue(new File([Uint8Array.from(atob(value.base64), (letter) => letter.charCodeAt(0))], value.name, { type: 'image/png' }))
      else node.setValue(value)
    }
    for (const [path, node] of nodes) asked[path] = { relevant: node.currentState.relevant, required: node.currentState.required, label: node.currentState.label?.asString, options: node.currentState.valueOptions?.map((one) => one.label.asString) }
    const payload = await root.prepareInstancePayload({ payloadType: 'chunked', maxSize })
    const requests = []
    for (const data of payload.data) {
      const parts = []
      for (const [name, file] of data) {
        const bytes = new Uint8Array(await file.arrayBuffer())
        parts.push({ name, file: file.name, type: file.type, base64: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')) })
      }
      requests.push(parts)
    }
    const wrong = (payload.violations ?? []).map((one) => `${one.reference ?? one.fileName} ${one.violation?.message?.asString ?? ''}`)
    return { warnings: loaded.warnings?.toString() ?? '', languages: root.languages.map((one) => one.language), status: payload.status, wrong, asked, requests }
  }, { form, files, values, maxSize })
}

function send(parts, more) {
  const body = new FormData()
  for (const part of parts) body.append(part.name, new File([Buffer.from(part.base64, 'base64')], part.file, { type: part.type }))
  if (more) body.append('*isIncomplete*', 'yes')
  return door('/submission?deviceID=engine', { method: 'POST', body })
}

describe('the second door', () => {
  let page
  let faults
  let close

  it('is opened at the console for one phone, whose password is shown once', async () => {
    ;({ page, faults, close } = await openAs(browser, server.base, 'root'))
    await page.goto(`${server.base}/collect-devices`)
    await page.locator(test('collect-add')).first().click()
    await page.locator(`${test('collect-officer')} input`).or(page.locator(`input${test('collect-officer')}`)).first().fill('陈立群').catch(() => undefined)
    await page.locator('.el-drawer .el-select').first().click()
    await page.locator('.el-select-dropdown__item:visible', { hasText: '陈立群' }).first().click()
    await page.locator(`input${test('collect-name')}`).or(page.locator(`${test('collect-name')} input`)).first().fill('所里的备用手机')
    await page.locator('.el-drawer__footer .el-button--primary').click()
    await page.waitForSelector(test('collect-code'))
    assert.ok(await page.locator(test('collect-code')).evaluate((image) => image.complete && image.naturalWidth > 0), 'the code is drawn')
    await look(page, 'collect-ready')
    const password = await page.locator(test('collect-password')).innerText()
    await page.click(test('collect-close'))
    await until('it is in the list', async () => (await page.locator('tbody').innerText()).includes('所里的备用手机'))
    await look(page, 'collect-list')
    const [listed] = (await root.get('/openrosa/devices')).items
    device = { id: listed.id, login: listed.login, password }
    assert.equal((await door('/formList')).status, 200)
    await page.setViewportSize(NARROW)
    await look(page, 'collect-list-narrow')
    await page.setViewportSize(WIDE)
    const english = await openAs(browser, server.base, 'root', { locale: 'en' })
    await english.page.goto(`${server.base}/collect-devices`)
    await until('the page is English', async () => (await english.page.locator('h1').innerText()).includes('Collect phones'))
    await english.close()
  })

  it("gives forms that ODK's engine loads, each with its files, in both languages", async () => {
    const list = await (await door('/formList')).text()
    const forms = all(list, 'downloadUrl')
    assert.ok(forms.length >= 8, `${forms.length} forms`)
    const odk = await engine()
    const names = all(await (await door(all(list, 'manifestUrl')[0])).text(), 'downloadUrl')
    const files = Object.fromEntries(await Promise.all(names.map(async (one) => [one.split('/').at(-1), await (await door(one)).text()])))
    assert.deepEqual(Object.keys(files).sort(), ['officers.csv', 'premises.csv'])
    for (const address of forms) {
      const loaded = await filled(odk, await (await door(address)).text(), files, {}, 1_000_000)
      assert.deepEqual(loaded.languages, ['中文 (zh)', 'English (en)'], address)
      assert.equal(loaded.status, 'pending', 'nothing is answered yet')
      assert.ok(loaded.asked['/data/visit/premises'].options.some((label) => label.startsWith(place.premises.name)), address)
      assert.ok(loaded.asked['/data/visit/officers'].options.includes('林晓'))
    }
    await odk.close()
  })

  it('takes what the engine sends, in as many requests as it likes, as one inspection', async () => {
    const list = await (await door('/formList?formID=school_canteen')).text()
    const [address] = all(list, 'downloadUrl')
    const form = await (await door(address)).text()
    const template = await root.get(`/templates/${address.split('/').at(-2)}`)
    const names = all(await (await door(all(list, 'manifestUrl')[0])).text(), 'downloadUrl')
    const files = Object.fromEntries(await Promise.all(names.map(async (one) => [one.split('/').at(-1), await (await door(one)).text()])))
    const values = { '/data/visit/premises': [place.premises.id], '/data/visit/place': { latitude: 23.46, longitude: 116.75, altitude: 3, accuracy: 5 } }
    const judged = template.body.sections.flatMap((section) => section.items.filter((item) => !item.question).map((item) => ({ section, item })))
    for (const { section, item } of judged) values[`/data/s_${section.code}/i_${item.code}/r_${item.code}`] = ['conforms']
    const { section, item } = judged.find(({ item }) => item.photo_on_fail && item.min_photos === 0)
    const at = (part) => `/data/s_${section.code}/i_${item.code}/${part}_${item.code}`
    Object.assign(values, { [at('r')]: ['fails'], [at('a')]: ['no'], [at('c')]: ['no'], [at('w')]: '墙角有积水', [`${at('p')}_1`]: { name: 'corner.png', base64: drawing(1) } })
    for (const { section, item } of judged) {
      for (let number = 1; number <= item.min_photos; number += 1) values[`/data/s_${section.code}/i_${item.code}/p_${item.code}_${number}`] = { name: `${item.code}-${number}.png`, base64: drawing(number) }
    }
    const odk = await engine()
    const made = await filled(odk, form, files, values, 400_000)
    await odk.close()
    assert.deepEqual([made.status, made.wrong], ['ready', []])
    assert.ok(made.asked[at('w')].relevant && made.asked[at('w')].required, 'a failed item asks what was found')
    assert.ok(!made.asked[at('y')].relevant, 'and not why it would not apply')
    assert.ok(!made.asked['/data/closing/signer'].relevant)
    for (const [number, parts] of made.requests.entries()) {
      const answer = await send(parts, number + 1 < made.requests.length)
      assert.equal(answer.status, number + 1 < made.requests.length ? 202 : 201, await answer.text())
    }
    const again = await send(made.requests.at(-1), false)
    assert.equal(again.status, 201, 'the same again')
    const { items } = await root.get('/inspections')
    assert.deepEqual(items.map((one) => [one.state, one.lacking, one.premises_id]), [['complete', true, place.premises.id]])
    const detail = await root.get(`/inspections/${items[0].id}`)
    const answer = detail.answers.find((one) => one.item_code === item.code)
    assert.deepEqual([answer.result, answer.remark, answer.evidence_ids.length], ['fails', '墙角有积水', 1])
    assert.equal(detail.header.officers[0], chen.id)
  })

  it('shows what lacks, and an officer makes it good', async () => {
    await close()
    // Whoever may see the list of people names the second officer.
    const both = await addPerson(root, { username: 'zhou', display_name: '周明', role: 'officer', node_id: place.office.id })
    const { version } = await root.get(`/users/${both.id}`)
    await root.call('PATCH', `/users/${both.id}`, { version, grants: ['officer', 'supervisor'].map((role) => ({ role, node_id: place.office.id })) })
    ;({ page, faults, close } = await openAs(browser, server.base, 'zhou'))
    const [one] = (await root.get('/inspections')).items
    await page.goto(`${server.base}/inspections`)
    await until('the list marks it', async () => (await page.locator('tbody').first().innerText()).includes('待补正'))
    await page.goto(`${server.base}/inspections/${one.id}`)
    await page.waitForSelector(test('lacks'))
    await look(page, 'inspection-lacks')
    await page.click(test('make-good-second_officer'))
    await page.locator('.el-dialog:visible .el-select').first().click()
    await page.locator('.el-select-dropdown__item:visible', { hasText: '林晓' }).first().click()
    await page.click(test('good-send'))
    await until('the second officer is there', async () => (await root.get(`/inspections/${one.id}`)).lacks.some((lack) => lack.what === 'second_officer' && lack.done_at))
    for (const what of ['recusal', 'signature']) {
      await page.click(test(`make-good-${what}`))
      await page.locator(`input${test('good-name')}:visible`).or(page.locator(`${test('good-name')} input:visible`)).first().fill('赵园长')
      await page.locator('.el-dialog:visible input[type=file]').setInputFiles({ name: 'paper.png', mimeType: 'image/png', buffer: Buffer.from(drawing(5), 'base64') })
      await until('it can be sent', () => page.locator(`${test('good-send')}:visible`).isEnabled())
      await page.locator(`${test('good-send')}:visible`).click()
      await until(`${what} is made good`, async () => (await root.get(`/inspections/${one.id}`)).lacks.some((lack) => lack.what === what && lack.done_at))
    }
    await until('nothing lacks any more', async () => (await page.locator(`span${test('to-complete')}`).count()) === 0)
    const detail = await root.get(`/inspections/${one.id}`)
    assert.equal(detail.lacks.find((lack) => lack.what === 'second_officer').done.officer_id, second.id)
    assert.deepEqual(faults, [])
  })

  it('is shut again at once', async () => {
    await close()
    ;({ page, faults, close } = await openAs(browser, server.base, 'root'))
    await page.goto(`${server.base}/collect-devices`)
    await page.locator(test('collect-revoke')).first().click()
    await page.locator('.el-message-box:visible .el-button--primary, .el-message-box:visible .el-button--danger').first().click()
    await until('nobody comes in', async () => (await door('/formList')).status === 401)
    await until('the list says so', async () => (await page.locator('tbody').innerText()).includes('已停用'))
    assert.deepEqual(faults, [])
    await close()
  })
})
