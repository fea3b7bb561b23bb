"""What is to be clicked in the console, in words. Its rule: no more than Alibaba's own pages say, as it may differ.

English names first, the Chinese console's behind them.
"""

from typing import Final

DIFFERS: Final = "The console changes now and then: its words and places may differ a little from these."

THRESHOLD: Final = (
    "Open the Cloud Monitor console (云监控), and there Alerts > Alert Rules (报警服务 > 报警规则).",
    "Create a rule, or choose Modify (修改) in the row of one that is there.",
    "Put the callback URL into Alert Callback (报警回调); it may be hidden under Advanced Settings (高级设置).",
    "Click Test (测试) beside it: status 200 is right, and the next page here turns green.",
    "Confirm. Each rule has its own callback URL, so each has to be given it; an alert template can give it to many.",
)
EVENT: Final = (
    "Open Event Center > Event Subscription (事件中心 > 事件订阅), and there the tab Push Channel (推送渠道).",
    "Create Push Channel (新建推送渠道): target type Webhook, method POST, data format JSON, address the callback URL.",
    "On the tab Subscription Policy (订阅策略) create a policy for the events that you want, with that channel.",
    "Old event rules (under Event Center > System Event) hold the callback URL themselves: URL Callback, method POST.",
)
CMS2: Final = (
    "Open Alert Center > Notification Management > Notification Objects (告警中心 > 通知管理 > 通知对象).",
    "Create a custom webhook (自定义 Webhook) with the callback URL: method POST, format JSON.",
    "Choose that object in the notification policy or rule (通知策略) that is to tell you.",
    "If it offers a test, use it: the next page here turns green.",
)
TABS: Final = {"&Threshold rules": THRESHOLD, "&Event rules": EVENT, "Cloud Monitor &2.0": CMS2}
