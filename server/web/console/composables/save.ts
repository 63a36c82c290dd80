/** Gives a file to the browser to keep. */
export function save(content: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  document.body.append(link)
  link.click()
  link.remove()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

/** A table as CSV that spreadsheet programs open as UTF-8; cells that could run as a formula are made text. */
export function csv(rows: string[][]): Blob {
  const cell = (value: string) => {
    const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
  }
  return new Blob([`\ufeff${rows.map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`], { type: 'text/csv;charset=utf-8' })
}

/** A password of 14 letters and digits that are not mistaken for each other when read out. */
export function makePassword(): string {
  const letters = 'abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789'
  const found: string[] = []
  while (found.length < 14) {
    for (const byte of crypto.getRandomValues(new Uint8Array(16))) {
      // Bytes past the last whole multiple are dropped: every letter stays equally likely.
      if (byte < letters.length * Math.floor(256 / letters.length) && found.length < 14) found.push(letters[byte % letters.length])
    }
  }
  return found.join('')
}
