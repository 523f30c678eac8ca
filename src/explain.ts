/** Why a message is where it is, and what to do about it, in one sentence of each language. */
import { type Bilingual, errcodeOf } from './errcodes.ts'
import type { MessageRecord, State } from './message.ts'
import { errcodeInReason } from './verdict.ts'

export interface Explanation extends Bilingual {
  readonly nextStep: Bilingual
}

export const explain = ({ state, reason }: Pick<MessageRecord, 'state' | 'reason'>): Explanation => {
  const where = stateTexts[state]
  const errcode = reason === undefined ? undefined : errcodeInReason(reason)
  if (errcode !== undefined) {
    const { cause, next } = errcodeOf(errcode)
    return join(where, cause, next)
  }
  const why = reason === undefined ? undefined : (reasonTexts[reason] ?? statusText(reason))
  if (why) return join(where, why.why, why.next)
  return { zh: `${where.zh}。`, en: `${where.en}.`, nextStep: nothingToDo[state] ?? nothing }
}

/** A status that a receiver, or gear in front of WeChat, answered instead of an errcode. */
const statusText = (reason: string): { readonly why: Bilingual; readonly next: Bilingual } | undefined => {
  const status = /^http-(\d{3})$/.exec(reason)?.[1]
  if (status === undefined) return undefined
  return {
    why: { zh: `对方返回 HTTP ${status}。`, en: `The other side answered HTTP ${status}.` },
    next: {
      zh: '查看对方服务或中间网关的日志；消息编号在请求头 webhook-id 或 client_msg_id 中。',
      en: 'Look into the logs of that service or of the gear in between; the message’s id is in webhook-id or client_msg_id.',
    },
  }
}

const join = (where: Bilingual, why: Bilingual, next: Bilingual): Explanation => ({
  zh: `${where.zh}：${why.zh}`,
  en: `${where.en}: ${why.en}`,
  nextStep: next,
})

const stateTexts: Readonly<Record<State, Bilingual>> = {
  scheduled: { zh: '消息已接受，等待定时发送', en: 'Accepted and waiting for its time' },
  queued: { zh: '消息已接受，正在排队', en: 'Accepted and waiting in the queue' },
  leased: { zh: '消息正在发送', en: 'Being sent at this moment' },
  retry: {
    zh: '上一次没有成功，稍后自动重试',
    en: 'The last attempt did not succeed; it will be repeated by itself',
  },
  parked: {
    zh: '消息暂停，等待条件恢复后自动继续',
    en: 'On hold; it goes on by itself once the condition is over',
  },
  sent: { zh: '微信已接受这条消息', en: 'WeChat has accepted the message' },
  delivered: { zh: '微信回执：消息已送达用户', en: 'WeChat’s receipt says that the user has got it' },
  undelivered: {
    zh: '微信接受了这条消息，但回执说没有送达用户',
    en: 'WeChat accepted it, but its receipt says that the user has not got it',
  },
  unknown: {
    zh: '无法确定微信是否已发出这条消息，而重发可能打扰用户两次，所以不再自动重发',
    en: 'WeChat may or may not have sent it, and a repeat could reach the user twice, so it is not repeated',
  },
  dead: { zh: '消息没有发出，且不会再试', en: 'It was not sent and will not be tried again' },
  expired: { zh: '消息在有效期内没能发出', en: 'It could not be sent while it was still valid' },
  cancelled: { zh: '消息已取消，没有发出', en: 'It was cancelled and was not sent' },
}

const nothing: Bilingual = { zh: '无需处理。', en: 'There is nothing to do.' }

const nothingToDo: Readonly<Partial<Record<State, Bilingual>>> = {
  sent: {
    zh: '无需处理。如果用户说没收到，请确认他没有屏蔽该账号或该模板。',
    en: 'There is nothing to do. If the user saw nothing, check whether the account or the template is blocked there.',
  },
  unknown: {
    zh: '请向用户或在公众平台核实；确认没有收到时，用新的 client_msg_id 再发一次。',
    en: 'Ask the user, or look in the account’s console; if it did not arrive, send it anew with another client_msg_id.',
  },
}

