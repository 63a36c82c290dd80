// What an officer does on the phone, step by step, by what is on the glass.
import { addPerson, makePicture, PASSWORD, Person, seedPlace, startServer } from './support.mjs'

const test = (name) => `[data-test=${name}]`

/** The program with a place and an officer, 陈立群, who is signed in on `device` and can work there without a network. */
export async function officerReady(device) {
  const server = await startServer()
  const root = await new Person(server.base, 'root', PASSWORD).signIn()
  const place = await seedPlace(root)
  const chen = await addPerson(root, { username: 'chen', display_name: '陈立群', role: 'officer', node_id: place.office.id })
  const context = await device.open()
  const page = context.pages()[0] ?? (await context.newPage())
  await signIn(page, server.base, 'chen', PASSWORD)
  await readyForOffline(page)
  return { server, root, place, chen, context, page }
}

export async function signIn(page, base, username, password) {
  await page.goto(`${base}/m/`)
  await page.fill('#username', username)
  await page.fill('#password', password)
  await page.click('button[type=submit]')
  await page.waitForURL((url) => !url.pathname.endsWith('/sign-in'))
  await choosePin(page)
}

/** What opens an officer's drafts on this phone. */
export const PIN = '271828'

/** Where a PIN is asked for the first time, it is chosen. */
export async function choosePin(page, pin = PIN) {
  await page.waitForSelector('main.page, .van-pull-refresh.page, #username')
  if (!new URL(page.url()).pathname.endsWith('/pin')) return
  await page.fill(test('new-pin'), pin)
  await page.fill(test('new-pin-again'), pin)
  await page.click(test('set-pin'))
  await page.waitForURL((url) => !url.pathname.endsWith('/pin'))
}

/** After a start: where what is kept is locked, it is opened. */
export async function unlock(page, pin = PIN) {
  await page.waitForSelector('main.page, .van-pull-refresh.page, .head, #username')
  if (!new URL(page.url()).pathname.endsWith('/unlock')) return
  await page.fill(test('pin'), pin)
  await page.click(test('unlock'))
  await page.waitForURL((url) => !url.pathname.endsWith('/unlock'))
}

/** Goes to an address as if typed: the app starts anew, and is opened. */
export async function go(page, address) {
  await page.goto(address)
  await unlock(page)
}

/** Asks for what is new at once: by itself the app does at each start, but not within half a minute of the last time. */
export async function syncNow(page, base) {
  await go(page, `${base}/m/`)
  await page.click(test('synced'))
  await page.waitForSelector(`${test('synced')}:not([disabled])`)
}

/** The app's own files are kept and the first sync is done: the network may go. */
export async function readyForOffline(page) {
  await page.waitForSelector(`${test('synced')}[data-synced=true]`)
  await page.evaluate(() => navigator.serviceWorker.ready)
  await page.waitForFunction(async () => {
    const names = await caches.keys()
    const kept = await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).length))
    return kept.some((count) => count > 3)
  })
}

const item = (page, code) => page.locator(`[data-code="${code}"]`)
const RESULTS = ['conforms', 'fails', 'not_applicable']

export async function giveResult(page, code, result) {
  await item(page, code).getByRole('radiogroup').first().getByRole('radio').nth(RESULTS.indexOf(result)).click()
}

/** A failed item does not affect safety, with one of the reasons at hand. */
export async function harmless(page, code) {
  await item(page, code).getByRole('radiogroup').nth(1).getByRole('radio').nth(1).click()
  await item(page, code).locator('.reasons button').first().click()
}

export async function addPhoto(page, code, seed, size = {}) {
  const before = await item(page, code).locator('figure').count()
  const file = { name: `IMG_${seed}.png`, mimeType: 'image/png', buffer: makePicture({ seed, ...size }) }
  await item(page, code).locator('input[data-album]').setInputFiles(file)
  await item(page, code).locator('figure').nth(before).waitFor()
}

/** Everything that is kept, as bytes, read past the app: for looking whether something can be read there. */
export function storedBytes(page) {
  return page.evaluate(async () => {
    const db = await new Promise((resolve, reject) => Object.assign(indexedDB.open('bright-kitchen-phone'), { onsuccess: (event) => resolve(event.target.result), onerror: reject }))
    const said = []
    const latin = (buffer) => {
      let text = ''
      for (const byte of new Uint8Array(buffer)) text += String.fromCharCode(byte)
      return text
    }
    const walk = async (value) => {
      if (value instanceof Blob) said.push(latin(await value.arrayBuffer()))
      else if (value instanceof ArrayBuffer) said.push(latin(value))
      else if (ArrayBuffer.isView(value)) said.push(latin(value.buffer))
      else if (typeof value === 'string') said.push(latin(new TextEncoder().encode(value)))
      else if (value && typeof value === 'object') for (const one of Object.values(value)) await walk(one)
    }
    for (const store of ['rows', 'drafts', 'files', 'outbox', 'answers', 'vaults', 'backups']) {
      await walk(await new Promise((resolve, reject) => Object.assign(db.transaction(store).objectStore(store).getAll(), { onsuccess: (event) => resolve(event.target.result), onerror: reject })))
    }
    db.close()
    return said.join('\n')
  })
}

/** The drafts as kept in the browser's database, read past the app: whose and how far, the rest is sealed. */
export function storedDrafts(page) {
  return page.evaluate(async () => {
    const db = await new Promise((resolve, reject) => Object.assign(indexedDB.open('bright-kitchen-phone'), { onsuccess: (event) => resolve(event.target.result), onerror: reject }))
    const drafts = await new Promise((resolve, reject) => Object.assign(db.transaction('drafts').objectStore('drafts').getAll(), { onsuccess: (event) => resolve(event.target.result), onerror: reject }))
    db.close()
    return drafts
  })
}

