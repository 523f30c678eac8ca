import type { Account } from './account.ts'

/** What a person sees who opens the simulator in a browser. */
export const homePage = (adminUrl: string, accounts: Iterable<Account>): string => `<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>WeChat simulator</title>
<style>body{font:16px/1.6 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}code{overflow-wrap:anywhere}</style>
<h1>WeChat simulator 微信模拟器</h1>
<p>This address answers like <code>api.weixin.qq.com</code>. Nothing leaves this machine.
<p>本地址模拟 <code>api.weixin.qq.com</code>，不会向真实用户发送任何消息。
<h2>What happened</h2>
<ul>
${['effects', 'calls', 'faults', 'accounts', 'clock'].map((name) => link(`${adminUrl}/_sim/${name}`)).join('\n')}
</ul>
<h2>Accounts</h2>
<ul>
${Array.from(accounts, ({ name, appid }) => `<li>${escaped(name)} <code>${escaped(appid)}</code></li>`).join('\n')}
</ul>
</html>
`

const link = (address: string): string => `<li><a href="${escaped(address)}">${escaped(address)}</a></li>`

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
