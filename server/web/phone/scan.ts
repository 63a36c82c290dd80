/** What a scanned code means here. */
import { readInvitation, type Invitation } from './engine/team'
import type { OfficerName, PremisesRow } from './engine/draft'

export type Scanned =
  | { is: 'invitation'; invitation: Invitation }
  | { is: 'officer'; officer: OfficerName }
  | { is: 'premises'; id: string; mark: string }
  | { is: 'licence'; number: string }
  | { is: 'unknown' }

const OFFICER = 'bk:officer:1:'
/** The address on the code that hangs at a premises' door: `…/m/p/ID.MARK`. */
const DOOR = /\/m\/p\/([0-9a-f-]{36})\.([0-9a-f]{8,32})(?:$|[?#])/i
/** A food business licence: JY and 14 digits, as text or inside an address. */
const LICENCE = /JY\d{14}/i

export function officerCode(officer: OfficerName): string {
  return OFFICER + JSON.stringify([officer.id, officer.display_name, officer.certificate_number ?? ''])
}

export function meaning(text: string): Scanned {
  const invitation = readInvitation(text)
  if (invitation) return { is: 'invitation', invitation }
  if (text.startsWith(OFFICER)) {
    try {
      const [id, display_name, certificate] = JSON.parse(text.slice(OFFICER.length)) as [string, string, string]
      if (typeof id === 'string' && typeof display_name === 'string') return { is: 'officer', officer: { id, display_name, certificate_number: certificate || undefined } }
    } catch {
      return { is: 'unknown' }
    }
  }
  const door = DOOR.exec(text)
  if (door) return { is: 'premises', id: door[1]!.toLowerCase(), mark: door[2]!.toLowerCase() }
  const licence = LICENCE.exec(text)
  return licence ? { is: 'licence', number: licence[0].toUpperCase() } : { is: 'unknown' }
}

/** The premises whose operator holds this licence. */
export function byLicence(all: PremisesRow[], number: string): PremisesRow[] {
  return all.filter((one) => one.operators?.some((operator) => operator.licences?.some((licence) => licence.toUpperCase() === number)))
}
