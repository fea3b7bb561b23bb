"""The help pages: Markdown files in `resources/help/`, one for each topic and language.

Only the pages of the topics in TOPICS and the images in `resources/help/images/` can be read. A link in a page can
therefore not open any other file.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trayalert.resource_files import read_text, resource_path

TOPICS: Final = (
    "start",
    "connection",
    "incidents",
    "notifications",
    "settings",
    "troubleshooting",
    "scripting",
    "service",
    "proof",
)
"""The names of the pages, in the order in which they are listed."""

_IMAGE: Final = re.compile(r"\.\./images/([a-z0-9-]+\.svg)")
_IMAGE_MARKUP: Final = re.compile(r"!\[([^\]]*)\]\([^)]*\)")
_LINK: Final = re.compile(r"(?:([a-z]+)\.md)?(?:#([\w-]+))?")
_LINK_MARKUP: Final = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)]*)\)")
_CODE_BLOCK: Final = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class HelpPage:
    """A help page. `title` is the text of the page's first heading, and `text` is the whole page in Markdown."""

    name: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class HelpLink:
    """The target of a link in the help pages.

    If `topic` is empty, the target is on the same page as the link. If `slug` is empty, the target is the top of the
    page.
    """

    topic: str
    slug: str


def read_page(topic: str, language: str = "en") -> HelpPage:
    """Return the page for a topic. Raise KeyError if TOPICS does not contain the topic."""
    if topic not in TOPICS:
        raise KeyError(topic)
    text = read_text("help", language, f"{topic}.md")
    return HelpPage(name=topic, title=next(_headings(text)), text=text)


def read_pages(language: str = "en") -> tuple[HelpPage, ...]:
    """Return all pages in the order of TOPICS."""
    return tuple(read_page(topic, language) for topic in TOPICS)


def parse_link(target: str) -> HelpLink | None:
    """Return the help page and the heading to which a link leads, or None if the link leads to another place."""
    match = _LINK.fullmatch(target)
    if not target or match is None or match[1] not in {None, *TOPICS}:
        return None
    return HelpLink(match[1] or "", match[2] or "")


def find_image(name: str) -> Path | None:
    """Return the path of an image, or None if there is no such image. `name` has the form `../images/NAME.svg`."""
    match = _IMAGE.fullmatch(name)
    path = resource_path("help", "images", match[1]) if match else None
    return path if path is not None and path.is_file() else None


def make_slugs(headings: Iterable[str]) -> list[str]:
    """Return the slugs of a page's headings. A link names a heading by its slug.

    The slugs are formed in the same way as on GitHub. For example, the heading `` `public_url` and proxies `` has the
    slug `public_url-and-proxies`. If a page repeats a heading, a number is appended to the slug of each repetition.
    """
    counts: Counter[str] = Counter()
    slugs = []
    for heading in headings:
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        slugs.append(f"{slug}-{counts[slug]}" if counts[slug] else slug)
        counts[slug] += 1
    return slugs


def page_slugs(page: HelpPage) -> list[str]:
    """Return the slugs of all headings of a page."""
    return make_slugs(_headings(page.text))


def without_images(text: str) -> str:
    """Return a Markdown text with each image replaced by its alternative text."""
    return _change_prose(text, lambda prose: _IMAGE_MARKUP.sub(r"\1", prose))


def for_terminal(text: str) -> str:
    """Return a Markdown text without images and links, for a terminal.

    Each image is replaced by its alternative text, and each link by its label. If a link leads to another help page,
    the label is followed by the command that prints that page.
    """
    return _change_prose(without_images(text), lambda prose: _LINK_MARKUP.sub(_replace_link, prose))


def _replace_link(match: re.Match[str]) -> str:
    text, link = match[1], parse_link(match[2])
    return f"{text} (`trayalert help {link.topic}`)" if link and link.topic else text


def _headings(text: str) -> Iterator[str]:
    """Yield the text of each heading. The first heading is the page's title."""
    for prose in _CODE_BLOCK.split(text)[::2]:  # a line of code may begin with "# ", too
        for heading in _HEADING.findall(prose):
            yield re.sub("[`*]", "", heading)


def _change_prose(text: str, change: Callable[[str], str]) -> str:
    """Return a Markdown text with `change` applied to everything except the code blocks."""
    parts = _CODE_BLOCK.split(text)
    parts[::2] = map(change, parts[::2])
    return "".join(parts)
