// The second door, tried with the other engine of its users: Enketo. Its transformer and its form, as they come from npm, show our
// XForms in Chromium; somebody fills one in, and what the form puts together is sent as Enketo sends it.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { build } from 'esbuild'
import { addPerson, desk, makePicture, PASSWORD, Person, seedPlace, startServer } from './support.mjs'

/** A page of its own, under no policy of ours. */
const ELSEWHERE = 'https://enketo.test'
let server
let root
let place
let browser
let chen
let device

/** Both packages as one script. `libxslt` is for Node only. */
async function bundle() {
  const made = await build({
    stdin: { contents: "export { Form } from 'enketo-core'\nexport { transform } from 'enketo-transformer/web'", resolveDir: import.meta.dirname },
    bundle: true, format: 'esm', platform: 'browser', write: false, external: ['libxslt'], legalComments: 'none', logLevel: 'error', define: { global: 'globalThis' },
    loader: { '.png': 'dataurl', '.svg': 'dataurl', '.css': 'text' },
  })
  return made.outputFiles[0].text
}

before(async () => {
  server = await startServer()
  root = await new Person(server.base, 'root', PASSWORD).signIn()
  place = await seedPlace(root)
  chen = await addPerson(root, { username: 'chen', display_name: '陈立群', role: 'officer', node_id: place.office.id })
  device = await root.post('/openrosa/devices', { user_id: chen.id, name: 'Enketo' })
  browser = await desk()
})

after(async () => {
  await browser?.close()
  await server?.stop()
})

