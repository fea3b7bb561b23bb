"""The help pages: each link and image leads somewhere, and nothing but the help's own files can be read."""

import re
from collections.abc import Iterator

import pytest

from trayalert.resource_files import resource_path
from trayalert.services.presentation.help_pages import (
    TOPICS,
    HelpLink,
    HelpPage,
    find_image,
    for_terminal,
    make_slugs,
    page_slugs,
    parse_link,
    read_page,
    read_pages,
    without_images,
)

PAGES = {page.name: page for page in read_pages()}
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)]*)\)")
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)]*)\)")
FOREIGN = re.compile(r"^ *\[[^\]]+\]:|<[a-zA-Z/!][^>]*>|\b(?:https?://|www\.)", re.MULTILINE)
"""What Markdown offers besides inline links and images: references, HTML, and addresses that become links."""


def mistakes(page: HelpPage) -> Iterator[str]:
    """Yield each place that a page refers to and that does not exist, and each text that a page must not hold."""
    prose = CODE.sub("code", page.text)
    for alternative, name in IMAGE.findall(page.text):
        if not alternative or find_image(name) is None:
            yield f"image {name}"
    for target in LINK.findall(page.text):
        link = parse_link(target)
        if link is None or (link.slug and link.slug not in page_slugs(PAGES[link.topic or page.name])):
            yield f"link {target}"
    for foreign in FOREIGN.findall(prose):
        yield f"not ours: {foreign}"


@pytest.mark.parametrize("topic", TOPICS)
def test_each_link_and_image_of_a_page_is_there(topic: str) -> None:
    assert list(mistakes(PAGES[topic])) == []


@pytest.mark.parametrize(
    "text",
    [
        "[a](nowhere.md)", "[a](settings.md#no-such-heading)", "[a](#no-such-heading)", "[a](https://example.com)",
        "[a](file:///etc/passwd)", "[a](../en/settings.md)", "[a](settings)", "[a]()", "![a](../images/none.svg)",
        "![](../images/critical.svg)", "![a](critical.svg)", "![a](https://example.com/a.svg)", "[a]: https://x.test",
        "<img src='x'>", "see https://x.test",
    ],
)  # fmt: skip
def test_the_check_finds_each_wrong_reference(text: str) -> None:
    assert list(mistakes(HelpPage("start", "A", f"# A\n\n{text}\n")))


def test_every_page_begins_with_its_title_and_each_file_is_a_topic() -> None:
    assert [page.name for page in PAGES.values()] == list(TOPICS)
    for page in PAGES.values():
        assert page.text.startswith("# "), page.name
        assert page.title == page.text.partition("\n")[0].removeprefix("# ").replace("`", "")
    files = {path.stem for path in resource_path("help", "en").iterdir()}
    assert files == set(TOPICS)


def test_each_image_is_used_or_is_of_the_tray() -> None:
    names = {path.name for path in resource_path("help", "images").iterdir()}
    assert names
    assert all(find_image(f"../images/{name}") for name in names)


@pytest.mark.parametrize("topic", ["", "x", "../en/start", "start.md", "Start", "/etc/passwd"])
def test_only_topics_can_be_read(topic: str) -> None:
    with pytest.raises(KeyError):
        read_page(topic)


@pytest.mark.parametrize(
    "name",
    [
        "critical.svg",
        "/etc/passwd",
        "../images/../../samples/x.svg",
        "../images/none.svg",
        "file:///x.svg",
        "../images/",
    ],
)
def test_only_images_of_the_help_are_found(name: str) -> None:
    assert find_image("../images/critical.svg") == resource_path("help", "images", "critical.svg")
    assert find_image(name) is None


@pytest.mark.parametrize(
    ("target", "link"),
    [
        ("settings.md", HelpLink("settings", "")),
        ("settings.md#public_url", HelpLink("settings", "public_url")),
        ("#磁盘", HelpLink("", "磁盘")),
        ("", None),
        ("nowhere.md", None),
        ("settings", None),
        ("https://example.com/settings.md", None),
        ("file:settings.md", None),
        ("settings.md?x=1", None),
        ("settings.md#a#b", None),
    ],
)
def test_a_link_leads_into_the_help_or_nowhere(target: str, link: HelpLink | None) -> None:
    assert parse_link(target) == link


def test_slugs_are_those_of_github() -> None:
    headings = ["`public_url` and proxies", "What's new?", "A – B", "Gaps", "Gaps", "磁盘 100%", "[tunnel]"]
    assert make_slugs(headings) == [
        "public_url-and-proxies",
        "whats-new",
        "a--b",
        "gaps",
        "gaps-1",
        "磁盘-100",
        "tunnel",
    ]


def test_a_line_of_code_is_no_heading_and_stays_as_it_is() -> None:
    text = "# A `b`\n\n```sh\n# no heading\necho ![x](y) [z](start.md)\n```\n\n## C\n"
    page = HelpPage("start", "A b", text)
    assert page_slugs(page) == ["a-b", "c"]
    assert for_terminal(text) == text


def test_for_a_terminal_images_become_text_and_links_become_commands() -> None:
    text = "# A\n\n![A red octagon](../images/critical.svg) fires: [the\nsettings](settings.md#a) and [below](#b).\n"
    assert without_images(text).count("A red octagon fires") == 1
    assert for_terminal(text) == "# A\n\nA red octagon fires: the\nsettings (`trayalert help settings`) and below.\n"
