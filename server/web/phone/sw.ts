/**
 * Keeps the app's own files, so that it opens without a network. What it works with is in IndexedDB; nothing of `/api` is
 * ever kept here. The build writes the list of files and its version in; a new version waits until the page asks for it.
 */
import { hearPushes } from '@shared/pushWorker'

declare const __PRECACHE__: { version: string; files: string[] }

const worker = self as unknown as ServiceWorkerGlobalScope
const SHELL = '/m/'
const { version, files } = __PRECACHE__
const CACHE = `phone-${version}`

worker.addEventListener('install', (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(CACHE)
    // Names under assets/ carry a hash of their content: what the page has just fetched is not fetched a second time.
    await cache.addAll([SHELL, ...files].map((url) => new Request(url, { cache: url.startsWith('/assets/') ? 'default' : 'reload' })))
  })())
})

worker.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name.startsWith('phone-') && name !== CACHE) await caches.delete(name)
    await worker.clients.claim()
  })())
})

/** Keys that a page hands through a reload: in memory, for a moment, given once. */
const HANDED_MS = 60_000
let handed: { value: unknown; until: number } | null = null

worker.addEventListener('message', (event) => {
  if (event.data === 'skip-waiting') void worker.skipWaiting()
  const keys = (event.data as { keys?: { keep?: unknown; ask?: boolean; forget?: boolean } } | null)?.keys
  if (!keys) return
  if (keys.ask) event.ports[0]?.postMessage(handed && handed.until > Date.now() ? handed.value : null)
  handed = keys.keep ? { value: keys.keep, until: Date.now() + HANDED_MS } : null
})

worker.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url)
  if (event.request.method !== 'GET' || url.origin !== worker.location.origin || url.pathname.startsWith('/api/')) return
  if (event.request.mode === 'navigate' && url.pathname.startsWith('/m')) return event.respondWith(kept(SHELL, event.request))
  if (files.includes(url.pathname)) event.respondWith(kept(url.pathname, event.request))
})

hearPushes(worker)

async function kept(path: string, request: Request): Promise<Response> {
  return (await caches.match(path, { cacheName: CACHE })) ?? fetch(request)
}
