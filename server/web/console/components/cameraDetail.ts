/**
 * What the server found at a camera, in the words of the page's language.
 *
 * The server says it in English, in sentences of its own with a few values in them; each stands here by its template, as it is
 * written there. What is not the server's own (a library's or a device's words) has no translation and is shown as it came.
 */
const CHINESE: Record<string, string> = {
  'the camera does not answer in time': '设备没有在限定时间内应答',
  'the camera answers but sends no picture': '设备有应答，但没有发送画面',
  'pictures come, but none of them is a key frame': '有画面数据，但一直没有关键帧',
  'no picture came in time': '没有在限定时间内收到画面',
  'no picture for {seconds} s although the connection stands': '连接正常，但已 {seconds} 秒没有画面',
  'the sub-stream sends no picture': '子码流没有画面',
  'pictures came before their parameters': '画面先于编码参数到达',
  'the camera refuses the user name or password': '设备拒绝该账号或密码',
  'the user name or password is refused': '账号或密码被拒绝',
  'the camera has no stream at this path': '设备上没有这个路径的码流',
  'there is nothing at this path': '这个路径上没有内容',
  'the camera refuses the connection': '设备拒绝连接',
  'the camera closed the connection': '设备关闭了连接',
  'the camera ended the stream': '设备结束了码流',
  'the camera offers no video': '设备没有提供视频',
  'there is no video in the stream': '码流中没有视频',
  'there is no video in it': '其中没有视频',
  'what answers is not an RTSP video stream': '应答的不是 RTSP 视频流',
  'the camera answers against the rules of RTSP': '设备的应答不符合 RTSP 规范',
  'the camera sends packets against the rules of its codec': '设备发送的数据不符合编码规范',
  'the camera sends us to another address': '设备要求转到另一个地址，不予跟随',
  'the camera sends to another address; redirects are not followed': '设备要求转到另一个地址，不予跟随',
  'redirects are not followed': '不跟随重定向',
  'there is no way to the camera': '没有到达设备的网络路径',
  'the connection is gone': '连接已断开',
  'no connection': '没有连接',
  'no answer in time': '没有在限定时间内应答',
  '{address} does not answer': '{address} 没有应答',
  'the host name is unknown': '无法解析主机名',
  'the host has no address': '主机名没有对应的地址',
  'the name is not resolved in time': '主机名没有在限定时间内解析',
  'the address has no host': '地址中没有主机',
  'the address has no port': '地址中没有端口',
  'the address cannot carry a host': '这种地址不能带主机',
  '{ip} is not in the allowed networks': '{ip} 不在允许的网段内',
  '{ip} is {kind} address': '{ip} 是不允许的地址类型（{kind}）',
  '{ip} is no address of this server': '{ip} 不是本服务器的地址',
  '{address} is this program itself': '{address} 是本程序自身',
  'an address of this server, or 0.0.0.0 for all of them': '请填写本服务器的地址，或用 0.0.0.0 表示全部',
  'waiting for cameras that call is switched off': '没有开启设备主动推流',
  'a camera that calls is waited for at a port from {first} to {last}': '设备主动推流的端口须在 {first} 至 {last} 之间',
  'a camera that calls needs a passphrase of 10 to 79 characters': '设备主动推流须设置 10 至 79 位口令',
  'a camera that calls needs a stream id of 10 characters or more': '设备主动推流须设置至少 10 位的流标识',
  'a camera that calls needs a stream key of 10 to 79 characters': '设备主动推流须设置 10 至 79 位串流密钥',
  'nobody has called yet': '还没有设备推流',
  'an encoder named another stream key': '推流设备使用了另一个串流密钥',
  'the port cannot be had: another camera or program listens there': '端口已被其他摄像头或程序占用',
  'the port cannot be had: {error}': '端口不可用：{error}',
  'it did not publish': '对方连接后没有推流',
  'it does not speak RTMP': '对方不是 RTMP',
  'a command that cannot be read': '收到无法识别的指令',
  'commands without end': '对方不断发送指令',
  'a video tag that cannot be read': '视频数据无法识别',
  'the other end closed the connection': '对方关闭了连接',
  'the other end ended the stream': '对方结束了码流',
  'the server does not let us in': '对方服务器不允许接入',
  'the server has no such stream': '对方服务器上没有这个码流',
  'the server answers {status}': '对方服务器应答 {status}',
  'the server gives no byte ranges': '对方服务器不支持按范围读取',
  'a part that nobody asked for': '对方发来了没有请求的片段',
  'only http and https addresses are asked': '只支持 http 和 https 地址',
  'an answer of more than {bytes_max} bytes': '应答超过 {bytes_max} 字节',
  'the connection broke off, or what came is not HTTP': '连接中断，或收到的不是 HTTP',
  'addresses that begin with {scheme}: are not supported': '不支持以 {scheme}: 开头的地址',
  'sources of the kind {other}: are not known': '不支持 {other}: 类型的视频源',
  'the video is {names}; H.264 and H.265 are recorded': '视频编码为 {names}；只能录制 H.264 和 H.265',
  'video in {codec} is not recorded': '不能录制 {codec} 编码的视频',
  'a codec that is not recorded': '不能录制这种编码',
  'a picture of {bytes} bytes is larger than allowed': '一帧画面为 {bytes} 字节，超过上限',
  'a picture is too large': '一帧画面过大',
  'a picture cannot be read': '画面数据无法读取',
  'a picture without a format': '画面没有格式信息',
  'a picture without a time': '画面没有时间信息',
  'a picture without data': '画面没有数据',
  'a picture with an impossible time': '画面的时间不合理',
  'an empty format': '格式信息为空',
  'no parameter sets': '没有编码参数集',
  'unreadable parameter sets': '编码参数集无法读取',
  'no picture size': '没有画面尺寸',
  'no picture in all that the camera sends': '设备发送的数据中没有画面',
  "a single picture: the camera's address of its stream is another one": '这是单张图片的地址，码流地址是另一个',
  "broken off: it sends without ever ending a picture, and the program's memory runs out": '已断开：设备不断发送却没有一帧完整画面，内存即将耗尽',
  "no authority vouches for the camera's certificate; its SHA-256 is {fingerprint}": '设备证书没有可信机构担保，SHA-256 指纹为 {fingerprint}',
  'behind # only certificate=SHA-256 or certificate=any': '# 之后只能是 certificate=SHA-256 或 certificate=any',
  'file sources are switched off': '没有开启文件视频源',
  'files are allowed only below the folder for file sources': '文件必须在指定的文件夹内',
  'there is no such file': '没有这个文件',
  'the file cannot be played again': '文件无法重新播放',
  'there is no such test pattern': '没有这种测试图像',
  "a USB camera's address is like v4l2:/dev/video0": 'USB 摄像头的地址形如 v4l2:/dev/video0',
  'there is no camera at {path}': '{path} 没有摄像头',
  'the stream has ended': '码流已结束',
  'the pipeline does not start': '处理管线无法启动',
  'the pipeline is gone': '处理管线已不存在',
  'a pipeline without a bus': '处理管线不完整',
  'what answers is not an HLS playlist': '应答的不是 HLS 播放列表',
  'the HLS stream is encrypted; plain ones are recorded': 'HLS 码流已加密，只能录制未加密的',
  'the playlist offers nothing': '播放列表为空',
  'the playlist has ended': '播放列表已结束',
  'the playlist became another kind': '播放列表类型发生变化',
  'the playlist does not say how long its segments are': '播放列表没有写明片段时长',
  'the playlist has too many segments': '播放列表片段过多',
  'the playlist names a file without its length': '播放列表中的文件没有时长',
  'the playlist names an address that is none': '播放列表中的地址无效',
  'the playlist names an address that is not http': '播放列表中的地址不是 http',
  'the playlist names too many hosts': '播放列表涉及的主机过多',
  'a playlist of playlists of playlists': '播放列表嵌套过深',
  'a line of the playlist is too long': '播放列表有一行过长',
  'a segment of an impossible length': '片段时长不合理',
  'a length that is none': '时长无法识别',
  'a sequence number that is none': '序号无法识别',
  'an impossible sequence number': '序号不合理',
  'a byte range that is none': '字节范围无法识别',
  'a byte range that follows nothing': '字节范围没有起点',
  'a stream header without an address': '码流头没有地址',
}

interface Known { pattern: RegExp; names: string[]; chinese: string }

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

const KNOWN: Known[] = Object.entries(CHINESE).map(([template, chinese]) => {
  const names = [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '')
  const pattern = new RegExp(`^${template.split(/\{\w+\}/).map(escaped).join('(.+?)')}$`)
  return { pattern, names, chinese }
})

/** The sentence in Chinese; `null` where it is not one of the server's own. */
export function chineseDetail(detail: string): string | null {
  for (const { pattern, names, chinese } of KNOWN) {
    const found = pattern.exec(detail)
    if (found) return names.reduce((text, name, index) => text.replace(`{${name}}`, found[index + 1] ?? ''), chinese)
  }
  return null
}

/** Templates as the server writes them, values by position. */
export const templates = (): Set<string> => new Set(Object.keys(CHINESE).map((template) => template.replace(/\{\w+\}/g, '{}')))
