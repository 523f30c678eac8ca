// Asks the user of a mini program for permission to send, and reports what they allowed to your own backend.
// 小程序端：请求订阅授权，并把结果上报给你自己的后端。Copy this file into the mini program; it needs nothing else.
//
//   const { requestGrants } = require('./hongyan.js')
//   // In a tap handler: WeChat shows the popup only after a tap or a payment.
//   requestGrants({ report: 'https://shop.example.com/wechat/grants', templates: ['TEMPLATE_ID'] })
//     .then(({ accepted }) => console.log(accepted))
//
// The report goes to your backend and not to Hongyan: a mini program must hold no key. See forward.js.

/**
 * `report`: address of your backend. `templates`: at most five template ids of one type. `header`: what your backend
 * knows its user by, such as a session. Resolves with the ids that were accepted, also when reporting failed: the
 * reports that are missing only make the books say less than there is.
 */
function requestGrants(options) {
  return new Promise((resolve, reject) => {
    wx.requestSubscribeMessage({
      tmplIds: options.templates,
      success(answer) {
        const grants = options.templates
          .filter((id) => typeof answer[id] === 'string')
          .map((id) => ({ template_id: id, result: answer[id], report_id: newReportId() }))
        send(options, grants, 3, () =>
          resolve({
            accepted: grants
              .filter(({ result }) => result.startsWith('accept'))
              .map((grant) => grant.template_id),
          }),
        )
      },
      fail: reject,
    })
  })
}

/** The same report may arrive twice when an answer is lost: its report_id makes it count once. */
function send(options, grants, tries, done) {
  wx.request({
    url: options.report,
    method: 'POST',
    header: options.header || {},
    data: { grants },
    success: ({ statusCode }) => (statusCode >= 500 && tries > 1 ? again() : done()),
    fail: () => (tries > 1 ? again() : done()),
  })
  function again() {
    setTimeout(() => send(options, grants, tries - 1, done), 1000)
  }
}

function newReportId() {
  const random = () => Math.random().toString(36).slice(2, 12)
  return `${Date.now().toString(36)}-${random()}${random()}`
}

module.exports = { requestGrants }
