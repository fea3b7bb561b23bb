"""The assistant's fourth page: the callback URL, and where to enter it in the console.

The steps say only what Alibaba's own documentation says. Each name is given as in the English console. The name in the
Chinese console follows in brackets.
"""

from functools import partial
from typing import Final

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QTabWidget, QVBoxLayout, QWidget

from trayalert.domain.phrase import N_, Phrase
from trayalert.ui.backend import ProgramQueries, SetupActions
from trayalert.ui.setup.page import AssistantPage, SetupChoice
from trayalert.ui.widgets.safe_text import SafeField, SafeLabel, copy_text, show_trusted_caption

_CONSOLE_DIFFERS: Final = N_("The console changes now and then: its words and places may differ a little from these.")
_THRESHOLD_STEPS: Final = (
    N_("Open the Cloud Monitor console (云监控), and there Alerts > Alert Rules (报警服务 > 报警规则)."),
    N_("Create a rule, or choose Modify (修改) in the row of one that is there."),
    N_("Put the callback URL into Alert Callback (报警回调); it may be hidden under Advanced Settings (高级设置)."),
    N_("Click Test (测试) beside it: status 200 is right, and the next page here turns green."),
    N_(
        "Confirm. Each rule has its own callback URL, so each has to be given it; an alert template can give it"
        " to many."
    ),
)
_EVENT_STEPS: Final = (
    N_("Open Event Center > Event Subscription (事件中心 > 事件订阅), and there the tab Push Channel (推送渠道)."),
    N_(
        "Create Push Channel (新建推送渠道): target type Webhook, method POST, data format JSON, address the callback"
        " URL."
    ),
    N_("On the tab Subscription Policy (订阅策略) create a policy for the events that you want, with that channel."),
    N_(
        "Old event rules (under Event Center > System Event) hold the callback URL themselves: URL Callback,"
        " method POST."
    ),
)
_CMS2_STEPS: Final = (
    N_("Open Alert Center > Notification Management > Notification Objects (告警中心 > 通知管理 > 通知对象)."),
    N_("Create a custom webhook (自定义 Webhook) with the callback URL: method POST, format JSON."),
    N_("Choose that object in the notification policy or rule (通知策略) that is to tell you."),
    N_("If it offers a test, use it: the next page here turns green."),
)
_TABS: Final = {
    N_("&Threshold rules"): _THRESHOLD_STEPS,
    N_("&Event rules"): _EVENT_STEPS,
    N_("Cloud Monitor &2.0"): _CMS2_STEPS,
}


class ConsolePage(AssistantPage):
    """Shows the callback URL with a copy button, and the steps in the console for each type of rule."""

    name = "console"
    title = N_("Give the callback URL to the console")

    def __init__(self, setup: SetupActions, program: ProgramQueries, choice: SetupChoice) -> None:
        super().__init__(setup, program, choice)
        self._url = SafeField("", read_only=True)
        self.captions.bind(self._url.setAccessibleName, N_("Callback URL"))
        copy = QPushButton()
        self.captions.bind(partial(show_trusted_caption, copy), N_("&Copy"))
        self.captions.bind(copy.setAccessibleName, N_("Copy callback URL"))
        copy.clicked.connect(self._copy)
        row = QHBoxLayout()
        row.addWidget(self._url, 1)
        row.addWidget(copy)
        self.column.addLayout(row)
        self._note = self.add_paragraph()
        tabs = QTabWidget()
        self.captions.bind(tabs.setAccessibleName, N_("Steps in the console"))
        for words, steps in _TABS.items():
            place = tabs.addTab(self._steps_view(steps), "")
            self.captions.bind(partial(tabs.setTabText, place), words)
        self.column.addWidget(tabs)
        self.add_paragraph(_CONSOLE_DIFFERS)
        self.column.addStretch()

    def tick(self) -> None:
        """Show the current callback URL, which can change with the tunnel's address while the page is shown."""
        self._url.show_text(self.setup.callback_url())
        local = self.setup.public_url() is None
        self.show_phrase(
            self._note,
            Phrase(
                "⚠ This address is this computer's own: no public one is known yet, and the console cannot reach it."
            )
            if local
            else Phrase("It holds a secret: treat it like a password. Who knows it can send you alerts."),
        )

    def _copy(self) -> None:
        copy_text(self.setup.callback_url())
        self.show_phrase(self._note, Phrase("Copied. It holds a secret: treat it like a password."))

    def _steps_view(self, steps: tuple[str, ...]) -> QWidget:
        sheet = QWidget()
        column = QVBoxLayout(sheet)
        column.setSpacing(6)
        for number, words in enumerate(steps, 1):
            label = SafeLabel(wrapped=True, selectable=True)
            self.show_phrase(label, Phrase("{number}. {step}", number=number, step=Phrase(words)))
            column.addWidget(label)
        column.addStretch()
        return sheet
