/** Where somebody was going before the sign-in: only an address inside this site is gone back to. */
export function inside(asked: unknown): string {
  return typeof asked === 'string' && asked.startsWith('/') && !asked.startsWith('//') ? asked : '/'
}
