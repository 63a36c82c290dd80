import { api } from '../state/app'

/** Opens a PDF that the server just made in a window of its own; where that is not allowed it is saved. */
export function show(pdf: Blob, name: string): void {
  const address = URL.createObjectURL(pdf)
  const opened = window.open(address, '_blank', 'noopener')
  if (!opened) save(address, name)
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}

function save(address: string, name: string): void {
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
}

/** A paper as it would be: `body` as for issuing. */
export const preview = (path: string, body: unknown): Promise<Blob> => api.post<Blob>(path, body)