/** Enketo knows no passwords: its address carries the word. */
function door(path, options = {}) {
  return fetch(path.startsWith('http') ? path : `${server.base}/openrosa/key/${device.password}${path}`, { ...options, headers: { 'x-openrosa-version': '1.0', ...options.headers } })
}
const all = (xml, name) => [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map((found) => found[1])

/** Shows a form, answers it by its controls, and gives what it puts together. */
function filled(page, form, files, answers) {
  return page.evaluate(async ({ form, files, answers }) => {
    const { Form, transform } = await import('/enketo.js')
    const made = await transform({ xform: form })
    document.body.innerHTML = made.form
    // Files beside the form, as Enketo turns CSV into instances.
    const external = Object.entries(files).map(([name, csv]) => {
      const xml = new DOMParser().parseFromString('<root/>', 'text/xml')
      const [head, ...lines] = csv.replace(/^\uFEFF/, '').trim().split(/\r?\n/).map((line) => [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map((cell) => cell[1].replace(/^"|"$/g, '').replaceAll('""', '"')))
      for (const line of lines) {
        const item = xml.documentElement.appendChild(xml.createElement('item'))
        head.forEach((column, at) => { if (column) item.appendChild(xml.createElement(column)).textContent = line[at] ?? '' })
      }
      return { id: name.replace(/\.csv$/, ''), xml }
    })
    const shown = new Form(document.querySelector('form.or'), { modelStr: made.model, external }, {})
    const errors = shown.init().map(String)
    const title = document.querySelector('#form-title')?.textContent
    const languages = [...document.querySelectorAll('#form-languages option')].map((one) => one.value)
    const pictures = []
    for (const [path, value] of Object.entries(answers)) {
      const control = document.querySelector(`input[data-name="${path}"][value="${value}"], input[name="${path}"][type=checkbox][value="${value}"], select[name="${path}"], textarea[name="${path}"], input[name="${path}"]:not([type=radio], [type=checkbox])`)
      if (!control) throw new Error(`no control for ${path}`)
      if (value.base64) {
        const bytes = Uint8Array.from(atob(value.base64), (letter) => letter.charCodeAt(0))
        const chosen = new DataTransfer()
        chosen.items.add(new File([bytes], value.name, { type: 'image/png' }))
        control.files = chosen.files
        control.dispatchEvent(new Event('change', { bubbles: true }))
        await new Promise((done) => setTimeout(done, 50))
        pictures.push({ path, base64: value.base64 })
      } else if (control.type === 'radio' || control.type === 'checkbox') control.click()
      else {
        control.value = value
        control.dispatchEvent(new Event('change', { bubbles: true }))
      }
    }
    const valid = await shown.validate()
    const wrong = [...document.querySelectorAll('.invalid-required, .invalid-constraint, .invalid-relevant')].map((one) => one.querySelector('[name]')?.name)
    const xml = shown.getDataStr({ irrelevant: false })
    const named = new DOMParser().parseFromString(xml, 'text/xml')
    const name = (path) => path.split('/').slice(2).reduce((node, step) => [...node.children].find((child) => child.localName === step), named.documentElement).textContent
    return { errors, title, languages, valid, wrong, xml, pictures: pictures.map(({ path, base64 }) => ({ name: name(path), base64 })), items: document.querySelectorAll('.question').length }
  }, { form, files, answers })
}

describe('Enketo at the second door', () => {
  it('shows every form without an error', async () => {
    const page = await open()
    const list = await (await door('/formList')).text()
    const files = await beside(list)
    for (const address of all(list, 'downloadUrl')) {
      const shown = await filled(page, await (await door(address)).text(), files, {})
      assert.deepEqual(shown.errors, [], address)
      assert.ok(shown.title && shown.items > 20, `${address}: ${shown.title}, ${shown.items} questions`)
      assert.equal(shown.valid, false, 'nothing is answered yet')
    }
    await page.close()
  })

  it('sends a form that becomes an inspection, with its picture', async () => {
    const page = await open()
    const list = await (await door('/formList?formID=school_canteen')).text()
    const [address] = all(list, 'downloadUrl')
    const template = await root.get(`/templates/${address.split('/').at(-2)}`)
    const answers = { '/data/visit/premises': place.premises.id }
    const judged = template.body.sections.flatMap((section) => section.items.filter((item) => !item.question).map((item) => ({ section, item })))
    const failing = judged.find(({ item }) => item.photo_on_fail && item.min_photos === 0)
    for (const { section, item } of judged) {
      const at = (part) => `/data/s_${section.code}/i_${item.code}/${part}_${item.code}`
      answers[at('r')] = item === failing.item ? 'fails' : 'conforms'
      if (item === failing.item) Object.assign(answers, { [at('a')]: 'no', [at('c')]: 'no', [at('w')]: '墙角有积水 <见照片>', [`${at('p')}_1`]: { name: 'corner.png', base64: makePicture({ width: 320, height: 240, seed: 1 }).toString('base64') } })
      for (let number = 1; number <= item.min_photos; number += 1) answers[`${at('p')}_${number}`] = { name: `${number}.png`, base64: makePicture({ width: 320, height: 240, seed: number + 1 }).toString('base64') }
    }
    const made = await filled(page, await (await door(address)).text(), await beside(list), answers)
    await page.close()
    assert.deepEqual([made.errors, made.wrong, made.valid], [[], [], true])
    const body = new FormData()
    body.append('xml_submission_file', new File([made.xml], 'xml_submission_file', { type: 'text/xml' }))
    for (const picture of made.pictures) body.append(picture.name, new File([Buffer.from(picture.base64, 'base64')], picture.name, { type: 'image/png' }))
    assert.equal((await door('/submission', { method: 'HEAD' })).status, 204)
    const answer = await door('/submission', { method: 'POST', body })
    assert.equal(answer.status, 201, await answer.text())
    const { items } = await root.get('/inspections')
    assert.deepEqual(items.map((one) => [one.state, one.premises_id]), [['complete', place.premises.id]])
    const detail = await root.get(`/inspections/${items[0].id}`)
    const said = detail.answers.find((one) => one.item_code === failing.item.code)
    assert.deepEqual([said.result, said.remark, said.evidence_ids.length], ['fails', '墙角有积水 <见照片>', 1])
    assert.equal(detail.header.officers[0], chen.id)
  })
})

async function open() {
  const page = await browser.newPage()
  const script = await bundle()
  await page.route(`${ELSEWHERE}/**`, (route) => {
    const code = route.request().url().endsWith('.js')
    return route.fulfill({ contentType: code ? 'text/javascript' : 'text/html', body: code ? script : '<!doctype html><meta charset="utf-8"><body>' })
  })
  await page.goto(`${ELSEWHERE}/`)
  return page
}

/** The files that forms name, by their names. */
async function beside(list) {
  const names = all(await (await door(all(list, 'manifestUrl')[0])).text(), 'downloadUrl')
  return Object.fromEntries(await Promise.all(names.map(async (one) => [one.split('/').at(-1), await (await door(one)).text()])))
}
