/** The pages of the guide in the order of its list, each with the pages of the console that it tells of. */
export const GUIDE_PAGES: { name: string; of: string[] }[] = [
  { name: 'index', of: [] },
  { name: 'supervisor', of: ['desk', 'overview', 'statistics', 'wall', 'cameras', 'offline', 'inspections', 'late', 'incidents', 'orders', 'self-checks', 'papers'] },
  { name: 'planner', of: ['assignments', 'plans', 'draws', 'officers'] },
  { name: 'officer', of: [] },
  { name: 'canteen', of: [] },
  { name: 'phone', of: [] },
  {
    name: 'administrator',
    of: ['premises-list', 'operators', 'organizations', 'users', 'sign-in-rules', 'calendar', 'collect-devices', 'diagnosis', 'self-check-rules', 'retention', 'channels', 'webhooks', 'audit', 'system', 'templates'],
  },
  { name: 'parents', of: ['school'] },
  { name: 'education', of: [] },
]

/** The page of the guide that tells of this page of the console. Who has a page for all that they do (`own`) is led to that. */
export function guidePageFor(route: string, own?: 'officer' | 'canteen'): string | undefined {
  const found = GUIDE_PAGES.find((one) => one.of.includes(route))
  return found && (own ?? found.name)
}
