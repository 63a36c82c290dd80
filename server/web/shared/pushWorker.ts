/** What a service worker does with a push: shows it, tells the server that it has come, and leads to what it is about. */
interface Pushed { id: string; proof: string; title: string; text: string; path: string; urgent: boolean }

export function hearPushes(worker: ServiceWorkerGlobalScope): void {
  worker.addEventListener('push', (event) => {
    const pushed = read(event)
    if (pushed) event.waitUntil(Promise.all([show(worker, pushed), received(pushed)]))
  })
  worker.addEventListener('notificationclick', (event) => {
    event.notification.close()
    event.waitUntil(open(worker, String((event.notification.data as { path?: string } | null)?.path ?? '/')))
  })
}

function read(event: PushEvent): Pushed | null {
  try {
    return event.data?.json() as Pushed
  } catch {
    return null
  }
}

/** A second try of the same message takes the place of the first. */
function show(worker: ServiceWorkerGlobalScope, pushed: Pushed): Promise<void> {
  return worker.registration.showNotification(pushed.title, { body: pushed.text, tag: pushed.id, icon: '/favicon.svg', requireInteraction: pushed.urgent, data: { path: pushed.path } })
}

/** Proof that it has come; where there is no network for a moment the server does without. */
async function received(pushed: Pushed): Promise<void> {
  const body = JSON.stringify({ id: pushed.id, proof: pushed.proof })
  await fetch('/api/v1/push/received', { method: 'POST', headers: { 'content-type': 'application/json' }, body }).catch(() => undefined)
}

/** In a window that is there already, or in a new one. */
async function open(worker: ServiceWorkerGlobalScope, path: string): Promise<void> {
  const own = (await worker.clients.matchAll({ type: 'window' })).find((client) => new URL(client.url).pathname.startsWith(new URL(worker.registration.scope).pathname))
  const moved = await own?.navigate(path).catch(() => null)
  if (moved) await moved.focus()
  else await worker.clients.openWindow(path)
}