const reasonTexts: Readonly<Record<string, { readonly why: Bilingual; readonly next: Bilingual }>> = {
  timeout: {
    why: { zh: '微信接口在规定时间内没有应答。', en: 'WeChat’s API did not answer in time.' },
    next: {
      zh: '若持续出现，请检查到微信接口的网络。',
      en: 'If it goes on, check the network towards WeChat.',
    },
  },
  connect: {
    why: {
      zh: '无法连接到微信接口，请求没有发出。',
      en: 'WeChat’s API could not be reached; the request did not leave.',
    },
    next: {
      zh: '检查出口网络、DNS 和 HONGYAN_WECHAT 设置；消息会自动重试。',
      en: 'Check the outgoing network, DNS and HONGYAN_WECHAT; the message is repeated by itself.',
    },
  },
  'connection-lost': {
    why: {
      zh: '请求发出后连接中断，没有收到结果。',
      en: 'The connection broke after the request had left, so its result is not known.',
    },
    next: {
      zh: '若持续出现，请检查到微信接口的网络。',
      en: 'If it goes on, check the network towards WeChat.',
    },
  },
  'junk-reply': {
    why: { zh: '微信接口的应答无法识别。', en: 'What came back from WeChat’s API is not an answer.' },
    next: {
      zh: '检查中间的代理或网关是否改写了应答。',
      en: 'Check whether a proxy in between changes the replies.',
    },
  },
  'reply-too-large': {
    why: { zh: '微信接口的应答过大，已被丢弃。', en: 'The reply was too large and was dropped.' },
    next: { zh: '检查中间的代理或网关。', en: 'Check the proxies in between.' },
  },
  'quota-used-up': {
    why: {
      zh: '该账号这个接口今天的调用次数已用完。',
      en: 'The account has made all the calls to this API that it may make today.',
    },
    next: {
      zh: '无需处理：北京时间零点后自动继续；清零或提高配额后几分钟内也会自动继续。',
      en: 'There is nothing to do: it goes on after midnight in Beijing, or minutes after the quota is cleared or raised.',
    },
  },
  'minute-limit': {
    why: {
      zh: '该账号这个接口这一分钟的调用次数已用完。',
      en: 'The account has made all the calls to this API that it may make this minute.',
    },
    next: {
      zh: '无需处理：下一分钟自动继续。',
      en: 'There is nothing to do: it goes on in the next minute.',
    },
  },
  'quota-reserved': {
    why: {
      zh: '今天剩下的调用次数留给紧急消息。',
      en: 'The calls that are left today are kept for urgent messages.',
    },
    next: {
      zh: '无需处理：北京时间零点后自动继续。预留比例可在账号的 limits 里修改；确实紧急的消息请用 urgent 通道。',
      en: 'There is nothing to do: it goes on after midnight in Beijing. The share is a limit of the account; what is truly urgent belongs in the urgent lane.',
    },
  },
  'awaiting-receipt': {
    why: {
      zh: '请求可能已被微信接受，但没有收到应答；这个接口不能安全重发，正在等待回执。',
      en: 'WeChat may have taken it, but no answer came; this API has no safe repeat, so we wait for a receipt.',
    },
    next: {
      zh: '请等待；两分钟内没有回执会标记为 unknown。',
      en: 'Wait: without a receipt within two minutes it becomes unknown.',
    },
  },
  'no-receipt': {
    why: { zh: '没有收到应答，也没有收到回执。', en: 'Neither an answer nor a receipt came.' },
    next: nothingToDo.unknown!,
  },
  'repeat-window-over': {
    why: {
      zh: '微信识别重复消息的时间窗口已过。',
      en: 'The time in which WeChat recognises a repeat is over.',
    },
    next: nothingToDo.unknown!,
  },
  'no-grant': {
    why: {
      zh: '账本上没有这个用户的授权，而模板设置为没有授权时不发送或等待。',
      en: 'The books hold no permission of this recipient, and the template is set to wait or to refuse then.',
    },
    next: {
      zh: '请用户再次授权；授权到达后，等待中的消息会自动发出。',
      en: 'Ask the recipient again; a message that waits goes on by itself once the permission is there.',
    },
  },
  receipt: {
    why: {
      zh: '没有收到应答，但微信的回执证明它已接受这条消息。',
      en: 'The answer was lost, but WeChat’s receipt proves that it had taken the message.',
    },
    next: nothing,
  },
  'user block': {
    why: {
      zh: '用户屏蔽（拒收）了这个公众号的消息。',
      en: 'The user blocks messages of this account.',
    },
    next: {
      zh: '不要再向该用户发送，改用短信等其他方式；用户取消屏蔽后才会恢复。',
      en: 'Do not send to this user again, use another way such as a text message; it works again once they unblock it.',
    },
  },
  'blocked-address': {
    why: {
      zh: 'webhook 地址指向内部网络，出于安全没有发送。',
      en: 'The webhook’s address leads into a private network, so nothing was posted to it.',
    },
    next: {
      zh: '改用公网 https 地址，或由运维把该主机加入 HONGYAN_WEBHOOK_HOSTS。',
      en: 'Use a public https address, or have the operator add the host to HONGYAN_WEBHOOK_HOSTS.',
    },
  },
  redirect: {
    why: {
      zh: '对方返回了重定向，我们不会跟随。',
      en: 'The receiver answered with a redirect, which is not followed.',
    },
    next: { zh: '把地址改为最终地址。', en: 'Enter the address that it leads to.' },
  },
  'system failed': {
    why: { zh: '微信在投递时发生系统错误。', en: 'WeChat failed while it delivered the message.' },
    next: {
      zh: '如仍需要，用新的 client_msg_id 再发一次。',
      en: 'If it is still wanted, send it anew with another client_msg_id.',
    },
  },
  'freq limit': {
    why: {
      zh: '这个用户短时间内收到的消息过多。',
      en: 'This user was sent too many messages in a short time.',
    },
    next: {
      zh: '过几分钟再发，并合并发给同一用户的消息。',
      en: 'Send it anew some minutes later, and put messages to one user together.',
    },
  },
  'sender block': {
    why: { zh: '公众号被限制发送。', en: 'The account is not allowed to send.' },
    next: {
      zh: '在公众平台查看账号的通知与处罚。',
      en: 'Look at the notices and penalties in WeChat’s console.',
    },
  },
  expired: {
    why: { zh: '已过有效期。', en: 'Its time was over.' },
    next: {
      zh: '如仍需要，请重新发送，并把 expires_at 设得更晚。',
      en: 'If it is still wanted, send it anew with a later expires_at.',
    },
  },
  cancelled: {
    why: { zh: '应调用方要求停止。', en: 'Its sender asked to stop it.' },
    next: nothing,
  },
  'account-unknown': {
    why: { zh: '找不到发送账号的配置。', en: 'The sending account is not configured any more.' },
    next: {
      zh: '用 POST /v1/accounts 重新添加该账号，消息会自动继续。',
      en: 'Add the account again with POST /v1/accounts; the message goes on by itself.',
    },
  },
  'token-rejected': {
    why: {
      zh: '微信拒绝了刚取得的 access_token。',
      en: 'WeChat rejects the access_token it has just given out.',
    },
    next: {
      zh: '检查是否有其他系统在刷新同一账号的 token；消息会自动重试。',
      en: 'Check whether another system refreshes the same account’s token; the message is repeated by itself.',
    },
  },
  'token-endpoint-failed': {
    why: {
      zh: '账号自己的 token 接口没有给出可用的应答。',
      en: 'The account’s own token endpoint gave no answer that can be used.',
    },
    next: {
      zh: '检查该接口的地址、授权头和网络，可用 hongyan accounts check；消息会自动继续。',
      en: 'Check its address, its authorization and the network, with hongyan accounts check; the message goes on by itself.',
    },
  },
  'token-endpoint-invalid': {
    why: {
      zh: '账号没有可用的 token 接口地址。',
      en: 'The account has no token endpoint that could be asked.',
    },
    next: {
      zh: '设置 token_endpoint.url（http 或 https）；消息会自动继续。',
      en: 'Set token_endpoint.url, http or https; the message goes on by itself.',
    },
  },
  'authorization-missing': {
    why: {
      zh: '账号还没有授权给第三方平台，或授权信息尚未收到。',
      en: 'The account has not authorised the third-party platform yet, or word of it has not arrived.',
    },
    next: {
      zh: '请账号管理员扫码授权；授权事件到达后消息自动继续。',
      en: 'Have its administrator authorise by QR code; the message goes on when the event arrives.',
    },
  },
  'component-unavailable': {
    why: {
      zh: '第三方平台暂时没有 component_access_token。',
      en: 'The third-party platform has no component_access_token at the moment.',
    },
    next: {
      zh: '用 hongyan accounts check 检查平台账号；消息会自动继续。',
      en: 'Check the account of the platform with hongyan accounts check; the message goes on by itself.',
    },
  },
  'component-ticket-missing': {
    why: {
      zh: '还没有收到微信推送的 component_verify_ticket。',
      en: 'No component_verify_ticket has arrived from WeChat yet.',
    },
    next: {
      zh: '检查第三方平台的授权事件接收地址；微信每 10 分钟推送一次。',
      en: 'Check the platform’s address for authorisation events; WeChat pushes one every 10 minutes.',
    },
  },
  'refresh-token-unstored': {
    why: {
      zh: '新的 refresh_token 没能存下来，所以没有使用新的 access_token。',
      en: 'The new refresh token could not be stored, so the new access token is not used.',
    },
    next: { zh: '检查存储；消息会自动继续。', en: 'Check the storage; the message goes on by itself.' },
  },
  'token-shelf-away': {
    why: {
      zh: '存储没有应答，无法确认其他进程是否已有更新的 token；此时自行获取会使它失效。',
      en: 'The storage does not say whether another process has a newer token, and asking for one would end that.',
    },
    next: { zh: '检查 Redis；消息会自动继续。', en: 'Check Redis; the message goes on by itself.' },
  },
  'stale-token': {
    why: {
      zh: 'token 接口返回了一个已经作废的 access_token。',
      en: 'The token API answered an access_token that has been replaced already.',
    },
    next: {
      zh: '检查提供 token 的系统是否有滞后的缓存；消息会自动重试。',
      en: 'Check whether the system that gives out the token has a cache that lags; the message is repeated by itself.',
    },
  },
  'token-unavailable': {
    why: { zh: '暂时拿不到 access_token。', en: 'There is no access_token at the moment.' },
    next: {
      zh: '检查账号的 AppSecret、IP 白名单和网络；消息会自动继续。',
      en: 'Check the account’s AppSecret, its IP whitelist and the network; the message goes on by itself.',
    },
  },
}
