// A device that answers as ONVIF ones do: to the search with datagrams, to questions over HTTP, and to who knows its password.
import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'

const envelope = (inside) => `<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>${inside}</s:Body></s:Envelope>`
const REFUSED = envelope('<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code><s:Reason><s:Text>Sender not authorized</s:Text></s:Reason></s:Fault>')
const profile = (token, width, height) => `<trt:Profiles token="${token}"><tt:Name>${token}</tt:Name><tt:VideoEncoderConfiguration><tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>${width}</tt:Width><tt:Height>${height}</tt:Height></tt:Resolution></tt:VideoEncoderConfiguration></trt:Profiles>`

function answer(body, service) {
  const token = /ProfileToken>([^<]+)</.exec(body)?.[1]
  if (body.includes('GetSystemDateAndTime')) return ''
  if (body.includes('GetDeviceInformation')) return '<r><tds:Manufacturer>Hikvision</tds:Manufacturer><tds:Model>DS-2CD</tds:Model><tds:FirmwareVersion>V5</tds:FirmwareVersion></r>'
  if (body.includes('GetServices')) return `<r><tds:Service><tds:Namespace>http://www.onvif.org/ver10/media/wsdl</tds:Namespace><tds:XAddr>${service}</tds:XAddr></tds:Service></r>`
  if (body.includes('GetProfiles')) return `<r>${profile('main', 1920, 1080)}${profile('sub', 640, 360)}</r>`
  if (body.includes('GetStreamUri')) return `<r><trt:MediaUri><tt:Uri>rtsp://127.0.0.1:554/onvif/${token}</tt:Uri></trt:MediaUri></r>`
  return null
}

/** Starts one that wants `username`; `search` is what a person types to find it. */
export async function startOnvif(username) {
  const server = createServer((request, response) => {
    const parts = []
    request.on('data', (part) => parts.push(part)).on('end', () => {
      const body = Buffer.concat(parts).toString()
      const service = `http://127.0.0.1:${server.address().port}/onvif/media`
      const open = body.includes('GetSystemDateAndTime') || body.includes(`Username>${username}<`)
      const said = open ? answer(body, service) : null
      response.writeHead(open ? (said === null ? 500 : 200) : 400, { 'content-type': 'application/soap+xml' })
      response.end(open ? envelope(said ?? '') : REFUSED)
    })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const socket = createSocket('udp4')
  socket.on('message', (_, from) => {
    const address = `http://127.0.0.1:${server.address().port}/onvif/device_service`
    const match = `<d:ProbeMatches><d:ProbeMatch><d:Scopes>onvif://www.onvif.org/name/Kitchen+Camera onvif://www.onvif.org/hardware/DS-2CD</d:Scopes><d:XAddrs>${address}</d:XAddrs></d:ProbeMatch></d:ProbeMatches>`
    socket.send(envelope(match), from.port, from.address)
  })
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return {
    search: `127.0.0.1:${socket.address().port}`,
    close() {
      socket.close()
      server.close()
      server.closeAllConnections()
    },
  }
}
