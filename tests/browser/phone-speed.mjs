// What an installation of the phone's app downloads, and how long it takes to start: figures, not a test.
//   node phone-speed.mjs [times]
import { request } from 'node:http'
import { addPerson, PASSWORD, Person, phone, seedPlace, startServer } from './support.mjs'
import * as steps from './phone-steps.mjs'

const times = Number(process.argv[2] ?? 5)
// "Slow 4G" as Chromium's own tools have it: 1.6 Mbit/s down, 750 kbit/s up, 150 ms.
const SLOW_4G = { offline: false, latency: 150, downloadThroughput: (1.6 * 1024 * 1024) / 8, uploadThroughput: (750 * 1024) / 8 }

/** Bytes of a file as they come over the wire. */
function wireBytes(url) {
  return new Promise((resolve, reject) => {
    request(url, { headers: { 'accept-encoding': 'gzip, br' } }, (answer) => {
      let bytes = 0
      answer.on('data', (piece) => (bytes += piece.length)).on('end', () => resolve(bytes))
    }).once('error', reject).end()
  })
}

async function throttled(context, page, network) {
  const session = await context.newCDPSession(page)
  await session.send('Emulation.setCPUThrottlingRate', { rate: 4 })
  if (network) {
    await session.send('Network.enable')
    await session.send('Network.emulateNetworkConditions', network)
  }
}

const server = await startServer()
const figures = { install_bytes: 0, install_files: 0, start_ms: [], offline_ms: [] }
try {
  const root = await new Person(server.base, 'root', PASSWORD).signIn()
  const place = await seedPlace(root)
  await addPerson(root, { username: 'chen', display_name: '陈立群', role: 'officer', node_id: place.office.id })
  for (let time = 0; time < times; time += 1) {
    // A phone that was never here.
    const device = await phone()
    try {
      const context = await device.open()
      const page = context.pages()[0] ?? (await context.newPage())
      await throttled(context, page, SLOW_4G)
      const begun = Date.now()
      await page.goto(`${server.base}/m/`, { waitUntil: 'commit' })
      await page.locator('#username').click({ timeout: 60_000 })
      await page.waitForFunction(() => document.activeElement?.id === 'username')
      figures.start_ms.push(Date.now() - begun)
    } finally {
      await device.throwAway()
    }
  }
  const device = await phone()
  try {
    let context = await device.open()
    let page = context.pages()[0] ?? (await context.newPage())
    await steps.signIn(page, server.base, 'chen', PASSWORD)
    await steps.readyForOffline(page)
    const kept = await page.evaluate(async () => {
      const names = await caches.keys()
      const lists = await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).map((one) => one.url)))
      return [...new Set(lists.flat())]
    })
    const files = kept.filter((url) => !new URL(url).pathname.startsWith('/api/'))
    const sizes = await Promise.all(files.map(wireBytes))
    figures.install_bytes = sizes.reduce((sum, bytes) => sum + bytes, 0)
    figures.install_files = files.length
    for (let time = 0; time < times; time += 1) {
      await context.close()
      context = await device.open()
      await context.setOffline(true)
      page = await context.newPage()
      await throttled(context, page)
      const begun = Date.now()
      await page.goto(`${server.base}/m/`, { waitUntil: 'commit' })
      await page.waitForSelector('[data-test=pin]:not([disabled])', { timeout: 60_000 })
      figures.offline_ms.push(Date.now() - begun)
    }
  } finally {
    await device.throwAway()
  }
  console.log(JSON.stringify(figures))
} finally {
  await server.stop()
}
