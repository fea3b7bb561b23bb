"""The links to pages of the console, made from the table in `resources/`."""

import pytest

from tests.domain.incident.best_link import best_link
from tests.storage.making import append
from trayalert.callbacks.kinds import read_callback
from trayalert.domain.callback import Callback
from trayalert.domain.incident.console_link import Site, is_allowed
from trayalert.domain.settings.settings import Settings
from trayalert.services.presentation.link_table import link_table
from trayalert.services.simulator.client import sample_body, sample_names
from trayalert.services.simulator.payloads import simulated_request


@pytest.mark.parametrize("site", list(Site))
@pytest.mark.parametrize("name", sorted(set(sample_names()) - {"console-test", "event-rule"}))
def test_every_sample_has_a_page_that_may_be_opened(site: Site, name: str) -> None:
    body = simulated_request(sample_body(name), now=None, recover=False).body
    (alert,) = read_callback(Callback(received_at=0, method="POST", body=body))

    link = best_link(alert, link_table(Settings(site=site)))

    assert link is not None
    assert is_allowed(link)
    own = alert.links.get("resource")  # a page that the sender names takes precedence over the table
    assert link == own if own else ("aliyun.com" if site is Site.CHINA else "alibabacloud.com") in link


def test_the_default_region_of_the_settings_stands_in() -> None:
    (alert,) = append("i-1").alerts

    assert "cn-shenzhen" in str(best_link(alert, link_table(Settings(default_region="cn-shenzhen"))))


def test_the_callbacks_own_region_comes_first() -> None:
    (alert,) = append("i-1", regionId="cn-beijing").alerts

    link = str(best_link(alert, link_table(Settings(default_region="cn-shenzhen"))))
    assert "cn-beijing" in link
    assert "cn-shenzhen" not in link
