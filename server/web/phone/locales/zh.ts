/** The phone's own texts; the field's terms are in `shared/locales`. */
export default {
  tab: { today: '今日', premises: '场所', messages: '消息', me: '我的', kitchen: '厨房', alerts: '预警', selfChecks: '自查' },
  common: {
    retry: '重试', cancel: '取消', confirm: '确定', save: '保存', done: '完成', back: '返回', close: '关闭', remove: '删除', search: '搜索',
    loading: '正在载入', yes: '是', no: '否', optional: '选填', all: '全部', next: '下一步', count: '共 {n} 项',
  },
  net: {
    online: '网络正常', offline: '当前无网络，可继续工作', toSend: '{n} 项待发送，已安全保存在本机', sending: '正在发送 {n} 项', originals: '检查已送达，{n} 张原图待发送', attention: '{n} 项需要处理', tooOld: '应用版本过旧，点此更新；内容都在本机', roomLow: '手机空间快满了，请尽快连网发送',
    expired: '登录已过期，草稿都在本机。', signIn: '重新登录', allSent: '全部已发送', updated: '新版本已就绪', update: '立即更新',
  },
  signIn: {
    title: '登录', username: '用户名', password: '密码', submit: '登录', needNetwork: '首次登录需要网络，之后断网也能工作。', wrong: '用户名或密码不正确',
    locked: '失败次数过多，请在 {minutes} 分钟后再试。', offline: '现在没有网络，无法登录。本机草稿不受影响。', forgot: '忘记密码请联系系统管理员重置。',
    again: '登录后继续：本机的草稿和待发送内容都还在。', required: '请填写用户名和密码', code: '验证码', codeLead: '密码已通过，请输入验证器应用中的 6 位验证码。', recoveryCode: '恢复码', recoveryLead: '请输入一个没有用过的恢复码。', codeSubmit: '验证并登录', useRecovery: '使用恢复码', useCode: '使用验证码', startAgain: '返回重新登录', wrongCode: '不正确，或已使用过', codeOver: '等待验证码超时，请重新登录',
  },
  secondFactor: {
    title: '两步验证', required: '您的角色要求使用两步验证，设置后方可继续使用。', lead: '登录时除密码外，再输入验证器应用上的 6 位验证码。', on: '已开启', off: '未开启', left: '剩余 {n} 个恢复码', turnOn: '开启两步验证', another: '换一部手机', newCodes: '重新生成恢复码', turnOff: '关闭两步验证',
    why: { begin: '为确认是您本人，请输入当前密码。', codes: '重新生成后，以前的恢复码全部失效。请输入当前密码。', off: '关闭后，登录只需密码。请输入当前密码。' }, next: '继续', cancel: '取消', again: '重试',
    scan: '验证器应用在本机时，点下面的按钮添加；在另一部手机上时，扫描二维码。', openApp: '在验证器应用中打开', qr: '供验证器应用扫描的二维码', secret: '都不行时，手动输入密钥', first: '应用显示的 6 位验证码', confirm: '确认开启', wrongCode: '验证码不正确，请核对手机时间，并输入当前显示的验证码。', wrongPassword: '当前密码不正确',
    codesTitle: '请保存恢复码', codesLead: '手机丢失时用恢复码登录，每个只能用一次。只显示这一次，请抄下，与手机分开存放。', kept: '已保存好', copy: '复制', copied: '已复制', offDone: '两步验证已关闭',
  },
  told: {
    title: '通知方式', lead: '消息始终会出现在“消息”页。这里选择哪些还要推送到本机。', push: '在本机接收推送', pushHelp: '退出登录后不再推送。推送不是每部手机都能收到，重要通知请同时用短信。', about: '推送内容', quiet: '免打扰时段', quietFrom: '{from} 至 {to}', quietOff: '未设置', quietHelp: '一类预警和疑似食物中毒随时推送，其余在时段结束后合并推送。', mail: '通知邮件发到 {address}，在电脑端修改。', mailNone: '邮件通知请在电脑端“我的账户”设置。',
    state: { unsupported: '本机浏览器不支持推送。iPhone 请先把本应用添加到主屏幕。', insecure: '需要用 HTTPS 打开本系统。', denied: '浏览器拒绝了通知，请在系统设置中允许。', off: '未开启', on: '本机正在为另一个账户接收推送。' },
    topic: { class_1: '一类预警', class_2: '二类预警', class_3: '三类预警', incidents: '疑似食物中毒', orders: '责令改正', assignments: '检查任务', self_checks: '食堂自查' },
  },
  password: {
    title: '修改密码', why: '这是管理员设置的密码，请改成自己的密码后继续。', current: '当前密码', next: '新密码', again: '再输入一次新密码', rule: '至少 10 个字符，不能与用户名相同。',
    differ: '两次输入的新密码不一致', short: '新密码至少 10 个字符', changed: '密码已修改', submit: '修改密码',
  },
  today: {
    title: '今日', hello: '{name}，{date}', due: '截止 {date}', overdue: '已逾期', dueToday: '今天截止', assignments: '检查任务', drafts: '未完成的检查', none: '没有待办的检查任务',
    span: { today: '今天', month: '本月', all: '全部' }, asMap: '地图', asList: '列表', nearest: '按距离', lateCount: '{n} 项已逾期', noneInSpan: '这段时间没有待办任务', noPoint: '{n} 家单位没有坐标，未显示在图上', merged: '合并检查：{names}',
    map: { title: '任务位置图', north: '北', in: '放大', out: '缩小', m: '{n} 米', km: '{n} 公里' },
    noneHelp: '新任务会在联网时自动同步到本机。也可以在“场所”中直接开始检查。', start: '开始检查', resume: '继续填写', synced: '{when}同步', never: '尚未同步',
    syncing: '正在同步', syncFailed: '同步失败，使用本机数据', pull: '下拉同步', sent: '已提交的检查', key: '重点项', answered: '已答 {answered}/{total}', failed: '{n} 项不符合',
    saved: '{when}保存', officers: '检查人员 {names}', remove: '删除草稿', removeAsk: '删除“{name}”的草稿？其中的 {photos} 张照片也会一并删除，无法恢复。', removed: '草稿已删除', begunElsewhere: '这项任务已在另一部手机上开始检查。同组的在本机加入同一次检查；否则另开一份。继续吗？',
  },
  premises: {
    title: '场所', near: '离我最近', licence: '许可证', orders: '待整改', noOrders: '没有待整改的事项', noAlerts: '没有未办结的预警', cameras: '摄像头', findings: '上次发现的问题', history: '检查记录', search: '名称、地址、许可证编号', none: '没有找到场所', noneHelp: '换个关键词试试。搜索只用本机数据，断网也能用。', empty: '还没有同步到场所', emptyHelp: '联网后下拉即可同步。',
    address: '地址', school: '所属学校', diners: '就餐人数', grade: '风险等级', office: '监管所', operators: '经营主体', last: '上次检查', noLast: '没有记录', openAlerts: '未办结预警',
    start: '开始检查', chooseTemplate: '选择检查表', chooseKind: '检查方式', other: '其他检查表', noTemplates: '本机还没有检查表，请先联网同步。', distance: '距您约 {m} 米', distanceKm: '距您约 {km} 公里',
    continueAsk: '这里有一份未完成的检查，要继续填写吗？', continue: '继续填写', another: '另开一份', detail: '场所详情', route: '导航',
  },
  run: {
    progress: '已答 {answered}/{total}', section: '第 {n} 部分', remark: '备注', findings: '发现的问题', findingsHelp: '写清在哪里、是什么、多少', reason: '缺项原因', reasonHelp: '为什么本项不适用', addRemark: '写备注',
    affects: '是否影响食品安全', affectsYes: '影响', affectsNo: '不影响', whyAffects: '为什么影响食品安全', whyNot: '为什么不影响食品安全', whyHelp: '点选或自己写',
    affecting: { a: '可能直接污染食品', b: '温度或时间失控，可能变质', c: '使用了不得使用的食品或添加物' }, harmless: { a: '不直接接触食品', b: '未造成食品污染', c: '属于记录或公示问题' }, corrected: '当场改正', photo: '拍照', album: '相册', photos: '照片', key: '重点项', basis: '依据：{basis}',
    range: '合格范围 {range}', outOfRange: '超出合格范围', needPhotos: '需拍照 {n} 张', needPhoto: '不符合项需拍照', photoTooBig: '照片超过 25 MB，请降低拍摄分辨率后重拍', photoType: '不支持这种文件，请拍照或选择 JPEG、PNG、HEIC 图片',
    photoMany: '每项最多 20 张照片', noRoom: '手机空间不足，照片没有保存。请清理空间后重拍。', notSaved: '没有保存成功，请不要离开本页。', saved: '已保存', saving: '正在保存', original: '原图保存，不压缩、不改动', removePhoto: '删除这张照片？', noPreview: '无法预览', taken: '拍摄于 {when}',
    openOnly: '只看未答', failedOnly: '只看不符合', showAll: '全部', review: '核对结果', review_short: '核对', conformAll: '本部分其余全部符合', conformAsk: '把本部分未答的 {n} 项都记为“符合”？需要拍照的 {m} 项除外。', place: '定位', placing: '正在定位', placed: '已定位，精度 {m} 米', placeFailed: '没有定位：{why}', placeDenied: '未授权定位', placeUnavailable: '收不到信号', far: '距场所登记位置约 {m} 米，请核实', farKm: '距场所登记位置约 {km} 公里，请核实',
    hidden: '{n} 项因条件未显示', previous: '上次：{what}', remarks: '常用语', must: '必填', lack: { field: '请填写“{label}”', answer: '未作答', reason: '需要说明', affects_safety: '请选择是否影响食品安全', safety_reason: '请说明影响或不影响的理由', photo: '需要照片', photos: '需要照片' }, signedWarn: '修改内容将清除已有签名，需要重新签名。', edit: '修改', emptyFilter: '没有这样的检查项', number: '数值', exit: '暂存退出', exited: '已保存在本机，可随时继续', law: '重点项一项不符合，结果即为不符合', clear: '清除答案', unanswered: '还有 {n} 项未答', notFound: '没有找到这份检查', notFoundHelp: '它可能属于另一个账号，或者已从本机删除。',
  },
  review: {
    title: '核对结果', local: '由本机按检查表规则判定，提交后服务器再次判定', outcome: '检查结果', score: '得分', grade: '量化等级', checked: '已检查 {n} 项（重点 {key}，一般 {general}）', keyFailed: '重点项不符合 {n} 项', generalFailed: '一般项不符合 {n} 项',
    notApplicable: '合理缺项 {n} 项', missing: '还差 {n} 处，补齐后才能签名', missingHelp: '点一下直接跳到该项', sign: '去签名', noFailures: '没有不符合项', consequences: '不符合项及处理', photos: '照片 {n} 张', onlyOne: '法律要求两名以上执法人员。本次只登记了 {n} 名，请确认。', fixes: '需要补充', noScore: '无',
    officers: '执法人员', partial: '仅判定已答的 {n} 项',
  },
  sign: {
    needReason: '执法人员不足两名、未出示证件或未告知回避的，须先补上或写明理由', unmet: '未能做到的理由（印在记录上）', title: '签名确认', shown: '请双方核对以下记录。签名即确认其全部内容。', officer: '执法人员', premises: '被检查单位', witness: '见证人', name: '姓名', nameNeeded: '请填写姓名', draw: '请在此处签名', redraw: '重写', confirm: '确认签名', signed: '已签', sign: '签名', refuse: '拒绝签名', refused: '已拒签', left: '已离开', blank: '笔迹太少，请完整签名', open: '离开前请补齐', openHelp: '法律要求的现场程序。缺少的会写在记录上，并标为待补正。', openAsk: '仍待补正：{what}。', fix: '去补齐', refuseReason: '拒签原因', refuseReasonHelp: '例如：负责人不同意检查结论', witnessHelp: '拒签时请见证人签名',
    reasonNeeded: '请写明拒签原因', submit: '提交检查', submitAsk: '提交后内容不能再改。检查结果：{outcome}，{photos} 张照片。', submitOffline: '现在没有网络：先安全保存在本机，有网络时自动发送。', needOfficer: '需要至少一名执法人员签名', needPremises: '需要被检查单位签名，或记录拒签', needWitness: '拒签需要见证人签名', stale: '签名后内容有改动，请重新签名', hash: '内容指纹 {hash}', empty: '还没有写字', remove: '清除签名', add: '添加执法人员', you: '本人', clauses: '被检查单位对以上记录已核对无误', edit: '返回修改', submitted: '检查已提交',
  },
  clip: {
    video: '录像', audio: '录音', of: '{what} {s} 秒', start: '开始', stop: '停止', left: '还可录 {s} 秒', limit: '最长 {s} 秒，单个不超过 25 MB', cannot: '本浏览器不能录制', denied: '未授权使用摄像头或麦克风', noDevice: '没有可用的摄像头或麦克风', many: '每项最多 5 段录像和录音', tooBig: '超过 25 MB，没有保存', remove: '删除这段录制？',
  },
  mark: {
    title: '照片标注', help: '标注另存为一张图片，原图不改动。', hiddenHelp: '遮挡会写入图片，无法还原；对外使用遮挡后的图片。', save: '保存标注', drop: '删除标注', undo: '撤销', watermark: '水印', words: '要写在照片上的文字', typeFirst: '请先输入文字，再点照片上的位置', tool: { arrow: '箭头', circle: '圈出', text: '文字', black: '涂黑', coarse: '马赛克' }, badge: { redaction: '已遮挡', drawing: '已标注' },
  },
  sent: {
    originals: '检查已送达，{n} 张原图待发送', title: '检查结果', queued: '已保存在本机，等待发送', sending: '正在发送', done: '已送达服务器', doneHelp: '检查、照片和签名都已收到。', differs: '服务器的判定与本机不同，两者都已保留。', server: '服务器判定', phone: '本机判定', home: '回到今日', photosLeft: '照片和签名 {sent}/{total}', toComplete: '这次检查待补正', handOver: '交付记录', handOverHelp: '签名确认的现场检查记录。可以打印交付，或请对方扫码核验、留存；正式文书的指纹与此相同。', drawnDiffers: '服务器按收到的内容重新制作的记录与签名时所示不一致，已标记。', code: '核验码', print: '打印', receipt: '服务器回执：{when}收到', saveReceipt: '保存回执',
  },
  toComplete: {
    visit_opened: '未扫码到场', certificates: '未记录出示执法证件', recusal: '未告知回避或无答复', safety_reason: '不符合项未写明是否影响食品安全的理由', second_officer: '执法人员不足两名', officer_signature: '执法人员签名不足两名', premises_signature: '被检查单位未签名', witness: '拒签或离开没有见证人签名', visit_closed: '未扫码离场',
  },
  outbox: {
    otherPhone: '您的另一部手机已发送了同一次检查的一部分。取回后两份一起看，填写不同的由您选定，都会保留。', conflictAct: '服务器上的内容已经变化，这一项没有生效。', drop: '撤下', dropAsk: '撤下后这一项不再发送，可以重新操作。', act: { alert_answer: '答复整改', sample_discard: '留样已处理', order_answer: '答复责令改正', order_review: '复查责令改正' },
    title: '发送队列', empty: '没有待发送的内容', emptyHelp: '所有检查都已送达服务器。', sendNow: '立即发送', state: { queued: '等待发送', sending: '正在发送', waiting: '稍后自动重试', signed_out: '登录后自动发送', conflict: '与服务器内容冲突', refused: '服务器没有接受', originals: '已送达，原图待发送' },
    nextTry: '约 {when}后重试（第 {n} 次）', files: '照片和签名 {sent}/{total}', size: '{sent} / {total}', safe: '内容完整保存在本机，不会丢失。', takeBack: '取回修改', takeBackAsk: '取回后可以修改，并需要重新签名再提交。', tookBack: '已取回，可继续修改',
    conflictHelp: '服务器上已有另一份内容。可以取回修改后作为新版本提交。', here: '本机 {hash}', there: '服务器 {hash}', detail: '原因：{why}', queuedAt: '{when}提交', noNetwork: '没有网络，连上后自动发送', sentNow: '已开始发送',
    originals: '检查已完整送达（照片为缩小件）。还有 {n} 张原图（{size}）在本机，{when}', originalsWifi: '连上无线网络后自动发送。', originalsSoon: '稍后自动发送。', originalsNow: '用当前网络发送原图',
    why: { storage_full: '服务器磁盘已满，暂时收不下。内容都在本机，稍后自动重试，请告知管理员', part_on_its_way: '同组人员的部分还没有由其手机送达，到达后自动提交', network: '没有网络', file_lost: '照片文件在本机找不到', file_damaged: '照片文件已损坏', evidence_missing: '服务器仍缺少部分照片', upload_stuck: '上传没有进展' },
  },
  messages: { title: '消息', empty: '没有消息', emptyHelp: '新任务、退回和催办会显示在这里。', rectifications: '待整改', read: '全部已读', due: '截止 {date}',
    kind: { assigned: '新的检查任务', incident_reported: '疑似食物中毒', incident_supplemented: '疑似食物中毒有新情况', incident_closed: '疑似食物中毒已办结，措施解除', alert_raised: '新预警', alert_unproven: '一类预警无人查看，请处理', dispatched: '整改已派发', rectified: '整改已提交，待复核', sent_back: '整改被退回', closed: '预警已办结', reminder: '即将到期', overdue: '已超期', deadline_moved: '期限因工作日历调整而变动', half_time: '期限过半', order_issued: '责令改正通知', order_answered: '整改已答复，待复查', order_sent_back: '整改未通过，请继续整改', order_closed: '责令改正已办结', order_extended: '整改期限已延长', order_withdrawn: '责令改正已撤回', self_check_soon: '自查记录即将到期', self_check_late: '自查记录逾期未报', samples_over: '留样已满 48 小时', other: '工作提醒' } },
  me: {
    title: '我的', device: '本机', language: '语言', theme: '外观', light: '浅色', dark: '深色', system: '跟随系统', offlineReady: '可断网使用', offlineReadyNot: '正在准备断网使用', storage: '本机占用', persisted: '浏览器不会自动清除', notPersisted: '空间紧张时浏览器可能清除，请及时发送', lastSync: '最近同步', sync: '立即同步', password: '修改密码', signOut: '退出登录', signOutAsk: '退出后，草稿和待发送内容仍保存在本机，重新登录即可继续。',
    signOutWaiting: '还有 {n} 项没有发送。它们会留在本机，重新登录后自动发送。', version: '版本', roles: '身份', outbox: '发送队列', drafts: '草稿', encrypted: '草稿、照片和签名已加密', copiesDone: '草稿已在服务器加密备份', copiesBehind: '{n} 份草稿尚未备份，联网后自动备份', roomLow: '手机空间快满了', roomLowHelp: '文字仍能保存，照片可能存不下。请连网发送已提交的检查，或清理手机空间。', originals: '原图发送', originalsOn: { any: '任何网络', wifi: '仅无线网络' }, originalsHelp: '检查、签名和缩小的照片在任何网络都会先发送；原图较大，可只用无线网络。', originalsUnknown: '本浏览器不告知网络类型，原图需在发送队列中手动发送。', clock: '时钟', clockOk: '与服务器一致', clockOff: '与服务器相差 {d}，已如实记录', needNetwork: '需要网络', on: '开', off: '关',
  },
  score: { title: '风险评分', lead: '分数越低越好，由检查、预警、整改、设备和自查情况每天计算，与风险等级分开。', why: '看看怎么算的', fold: '收起', points: '{n} 分', nothing: '没有扣分项', same: '与 30 天前相同', up: '比 30 天前高 {n} 分', down: '比 30 天前低 {n} 分', trend: '近 {days} 天从 {from} 分到 {to} 分', band: { low: '低', medium: '中', high: '高', severe: '很高' } },
  kitchen: { title: '厨房', none: '没有摄像头', noneHelp: '摄像头由监管部门接入后显示在这里。', age: '{when}的画面', offline: '需要网络才能查看画面', noPicture: '没有画面', refresh: '刷新', live: '每 10 秒刷新', online: '{online}/{total} 在线' },
  alerts: {
    title: '预警', none: '没有需要处理的预警', noneHelp: '出现预警时，这里会显示画面和截止时间。', open: '待整改', history: '全部', due: '{when}前答复', overdue: '已超时', answer: '答复整改', text: '整改情况', textHelp: '写清做了什么，例如：已更换挡鼠板并消毒地面', photos: '整改后照片', submit: '提交答复', needText: '请写明整改情况', raised: '{when}发现', offline: '现在没有网络：提交后保存在本机，联网后自动发送。', notHere: '这条预警没有同步到本机，连网后可以查看', onlyKept: '没有网络，显示本机保存的待整改预警', kept: '没有网络，显示本机保存的内容', timeline: '处理经过', loadFailed: '没有载入', sentBack: '被退回', order: '整改要求', waiting: '已答复，等待监管人员复核', clip: '播放录像', stills: '历次画面', system: '系统', moreDetail: '详情',
    action: { raise: '系统发现', confirm: '确认', dispatch: '派发整改', rectify: '提交整改', review: '复核', accept: '办结', send_back: '退回', dismiss: '排除', reopen: '重新打开', clear: '自行恢复' },
  },
  paper: {
    title: '自查', today: '今日已报 {done}/{all}', noneToday: '今天没有要报的', lateCount: '{n} 项已逾期', unknown: '还不知道今天要报什么', unknownHelp: '正在向服务器取自查任务，请下拉刷新。', unknownOffline: '连上网络后会取到自查任务，之后断网也能填写。',
    late: '逾期未报', dueToday: '今天要报', soon: '本周、本月', any: '随时可报', sent: '最近上报', due: '{when}前', anyTime: '有进货就填一张', weekOf: '{date}这一周', monthOf: '{month}月', state: { missing: '已逾期', waiting: '待填写', draft: '填写中', queued: '待发送', done: '已上报', new: '新建' },
    meal: { breakfast: '早餐', lunch: '午餐', dinner: '晚餐', snack: '加餐' }, problems: '{n} 项异常', fine: '正常', by: '{name} {when}填写', received: '{when}收到', notHere: '这张表还没有同步到本机，请连网后再试',
    dropAsk: '删除填了一半的“{name}”？', allWell: '逐项看过，全部正常（零风险）', gaps: '还有 {n} 项没填', left: '还差 {n} 项', send: '提交', sending: '已提交，正在发送', kept: '已保存在本机，连上网络后自动发送',
    samples: '留样', samplesOver: '留样已满 48 小时', keptAt: '{when}留样', discard: '已处理', keepUntil: '保存到 {when}', keeping: '保存中', discarded: '{when}已处理', labels: '打印留样标签（{n} 张）', labelsTitle: '留样标签', labelsHelp: '每盒一张，50×30 毫米。可直接打印，或存成图片用标签打印机打印。', print: '打印', noLabels: '没有标签', noLabelsHelp: '提交留样记录后可以打印标签。',
    label: { meal: '餐次', kept: '留样', until: '保存至', by: '留样人' }, proofNone: '近期没有', here: '{when}在本机提交，待发送', photosOnline: '{n} 张照片连网后可看', gone: '本机没有这张表', goneHelp: '本机只保留最近的自查记录，更早的请在电脑上查看。',
  },
  orders: {
    going: '待发送', notHere: '本机没有这份责令改正，请连网后再看', handed: '已提交，正在发送', kept: '已保存在本机，连上网络后自动发送', offline: '没有网络也可以填写提交，连上后自动发送。', waits: '已提交，等待发送', stuck: '没有发送成功，点此查看', recheck: '复查 {number}，共 {n} 项', wholeList: '看整张表', onlyOrdered: '只看复查项', pictures: '{n} 张照片', unanswered: '尚未答复',
    title: '责令改正', open: '未办结', all: '全部', none: '没有未办结的责令改正', noneHelp: '检查后开具的责令改正会显示在这里。', progress: '{done}/{all} 项通过', state: { ordered: '待整改', answered: '待复查', closed: '已办结', withdrawn: '已撤回' },
    finding: '发现', requirement: '改正要求', before: '检查时照片', round: '第 {n} 次答复', accepted: '通过', rejected: '未通过', waiting: '待复查', verdict: '复查结果', noteHelp: '复查意见，未通过须写明还差什么', needAll: '每一项都要写明整改情况或拍照', needVerdicts: '每一项都要选择，未通过须写明原因', sent: '答复已提交，等待复查', reviewSend: '提交复查', reviewed: '已提交复查意见',
  },
  lock: {
    title: '已锁定', who: '{name}的草稿和照片已加密保存在本机', pin: '解锁密码', open: '解锁', wrong: '密码不正确。草稿都在，不会因为输错而删除。', wait: '请等待 {d}后再试', passkey: '用指纹或面容解锁', passkeyFailed: '没有识别成功，请改用解锁密码',
    failed: '没有打开，请重试', safe: '断网也能解锁。输错只会变慢，从不删除内容。', forgot: '忘记解锁密码：联网登录后重设', forgotOffline: '忘记解锁密码：连上网络后可登录重设', another: '换一个人使用',
    choose: '设置解锁密码', change: '修改解锁密码', now: '立即锁定', why: '草稿、照片和签名用您自己的密钥加密保存在本机，同一部手机上的其他人打不开。每次打开应用时用这个密码解锁，断网也可用。',
    newPin: '解锁密码（至少 {n} 位，数字或字母）', again: '再输入一次', weak: '至少 {n} 位，不能是同一个字符或连续数字', differ: '两次输入的不一致', withPasskey: '同时用本机的指纹或面容解锁', passkeyNot: '本机不支持，仍可用解锁密码', save: '保存', set: '已设置，内容已加密',
  },
  team: {
    otherPhone: '（另一部手机）',
    title: '同组检查', alone: '登记 {n} 人，点此邀请同组人员分工', why: '两名执法人员各用一部手机检查同一单位：选好同组人员后分工，各填各的部分，由组长合并、签名、提交。', lead: '组长', add: '同组人员', addOne: '加入', scanOfficer: '扫描对方“我的”页里的码',
    notOfficer: '这不是执法人员的码', begin: '开始分工', leadHelp: '对方扫描下面的码加入，断网也可以；联网时对方也会在任务和场所中看到。', memberHelp: '您填写分给自己的部分，填完交给组长。', code: '加入码', codeHelp: '请对方打开“场所 · 扫码”扫描', sections: '分工', parts: '各人进度',
    answered: '已答 {n} 项', came: '已交来 {n} 项', notYet: '尚未交来', look: '查看有没有新交来的', lookOffline: '没有网络，连上后再看', conflicts: '{n} 项两人填写不同', conflictsHelp: '两份都会保留。请组长选定以哪一份判定。', undecided: '有 {n} 项两人填写不同，请先选定',
    memberOf: '与{name}同组，您填写分给自己的部分', leadOf: '您是组长，{n} 名同组人员中 {came} 名已交来', handIn: '交给组长', handInAsk: '把您填写的 {n} 项交给组长？没有网络时先保存在本机，连上后自动发送。', handInHelp: '您的部分填完了。交给{name}后由组长合并、判定，并请双方签名。', handedIn: '已交给组长', handedInHelp: '组长提交之前，您还可以修改后再交。', revise: '修改后再交',
    relay: '没有网络？直接交给组长', relayHelp: '让组长在“同组检查”页扫描，或把文件传给组长。只含文字；照片和签名联网后由本机发送。', relayCodes: '显示动态码', relayFile: '传文件', receive: '扫描对方手机', receiveFile: '打开文件', receiving: '已收到 {have}/{total}，请对准对方屏幕',
    relayFault: { damaged: '内容不完整或被改动，请重新接收', other: '这是另一次检查的内容', notNamed: '这次检查没有登记对方' },
    joinedBefore: '您已加入这次检查，继续填写吗？', join: '加入{name}的检查', myCode: '我的码', myCodeShow: '显示给组长扫描',
    fault: { notNamed: '这次检查没有登记{name}。请组长先把您加入同组人员。', noTemplate: '本机没有这份检查表，请联网同步后再扫。', isLead: '您是这次检查的组长，不用扫码。' },
  },
  scan: {
    title: '扫码', aim: '对准二维码', denied: '没有相机权限，请在浏览器设置中允许，或在下面输入', noCamera: '没有可用的相机，请在下面输入', help: '可扫：场所门口的码、食品经营许可证上的码、组长的加入码。断网可用。', typed: '也可输入许可证编号或码的内容', notHere: '本机没有这个场所的资料，可能不在您的辖区，请联网同步。',
    licenceNotHere: '本机没有许可证 {number} 的单位，请联网同步，或按名称查找。', unknown: '不认识这个码。请扫场所、许可证或组长的码。', officer: '这是执法人员的码，请在“同组检查”里扫。',
  },
  late: {
    ended: '您的账号已停用。已提交的检查会自动交给主管核对；下面是没有写完的检查，也可以交给主管。内容都还在本机。', endedShort: '账号已停用，内容都在本机，点此处理', draft: '没有提交的草稿', give: '交给主管核对', ask: '把“{name}”的检查连同照片交给主管核对？主管会决定采用或退回，内容不会丢失。', handed: '已交给主管核对', handedHelp: '由主管决定采用或不采用，原始内容都会保留。',
  },
  meanwhile: {
    merged: '这个场所登记重复，已并入“{into}”。本次检查照常提交，会归到“{into}”名下。',
    template: '检查表已换新版本或停用。本次仍按开始时的版本检查，可以照常提交。', premises: '本机已没有这个场所：可能已关闭、合并或不在您的辖区。已填内容都在，可以照常提交；如被拒收，可交给主管核对。', renamed: '这个场所的名称已更改，本次检查仍用开始时的名称。', assignment: '这项任务已取消或已由他人完成。已填内容都在，可以照常提交。',
  },
  visit: {
    title: '到场', todo: '到场：扫码入企、出示证件、告知回避', opened: '已扫码到场', closed: '已扫码离场', shown: '已出示证件', answered: '已告知回避', door: '扫码入企', doorHelp: '扫描场所门口的码，记录到场和离场的时间、位置。没有码可以不扫。', scanOpen: '扫码到场', scanClose: '扫码离场', wrongDoor: '这不是本场所的码', at: '{when}',
    certificates: '出示证件', certificatesHelp: '请向被检查单位出示以下执法证件', show: '已向对方出示', recusal: '告知回避', recusalText: '如执法人员与本单位有直接利害关系或有其他可能影响公正检查的情形，贵单位有权申请其回避。是否申请回避？', no: '不申请回避', yes: '申请回避', why: '申请谁回避、理由', whyNeeded: '请写明申请谁回避和理由', sign: '请被检查单位人员签名', answeredBy: '{name}：{answer}',
    requested: '对方申请回避：请暂停检查并向所长报告，由其决定。', left: '人员离开', leftReason: '被检查单位人员中途离开现场，未签名',
  },
  report: {
    open: '报告疑似食物中毒', lead: '提交后立即上报主管并通知食堂，自动保全该场所全部摄像头录像和留样。没有网络先存本机，连上后自动发送。', people: '发病人数', hospital: '其中就医人数（不详可不填）', onset: '首例发病时间（不详可不填）', symptoms: '主要症状',
    day: '可疑餐次日期', meal: '可疑餐次', noMeal: '不详', foods: '吃了什么', source: '信息来源', onSite: '我在现场', onSiteYes: '在现场', onSiteNo: '不在现场', stops: '要求立即停止', sealed: '封存、登记保存', addGoods: '加一项', goodsName: '名称', quantity: '数量，如 3 kg', place: '存放地点', seal: '封条号（选填）',
    photos: '现场照片', note: '其他情况（选填）', send: '立即报告', ask: '报告“{name}”疑似食物中毒：{n} 人发病。将通知主管和食堂，并保全录像和留样。', sent: '已报告，正在发送', kept: '已保存在本机，连上网络后自动发送', saved: '填写内容随时保存在本机',
    needPeople: '请填写发病人数', needSymptoms: '请选择症状', needStops: '请选择要求停止的行为', needGoods: '封存物品须写明名称、数量和存放地点', hospitalMany: '就医人数不能多于发病人数', onsetAhead: '发病时间不能晚于现在',
    standing: '疑似食物中毒处置中', standingHelp: '{when}报告 · {n} 人发病', waits: '疑似食物中毒报告待发送', held: '证据保全，不得处置', notHere: '本机没有这个场所', photoMany: '最多 50 张照片',
  },
  standing: {
    stops: '立即停止', duties: '现在要做的', sealed: '封存、登记保存的物品', noSealed: '目前没有封存、登记保存的物品', sealNumber: '封条号 {number}', held: '全部摄像头录像和 48 小时留样已保全，办结前不得处置。',
    ended: '已办结，措施解除', endedHelp: '本机没有正在处置的这起报告。', source: '《学校食品安全与营养健康管理规定》第五十三条',
    duty: { help: '协助送医，记下发病人员的姓名、班级和就餐餐次', stop: '停止供餐；未食用的食品不再发放', keep: '留样、剩余食品、原料、工具和餐具原样保留，不清洗、不丢弃', answer: '向教育、市场监管、卫生健康部门报告，配合到场人员调查取样', tell: '由学校统一通知家长，说明情况和安排' },
  },
  sampling: {
    title: '抽样、快检', count: '样品 {samples} 件，快检 {tests} 项', samples: '抽样', tests: '快速检测', addSample: '加一件样品', addTest: '加一项快检', number: '样品编号', name: '样品名称', batch: '批号或生产日期（选填）', quantity: '数量，如 2 kg', place: '抽样地点（选填）', sealed: '已封样', unsealed: '未封样',
    representative: '被抽样单位签名人', sign: '被抽样单位签名', signedBy: '{name} 已签名', food: '检测样品', item: '检测项目，如 农药残留', method: '检测方法，如 酶抑制率法', kit: '试剂或仪器', kitLot: '批号', reading: '读数', unit: '单位', limit: '限值，如 ≤50 %', limitIs: '限值 {limit}', lotIs: '批号 {lot}', says: '结果', result: { passes: '合格', fails: '不合格', unclear: '需复测' },
    needSample: '请填写编号、名称和数量', needTest: '请填写样品、项目和方法', needNumber: '读数须是数字',
  },
  error: { title: '没有成功', network: '连不上服务器，请检查网络。', unknown: '出现了意外情况：{detail}', storage: '本机存储打不开', storageHelp: '请关闭无痕模式，或清理手机空间后重试。', server: '服务器暂时有问题，请稍后再试。', tooOld: '应用版本过旧，请先更新。手机上的内容都还在。' },
}
