/** Calendar months as `2026-12`, weeks from Monday. */

/** The month so many later, or earlier. */
export function shiftMonth(month: string, by: number): string {
  const [year, number] = month.split('-').map(Number)
  const at = new Date(Date.UTC(year, number - 1 + by, 1))
  return at.toISOString().slice(0, 7)
}

/** Days of a month in whole weeks; days of other months are null. */
export function monthDays(month: string): (string | null)[] {
  const [year, number] = month.split('-').map(Number)
  const first = (new Date(Date.UTC(year, number - 1, 1)).getUTCDay() + 6) % 7
  const count = new Date(Date.UTC(year, number, 0)).getUTCDate()
  const cells = Math.ceil((first + count) / 7) * 7
  return [...Array(cells).keys()].map((at) => {
    const day = at - first + 1
    return day >= 1 && day <= count ? `${month}-${String(day).padStart(2, '0')}` : null
  })
}
