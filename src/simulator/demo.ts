/** Two accounts to play with. Their secrets are no secrets; their templates look like real ones. */
import type { SimulatedAccount } from './account.ts'

/** 28 characters, as real ones have. */
const demoOpenids = (prefix: string): string[] =>
  [1, 2, 3, 4, 5].map((n) => `${prefix}${String(n).padStart(28 - prefix.length, '0')}`)

const demoOfficial: SimulatedAccount = {
  name: 'demo-official',
  appid: 'wx00000000000de301',
  secret: 'de300000000000000000000000000001',
  kind: 'official',
  templates: [
    {
      template_id: 'DemoOrderShipped_000000000000000000000000_1',
      alias: 'order-shipped',
      title: '订单发货通知',
      content:
        '订单编号:{{character_string1.DATA}}\n商品名称:{{thing2.DATA}}\n快递公司:{{thing3.DATA}}\n' +
        '快递单号:{{character_string4.DATA}}\n发货时间:{{time5.DATA}}\n',
      example: {
        character_string1: 'A20260501-1024',
        thing2: '武夷山大红袍 250g',
        thing3: '顺丰速运',
        character_string4: 'SF1234567890123',
        time5: '2026年5月1日 15:01',
      },
    },
    {
      template_id: 'DemoPaymentReceived_000000000000000000000_2',
      alias: 'payment-received',
      title: '付款成功通知',
      content:
        '订单编号:{{character_string1.DATA}}\n付款金额:{{amount2.DATA}}\n支付方式:{{phrase3.DATA}}\n' +
        '付款时间:{{time4.DATA}}\n',
      example: {
        character_string1: 'A20260501-1024',
        amount2: '¥128.50',
        phrase3: '微信支付',
        time4: '2026-05-01 12:00:00',
      },
    },
    {
      template_id: 'DemoAppointment_0000000000000000000000000_3',
      alias: 'appointment',
      title: '预约成功通知',
      content:
        '预约人:{{name1.DATA}}\n预约项目:{{thing2.DATA}}\n预约日期:{{date3.DATA}}\n' +
        '预约时间:{{time4.DATA}}\n联系电话:{{phone_number5.DATA}}\n',
      example: {
        name1: '张三',
        thing2: '口腔检查',
        date3: '2026年5月8日',
        time4: '09:30~10:00',
        phone_number5: '010-88886666',
      },
    },
  ],
  openids: demoOpenids('oDemoUser'),
}

const demoMiniprogram: SimulatedAccount = {
  name: 'demo-miniprogram',
  appid: 'wx00000000000de302',
  secret: 'de300000000000000000000000000002',
  kind: 'miniprogram',
  templates: [
    {
      template_id: 'DemoQueueTurn_000000000000000000000000000_4',
      alias: 'queue-turn',
      title: '排队到号提醒',
      content:
        '门店名称:{{thing1.DATA}}\n排队号码:{{character_string2.DATA}}\n前方桌数:{{number3.DATA}}\n温馨提示:{{thing4.DATA}}\n',
      example: {
        thing1: '鸿雁茶馆(西湖店)',
        character_string2: 'B032',
        number3: '2',
        thing4: '请提前到店等候',
      },
    },
    {
      template_id: 'DemoRefund_000000000000000000000000000000_5',
      alias: 'refund',
      title: '退款通知',
      content:
        '订单编号:{{character_string1.DATA}}\n退款金额:{{amount2.DATA}}\n退款状态:{{phrase3.DATA}}\n退款日期:{{date4.DATA}}\n',
      example: {
        character_string1: 'A20260501-1024',
        amount2: '¥36.00',
        phrase3: '已退款',
        date4: '2026-05-02',
      },
    },
  ],
  openids: demoOpenids('oDemoMini'),
}

export const demoAccounts: readonly SimulatedAccount[] = [demoOfficial, demoMiniprogram]
