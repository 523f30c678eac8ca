/** Useful addresses for whoever opens the gateway in a browser. */
export const welcomePage = (version: string): string => `<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>鸿雁 Hongyan</title>
<style>
  :root { color-scheme: light dark }
  body { font: 16px/1.6 system-ui, sans-serif; max-width: 44rem; margin: 12vh auto 4rem; padding: 0 1.5rem }
  h1 { font-size: 1.75rem; margin: 0 } h1 small { font-weight: 400; font-size: 1rem; opacity: .6 }
  p { margin: .5rem 0 2rem; opacity: .8 }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: .5rem 1.5rem; margin: 0 }
  dt a { font-family: ui-monospace, monospace } dd { margin: 0; opacity: .8 }
  @media (max-width: 36rem) { dl { grid-template-columns: 1fr } dd { margin-bottom: .75rem } }
</style>
<h1>鸿雁 Hongyan <small>${version}</small></h1>
<p>送达微信模板消息与订阅消息，并说清每一条的结果。<br>Delivers WeChat messages, and says what became of each.</p>
<dl>
  <dt><a href="/docs">/docs</a></dt><dd>接口文档 · the API, to read and to try</dd>
  <dt><a href="/openapi.json">/openapi.json</a></dt><dd>OpenAPI 3.1</dd>
  <dt><a href="/livez">/livez</a></dt><dd>进程存活 · the process is alive</dd>
  <dt><a href="/readyz">/readyz</a></dt><dd>可以接收消息 · messages can be accepted</dd>
  <dt>POST /v1/messages</dt><dd>发送消息 · send a message</dd>
  <dt>GET /v1/messages/{id}</dt><dd>查询结果与原因 · what became of it, and why</dd>
</dl>
</html>
`

/** The viewer of the OpenAPI document. */
export const docsPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hongyan API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
`

export const docsScript = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', deepLinking: true })
`
