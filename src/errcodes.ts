/**
 * Every return code of WeChat's API that we know, as data: what it means, what we do, whom it
 * concerns, and what a person should do next. The engine, the API, the CLI, the documentation and
 * the simulator all read this one table.
 *
 * A code that is not in the table is met by `unknownErrcode`.
 */

/** A sentence in both of our languages. */
export type Bilingual = { readonly zh: string; readonly en: string }

/** The family a code belongs to, for grouping and for metrics. */
export type ErrcodeClass =
  | 'ok'
  | 'busy'
  | 'token'
  | 'config'
  | 'recipient'
  | 'rate'
  | 'quota'
  | 'duplicate'
  | 'template'
  | 'content'
  | 'parameter'
  | 'permission'
  | 'punish'
  | 'retired'
  | 'protocol'
  | 'management'

/**
 * What the engine does with the message:
 * `sent` it is with WeChat · `duplicate` WeChat has it already when the repeat is ours, otherwise final ·
 * `token` heal the token, repeat at once · `backoff` repeat later, a bounded number of times ·
 * `slow` the API's pace is too high, go on in the next minute · `quota` wait for the reset ·
 * `hold` a fault of account or configuration: the account's messages wait, somebody is alerted ·
 * `drop` final for this message, a repeat could not help
 */
export type ErrcodeAction = 'sent' | 'duplicate' | 'token' | 'backoff' | 'slow' | 'quota' | 'hold' | 'drop'

/** What the verdict is about, beyond the one message that met it. */
export type ErrcodeScope = 'message' | 'recipient' | 'recipient-template' | 'template' | 'account' | 'api'

/** D official page · S an SDK's table · C practitioners · I our inference (for the meaning; the action is always ours). */
export type ErrcodeSource = 'D' | 'S' | 'C' | 'I'

export interface Errcode {
  readonly code: number
  readonly class: ErrcodeClass
  readonly action: ErrcodeAction
  readonly scope: ErrcodeScope
  readonly source: ErrcodeSource
  /** Could WeChat have accepted the message although it answered this? Only `-1` and its kin say `true`. */
  readonly ambiguous: boolean
  /** Whether somebody has to look: an `alert` event is raised. */
  readonly alert: boolean
  /** For `slow`, `quota`, `hold` and `backoff`: how long to wait when the code itself says so, in milliseconds. */
  readonly waitMs?: number
  /** The errmsg WeChat sends, without its rid suffix. The simulator answers with it. */
  readonly errmsg: string
  /** What it means and why it happens, for the person who asks "what became of my message". */
  readonly cause: Bilingual
  /** What to do about it. */
  readonly next: Bilingual
}

/** The row of a code, or the cautious stand-in for a code that has none. */
export const errcodeOf = (code: number): Errcode => errcodes.get(code) ?? unknownErrcode(code)

/** Tried again a few times, because a new code is as often a passing fault as a final one, and shown to somebody. */
export const unknownErrcode = (code: number): Errcode => ({
  code,
  class: 'busy',
  action: 'backoff',
  scope: 'message',
  source: 'I',
  ambiguous: false,
  alert: true,
  errmsg: `unknown errcode ${code}`,
  cause: {
    zh: `微信返回了 ${code}，这个返回码不在我们的表里，含义以返回的 errmsg 为准。`,
    en: `WeChat answered ${code}, which is not in our table; the errmsg of the reply is all we know about it.`,
  },
  next: {
    zh: `用返回的 rid 调用 openapi/rid/get 查看这次请求（7 天内有效），再到官方文档查 ${code}；确认含义后把它补进返回码表。`,
    en: `Look the request up with its rid through openapi/rid/get (kept for 7 days), find ${code} in the official documentation, and add a row for it once its meaning is clear.`,
  },
})

type Verdict = Pick<Errcode, 'class' | 'action' | 'scope'> &
  Partial<Pick<Errcode, 'ambiguous' | 'alert' | 'waitMs'>>

type Texts = Pick<Errcode, 'errmsg' | 'cause' | 'next'>

const row = (code: number, verdict: Verdict, source: ErrcodeSource, texts: Texts): Errcode => ({
  ambiguous: false,
  alert: false,
  ...verdict,
  code,
  source,
  ...texts,
})

const second = 1000
const minute = 60 * second
const hour = 60 * minute

// The verdicts most rows share. A row that differs says so where it stands.
const accepted: Verdict = { class: 'ok', action: 'sent', scope: 'message' }
const busy: Verdict = { class: 'busy', action: 'backoff', scope: 'message' }
const staleToken: Verdict = { class: 'token', action: 'token', scope: 'account' }
const repeated: Verdict = { class: 'duplicate', action: 'duplicate', scope: 'message' }
const unreachable: Verdict = { class: 'recipient', action: 'drop', scope: 'recipient' }
const badParameter: Verdict = { class: 'parameter', action: 'drop', scope: 'message' }
const badContent: Verdict = { class: 'content', action: 'drop', scope: 'message' }
const badTemplate: Verdict = { class: 'template', action: 'drop', scope: 'template', alert: true }
const clientBug: Verdict = { class: 'protocol', action: 'drop', scope: 'message', alert: true }
const retired: Verdict = { class: 'retired', action: 'drop', scope: 'api', alert: true }
const overQuota: Verdict = { class: 'quota', action: 'quota', scope: 'api', alert: true }
const tooFast: Verdict = { class: 'rate', action: 'slow', scope: 'api', waitMs: minute }
// A person has to repair something, so asking every few minutes is enough to notice that it is done.
const badConfig: Verdict = {
  class: 'config',
  action: 'hold',
  scope: 'account',
  alert: true,
  waitMs: 5 * minute,
}
// Permissions and penalties change when somebody acts in WeChat's console, never within minutes.
const forbidden: Verdict = {
  class: 'permission',
  action: 'hold',
  scope: 'account',
  alert: true,
  waitMs: 30 * minute,
}
const punished: Verdict = {
  class: 'punish',
  action: 'hold',
  scope: 'account',
  alert: true,
  waitMs: 30 * minute,
}
// Answers to calls that manage an account or its templates. No message waits on them: whoever called sees them.
const accountCall: Verdict = { class: 'management', action: 'drop', scope: 'account' }
const templateCall: Verdict = { class: 'management', action: 'drop', scope: 'template' }