/** Synced rows of one kind as kept in the browser's database. */
export function storedRows(page, entity) {
  return page.evaluate(async (wanted) => {
    const db = await new Promise((resolve, reject) => Object.assign(indexedDB.open('bright-kitchen-phone'), { onsuccess: (event) => resolve(event.target.result), onerror: reject }))
    const rows = await new Promise((resolve, reject) => Object.assign(db.transaction('rows').objectStore('rows').getAll(), { onsuccess: (event) => resolve(event.target.result), onerror: reject }))
    db.close()
    return rows.filter((row) => row.entity === wanted)
  }, entity)
}

/** Everything of one section that is still open conforms; items that want photos get one first. */
export async function finishSection(page, seed) {
  const wanting = await page.locator('article[data-code]').evaluateAll((cards) =>
    cards.filter((card) => card.querySelector('.van-icon-photograph.van-icon')?.closest('.chip') && !card.querySelector('[aria-checked=true]')).map((card) => card.dataset.code))
  for (const [index, code] of wanting.entries()) {
    await giveResult(page, code, 'conforms')
    await addPhoto(page, code, seed + index)
  }
  const rest = page.locator('button.rest')
  if (await rest.count()) {
    await rest.click()
    await page.click('.van-dialog__confirm')
    await page.waitForSelector('.van-dialog', { state: 'hidden' })
    await rest.waitFor({ state: 'detached' })
  }
  for (const card of await page.locator('article[data-code]').all()) {
    if ((await card.getByRole('radiogroup').first().locator('[aria-checked=true]').count()) === 0) {
      await giveResult(page, await card.getAttribute('data-code'), 'conforms')
    }
  }
}

/** Begins an unannounced check of the first premises, which may leave items out; gives its id. */
export async function beginCheck(page, base) {
  await go(page, `${base}/m/premises`)
  await page.locator(test('premises')).first().click()
  await page.click(test('begin'))
  await page.locator('.kinds [role=radio]').nth(1).click()
  await page.click(test('begin-now'))
  await page.waitForSelector('[data-code="1.1"]')
  return new URL(page.url()).pathname.split('/').at(-1)
}

/** A check of one item with its photo, up to its submission; the premises' representative refuses to sign, and somebody saw it. Gives its id. */
export async function sendCheck(page, base, seed, size) {
  const id = await beginCheck(page, base)
  await giveResult(page, '1.1', 'conforms')
  await addPhoto(page, '1.1', seed, size)
  await page.click(test('review'))
  await page.click(test('sign'))
  await signOfficers(page)
  await refuse(page, '林晓梅', 'Does not agree with the result', '王建国')
  await submit(page)
  return id
}

export async function sectionCount(page) {
  return page.locator('.sections button').count()
}

export async function goToSection(page, index) {
  await page.locator(`[data-section="${index}"]`).click()
}

async function draw(page) {
  const glass = await page.locator(test('pad')).boundingBox()
  await page.mouse.move(glass.x + 50, glass.y + 100)
  await page.mouse.down()
  for (let step = 0; step < 30; step += 1) await page.mouse.move(glass.x + 50 + step * 7, glass.y + 100 + 40 * Math.sin(step / 3))
  await page.mouse.up()
  await page.click(test('pad-done'))
  await page.waitForSelector(test('pad'), { state: 'detached' })
}

/** Signs a field of an item. */
export async function signField(page, code) {
  await item(page, code).locator('.field button', { hasText: '签名' }).first().click()
  await settled(page)
  await draw(page)
}

/** What the law asks for before an inspection and is not there gets its reason, before anybody signs the paper that says it. */
export async function explain(page) {
  for (const one of await page.locator('[data-test^=unmet-]').all()) {
    await one.fill('试用，无法当场做到')
    await one.blur()
  }
}

export async function signOfficers(page) {
  await page.locator(test('sign-officer')).first().waitFor()
  await explain(page)
  await page.locator(test('sign-officer')).first().waitFor()
  for (let left = await page.locator(test('sign-officer')).count(); left > 0; left -= 1) {
    await page.locator(test('sign-officer')).first().click()
    await settled(page)
    await draw(page)
  }
}

export async function signPremises(page, name) {
  await page.click(test('sign-premises'))
  await settled(page)
  await page.fill(test('signer'), name)
  await draw(page)
}

/** The premises' representative signs for a sample, on the sheet that is open. */
export async function signSample(page, name) {
  await page.click(test('sample-sign'))
  await settled(page)
  await page.fill(test('representative'), name)
  await draw(page)
  await page.waitForSelector(test('sample-signed'))
}

export async function refuse(page, name, reason, witness) {
  await page.click(test('refuse'))
  await settled(page)
  await page.fill(test('signer'), name)
  await page.fill(test('reason'), reason)
  await page.click(test('refusal-done'))
  await page.click(test('sign-witness'))
  await settled(page)
  await page.fill(test('signer'), witness)
  await draw(page)
}

/** The sheet has come up and rests: drawing on a moving sheet would miss. */
async function settled(page) {
  await page.waitForFunction(() => {
    const sheet = document.querySelector('.sheet')
    return sheet && !/van-popup-slide-bottom-(enter|leave)/.test(sheet.className) && getComputedStyle(sheet).display !== 'none'
  })
}

export async function submit(page) {
  await page.click(test('submit'))
  await page.click('.van-dialog__confirm')
  await page.waitForSelector(test('way'))
}
