// Writes a table as XLSX: the fewest parts a reader needs, stored without compression.
import { crc32 } from './support.mjs'

/** A name of the standard (ECMA-376): never fetched. */
const named = (path) => ['http:', '', 'schemas.openxmlformats.org', path].join('/')

const TYPES = `<?xml version="1.0"?><Types xmlns="${named('package/2006/content-types')}"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`
const ROOT = `<?xml version="1.0"?><Relationships xmlns="${named('package/2006/relationships')}"><Relationship Id="r1" Type="${named('officeDocument/2006/relationships/officeDocument')}" Target="xl/workbook.xml"/></Relationships>`
const BOOK = `<?xml version="1.0"?><workbook xmlns="${named('spreadsheetml/2006/main')}" xmlns:r="${named('officeDocument/2006/relationships')}"><sheets><sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>`
const PARTS = `<?xml version="1.0"?><Relationships xmlns="${named('package/2006/relationships')}"><Relationship Id="r1" Type="${named('officeDocument/2006/relationships/worksheet')}" Target="worksheets/sheet1.xml"/></Relationships>`

const escaped = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;')
const cell = (value) => (value === '' ? '<c/>' : `<c t="inlineStr"><is><t>${escaped(value)}</t></is></c>`)

export function makeSheet(rows) {
  const sheet = `<?xml version="1.0"?><worksheet xmlns="${named('spreadsheetml/2006/main')}"><sheetData>${rows.map((row) => `<row>${row.map(cell).join('')}</row>`).join('')}</sheetData></worksheet>`
  return zip({ '[Content_Types].xml': TYPES, '_rels/.rels': ROOT, 'xl/workbook.xml': BOOK, 'xl/_rels/workbook.xml.rels': PARTS, 'xl/worksheets/sheet1.xml': sheet })
}

function zip(files) {
  const [local, central] = [[], []]
  let at = 0
  for (const [name, text] of Object.entries(files)) {
    const [path, body] = [Buffer.from(name), Buffer.from(text)]
    const facts = Buffer.alloc(26)
    facts.writeUInt16LE(20, 0)
    facts.writeUInt32LE(crc32(body), 10)
    facts.writeUInt32LE(body.length, 14)
    facts.writeUInt32LE(body.length, 18)
    facts.writeUInt16LE(path.length, 22)
    local.push(Buffer.from('PK\x03\x04', 'latin1'), facts, path, body)
    const entry = Buffer.alloc(14)
    entry.writeUInt32LE(at, 10)
    central.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), facts, entry, path)
    at += 30 + path.length + body.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(Object.keys(files).length, 4)
  end.writeUInt16LE(Object.keys(files).length, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(at, 12)
  return Buffer.concat([...local, directory, Buffer.from('PK\x05\x06', 'latin1'), end])
}