const rows: readonly Errcode[] = [
  // Accepted
  row(0, accepted, 'D', {
    errmsg: 'ok',
    cause: {
      zh: '微信已受理这条消息。受理不等于送达：模板消息的结果随后由 TEMPLATESENDJOBFINISH 事件告知，订阅消息的事件只反映一部分失败。',
      en: 'WeChat accepted the message. Accepted is not delivered: a template message is confirmed later by a TEMPLATESENDJOBFINISH event, and the events of subscribe messages report only part of the failures.',
    },
    next: {
      zh: '无需处理，等回执事件即可。一次性订阅的授权在受理时已经用掉一次。',
      en: 'Nothing to do but wait for the receipt. A one-time grant is used up by being accepted.',
    },
  }),

  // Busy: WeChat's side could not cope just now
  row(-1, { ...busy, ambiguous: true }, 'D', {
    errmsg: 'system error',
    cause: {
      zh: '微信系统繁忙。短时间内集中发送大量消息时常会成批出现；这条消息是否已被受理无法得知。',
      en: 'WeChat is busy. It comes in bursts when very many messages are sent at once, and it leaves open whether this message was accepted.',
    },
    next: {
      zh: '稍后会按退避间隔自动重试。若成批出现，请降低并发、把群发摊开；模板消息靠 client_msg_id 防止用户收到两次。',
      en: 'It is tried again with growing pauses. If it comes in bursts, lower the concurrency and spread the campaign; for template messages client_msg_id keeps the user from seeing it twice.',
    },
  }),
  row(61450, { ...busy, ambiguous: true }, 'S', {
    errmsg: 'system error',
    cause: {
      zh: '客服接口一侧的系统错误，与 -1 类似，消息可能已经受理也可能没有。',
      en: 'A system error on the customer-service side. Like -1, it does not tell whether the message was accepted.',
    },
    next: {
      zh: '等待自动重试；持续出现时到客服功能的公告里看是否有故障，并保留 rid 以便反馈。',
      en: 'Let the retries run. If it persists, look for an announced fault of the customer-service feature and keep the rid for a report.',
    },
  }),
  row(268487001, { ...busy, ambiguous: true }, 'S', {
    errmsg: 'system busy',
    cause: {
      zh: '微信新号段里的「系统繁忙」，官方文档写在拉黑用户的接口下，含义是稍后重试。',
      en: 'The "system busy" of a newer range of codes, documented for the blacklist API; WeChat asks to try again later.',
    },
    next: {
      zh: '等待自动重试。如果它出现在发送接口上，请把 rid 记下来，这一用法官方没有说明。',
      en: 'Let the retries run. Should it ever come from a sending API, keep the rid: that use is not documented.',
    },
  }),
  row(268487002, { ...busy, ambiguous: true }, 'S', {
    errmsg: 'system busy, please try again later',
    cause: {
      zh: '同一新号段的「系统繁忙」，官方文档写在获取关注者列表的接口下，属于平台侧的短暂故障。',
      en: 'The same newer range, documented for the follower-list API: a passing fault on the side of the platform.',
    },
    next: {
      zh: '过几秒再试；拉取关注者列表时从上次的 next_openid 接着拉，不必从头开始。',
      en: 'Try again after some seconds; when paging through followers, go on from the last next_openid rather than from the start.',
    },
  }),
  row(45501, punished, 'S', {
    errmsg: 'part or whole of the requests from the very app is temporary blocked by supervisor',
    cause: {
      zh: '平台临时拦截了这个账号的部分或全部请求，通常与流量异常或被投诉有关。',
      en: 'The platform is blocking some or all requests of this account for a while, usually because of unusual traffic or complaints.',
    },
    next: {
      zh: '账号的消息已暂停。先看公众平台的站内信，停掉可疑的批次，再等待每半小时一次的试探自动恢复。',
      en: 'The messages of the account wait. Read the letters in the console, stop suspicious campaigns, and let the half-hourly probe find out when it is over.',
    },
  }),
  row(45102, { class: 'punish', action: 'slow', scope: 'api', alert: true, waitMs: 5 * minute }, 'S', {
    errmsg: 'this api have been blocked temporarily.',
    cause: {
      zh: '这个接口被平台临时封住，一般是调用方式或调用量触发了保护。',
      en: 'The platform has shut this one API for a while, as a rule because the way or the volume of the calls tripped a safeguard.',
    },
    next: {
      zh: '该接口会停几分钟再慢速恢复。请查一查停之前的调用量和失败率，找到突增的来源。',
      en: 'The API rests for some minutes and then resumes slowly. Look at the call volume and failure rate just before, and find what made them jump.',
    },
  }),

  // Token and credential
  row(40001, staleToken, 'D', {
    errmsg:
      'invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r',
    cause: {
      zh: '在业务接口上：access_token 无效或不是最新的，多半是另一套系统也在刷新它。在获取 token 的接口上则是 AppSecret 填错了。',
      en: 'On a business API: the access_token is invalid or not the latest, mostly because another system renews it too. On the token API itself it means that the AppSecret is wrong.',
    },
    next: {
      zh: '会自动换取 token 并立即重发。若反复出现，请找出还有谁用同一个 AppSecret 调用 /cgi-bin/token（例如测试环境），统一改用 stable_token。',
      en: 'The token is renewed and the message sent again at once. If it keeps coming back, find who else calls /cgi-bin/token with this AppSecret (a test system?) and move everyone to stable_token.',
    },
  }),
  row(40014, staleToken, 'D', {
    errmsg: 'invalid access_token',
    cause: {
      zh: 'access_token 的格式不对，或者拿错了种类，例如把小程序的 token 用在公众号接口上。',
      en: 'The access_token is malformed or of the wrong kind, for example that of a mini program on an API for official accounts.',
    },
    next: {
      zh: '会先换一次 token。仍然失败时请核对账号的 AppID 与类型，并检查 token 在存取途中有没有被截断。',
      en: 'The token is renewed once. If that does not help, check the AppID and kind of the account, and that the token is not cut short on its way through storage.',
    },
  }),
  row(42001, staleToken, 'D', {
    errmsg: 'access_token expired',
    cause: {
      zh: 'access_token 到期了，有效期通常是 7200 秒。',
      en: 'The access_token has reached the end of its life, as a rule 7200 seconds.',
    },
    next: {
      zh: '换新 token 后立即重发，偶发无需理会。经常出现说明提前刷新没有生效，请检查服务器时钟。',
      en: 'A new token is fetched and the message sent again; now and then this is normal. Seen often, early renewal is not working: check the clock of the server.',
    },
  }),
  row(41001, { ...staleToken, alert: true }, 'S', {
    errmsg: 'access_token missing',
    cause: {
      zh: '请求的网址里没有带 access_token，可能是 token 缓存为空时就发出了请求。',
      en: 'The request carried no access_token in its query string; perhaps it left while the token cache was empty.',
    },
    next: {
      zh: '会先取到 token 再发。再次出现就是程序的问题：确认中间的代理没有去掉查询参数。',
      en: 'A token is fetched and the message sent again. If it happens again, it is a fault in software: make sure that no proxy in between strips the query string.',
    },
  }),
  row(42007, { ...badConfig, class: 'token' }, 'S', {
    errmsg: 'access_token and refresh_token exception',
    cause: {
      zh: '账号的用户改了微信密码，此前授权得到的 access_token 和 refresh_token 全部作废。',
      en: 'The WeChat password behind the account was changed, which voids every access_token and refresh_token obtained by authorisation.',
    },
    next: {
      zh: '请账号管理员重新扫码授权给第三方平台；授权完成后积压的消息自动继续。',
      en: 'Have the administrator authorise the account to the third-party platform again; the waiting messages then go on by themselves.',
    },
  }),
  row(40002, badConfig, 'D', {
    errmsg: 'invalid grant_type',
    cause: {
      zh: '获取 token 时 grant_type 不对，应当是 client_credential。',
      en: 'The grant_type of the token request is wrong; it has to be client_credential.',
    },
    next: {
      zh: '检查是否有代理或自建的 token 服务改写了请求参数，改好后自动恢复。',
      en: 'See whether a proxy or a token service of your own rewrites the parameters; sending resumes once it is put right.',
    },
  }),
  row(40013, badConfig, 'D', {
    errmsg: 'invalid appid',
    cause: {
      zh: 'AppID 不合法：写错、大小写不对或混进了空格；清零接口上也可能是 AppID 与 token 不是同一个账号。',
      en: 'The AppID is not valid: mistyped, wrong case or a stray blank. On the clear-quota API it can also mean that AppID and token belong to different accounts.',
    },
    next: {
      zh: '到后台的开发设置里复制 AppID，替换账号配置里的值。',
      en: 'Copy the AppID from the development settings of the console into the configuration of the account.',
    },
  }),
  row(40125, badConfig, 'D', {
    errmsg: 'invalid appsecret',
    cause: {
      zh: 'AppSecret 不正确，常见于有人重置了密钥而配置没有跟着改。',
      en: 'The AppSecret is wrong, often because somebody reset it and the configuration was not changed along.',
    },
    next: {
      zh: '向管理员要到当前的 AppSecret 并更新配置。不要为了试错再去重置，重置会影响所有在用的系统。',
      en: 'Get the current AppSecret from the administrator and update the configuration. Do not reset it just to try: that cuts off every system using it.',
    },
  }),
  row(40243, badConfig, 'D', {
    errmsg: 'appsecret is frozen',
    cause: {
      zh: 'AppSecret 已被冻结，无法用它换取 token；通过第三方平台授权的调用不受影响。',
      en: 'The AppSecret is frozen and yields no token; calls through a third-party platform are not affected.',
    },
    next: {
      zh: '确认冻结是有意为之还是误操作，再由管理员在后台解冻。解冻大约 10 分钟后生效。',
      en: 'Find out whether it was frozen on purpose, then have the administrator unfreeze it in the console. That takes about 10 minutes to act.',
    },
  }),
  row(41002, badConfig, 'S', {
    errmsg: 'appid missing',
    cause: {
      zh: '获取 token 的请求缺少 appid 参数，一般是账号配置里 AppID 为空。',
      en: 'The token request lacks the appid, as a rule because it is empty in the configuration of the account.',
    },
    next: {
      zh: '补上该账号的 AppID；若用环境变量注入，确认变量在运行环境中确实存在。',
      en: 'Fill in the AppID of the account; where it comes from an environment variable, make sure that the variable is really set.',
    },
  }),
  row(41004, badConfig, 'S', {
    errmsg: 'appsecret missing',
    cause: {
      zh: '获取 token 的请求缺少 secret 参数，账号配置里没有填 AppSecret。',
      en: 'The token request lacks the secret: no AppSecret is configured for the account.',
    },
    next: {
      zh: '填入 AppSecret，或把账号改成由第三方平台授权的方式，后者不需要它。',
      en: 'Configure the AppSecret, or connect the account through a third-party platform, which does not need one.',
    },
  }),
  row(40164, badConfig, 'D', {
    errmsg: 'invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist',
    cause: {
      zh: '调用方的出口 IP 不在该账号的 IP 白名单里，errmsg 中写出了微信看到的地址。',
      en: 'The address our calls come from is not in the IP whitelist of the account; the errmsg names the address that WeChat saw.',
    },
    next: {
      zh: '把 errmsg 里的地址加进后台的 IP 白名单，几分钟后生效。出口地址会变的话，请改用固定的出口。',
      en: 'Add the address from the errmsg to the IP whitelist in the console; it acts within minutes. If the outgoing address changes by itself, route the calls through a fixed one.',
    },
  }),
  row(45035, badConfig, 'S', {
    errmsg: 'access clientip is not registered, not in ip-white-list',
    cause: {
      zh: '服务器的来源 IP 没有登记在白名单中，含义与 40164 相近，由另一类接口返回。',
      en: 'The source address of the server is not registered in the whitelist. Close to 40164, but answered by another family of APIs.',
    },
    next: {
      zh: '核对每个节点的出口 IP，逐个登记；扩容新节点之前先登记再上线。',
      en: 'Check the outgoing address of every node and register each one; register new nodes before they go live.',
    },
  }),
  row(40090, badConfig, 'S', {
    errmsg: 'invalid request source (bad client ip)',
    cause: {
      zh: '请求来源被判为不合法的客户端 IP，微信拒绝了来自这个地址的调用。',
      en: 'WeChat judged the client address to be illegitimate and refuses calls from it.',
    },
    next: {
      zh: '确认请求是从自己的机房或云服务器发出，而不是经过共享代理；必要时更换出口 IP。',
      en: 'Make sure the calls leave from your own servers and not through a shared proxy; change the outgoing address if need be.',
    },
  }),
  row(89501, badConfig, 'D', {
    errmsg: 'pending confirmation by the administrator, please retry later',
    cause: {
      zh: '这个 IP 不在白名单，而账号还有一条未处理的确认请求在等管理员。',
      en: 'The address is not in the whitelist, and an earlier request for confirmation still waits for the administrator.',
    },
    next: {
      zh: '请管理员打开微信，处理完那条确认请求；长期使用的 IP 直接加入白名单更省事。',
      en: 'Ask the administrator to answer the request in WeChat; an address in lasting use is better put into the whitelist.',
    },
  }),
  row(89502, badConfig, 'D', {
    errmsg: 'please wait for the confirmation of the administrator',
    cause: {
      zh: '获取 token 的调用触发了风险控制，确认消息已发给管理员，还没有答复。',
      en: 'The token request tripped the risk control; the administrator has been asked and has not answered yet.',
    },
    next: {
      zh: '联系管理员确认，期间不要频繁重试，重试过多会变成 89504 一类的返回。',
      en: 'Reach the administrator, and do not hammer meanwhile: too many tries lead to codes such as 89504.',
    },
  }),
  row(89503, badConfig, 'D', {
    errmsg: 'this call needs to be confirmed by the administrator, please wait',
    cause: {
      zh: '微信认为从这个 IP 获取 token 有风险，已经给管理员发了一条确认消息。',
      en: 'WeChat finds a token request from this address risky and has sent the administrator a message to confirm it.',
    },
    next: {
      zh: '管理员在微信里点击同意后，用同一个 IP 再调用即可；不认识这个 IP 时应拒绝并更换 AppSecret。',
      en: 'Once the administrator agrees in WeChat, calls from the same address go through. If nobody knows the address, refuse and change the AppSecret.',
    },
  }),
  row(89504, badConfig, 'D', {
    errmsg: 'waiting for the administrator, too many requests meanwhile',
    cause: {
      zh: '正在等管理员确认，而等待期间的请求过多。',
      en: 'The confirmation of the administrator is outstanding, and too many requests came in the meantime.',
    },
    next: {
      zh: '停掉其他仍在循环取 token 的程序，等管理员确认之后再恢复。',
      en: 'Stop other programs that keep asking for a token, and start them again after the confirmation.',
    },
  }),
  row(89505, badConfig, 'D', {
    errmsg: 'waiting for the administrator, please retry later',
    cause: {
      zh: '确认流程还在进行：管理员既没有同意也没有拒绝这个 IP 的调用。',
      en: 'The confirmation is under way: the administrator has neither allowed nor refused calls from this address.',
    },
    next: {
      zh: '催一下管理员；若当初提醒的人已离职，请先在后台更换管理员。',
      en: 'Remind the administrator; if the person who gets the message has left, change the administrator in the console first.',
    },
  }),
  row(89506, { ...badConfig, waitMs: 24 * hour }, 'D', {
    errmsg: 'calls from this ip have been refused by the administrator, please retry after 24 hours',
    cause: {
      zh: '管理员多次拒绝了这个 IP，微信在 24 小时内不再接受它的 token 请求。',
      en: 'The administrator refused this address repeatedly; WeChat takes no token request from it for 24 hours.',
    },
    next: {
      zh: '先和管理员说清楚这个 IP 是谁在用。急需发送时，从白名单里的另一个 IP 出去。',
      en: 'Explain to the administrator who uses the address. If messages cannot wait, send from another address that is in the whitelist.',
    },
  }),
  row(89507, { ...badConfig, waitMs: hour }, 'D', {
    errmsg: 'calls from this ip have been refused by the administrator, please retry after 1 hour',
    cause: {
      zh: '管理员拒绝了这个 IP 一次，微信在 1 小时内不接受它的 token 请求。',
      en: 'The administrator refused this address once; WeChat takes no token request from it for 1 hour.',
    },
    next: {
      zh: '利用这一小时与管理员沟通，下一次确认务必同意，再次拒绝会封 24 小时。',
      en: 'Use the hour to talk to the administrator and have the next request allowed: another refusal blocks the address for 24 hours.',
    },
  }),
  row(50004, punished, 'D', {
    errmsg: 'user not allow to use accesstoken, maybe for punishment',
    cause: {
      zh: '账号被禁止使用 token 接口，多半是违规处罚，也见于长期不用后被冻结的账号。',
      en: 'The account may not use the token API, mostly as a penalty; also seen on accounts frozen after long disuse.',
    },
    next: {
      zh: '登录公众平台看处罚通知并按要求整改或申诉，恢复之前任何接口都无法调用。',
      en: 'Read the notice in the console, and comply or appeal; until it is lifted no API can be called.',
    },
  }),
  row(50007, punished, 'D', {
    errmsg: 'account is frozen',
    cause: {
      zh: '账号已被冻结，连 token 都换不到。',
      en: 'The account is frozen and cannot even obtain a token.',
    },
    next: {
      zh: '由管理员在公众平台办理解冻。时效性强的消息请改走短信等其他渠道。',
      en: 'Have the administrator apply for reactivation in the console, and take urgent messages to another channel such as SMS.',
    },
  }),
  row(48012, staleToken, 'S', {
    errmsg: 'invalid token',
    cause: {
      zh: '微信认为 token 无效，这个码属于哪一类接口没有公开说明。',
      en: 'WeChat finds the token invalid; which family of APIs answers this code is not published.',
    },
    next: {
      zh: '会换一次 token 重试。仍未解决时请带着 rid 和接口路径排查。',
      en: 'The token is renewed and the call repeated once. If that fails, investigate with the rid and the path of the API.',
    },
  }),
  row(49001, badParameter, 'S', {
    errmsg: 'not same appid with appid of access_token',
    cause: {
      zh: '请求里写的 appid 与 access_token 所属的账号不一致，消息被路由到了错误的账号。',
      en: 'The appid in the request is not that of the access_token: the message was routed to the wrong account.',
    },
    next: {
      zh: '检查业务系统传入的 account，以及账号别名与 AppID 的对应关系。',
      en: 'Check the account that the calling system names, and which AppID that name stands for.',
    },
  }),
  row(49003, badParameter, 'S', {
    errmsg: 'not match openid with appid',
    cause: {
      zh: 'openid 不属于当前账号。同一个用户在每个公众号、小程序下的 openid 都不同。',
      en: 'The openid does not belong to this account. One user has a different openid in every official account and mini program.',
    },
    next: {
      zh: '按账号分别保存 openid；需要跨账号识别同一个人时使用 unionid。',
      en: 'Store openids per account; to recognise one person across accounts, use the unionid.',
    },
  }),

  // Recipient
  row(40003, unreachable, 'D', {
    errmsg: 'invalid openid',
    cause: {
      zh: 'openid 不合法：不是这个账号的用户，或者来自别的公众号、小程序，有时也表示用户没有关注。',
      en: 'The openid is not valid: not a user of this account, or taken from another official account or mini program; sometimes simply somebody who does not follow.',
    },
    next: {
      zh: '把这个 openid 标为失效。若同一批里大量出现，多半是混用了两个账号的名单，请先停下核对。',
      en: 'Mark the openid as invalid. If many come in one batch, the lists of two accounts were probably mixed: stop and check.',
    },
  }),
  row(40031, badParameter, 'S', {
    errmsg: 'invalid openid list',
    cause: {
      zh: 'openid 列表不合法，里面混有空值或格式不对的项。',
      en: 'The list of openids is not valid: some entries are empty or malformed.',
    },
    next: {
      zh: '去掉列表里的空值和重复项，确认每一项都是字符串再提交。',
      en: 'Remove empty and repeated entries, make sure each one is a string, and submit again.',
    },
  }),
  row(40032, badParameter, 'S', {
    errmsg: 'invalid openid list size',
    cause: {
      zh: 'openid 列表的长度超出接口允许的范围。',
      en: 'The list of openids is longer or shorter than the API allows.',
    },
    next: {
      zh: '按接口文档的上限拆成多批提交。',
      en: 'Split the list into batches within the limit given in the documentation of the API.',
    },
  }),
  row(41009, badParameter, 'S', {
    errmsg: 'missing openid',
    cause: {
      zh: '请求没有带 openid，touser 为空。',
      en: 'The request names no openid: touser is empty.',
    },
    next: {
      zh: '在业务系统里查这位用户为什么没有 openid，常见的是还没有完成微信登录或绑定。',
      en: 'Find out in the calling system why this user has no openid; often the WeChat login or binding was never completed.',
    },
  }),
  row(43004, unreachable, 'S', {
    errmsg: 'require subscribe',
    cause: {
      zh: '接收者没有关注公众号，模板消息只能发给关注者。用户刚刚重新关注时，这个码偶尔还会出现一会儿。',
      en: 'The recipient does not follow the account, and template messages reach followers only. Right after a re-follow the code may linger for a while.',
    },
    next: {
      zh: '收到该用户的关注事件之前不要再发。刚关注的用户过几分钟可以再试一次。',
      en: 'Send nothing more until a subscribe event arrives for this user. Somebody who has just followed can be tried once more after some minutes.',
    },
  }),
  row(43005, unreachable, 'S', {
    errmsg: 'require friend relations',
    cause: {
      zh: '接口要求双方是好友关系，而接收者不是。',
      en: 'The API requires a friend relation, and the recipient has none with the sender.',
    },
    next: {
      zh: '模板消息和订阅消息不应遇到它，请检查是否调错了接口。',
      en: 'Template and subscribe messages should not meet this code; check whether the wrong API was called.',
    },
  }),
  row(43006, unreachable, 'S', {
    errmsg: 'require not block',
    cause: {
      zh: '用户屏蔽了这个账号，不接收它的消息。',
      en: 'The user has blocked this account and takes no messages from it.',
    },
    next: {
      zh: '尊重用户的选择，停止向其推送；重要通知改走其他渠道。',
      en: 'Respect the choice and stop sending to this user; take important notices to another channel.',
    },
  }),
  row(43019, unreachable, 'S', {
    errmsg: 'require remove blacklist',
    cause: {
      zh: '接收者在公众号自己的黑名单里，是运营人员拉黑的，不是用户拒收。',
      en: 'The recipient is in the blacklist of the account itself: the operators put them there, the user refused nothing.',
    },
    next: {
      zh: '确认拉黑的原因；确需发送时先在用户管理里移出黑名单。',
      en: 'Check why the user was blacklisted; if the message has to go, remove them from the blacklist in user management first.',
    },
  }),
  row(43101, { ...unreachable, scope: 'recipient-template' }, 'D', {
    errmsg: 'user refuse to accept the msg',
    cause: {
      zh: '用户没有这个模板的授权：从未同意、次数已用完，或在设置里关掉了。公众号模板消息返回它，是用户单独关闭了这一个模板。',
      en: 'The user gives no permission for this template: never granted, used up, or switched off in the settings. On an official-account template message, the user has switched off this one template.',
    },
    next: {
      zh: '把该用户在这个模板上的授权清零，其他模板照常。下次用户进入页面时再调用 wx.requestSubscribeMessage 征求同意。群发途中突然大量出现时先暂停，用少量消息试探。',
      en: 'Set the grants of this user for this template to zero; other templates are not affected. Ask again with wx.requestSubscribeMessage when the user next visits. If many appear at once in a campaign, pause it and probe with a few messages first.',
    },
  }),
  row(46004, unreachable, 'S', {
    errmsg: 'user no exist',
    cause: {
      zh: '用户不存在，可能已注销微信号。',
      en: 'The user does not exist; the WeChat account may have been closed.',
    },
    next: {
      zh: '从发送名单里删除这个 openid，并在业务系统里解除绑定。',
      en: 'Take the openid off the lists and release its binding in the calling system.',
    },
  }),
  row(48002, unreachable, 'S', {
    errmsg: 'user block receive message',
    cause: {
      zh: '粉丝在公众号资料页关掉了「接收消息」。',
      en: 'The follower has turned off receiving messages on the profile page of the account.',
    },
    next: {
      zh: '等用户再次主动互动后再发，不要反复尝试。',
      en: 'Wait until the user interacts of their own accord; do not keep trying.',
    },
  }),
  row(50002, unreachable, 'S', {
    errmsg: 'user limited',
    cause: {
      zh: '用户受限，微信号可能被冻结或正在注销。',
      en: 'The user is restricted: their WeChat account may be frozen or in the course of being closed.',
    },
    next: {
      zh: '几天之内不要再发。若许多用户同时出现，请反过来检查自己的账号是否被限制。',
      en: 'Leave the user alone for some days. If many users show it at once, see whether your own account is the restricted one.',
    },
  }),
  row(50005, unreachable, 'S', {
    errmsg: 'user is unsubscribed',
    cause: {
      zh: '用户已取消关注，或从未关注过这个公众号。',
      en: 'The user has unfollowed the official account, or never followed it.',
    },
    next: {
      zh: '暂停向其发送；用户扫码重新关注后自然恢复。',
      en: 'Stop sending to this user; a new follow, for example by QR code, opens the way again.',
    },
  }),
  row(45015, unreachable, 'D', {
    errmsg: 'response out of time limit or subscription is canceled',
    cause: {
      zh: '客服消息超出了可回复的时间窗：用户最近没有和账号互动，或者已经取消关注。',
      en: 'The customer-service window is closed: the user has not interacted with the account lately, or no longer follows it.',
    },
    next: {
      zh: '客服消息只能作为有近期互动时的补充。改用模板消息或订阅消息，或等用户再次发来消息。',
      en: 'Customer-service messages only serve people who interacted recently. Use a template or subscribe message, or wait for the user to write again.',
    },
  }),
  row(45047, unreachable, 'D', {
    errmsg: 'out of response count limit',
    cause: {
      zh: '这次互动允许的客服消息条数已经用完。',
      en: 'The number of customer-service messages that this interaction allowed is used up.',
    },
    next: {
      zh: '把几条内容合并成一条；用户再次互动后条数会重新计算。',
      en: 'Combine several texts into one message; the count starts anew with the next interaction of the user.',
    },
  }),
  row(70000, unreachable, 'C', {
    errmsg: 'message not sent for the protection of minors',
    cause: {
      zh: '出于保护未成年人等原因，微信没有把这条客服消息发给该用户。',
      en: 'WeChat did not pass this customer-service message on to the user, for the protection of minors or a similar reason.',
    },
    next: {
      zh: '不要重发，也不要换个说法再试；必要的通知请走监护人认可的其他渠道。',
      en: 'Do not repeat or reword it; take what has to be said to another channel that the guardian has agreed to.',
    },
  }),

  // Rate, quota, duplicates
  row(45009, overQuota, 'D', {
    errmsg: 'reach max api daily quota limit',
    cause: {
      zh: '这个接口当天的调用次数到了上限，额度按账号和接口分别计算。也有额度远未用完就返回它的情况。',
      en: 'The daily limit of this API is reached; it is counted per account and API. It has also been seen long before the quota was used up.',
    },
    next: {
      zh: '先用 quota/get 看真实余额。确实用完时消息会等到次日恢复；紧急时可用清零接口，每月共 10 次。',
      en: 'Ask quota/get for the true remainder first. If it is really used up, the messages wait for the next day; in an emergency the counters can be cleared, 10 times a month in all.',
    },
  }),
  row(45011, tooFast, 'S', {
    errmsg: 'api minute-quota reach limit, must slower, retry next minute',
    cause: {
      zh: '这个接口每分钟的调用次数到了上限。',
      en: 'The limit of calls per minute is reached for this API.',
    },
    next: {
      zh: '会自动降速并在下一分钟继续。经常出现时，请调低该账号的速率上限，或把群发时间拉长。',
      en: 'Sending slows down and goes on in the next minute. If it comes often, lower the rate limit of the account or stretch the campaign.',
    },
  }),
  row(45104, tooFast, 'S', {
    errmsg: 'reach max domain quota limit',
    cause: {
      zh: '当前接口域名的调用量到了上限。',
      en: 'The call limit of the API host in use is reached.',
    },
    next: {
      zh: '降速后继续；长期如此可把一部分流量切到 api2.weixin.qq.com 等备用域名。',
      en: 'Go on more slowly; if it lasts, move part of the traffic to another host such as api2.weixin.qq.com.',
    },
  }),
  row(45093, overQuota, 'S', {
    errmsg: 'no quota to send msg',
    cause: {
      zh: '账号的消息下发额度已经用完，没有剩余条数可发。',
      en: 'The account has no messages left to send: its sending allowance is used up.',
    },
    next: {
      zh: '在后台查看剩余的下发额度，压缩不紧急的批次，等额度恢复再发。',
      en: 'See in the console how much allowance is left, cut campaigns that are not urgent, and send after the allowance is restored.',
    },
  }),
  row(43108, { class: 'rate', action: 'backoff', scope: 'recipient', waitMs: second }, 'D', {
    errmsg: 'Cannot make concurrent calls to the same OpenID, please try again',
    cause: {
      zh: '同一个 openid 上有另一条消息正在下发，微信不允许对同一用户并发调用。',
      en: 'Another message to the same openid is under way; WeChat does not allow concurrent calls for one user.',
    },
    next: {
      zh: '一秒左右后自动重试。若频繁出现，请给同一用户的消息设置相同的 serial_key 让它们排队。',
      en: 'It is tried again about a second later. If it comes often, give the messages of one user the same serial_key so that they queue up.',
    },
  }),
  row(43117, { class: 'rate', action: 'backoff', scope: 'recipient', waitMs: 3 * minute }, 'C', {
    errmsg: 'send too frequently to this openid, please try again later',
    cause: {
      zh: '短时间内给这个用户发得太多，微信要求稍后再试；具体阈值没有公布。',
      en: 'Too many messages went to this user in a short time and WeChat asks to wait; the threshold is not published.',
    },
    next: {
      zh: '过几分钟再发。检查业务是否对同一件事重复通知，能合并的合并。',
      en: 'It is sent some minutes later. See whether the calling system announces one event several times, and combine what can be combined.',
    },
  }),
  row(40241, repeated, 'C', {
    errmsg: 'The message is duplicate in 60 seconds',
    cause: {
      zh: '60 秒内给同一用户发过内容相同的消息。如果是我们自己的重试，说明前一次其实已经成功。',
      en: 'A message with the same content went to this user within 60 seconds. If the repeat is a retry of ours, the first try had succeeded.',
    },
    next: {
      zh: '重试造成的按已发送处理。业务真的要发两条时，请让内容有所区别，例如带上单号。',
      en: 'A retry counts as sent. Where two messages are really wanted, make them differ, for example by the order number.',
    },
  }),
  row(44007, repeated, 'S', {
    errmsg: 'repeated msg id',
    cause: {
      zh: '消息 ID 重复，微信已经收到过同一个 ID 的消息。',
      en: 'The message id is a repeat: WeChat has received a message with this id before.',
    },
    next: {
      zh: '自己的重试视为已经送出。否则检查生成 client_msg_id 的规则，不同消息不能共用一个。',
      en: 'A retry of ours counts as sent. Otherwise check how client_msg_id is made: two different messages must not share one.',
    },
  }),
  row(45065, repeated, 'S', {
    errmsg: 'clientmsgid exist',
    cause: {
      zh: '群发接口的 clientmsgid 已有群发记录，返回里会带上已存在任务的 msgid。',
      en: 'The clientmsgid of a mass message is already on record; the reply carries the msgid of the existing job.',
    },
    next: {
      zh: '用返回的 msgid 查那次群发的状态。要发新的一次，请换一个 clientmsgid。',
      en: 'Look up the existing job by the msgid returned. For a new mass message, use another clientmsgid.',
    },
  }),
  row(45066, { class: 'rate', action: 'backoff', scope: 'message', waitMs: minute }, 'S', {
    errmsg: 'same clientmsgid retry too fast',
    cause: {
      zh: '用同一个 clientmsgid 重试得太快，微信要求至少间隔一分钟。',
      en: 'The same clientmsgid was repeated too soon; WeChat wants at least one minute in between.',
    },
    next: {
      zh: '一分钟后自动再试，不要换新的 clientmsgid，否则可能重复群发。',
      en: 'It is repeated after a minute. Do not change the clientmsgid meanwhile, or the message may go out twice.',
    },
  }),
  row(45067, badParameter, 'S', {
    errmsg: 'clientmsgid size out of limit',
    cause: {
      zh: 'clientmsgid 超过了长度限制。',
      en: 'The clientmsgid is longer than allowed.',
    },
    next: {
      zh: '改用较短的标识，例如对业务主键取哈希后截断，保持在 32 字节以内最稳妥。',
      en: 'Use a shorter id, for example a truncated hash of the business key; up to 32 bytes is safe.',
    },
  }),
  row(48006, { ...accountCall, alert: true }, 'D', {
    errmsg: 'forbid to clear quota because of reaching the limit',
    cause: {
      zh: '本月的清零次数已经用完，后台按钮和两个清零接口共用每月 10 次。',
      en: 'The clearings of this month are used up: the console button and both clear-quota APIs share 10 a month.',
    },
    next: {
      zh: '停止清零，等下个月。额度长期不够时申请提高，而不是依赖清零。',
      en: 'Stop clearing and wait for next month. If the quota is too small for good, apply for a larger one instead of relying on clearing.',
    },
  }),
  row(43100, templateCall, 'S', {
    errmsg: 'change template too frequently',
    cause: {
      zh: '模板或所属行业修改得太频繁。',
      en: 'Templates or the industry were changed too frequently.',
    },
    next: {
      zh: '隔一段时间再改。行业每月只能改一次，请在测试号上把方案定好再动正式账号。',
      en: 'Wait before the next change. The industry can be changed once a month only, so settle the plan on a test account first.',
    },
  }),
  row(45169, { class: 'rate', action: 'backoff', scope: 'recipient' }, 'S', {
    errmsg: 'openid much req',
    cause: {
      zh: '对同一个 openid 并发打标签或取消标签。',
      en: 'Tags of one openid were set or removed concurrently.',
    },
    next: {
      zh: '让同一用户的标签操作依次进行，稍后重试即可成功。',
      en: 'Let tag changes of one user happen one after another; a later retry succeeds.',
    },
  }),

  // Template and content
  row(40037, badTemplate, 'D', {
    errmsg: 'invalid template_id',
    cause: {
      zh: '模板 ID 不正确：模板已被删除，或属于另一个账号。更换服务类目也会删掉该类目下的模板。',
      en: 'The template id is not valid: the template was deleted or belongs to another account. Changing a service category deletes its templates too.',
    },
    next: {
      zh: '在后台「我的模板」里核对。重新添加后 ID 可能变化，请更新别名再重新投递。',
      en: 'Compare with the template list in the console. A template added again may get a new id: update the alias, then redrive the messages.',
    },
  }),
  row(40036, badTemplate, 'D', {
    errmsg: 'invalid template_id size',
    cause: {
      zh: '模板 ID 的长度不对，正常是 43 个字符，可能复制时少了一截或误填了模板编号。',
      en: 'The template id has the wrong length; 43 characters is typical. It may have been cut while copying, or be the short library number.',
    },
    next: {
      zh: '填入完整的模板 ID，注意它不是 TM 或 OPENTM 开头的模板库编号。',
      en: 'Enter the full template id, not the library number that starts with TM or OPENTM.',
    },
  }),
  row(40176, badTemplate, 'S', {
    errmsg: 'invalid template id',
    cause: {
      zh: '模板 ID 无效，由模板消息以外的接口返回。',
      en: 'The template id is invalid; answered by APIs other than the template-message one.',
    },
    next: {
      zh: '确认接口与模板的种类相配：小程序的 priTmplId 不能用在公众号接口上。',
      en: 'Make sure that API and kind of template go together: the priTmplId of a mini program is no use on an official-account API.',
    },
  }),
  row(40081, badTemplate, 'S', {
    errmsg: 'invalid template_id',
    cause: {
      zh: '另一类接口报告的模板 ID 无效，常见于沿用旧系统里的 ID。',
      en: 'Another family of APIs reports an invalid template id, often one carried over from an older system.',
    },
    next: {
      zh: '用 get_all_private_template 拉取现有模板，逐个比对配置里的 ID。',
      en: 'Fetch the present templates with get_all_private_template and compare the configured ids one by one.',
    },
  }),
  row(48011, badTemplate, 'S', {
    errmsg: 'disabled template id',
    cause: {
      zh: '模板已被停用，暂时不能用它发送。',
      en: 'The template has been disabled and cannot be used for sending.',
    },
    next: {
      zh: '查看站内信了解停用的原因，处理好之后重新启用，或换一个模板。',
      en: 'Read in the letters of the console why it was disabled; enable it again once that is settled, or use another template.',
    },
  }),
  row(43116, badTemplate, 'D', {
    errmsg: 'This template_id is banned',
    cause: {
      zh: '模板被封禁，一般是内容与模板用途不符、含有营销信息或被用户投诉。',
      en: 'The template is banned, as a rule because its messages did not fit its purpose, carried marketing, or drew complaints.',
    },
    next: {
      zh: '立即停用这个模板并查看站内信；整改后申诉，期间用合规的替代模板发送必要通知。',
      en: 'Stop using the template and read the letter in the console; comply and appeal, and send what is necessary with another template that follows the rules.',
    },
  }),
  row(43107, badTemplate, 'D', {
    errmsg: 'subscribe message ability is banned',
    cause: {
      zh: '订阅消息能力被封禁，可能只封了这个模板，也可能是整个账号。',
      en: 'The ability to send subscribe messages is banned, for this template only or for the whole account.',
    },
    next: {
      zh: '先看其他模板还能不能发，据此判断范围；再按站内信的要求整改并申诉。',
      en: 'See whether other templates still work to learn how far it goes; then comply with the letter in the console and appeal.',
    },
  }),
  row(43102, badTemplate, 'S', {
    errmsg: 'the tempalte is not subscriptiontype',
    cause: {
      zh: '这个模板不是订阅类型，不能用在订阅消息接口上。',
      en: 'The template is not of the subscription type and does not work on the subscribe-message API.',
    },
    next: {
      zh: '改走模板消息通道，或从公共模板库选用一个订阅模板。',
      en: 'Use the template channel instead, or choose a subscription template from the public library.',
    },
  }),
  row(43103, badTemplate, 'S', {
    errmsg: 'the api only can cancel the subscription',
    cause: {
      zh: '这个接口对该模板只允许取消订阅，不能代用户订阅。',
      en: 'For this template the API can only cancel a subscription, not create one on behalf of the user.',
    },
    next: {
      zh: '订阅必须由用户本人在弹窗里同意，请把流程改到前端。',
      en: 'Only the user can subscribe, in the popup: move that step to the front end.',
    },
  }),
  row(43104, { ...forbidden, scope: 'api' }, 'S', {
    errmsg: 'this appid does not have permission',
    cause: {
      zh: '这个 AppID 没有相应功能的权限，可能是类目不符或未开通。',
      en: 'This AppID has no permission for the feature; its category may not qualify, or the feature is not enabled.',
    },
    next: {
      zh: '对照接口文档里的适用账号和类目，在后台开通后再恢复发送。',
      en: 'Compare with the account kinds and categories in the documentation of the API, and enable the feature in the console.',
    },
  }),
  row(43105, badTemplate, 'S', {
    errmsg: 'news has no binding relation with template_id',
    cause: {
      zh: '图文与这个模板没有绑定关系。',
      en: 'The article is not bound to this template.',
    },
    next: {
      zh: '先在后台把图文和模板绑定，再发起下发。',
      en: 'Bind the article and the template in the console before sending.',
    },
  }),
  row(43106, { ...accountCall, alert: true }, 'S', {
    errmsg: 'not allow to add template, for punishment',
    cause: {
      zh: '账号正在受处罚，处罚期间不能添加模板；已有模板是否可用要看处罚内容。',
      en: 'The account is under a penalty and may not add templates; whether those it has still work depends on the penalty.',
    },
    next: {
      zh: '查看站内信里的处罚期限，到期或申诉成功后再添加。',
      en: 'Read in the console how long the penalty lasts, and add the template after that or after a successful appeal.',
    },
  }),
  row(40249, badContent, 'D', {
    errmsg: 'this template msg has been blocked for illegal content',
    cause: {
      zh: '消息内容违规被拦截，例如营销、诱导或与模板场景不符的文字。',
      en: 'The message was stopped for its content: marketing, inducement, or text that does not fit the purpose of the template.',
    },
    next: {
      zh: '修改文案后作为新消息发送，不要原样重发；同一模板连续被拦，可能很快被封禁。',
      en: 'Reword it and send it as a new message, never the same text again: a template stopped repeatedly may soon be banned.',
    },
  }),
  row(45168, badContent, 'D', {
    errmsg: 'keyword in blacklist',
    cause: {
      zh: '消息里含有敏感词。',
      en: 'The message contains a word from the blacklist of WeChat.',
    },
    next: {
      zh: '检查填入的用户昵称、商品名等变量，它们最容易带入敏感词；换掉后重新发送。',
      en: 'Look at variables such as nicknames and product names, which most often bring such words in; replace them and send again.',
    },
  }),
  row(47003, badParameter, 'D', {
    errmsg: 'argument invalid!',
    cause: {
      zh: '模板参数不符合规则：为空、超长或类型不对，errmsg 会指出是哪个字段。例如 thing 最多 20 个字符。',
      en: 'A template value breaks the rules: empty, too long or of the wrong type; the errmsg names the field. A thing, for example, holds at most 20 characters.',
    },
    next: {
      zh: '按 errmsg 里的字段名修正数据后再发。测试号不检查长度，所以问题常常到了正式环境才暴露。',
      en: 'Correct the field named in the errmsg and send again. Test accounts do not check lengths, so the fault often shows in production only.',
    },
  }),
  row(40039, badParameter, 'D', {
    errmsg: 'invalid url size',
    cause: {
      zh: '跳转链接的长度不合法，通常是太长。',
      en: 'The length of the link is not valid, usually too long.',
    },
    next: {
      zh: '缩短链接，把长参数存在服务端，只在链接里放一个编号。',
      en: 'Shorten the link: keep long parameters on the server and put only an id into it.',
    },
  }),
  row(40062, badParameter, 'D', {
    errmsg: 'invalid title size',
    cause: {
      zh: '一次性订阅消息的标题超长，最多 15 个字。',
      en: 'The title of the one-time subscription message is too long; 15 characters are allowed.',
    },
    next: {
      zh: '精简标题，把细节放进正文内容。',
      en: 'Shorten the title and move the details into the content.',
    },
  }),
  row(41030, badTemplate, 'D', {
    errmsg: 'invalid page',
    cause: {
      zh: 'page 路径在现网版本的小程序里不存在，可能页面还没发布，或路径前多写了斜杠。',
      en: 'The page does not exist in the published mini program: not released yet, or written with a leading slash.',
    },
    next: {
      zh: '对照 app.json 核对路径，等包含该页面的版本发布后再发。',
      en: 'Compare the path with app.json, and send once a version with that page is released.',
    },
  }),
  row(40165, badTemplate, 'S', {
    errmsg: 'invalid weapp pagepath',
    cause: {
      zh: 'miniprogram.pagepath 不是有效的小程序路径。',
      en: 'miniprogram.pagepath is not a valid path of the mini program.',
    },
    next: {
      zh: '确认页面已在线上版本发布，路径与参数之间用问号分隔。',
      en: 'Make sure the page is in the live version and that a question mark separates path and parameters.',
    },
  }),
  row(40166, badTemplate, 'S', {
    errmsg: 'invalid weapp appid',
    cause: {
      zh: 'miniprogram.appid 无效，或者这个小程序没有与公众号关联。',
      en: 'miniprogram.appid is invalid, or the mini program is not linked to the official account.',
    },
    next: {
      zh: '在公众平台的小程序管理里完成关联，确认对方不是小游戏。',
      en: 'Link the mini program to the account in the console, and make sure that it is not a mini game.',
    },
  }),
  row(45051, badTemplate, 'S', {
    errmsg: 'template msg use invalid link',
    cause: {
      zh: '模板消息里用了不被允许的链接。',
      en: 'The template message uses a link that is not allowed.',
    },
    next: {
      zh: '换成自己备案域名下的正常网页，不要用短链或跳转链接。',
      en: 'Use an ordinary page on your own registered domain, not a short or redirecting link.',
    },
  }),
  row(40066, badTemplate, 'S', {
    errmsg: 'invalid url',
    cause: {
      zh: '链接不合法；如果出在接口本身，则表示请求的接口路径不存在。',
      en: 'The link is not valid; where it concerns the call itself, the path of the API does not exist.',
    },
    next: {
      zh: '核对模板里配置的跳转链接，再确认接口地址没有被代理改写。',
      en: 'Check the link configured for the template, then make sure that no proxy rewrites the address of the API.',
    },
  }),
  row(45082, badTemplate, 'S', {
    errmsg: 'need icp license for the url domain',
    cause: {
      zh: '跳转链接的域名没有 ICP 备案。',
      en: 'The domain of the link has no ICP licence.',
    },
    next: {
      zh: '给域名办理备案，或换成已经备案的域名。',
      en: 'Obtain an ICP licence for the domain, or use a domain that has one.',
    },
  }),
  row(45002, badParameter, 'S', {
    errmsg: 'content size out of limit',
    cause: {
      zh: '消息内容超出长度限制。',
      en: 'The content of the message is longer than allowed.',
    },
    next: {
      zh: '压缩正文，把完整内容放到落地页。',
      en: 'Shorten the text and put the full story on the page it leads to.',
    },
  }),
  row(45012, badParameter, 'S', {
    errmsg: 'template size out of limit',
    cause: {
      zh: '模板内容加上填入的值之后超过了大小限制。',
      en: 'The template together with the values filled in exceeds the size limit.',
    },
    next: {
      zh: '找出最长的几个变量并截短，再发一次看看。',
      en: 'Find the longest values, shorten them, and send again.',
    },
  }),
  row(45013, badParameter, 'S', {
    errmsg: 'too many template args',
    cause: {
      zh: 'data 里的参数个数超过了模板允许的数量。',
      en: 'data holds more parameters than the template allows.',
    },
    next: {
      zh: '只传模板里定义的字段，去掉多余的键。',
      en: 'Pass only the fields the template defines and drop the other keys.',
    },
  }),
  row(45014, badParameter, 'S', {
    errmsg: 'template message size out of limit',
    cause: {
      zh: '整条模板消息的大小超限，链接和参数都算在内。',
      en: 'The template message as a whole is too large, link and parameters included.',
    },
    next: {
      zh: '缩短链接参数和各字段的值，让整个请求体变小。',
      en: 'Shorten the link parameters and the values so that the whole body becomes smaller.',
    },
  }),
  row(40034, badParameter, 'S', {
    errmsg: 'invalid template size',
    cause: {
      zh: '模板长度不合法。',
      en: 'The size of the template is not valid.',
    },
    next: {
      zh: '对照模板库里的原始内容，检查提交的模板是否被截断或拼接过。',
      en: 'Compare with the original in the template library and see whether the submitted one was cut or stitched together.',
    },
  }),
  row(40008, badParameter, 'D', {
    errmsg: 'invalid message type',
    cause: {
      zh: '消息类型不合法，msgtype 的取值不在该接口支持的范围内。',
      en: 'The message type is not valid: the API does not support this msgtype.',
    },
    next: {
      zh: '检查发送通道是否选对，客服消息的 msgtype 与模板消息无关。',
      en: 'Check that the right channel is chosen; the msgtype of customer-service messages has no place in template messages.',
    },
  }),

  // Template management
  row(40246, templateCall, 'D', {
    errmsg: 'invalid keyword_name_list',
    cause: {
      zh: '添加类目模板时 keyword_name_list 不正确：为空，或含有该模板没有的关键词。',
      en: 'keyword_name_list is wrong for the category template: empty, or with keywords the template does not have.',
    },
    next: {
      zh: '按模板库里列出的关键词名称原样填写，名称要逐字一致。',
      en: 'Give the keyword names exactly as the template library lists them, character by character.',
    },
  }),
  row(40247, templateCall, 'D', {
    errmsg: 'need new category template',
    cause: {
      zh: '历史模板库已停止添加，现在只能添加类目模板。',
      en: 'Templates of the historical library can no longer be added; a category template is required now.',
    },
    next: {
      zh: '在类目模板库里找用途相同的模板，用它的编号和关键词列表添加。',
      en: 'Find a template of the same purpose in the category library and add it by its number and keyword list.',
    },
  }),
  row(45026, accountCall, 'S', {
    errmsg: 'template num exceeds limit',
    cause: {
      zh: '账号的模板数量到了上限，最多 25 个；也有人在后台看到不足 25 个时就遇到它。',
      en: 'The account has reached its limit of 25 templates; some met it while the console showed slightly fewer.',
    },
    next: {
      zh: '用发送记录找出长期不用的模板，删除后再添加。',
      en: 'Use the sending records to find templates out of use, delete them, and add the new one.',
    },
  }),
  row(45027, templateCall, 'S', {
    errmsg: 'template conflict with industry',
    cause: {
      zh: '模板不属于账号所设置的行业。',
      en: 'The template does not belong to the industries set for the account.',
    },
    next: {
      zh: '选用所属行业里的模板；修改行业会删除原行业的模板，而且每月只能改一次。',
      en: 'Choose a template of the industry. Changing the industry deletes the templates of the old one and is possible once a month only.',
    },
  }),
  row(40102, accountCall, 'S', {
    errmsg: 'invalid industry id',
    cause: {
      zh: '设置行业时 industry_id 不在行业代码表内。',
      en: 'The industry_id is not in the list of industry codes.',
    },
    next: {
      zh: '查行业代码表，填 1 到 41 之间的字符串。',
      en: 'Look it up in the list of industry codes and give a string from 1 to 41.',
    },
  }),
  row(40103, accountCall, 'S', {
    errmsg: 'invalid industry index',
    cause: {
      zh: '主营行业与副营行业的位置参数不对。',
      en: 'The index that tells the primary from the secondary industry is wrong.',
    },
    next: {
      zh: '同时提供 industry_id1 与 industry_id2 两个字段，不要多传。',
      en: 'Give the two fields industry_id1 and industry_id2, and no more.',
    },
  }),
  row(20001, accountCall, 'D', {
    errmsg: 'system error',
    cause: {
      zh: '订阅模板管理接口的系统错误，属于微信一侧。',
      en: 'A system error of the APIs that manage subscribe templates, on the side of WeChat.',
    },
    next: {
      zh: '过一会儿再执行同样的管理操作；发送不受影响。',
      en: 'Repeat the management call a little later; sending is not affected.',
    },
  }),
  row(20002, accountCall, 'D', {
    errmsg: 'invalid parameter',
    cause: {
      zh: '订阅模板管理接口的参数错误，例如缺少 priTmplId。',
      en: 'A parameter of the subscribe-template API is wrong, for example a missing priTmplId.',
    },
    next: {
      zh: '核对字段名与类型；这组接口部分只认表单格式，JSON 不生效时可换成表单提交。',
      en: 'Check names and types of the fields; some of these APIs only read form encoding, so try that where JSON has no effect.',
    },
  }),
  row(200001, accountCall, 'D', {
    errmsg: 'system error, please try again later',
    cause: {
      zh: '公共模板库一侧暂时出错。',
      en: 'The side of the public template library failed for the moment.',
    },
    next: {
      zh: '稍后再查询或选用模板，连续失败时查看官方公告。',
      en: 'Query or add the template later; if it keeps failing, look for an official announcement.',
    },
  }),
  row(200002, accountCall, 'D', {
    errmsg: 'invalid arguments',
    cause: {
      zh: '入参错误，缺少必填项或类型不符。',
      en: 'The arguments are wrong: something required is missing or of the wrong type.',
    },
    next: {
      zh: '对照该管理接口的参数表逐项检查，尤其是数字与字符串的区别。',
      en: 'Go through the parameter list of that API, and mind the difference between numbers and strings.',
    },
  }),
  row(200011, punished, 'D', {
    errmsg: 'this account has been banned',
    cause: {
      zh: '账号已被封禁，不能操作模板，发送也会受影响。',
      en: 'The account is banned: it cannot manage templates, and sending suffers too.',
    },
    next: {
      zh: '到公众平台的站内信查封禁原因，按通知处理；解封前请启用备用账号或其他渠道。',
      en: 'Find the reason in the letters of the console and act on it; until then use a spare account or another channel.',
    },
  }),
  row(200012, accountCall, 'D', {
    errmsg: 'private template count reaches the limit',
    cause: {
      zh: '私有模板库已满，最多 25 个。',
      en: 'The private template library is full; it holds at most 25.',
    },
    next: {
      zh: '先确认哪些模板业务上已不再使用，用 deltemplate 删掉之后再添加。',
      en: 'Find out which templates nobody uses any more, delete them with deltemplate, and then add the new one.',
    },
  }),
  row(200013, { ...templateCall, alert: true }, 'D', {
    errmsg: 'this template has been banned',
    cause: {
      zh: '要选用的公共模板已被封禁。',
      en: 'The public template to be added has been banned.',
    },
    next: {
      zh: '换一个用途相近的模板标题；若是自己申请的模板，看站内信里的说明。',
      en: 'Choose another title of a similar purpose; if the template was your own proposal, read the letter in the console.',
    },
  }),
  row(200014, templateCall, 'D', {
    errmsg: 'tid does not exist',
    cause: {
      zh: '模板标题 tid 为空或不存在，也可能不在账号的类目下。',
      en: 'The title id tid is empty or does not exist, or lies outside the categories of the account.',
    },
    next: {
      zh: '用 getpubtemplatetitles 重新查 tid；确认参数真的传到了微信，而不是因为编码方式被忽略。',
      en: 'Look the tid up again with getpubtemplatetitles, and make sure the parameter reached WeChat and was not lost to the encoding.',
    },
  }),
  row(200015, templateCall, 'I', {
    errmsg: 'invalid template parameter',
    cause: {
      zh: '订阅模板管理号段里的一个码，官方没有公布含义，推测也是参数问题。',
      en: 'A code within the range of subscribe-template management whose meaning is not published; presumably one more parameter fault.',
    },
    next: {
      zh: '以返回的 errmsg 为准；弄清含义后请补充这一行。',
      en: 'Go by the errmsg of the reply, and complete this row once the meaning is known.',
    },
  }),
  row(200016, accountCall, 'D', {
    errmsg: 'invalid parameter start',
    cause: {
      zh: '分页参数 start 错误，它从 0 开始计数。',
      en: 'The paging parameter start is wrong; it counts from 0.',
    },
    next: {
      zh: '传不小于 0 的整数，并用返回的 count 判断是否已经翻到末页。',
      en: 'Pass an integer of at least 0, and use the count returned to see when the last page is reached.',
    },
  }),
  row(200017, accountCall, 'D', {
    errmsg: 'invalid parameter limit',
    cause: {
      zh: '分页参数 limit 错误，一次最多取 30 条。',
      en: 'The paging parameter limit is wrong; at most 30 entries come at a time.',
    },
    next: {
      zh: '把 limit 改到 1 至 30 之间，多取几页。',
      en: 'Set limit between 1 and 30 and fetch more pages.',
    },
  }),
  row(200018, accountCall, 'D', {
    errmsg: 'missing parameter ids',
    cause: {
      zh: '查询公共模板时没有传类目 ids。',
      en: 'The query for public templates names no category ids.',
    },
    next: {
      zh: '先调用 getcategory 得到账号的类目，再用逗号拼成 ids。',
      en: 'Get the categories of the account from getcategory and join them with commas into ids.',
    },
  }),
  row(200019, accountCall, 'D', {
    errmsg: 'invalid parameter ids',
    cause: {
      zh: '类目 ids 不合法，常见的是给整串加了引号，或填了账号没有的类目。',
      en: 'The category ids are not valid: often the string was put in quotes, or the account does not have the category.',
    },
    next: {
      zh: '去掉引号，只保留数字和逗号，并确认类目已在后台添加。',
      en: 'Leave only digits and commas, without quotes, and make sure the category was added in the console.',
    },
  }),
  row(200020, templateCall, 'D', {
    errmsg: 'invalid parameter kidList',
    cause: {
      zh: '关键词列表 kidList 错误：个数不在 2 到 5 之间，或含有该标题没有的关键词。',
      en: 'kidList is wrong: not 2 to 5 keywords, or keywords the title does not have.',
    },
    next: {
      zh: '用 getpubtemplatekeywords 取得可用的 kid，再组合提交。',
      en: 'Fetch the usable kids with getpubtemplatekeywords and combine them again.',
    },
  }),
  row(200021, templateCall, 'D', {
    errmsg: 'invalid parameter sceneDesc',
    cause: {
      zh: '服务场景描述 sceneDesc 错误，为空或超过 15 个字。',
      en: 'The scene description sceneDesc is wrong: empty or longer than 15 characters.',
    },
    next: {
      zh: '用一句话写清什么时候发、为什么发，控制在 15 个字内。',
      en: 'Say in one phrase of at most 15 characters when and why the message is sent.',
    },
  }),
  row(200022, templateCall, 'D', {
    errmsg: 'template has added already',
    cause: {
      zh: '标题和关键词都相同的模板已经在账号里了。',
      en: 'A template with the same title and keywords is in the account already.',
    },
    next: {
      zh: '直接使用返回里的 priTmplId，不必再添加。',
      en: 'Use the priTmplId that the reply carries; there is no need to add it again.',
    },
  }),
  row(200100, accountCall, 'D', {
    errmsg: 'invalid account type',
    cause: {
      zh: '账号类型不合法，这个管理接口不对该类账号开放。',
      en: 'The kind of account is not valid: this management API is not open to it.',
    },
    next: {
      zh: '确认用的是小程序或已认证公众号的 token，而不是测试号或未认证的账号。',
      en: 'Make sure the token is that of a mini program or a verified official account, not of a test or unverified one.',
    },
  }),

  // Form ids and retired APIs
  row(41028, badParameter, 'S', {
    errmsg: 'invalid form id',
    cause: {
      zh: 'form_id 不正确或已过期（有效期 7 天）；用 prepay_id 时，也可能是支付尚未完成。',
      en: 'The form_id is wrong or older than its 7 days; with a prepay_id the payment may not be completed yet.',
    },
    next: {
      zh: '丢弃这个 form_id 换下一个。支付场景等约 10 秒再试一次；开发者工具给出的模拟 form_id 不能使用。',
      en: 'Discard this form_id and take the next. After a payment wait about 10 seconds and try once more; the mock form_id of the developer tool is of no use.',
    },
  }),
  row(41029, badParameter, 'S', {
    errmsg: 'form id used count reach limit',
    cause: {
      zh: 'form_id 的使用次数用完了：表单可发 1 条，支付可发 3 条。',
      en: 'The form_id is used up: one message per form, three per payment.',
    },
    next: {
      zh: '从库存中删除它，换用同一用户的其他 form_id。',
      en: 'Remove it from the stock and use another form_id of the same user.',
    },
  }),
  row(41031, { ...punished, scope: 'api' }, 'S', {
    errmsg: 'the form id have been blocked!',
    cause: {
      zh: 'form_id 被平台拦截，该小程序的模板消息能力可能已受限。',
      en: 'The platform blocked the form_id; the ability of this mini program to send form messages may be restricted.',
    },
    next: {
      zh: '停止收集和使用 form_id，迁移到订阅消息。',
      en: 'Stop collecting and using form_ids, and move to subscribe messages.',
    },
  }),
  row(41032, { ...punished, scope: 'api' }, 'S', {
    errmsg: 'not allow to send message with submitted form id, for punishment',
    cause: {
      zh: '因违规处罚，不允许用表单提交得到的 form_id 发消息。',
      en: 'As a penalty, messages may not be sent with a form_id from a submitted form.',
    },
    next: {
      zh: '查看站内信里的处罚说明；表单模板消息已下线，不如直接改用订阅消息。',
      en: 'Read the notice of the penalty; as form messages are retired anyway, it is better to move straight to subscribe messages.',
    },
  }),
  row(41033, { ...forbidden, scope: 'api' }, 'S', {
    errmsg: 'invaid register type',
    cause: {
      zh: '注册方式不符，这种用法只对通过接口创建的小程序开放。',
      en: 'The way of registration does not qualify: this use is open only to mini programs created through the API.',
    },
    next: {
      zh: '普通注册的小程序请使用订阅消息。',
      en: 'A mini program registered in the ordinary way should use subscribe messages.',
    },
  }),
  row(41034, { ...punished, scope: 'api' }, 'S', {
    errmsg: 'not allow to send message with submitted form id, for punishment',
    cause: {
      zh: '表单 form_id 的发送能力正在处罚期内，与 41032 同属一类处罚。',
      en: 'Sending with form_ids from forms is under a penalty, of the same kind as 41032.',
    },
    next: {
      zh: '等处罚到期，其间不要让用户继续提交只为收集 form_id 的表单。',
      en: 'Wait for the end of the penalty, and stop showing forms whose only purpose is to collect form_ids.',
    },
  }),
  row(41035, { ...punished, scope: 'api' }, 'S', {
    errmsg: 'not allow to send message with prepay id, for punishment',
    cause: {
      zh: '因违规处罚，不允许用支付的 prepay_id 发消息。',
      en: 'As a penalty, messages may not be sent with the prepay_id of a payment.',
    },
    next: {
      zh: '支付通知改用订阅消息，并检查之前的支付消息是否夹带了营销内容。',
      en: 'Announce payments by subscribe messages, and see whether earlier payment messages carried marketing.',
    },
  }),
  row(40138, badParameter, 'S', {
    errmsg: 'emphasis word can not be first neither remark',
    cause: {
      zh: '要放大的关键词不能是 first 或 remark。',
      en: 'The emphasised keyword can be neither first nor remark.',
    },
    next: {
      zh: '把 emphasis_keyword 改成 keyword1.DATA 这样的普通关键词，或去掉它。',
      en: 'Set emphasis_keyword to an ordinary keyword such as keyword1.DATA, or leave it out.',
    },
  }),
  row(46101, retired, 'S', {
    errmsg:
      'this api have been not supported since 2020-01-11 00:00:00, please use new api(subscribeMessage)!',
    cause: {
      zh: '小程序的表单模板消息接口已于 2020 年 1 月下线。',
      en: 'The form-message API of mini programs was taken offline in January 2020.',
    },
    next: {
      zh: '改用小程序订阅消息：在前端请求授权，服务端用 subscribe/send 发送。',
      en: 'Use subscribe messages: ask for the grant in the front end and send with subscribe/send.',
    },
  }),
  row(45109, retired, 'D', {
    errmsg:
      'This API has been unsupported. For more details, please view https://developers.weixin.qq.com/community/develop/doc/000ae8d6348af08e7030bc2546bc01',
    cause: {
      zh: '统一服务消息接口 uniform_send 已于 2023 年 9 月 20 日回收；小程序的 token 调用公众号模板消息接口时也有人遇到它。',
      en: 'The uniform message API uniform_send was withdrawn on 2023-09-20; it has also been met when the token of a mini program called the template API of official accounts.',
    },
    next: {
      zh: '拆成两路：小程序走订阅消息，公众号用自己的 token 走模板消息。',
      en: 'Split it in two: subscribe messages for the mini program, and template messages with the official account and its own token.',
    },
  }),
  row(45103, retired, 'S', {
    errmsg: 'This API has been unsupported',
    cause: {
      zh: '接口已不再支持；用小程序的 token 调用只限公众号的接口时，也会返回它。',
      en: 'The API is no longer supported; the token of a mini program on an API for official accounts only gets the same answer.',
    },
    next: {
      zh: '先确认账号类型与通道是否匹配，确属下线的接口再按官方公告迁移。',
      en: 'First check that the kind of account fits the channel; if the API is really gone, follow the announcement to its successor.',
    },
  }),
  row(48009, retired, 'S', {
    errmsg: 'this api is expired',
    cause: {
      zh: '这个接口版本已过期停用。',
      en: 'This version of the API has expired.',
    },
    next: {
      zh: '升级到文档中的现行接口，旧接口重试也不会成功。',
      en: 'Move to the API that the documentation describes today; repeating the old one will never succeed.',
    },
  }),

  // Permission
  row(48001, { ...forbidden, scope: 'api' }, 'D', {
    errmsg: 'api unauthorized',
    cause: {
      zh: '账号没有这个接口的权限：未认证、未开通该功能，或账号类型不对。这不是 token 的问题。',
      en: 'The account may not use this API: not verified, feature not enabled, or the wrong kind of account. It is no fault of the token.',
    },
    next: {
      zh: '在后台的接口权限列表里查看。模板消息需要已认证的服务号并开通模板消息功能。',
      en: 'Look at the list of API permissions in the console. Template messages need a verified service account with the feature enabled.',
    },
  }),
  row(48004, punished, 'D', {
    errmsg: 'api forbidden for irregularities, view detail on mp.weixin.qq.com',
    cause: {
      zh: '接口因违规被封禁。',
      en: 'The API was forbidden because of a violation of the rules.',
    },
    next: {
      zh: '登录 mp.weixin.qq.com 查看封禁详情和期限，整改后申诉；期间不要换着接口试。',
      en: 'Log in at mp.weixin.qq.com for details and duration, comply and appeal; do not try your way through other APIs meanwhile.',
    },
  }),
  row(48008, { ...forbidden, scope: 'api' }, 'S', {
    errmsg: 'no permission for this msgtype',
    cause: {
      zh: '账号没有发送该类型消息的权限。',
      en: 'The account has no permission to send messages of this type.',
    },
    next: {
      zh: '换成有权限的类型，例如文本；或在后台申请相应能力。',
      en: 'Use a type that is permitted, such as text, or apply for the ability in the console.',
    },
  }),
  row(45087, { ...punished, scope: 'api' }, 'S', {
    errmsg: 'customer service message from this account have been blocked!',
    cause: {
      zh: '该账号的客服消息能力被封禁。',
      en: 'The customer-service messages of this account have been blocked.',
    },
    next: {
      zh: '查看处罚通知；作为兜底渠道的客服消息请暂时关闭，避免每条都失败一次。',
      en: 'Read the notice of the penalty, and switch off customer-service messages as a fallback for now so that not every message fails first.',
    },
  }),
  row(50001, { class: 'permission', action: 'drop', scope: 'message', alert: true }, 'S', {
    errmsg: 'api unauthorized or user unauthorized',
    cause: {
      zh: '用户没有授权这个接口，或账号不具备接口权限。',
      en: 'The user has not authorised this API, or the account may not use it.',
    },
    next: {
      zh: '区分是个别用户还是全部：个别的让用户重新授权，全部的检查接口权限。',
      en: 'See whether it is one user or all: one user has to authorise again; if all, check the API permissions.',
    },
  }),
  row(50003, { class: 'permission', action: 'drop', scope: 'message', alert: true }, 'S', {
    errmsg: 'user unexpected, maybe not in white list',
    cause: {
      zh: '用户不在允许的名单里，常见于灰度中或只对体验成员开放的功能。',
      en: 'The user is not on the list of those allowed, as with features in trial or open to testers only.',
    },
    next: {
      zh: '把测试用户加入白名单或体验成员；正式推送请等功能全量开放。',
      en: 'Add test users to the whitelist or the testers; for real sending wait until the feature is open to everyone.',
    },
  }),
  row(40200, badConfig, 'S', {
    errmsg: 'invalid account type',
    cause: {
      zh: '账号类型不符合接口要求，例如公众号调用了小程序专用的接口。',
      en: 'The kind of account does not fit the API, for example an official account on an API for mini programs.',
    },
    next: {
      zh: '检查账号配置里的类型是否登记错了，并按类型选择发送通道。',
      en: 'Check whether the account is configured with the wrong kind, and choose the channel by the kind.',
    },
  }),

  // Third-party platform
  row(61003, forbidden, 'S', {
    errmsg: 'component is not authorized by this account',
    cause: {
      zh: '账号没有授权给这个第三方平台，或者已经取消授权。',
      en: 'The account has not authorised this third-party platform, or has withdrawn the authorisation.',
    },
    next: {
      zh: '请账号管理员重新扫码授权；若是主动取消，请停用该账号的任务。',
      en: 'Have the administrator authorise again by QR code; if it was withdrawn on purpose, stop the jobs of this account.',
    },
  }),
  row(61007, { ...forbidden, scope: 'api' }, 'S', {
    errmsg: 'api is unauthorized to component',
    cause: {
      zh: '账号授权给第三方平台的权限集不包含这个接口。',
      en: 'The permission sets the account granted to the third-party platform do not include this API.',
    },
    next: {
      zh: '重新授权并勾选所需权限集：模板消息是 7 或 100、101，小程序订阅消息是 18，公众号订阅通知是 89。',
      en: 'Authorise again with the needed permission set: 7 or 100 and 101 for template messages, 18 for mini-program subscribe messages, 89 for subscribe notifications of official accounts.',
    },
  }),
  row(61004, badConfig, 'D', {
    errmsg: 'access clientip is not registered',
    cause: {
      zh: '第三方平台自己的 IP 白名单里没有这台服务器。它与公众号的白名单是两回事，每次调用都会检查。',
      en: 'This server is not in the IP whitelist of the third-party platform itself. It is another list than that of the account, and it is checked on every call.',
    },
    next: {
      zh: '在微信开放平台的第三方平台详情里登记出口 IP。',
      en: 'Register the outgoing address in the details of the third-party platform on the WeChat open platform.',
    },
  }),
  row(61005, { ...staleToken, alert: true }, 'S', {
    errmsg: 'component ticket is expired',
    cause: {
      zh: 'component_verify_ticket 已过期。微信每 10 分钟推送一次，有效期 12 小时。',
      en: 'The component_verify_ticket has expired. WeChat pushes one every 10 minutes, valid for 12 hours.',
    },
    next: {
      zh: '说明接收 ticket 的回调已中断很久：检查授权事件地址，必要时调用 api_start_push_ticket 重新开启推送。',
      en: 'Tickets have not arrived for long: check the address for authorisation events, and restart the push with api_start_push_ticket if need be.',
    },
  }),
  row(61006, { ...staleToken, alert: true }, 'S', {
    errmsg: 'component ticket is invalid',
    cause: {
      zh: 'component_verify_ticket 无效，可能用了旧的，或属于另一个第三方平台。',
      en: 'The component_verify_ticket is invalid: an old one, or that of another third-party platform.',
    },
    next: {
      zh: '改用最近收到的 ticket；多环境部署时确认它们没有互相覆盖。',
      en: 'Use the ticket received last; with several environments, make sure they do not overwrite one another.',
    },
  }),
  row(40091, { ...staleToken, alert: true }, 'S', {
    errmsg: 'invalid component ticket',
    cause: {
      zh: '换取 component_access_token 时提交的 ticket 不合法。',
      en: 'The ticket handed in for a component_access_token is not valid.',
    },
    next: {
      zh: '检查 ticket 从解密到入库有没有被截断或转义，随后用最新一次推送的值重试。',
      en: 'See whether the ticket is cut or escaped between decryption and storage, then try again with the latest one pushed.',
    },
  }),
  row(61009, { ...accountCall, alert: true }, 'S', {
    errmsg: 'code is invalid',
    cause: {
      zh: '授权码无效，可能已经用过一次。',
      en: 'The authorisation code is invalid; it may have been used before.',
    },
    next: {
      zh: '让管理员重新走一遍授权，授权码收到后立即使用，只用一次。',
      en: 'Have the administrator go through the authorisation again, and use the code at once and only once.',
    },
  }),
  row(61010, { ...accountCall, alert: true }, 'S', {
    errmsg: 'code is expired',
    cause: {
      zh: '授权码已过期，从授权完成到换取之间隔得太久。',
      en: 'The authorisation code has expired: too much time passed between authorisation and use.',
    },
    next: {
      zh: '重新发起授权，并检查处理授权回调的服务是否有积压。',
      en: 'Start the authorisation anew, and see whether the service that handles its callback is behind.',
    },
  }),
  row(61014, badConfig, 'S', {
    errmsg: 'must use component token for component api',
    cause: {
      zh: '第三方平台自身的接口必须使用 component_access_token，这里用了别的 token。',
      en: 'The APIs of the platform itself need the component_access_token; another token was used.',
    },
    next: {
      zh: '检查账号配置，确认平台接口与代商家调用没有混用同一个 token。',
      en: 'Check the configuration: calls of the platform itself and calls on behalf of an account must not share one token.',
    },
  }),
  row(61015, badConfig, 'S', {
    errmsg: 'must use biz account token for not component api',
    cause: {
      zh: '业务接口必须使用授权方的 authorizer_access_token，这里误用了平台的 component token。',
      en: 'Business APIs need the authorizer_access_token of the account; the component token of the platform was used by mistake.',
    },
    next: {
      zh: '为该账号换取 authorizer_access_token，再用它发送消息。',
      en: 'Obtain the authorizer_access_token of this account and send messages with that.',
    },
  }),
  row(61024, badConfig, 'S', {
    errmsg: 'must use api(api_component_token) to get token for component acct',
    cause: {
      zh: '这是第三方平台的 AppID，只能用 api_component_token 获取 token，不能走普通的 token 接口。',
      en: 'This is the AppID of a third-party platform; its token comes from api_component_token, not from the ordinary token API.',
    },
    next: {
      zh: '把账号配置成第三方平台模式，或换成公众号、小程序自己的 AppID。',
      en: 'Configure the account as a third-party platform, or use the AppID of the official account or mini program itself.',
    },
  }),
  row(61016, { ...forbidden, scope: 'api' }, 'S', {
    errmsg: 'function category of API need be confirmed by component',
    cause: {
      zh: '这个接口所在的权限集还没有由第三方平台确认。',
      en: 'The permission set of this API has not been confirmed by the third-party platform.',
    },
    next: {
      zh: '在开放平台的权限集设置里确认并全网发布，再请账号重新授权。',
      en: 'Confirm the permission set on the open platform and publish it, then have the account authorise again.',
    },
  }),
  row(61017, { ...forbidden, scope: 'api' }, 'S', {
    errmsg: 'function category is not authorized',
    cause: {
      zh: '账号在授权时没有勾选这个接口所属的权限集。',
      en: 'When authorising, the account left out the permission set this API belongs to.',
    },
    next: {
      zh: '请管理员更新授权，勾选缺少的权限集；同一权限集可能已授权给别的平台。',
      en: 'Ask the administrator to update the authorisation with the missing set; it may be granted to another platform at present.',
    },
  }),
  row(61023, { ...forbidden, class: 'token' }, 'S', {
    errmsg: 'refresh_token is invalid',
    cause: {
      zh: 'authorizer_refresh_token 无效：保存的是旧值，或者账号重新授权后它已更换。',
      en: 'The authorizer_refresh_token is invalid: an old one was stored, or it changed when the account authorised again.',
    },
    next: {
      zh: '先用 api_get_authorizer_info 取回当前的 refresh_token；取不到就请账号重新授权。每次刷新后都要保存新值。',
      en: 'Read the present refresh_token with api_get_authorizer_info; failing that, the account has to authorise again. Store the new value after every refresh.',
    },
  }),
  row(41018, { ...staleToken, alert: true }, 'S', {
    errmsg: 'missing component_appid',
    cause: {
      zh: '请求缺少 component_appid，第三方平台的配置不完整。',
      en: 'The request lacks component_appid: the configuration of the third-party platform is incomplete.',
    },
    next: {
      zh: '补全平台的 AppID，再换一次 component_access_token。',
      en: 'Fill in the AppID of the platform, then renew the component_access_token.',
    },
  }),
  row(41021, staleToken, 'S', {
    errmsg: 'missing component_access_token',
    cause: {
      zh: '请求没有带 component_access_token，缓存里可能还没有。',
      en: 'The request carried no component_access_token; the cache may not have had one yet.',
    },
    next: {
      zh: '会先换取平台 token 再继续；一直缺少时，检查是否收到过 ticket。',
      en: 'The token of the platform is fetched first; if it stays missing, see whether a ticket has ever arrived.',
    },
  }),
  row(42006, staleToken, 'S', {
    errmsg: 'component_access_token expired',
    cause: {
      zh: '第三方平台的 component_access_token 到期，有效期 7200 秒。',
      en: 'The component_access_token of the third-party platform has expired after its 7200 seconds.',
    },
    next: {
      zh: '会用最近的 ticket 换新后重试，通常无需处理。',
      en: 'It is renewed with the latest ticket and the call repeated; as a rule there is nothing to do.',
    },
  }),
  row(40094, { ...staleToken, alert: true }, 'S', {
    errmsg: 'invalid component credential',
    cause: {
      zh: '第三方平台的凭据不正确，多半是 component_appsecret 填错或已被重置。',
      en: 'The credential of the third-party platform is wrong; probably the component_appsecret is mistyped or was reset.',
    },
    next: {
      zh: '会换一次 token；仍失败时核对开放平台上的 AppSecret。',
      en: 'The token is renewed once; if that fails, compare the AppSecret with the one on the open platform.',
    },
  }),

  // Protocol: the request itself was malformed
  row(43001, clientBug, 'S', {
    errmsg: 'require GET method',
    cause: {
      zh: '接口要求用 GET，请求却用了别的方法。',
      en: 'The API has to be called with GET, and the request used another method.',
    },
    next: {
      zh: '这是客户端的缺陷，请附上接口路径反馈。',
      en: 'This is a fault in the client; report it together with the path of the API.',
    },
  }),
  row(43002, clientBug, 'S', {
    errmsg: 'require POST method',
    cause: {
      zh: '接口要求用 POST，例如 stable_token；也可能是 301、302 跳转把 POST 变成了 GET。',
      en: 'The API has to be called with POST, as stable_token does; a 301 or 302 redirect may also have turned POST into GET.',
    },
    next: {
      zh: '确认请求没有经过会重定向的代理，接口地址直接写 https。',
      en: 'Make sure that no redirecting proxy is in between and that the address starts with https.',
    },
  }),
  row(43003, clientBug, 'S', {
    errmsg: 'require https',
    cause: {
      zh: '接口只接受 HTTPS，请求走了明文 HTTP。',
      en: 'The API accepts HTTPS only, and the request came over plain HTTP.',
    },
    next: {
      zh: '检查接口的基础地址设置，改回 https://api.weixin.qq.com。',
      en: 'Check the base address in the settings and set it back to https://api.weixin.qq.com.',
    },
  }),
  row(44002, clientBug, 'S', {
    errmsg: 'empty post data',
    cause: {
      zh: 'POST 的请求体是空的，可能在代理处丢失。',
      en: 'The body of the POST was empty; a proxy may have lost it.',
    },
    next: {
      zh: '抓一次包看请求体是否发出；代理不支持分块传输时要带上 Content-Length。',
      en: 'Capture one request and see whether the body leaves; behind a proxy without chunked transfer, Content-Length is needed.',
    },
  }),
  row(47001, clientBug, 'S', {
    errmsg: 'data format error',
    cause: {
      zh: '请求体不是合法的 JSON 或 XML，微信无法解析。',
      en: 'The body is not valid JSON or XML and WeChat cannot parse it.',
    },
    next: {
      zh: '用返回的 rid 查看微信实际收到的请求体，定位多余或缺失的部分。',
      en: 'Use the rid of the reply to see the body WeChat received, and find what is missing or superfluous.',
    },
  }),
  row(47002, clientBug, 'S', {
    errmsg:
      'data format error, do NOT use json unicode encode (\\uxxxx\\uxxxx), please use utf8 encoded text!',
    cause: {
      zh: '请求体把中文写成了 \\uxxxx 转义，微信要求直接使用 UTF-8 文本。',
      en: 'The body writes Chinese as \\uxxxx escapes, while WeChat wants plain UTF-8 text.',
    },
    next: {
      zh: '关闭 JSON 序列化里的 ASCII 转义选项，例如 Python 的 ensure_ascii。',
      en: 'Switch off ASCII escaping in the JSON encoder, such as ensure_ascii in Python.',
    },
  }),
  row(40033, clientBug, 'S', {
    errmsg: 'invalid charset. please check your request, if include \\uxxxx will create fail!',
    cause: {
      zh: '请求里含有不合法的字符，典型的是 \\uxxxx 形式的转义。',
      en: 'The request contains characters that are not allowed, typically escapes of the form \\uxxxx.',
    },
    next: {
      zh: '确认请求体按 UTF-8 原文发送，并过滤掉控制字符。',
      en: 'Make sure that the body is sent as plain UTF-8, and filter out control characters.',
    },
  }),
  row(40035, clientBug, 'S', {
    errmsg: 'invalid args size',
    cause: {
      zh: '参数不合法，长度或个数不符合接口的要求。',
      en: 'The arguments are not valid: their length or number does not meet the API.',
    },
    next: {
      zh: '对照文档检查每个字段是否齐全、类型是否正确，再看是否多传了字段。',
      en: 'Check against the documentation that every field is present and of the right type, and that there are none too many.',
    },
  }),
  row(40097, clientBug, 'S', {
    errmsg: 'invalid args',
    cause: {
      zh: '参数错误，微信没有说明是哪一个。',
      en: 'An argument is wrong, and WeChat does not say which.',
    },
    next: {
      zh: '用官方的接口调试工具发同样的参数，逐个删减字段来定位。',
      en: 'Send the same arguments with the official debugging tool and remove fields one by one to find it.',
    },
  }),
  row(40221, clientBug, 'S', {
    errmsg: 'invalid Content-Encoding',
    cause: {
      zh: '请求头 Content-Encoding 不被接受，可能请求体被压缩过。',
      en: 'The Content-Encoding header is not accepted; the body was perhaps compressed.',
    },
    next: {
      zh: '发送未压缩的请求体，检查出口代理是否自动加了 gzip。',
      en: 'Send the body uncompressed, and see whether an outgoing proxy adds gzip by itself.',
    },
  }),
  row(40222, clientBug, 'S', {
    errmsg: 'invalid request idc domain',
    cause: {
      zh: '请求的机房域名不合法，该接口不支持从这个域名调用。',
      en: 'The regional host is not valid for this request: the API cannot be called through it.',
    },
    next: {
      zh: '改回通用域名 api.weixin.qq.com；只使用官方公布的域名，不要写死 IP。',
      en: 'Go back to the general host api.weixin.qq.com; use the published names only, and never fixed addresses.',
    },
  }),

  // Diagnosis: rid, quota and callback checks, typing state
  row(76001, accountCall, 'D', {
    errmsg: 'rid not found',
    cause: {
      zh: '查不到这个 rid，它可能超过 7 天已被清理。',
      en: 'The rid cannot be found; older than 7 days, it may have been cleaned up.',
    },
    next: {
      zh: '直接用日志里保存的请求和返回排查；以后出错当天就查 rid。',
      en: 'Work from the request and reply in the logs, and next time look the rid up on the day of the fault.',
    },
  }),
  row(76002, accountCall, 'D', {
    errmsg: 'rid is error',
    cause: {
      zh: 'rid 为空或格式错误，正确的是三段八位十六进制数，用短横线相连。',
      en: 'The rid is empty or malformed; it consists of three groups of eight hex digits joined by hyphens.',
    },
    next: {
      zh: '从 errmsg 末尾「rid:」之后完整复制，不要带空格。',
      en: 'Copy all that follows "rid:" at the end of the errmsg, without blanks.',
    },
  }),
  row(76003, accountCall, 'D', {
    errmsg: 'could not query this rid,no permission',
    cause: {
      zh: '当前账号无权查询这个 rid，它属于另一个账号的调用。',
      en: 'This account may not query the rid: it belongs to a call of another account.',
    },
    next: {
      zh: '换成产生该 rid 的那个账号的 access_token 再查。',
      en: 'Query with the access_token of the account whose call produced the rid.',
    },
  }),
  row(76004, accountCall, 'S', {
    errmsg: 'rid is expired',
    cause: {
      zh: 'rid 已过期，微信只保留 7 天。',
      en: 'The rid has expired; WeChat keeps it for 7 days only.',
    },
    next: {
      zh: '复现一次问题，拿到新的 rid 再查。',
      en: 'Reproduce the fault and query the new rid.',
    },
  }),
  row(76021, accountCall, 'D', {
    errmsg: 'cgi_path not found',
    cause: {
      zh: '查询额度时填的 cgi_path 不存在，可能少了开头的斜杠或带了查询参数。',
      en: 'The cgi_path of the quota query does not exist; perhaps the leading slash is missing or a query string was left on.',
    },
    next: {
      zh: '填 /cgi-bin/message/template/send 这样的完整路径。',
      en: 'Give the full path, such as /cgi-bin/message/template/send.',
    },
  }),
  row(76022, accountCall, 'D', {
    errmsg: 'could not use this cgi_path, no permission',
    cause: {
      zh: '无权查询这个接口的额度：token 与接口所属的账号类型不符，sns 类接口也不支持。',
      en: 'The quota of this API may not be queried: the token is of another kind of account, or the API is one of the sns family, which is not supported.',
    },
    next: {
      zh: '用对应类型账号的 token 查询自己实际调用的接口。',
      en: 'Query the APIs you really call, with the token of the matching kind of account.',
    },
  }),
  row(40201, accountCall, 'D', {
    errmsg: 'invalid check url',
    cause: {
      zh: '网络检测时没有可用的回调地址，账号还没有设置服务器配置。',
      en: 'The network check found no callback address: the account has no server configuration yet.',
    },
    next: {
      zh: '先在后台填好消息推送的 URL 并通过验证，再做检测。',
      en: 'Set the address for message push in the console and have it verified, then run the check.',
    },
  }),
  row(40202, accountCall, 'D', {
    errmsg: 'invalid check action',
    cause: {
      zh: '网络检测的 action 不正确，只能是 dns、ping 或 all。',
      en: 'The action of the network check is wrong; it is dns, ping or all.',
    },
    next: {
      zh: '改用 all 可以一次得到两种结果。',
      en: 'Use all to get both results at once.',
    },
  }),
  row(40203, accountCall, 'D', {
    errmsg: 'invalid check operator',
    cause: {
      zh: '网络检测的运营商参数不正确，可选 CHINANET、UNICOM、CAP、DEFAULT。',
      en: 'The operator of the network check is wrong; CHINANET, UNICOM, CAP and DEFAULT exist.',
    },
    next: {
      zh: '不确定线路时填 DEFAULT，由微信自动选择。',
      en: 'When in doubt about the line, give DEFAULT and let WeChat choose.',
    },
  }),
  row(45072, badParameter, 'D', {
    errmsg: 'invalid command',
    cause: {
      zh: '客服输入状态接口的 command 取值不对。',
      en: 'The command of the typing-state API is wrong.',
    },
    next: {
      zh: '只使用 Typing 和 CancelTyping 两个值，注意大小写。',
      en: 'Use only the values Typing and CancelTyping, and mind the case.',
    },
  }),
  row(45080, badParameter, 'D', {
    errmsg: 'need sending message to user, or recving message from user in the last 30 seconds before typing',
    cause: {
      zh: '下发「正在输入」之前，30 秒内必须与用户有过消息往来。',
      en: 'Before the typing state can be shown, a message has to have passed between account and user within 30 seconds.',
    },
    next: {
      zh: '可以忽略，只是少了一个提示，客服消息本身不受影响。',
      en: 'It can be ignored: a hint is not shown, and the customer-service message itself is not affected.',
    },
  }),
  row(45081, badParameter, 'D', {
    errmsg: 'you are already typing',
    cause: {
      zh: '「正在输入」状态已经在显示，不能重复下发。',
      en: 'The typing state is shown already and cannot be sent twice.',
    },
    next: {
      zh: '无需处理；避免在循环里反复下发输入状态。',
      en: 'Nothing to do; avoid sending the typing state in a loop.',
    },
  }),
]

/** Every code we know, in the order of the groups above. */
export const errcodes: ReadonlyMap<number, Errcode> = new Map(rows.map((each) => [each.code, each]))
